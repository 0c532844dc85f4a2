//! An account comes in by its telephone number: it is signed in first, and then added like any other.
//!
//! R17: until it is added, its key is known to nobody but Telegram and this process; the connection that signs in is closed
//! before the account is claimed.

use std::sync::Arc;

use secrecy::SecretString;

use super::greet::refusal;
use super::{Access, Budget, add, label, require_live, rotate};
use crate::{Actor, Services};
use domain::delivery::Fault;
use domain::error::{Error, Result, Violations};
use domain::session_string::{Format, SessionString};
use storage::broadcast::telegram_account::{Entity, Model};
use telegram::live::{self, Applicant, Credentials, Identity, SentCode};

/// The next step of a login.
#[derive(Debug)]
pub enum Step {
    /// [`Login::store`]: it is signed in.
    Store(SignedIn),
    /// [`Login::password`], with the hint that its owner gave himself.
    Password(Option<String>),
}

/// The account that was signed in.
#[derive(Debug)]
pub struct SignedIn(Identity);

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Login {
    live: live::Login,
    label: String,
    budget: Budget,
    api_hash: SecretString,
}

impl Login {
    /// Has Telegram send a code to a number.
    ///
    /// # Errors
    /// Of what was given, before anybody is connected; or why Telegram sends none.
    pub async fn begin(on: &Services, phone: &str, label: &str, budget: Budget) -> Result<(Self, SentCode)> {
        require_live(on)?;
        let mut wrong = Violations::default();
        let label = self::label(&mut wrong, label);
        budget.check(&mut wrong);
        let phone = digits(phone);
        wrong.require(
            phone.is_some(),
            "phone",
            "must be a telephone number with its country's code, such as +49 151 23456789",
        );
        wrong.into_result()?;
        let by = applicant(on)?;
        let begun = live::Login::begin(&by, &phone.unwrap_or_default()).await;
        let (live, sent) = begun.map_err(|fault| refused(&fault))?;
        Ok((Self { live, label, budget, api_hash: by.api_hash }, sent))
    }

    /// Tells the code.
    ///
    /// # Errors
    /// [`Error::Invalid`]: it is another one. Anything else is the end.
    pub async fn code(&self, code: &str) -> Result<Step> {
        match self.live.code(code.trim()).await.map_err(|fault| refused(&fault))? {
            live::Step::Done(identity) => Ok(Step::Store(SignedIn(identity))),
            live::Step::Password { hint } => Ok(Step::Password(hint)),
        }
    }

    /// Tells the password of the second step.
    ///
    /// # Errors
    /// [`Error::Invalid`]: it is another one. Anything else is the end.
    pub async fn password(&self, password: SecretString) -> Result<SignedIn> {
        self.live.password(password).await.map(SignedIn).map_err(|fault| refused(&fault))
    }

    /// Stores the account; one that is there already is given the new session. If it can't be stored it is signed out again.
    ///
    /// # Errors
    /// As of [`add`](super::add()).
    pub async fn store(self, on: &Services, actor: &Actor, who: SignedIn) -> Result<Model> {
        let Self { live, label, budget, api_hash } = self;
        let credentials = live.finish().await;
        let Credentials { dc, key, api_id, .. } = &credentials;
        let session = SessionString { dc: *dc, key: Box::new(**key), format: Format::Herald };
        let access = Access { session, api_id: *api_id, api_hash: Some(api_hash) };
        let stored = match Entity::of_user(who.0.user_id).one(on.db.reader()).await? {
            Some(known) => rotate::renew(on, actor, known, access).await,
            None => add::enter(on, actor, access, label, budget).await,
        };
        if stored.is_err()
            && let Err(fault) = live::sign_out(credentials).await
        {
            tracing::warn!(%fault, "a session that nobody keeps may still be among the account's devices");
        }
        stored
    }
}

/// Only the digits of a number; None if it can't be one.
fn digits(phone: &str) -> Option<String> {
    let is_noise = |letter: &char| letter.is_whitespace() || matches!(letter, '-' | '(' | ')' | '.' | '/' | '+');
    let digits: String = phone.chars().filter(|letter| !is_noise(letter)).collect();
    ((5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn applicant(on: &Services) -> Result<Applicant> {
    let application = &on.rules.telegram;
    let (Some(api_id), Some(api_hash)) = (application.api_id, application.api_hash.clone()) else {
        let why = "signing in needs your application's number and hash, from my.telegram.org: set HERALD_TELEGRAM_API_ID and \
                   HERALD_TELEGRAM_API_HASH";
        return Err(Error::Precondition(why.into()));
    };
    Ok(Applicant {
        api_id,
        api_hash,
        server: application.server.clone(),
        key: application.server_key.as_ref().map(Arc::clone),
    })
}

/// Why it does not go on, and whether something else may be typed.
fn refused(fault: &Fault) -> Error {
    let Fault::Rpc { name, value, .. } = fault else { return unanswered(fault) };
    let why = match name.as_str() {
        "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" | "EMAIL_CODE_INVALID" | "CODE_INVALID" => {
            return Error::invalid("code", "it is not the code that Telegram has sent");
        }
        "PASSWORD_HASH_INVALID" | "SRP_ID_INVALID" | "SRP_PASSWORD_CHANGED" => {
            return Error::invalid("password", "it is not the account's two-step password");
        }
        "PHONE_CODE_EXPIRED" | "EMAIL_VERIFY_EXPIRED" => "the code has expired: begin again for a new one",
        "AUTH_RESTART" => "Telegram wants the sign-in to begin again",
        "PHONE_NUMBER_INVALID" => "Telegram knows no such telephone number: give it with its country's code",
        "PHONE_NUMBER_BANNED" => "Telegram has banned this number",
        "PHONE_NUMBER_UNOCCUPIED" | "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN" => {
            "no account has this number: make one with Telegram's own app, and use it a while before it sends anything"
        }
        "PHONE_NUMBER_FLOOD" | "PHONE_PASSWORD_FLOOD" => {
            "there were too many attempts with this number: try again tomorrow"
        }
        "PHONE_PASSWORD_PROTECTED" => "the account's settings forbid to sign it in by a code",
        "PAYMENT_REQUIRED" | "EMAIL_SETUP_REQUIRED" => {
            "Telegram wants more than a code from this number: sign in once with its own app first"
        }
        "SRP_PARAMETERS_INVALID" | "SRP_ALGORITHM_UNKNOWN" => {
            "the two-step password was not asked for as Telegram does it, so it was not told: this may not be Telegram"
        }
        "FLOOD_WAIT" => {
            let seconds = value.unwrap_or_default();
            return Error::Precondition(format!("Telegram wants no attempt for {seconds} seconds: try again then"));
        }
        "PHONE_MIGRATE" => "Telegram sends this number from one data centre to the next",
        "API_ID_INVALID" | "CONNECTION_API_ID_INVALID" | "API_ID_PUBLISHED_FLOOD" => return refusal(fault),
        _ => return unanswered(fault),
    };
    Error::Precondition(why.into())
}

fn unanswered(fault: &Fault) -> Error {
    Error::Precondition(format!("Telegram did not sign the account in ({fault}); nothing was stored, so try again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        assert_eq!(digits("+49 (151) 234-567/89").as_deref(), Some("4915123456789"));
        for wrong in ["", "12", "+49 CALL ME", "123456789012345678901", "٤٩١٥١٢٣٤٥"] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_what_was_mistyped_may_be_typed_again() {
        let is_again = |name: &str| matches!(refused(&Fault::rpc(400, name)), Error::Invalid(_));
        assert!(is_again("PHONE_CODE_INVALID") && is_again("PASSWORD_HASH_INVALID"));
        for name in
            ["PHONE_CODE_EXPIRED", "PHONE_NUMBER_BANNED", "PHONE_NUMBER_UNOCCUPIED", "FLOOD_WAIT_7", "NEW_ERROR"]
        {
            assert!(!is_again(name), "{name}");
        }
        assert!(refused(&Fault::rpc(420, "FLOOD_WAIT_7")).to_string().contains("7 seconds"));
        assert!(refused(&Fault::rpc(400, "NEW_ERROR")).to_string().contains("NEW_ERROR"));
    }
}
