//! Asking Telegram whose session it is, and saying in a sentence why it does not tell.

use std::sync::Arc;

use super::Access;
use crate::Services;
use domain::delivery::Fault;
use domain::error::{Error, Result};
use telegram::live::{BOT_SESSION, Connection, Credentials, Identity};

/// Connects, asks who is signed in, and hangs up. The caller has claimed the session.
///
/// # Errors
/// A violation of `sessionString` or `apiId`, or [`Error::Precondition`] if Telegram can't be reached.
pub(super) async fn greet(on: &Services, access: &Access) -> Result<Arc<Identity>> {
    let credentials = Credentials {
        dc: access.session.dc,
        key: Arc::new(*access.session.key),
        api_id: access.api_id,
        server: on.rules.telegram.server.clone(),
    };
    match Connection::connect(credentials).await {
        Ok((connection, identity)) => {
            // The claim ends only when nothing is connected any more.
            connection.close().await;
            Ok(identity)
        }
        Err(fault) => Err(refusal(&fault)),
    }
}

/// The error that says what to do about a fault.
pub(super) fn refusal(fault: &Fault) -> Error {
    let (field, why) = match fault {
        Fault::Rpc { name, .. } => match name.as_str() {
            "AUTH_KEY_UNREGISTERED" | "SESSION_REVOKED" | "SESSION_EXPIRED" | "AUTH_KEY_INVALID" => {
                ("sessionString", "Telegram does not know this session any more: it was signed out; make a new one")
            }
            "AUTH_KEY_DUPLICATED" => (
                "sessionString",
                "another program uses this session, and Telegram has ended it for that; make one for Herald alone",
            ),
            "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN" | "PHONE_NUMBER_BANNED" => {
                ("sessionString", "Telegram has closed this account")
            }
            BOT_SESSION => (
                "sessionString",
                "this is the session of a bot; only accounts of people can send: sign a telephone number in instead",
            ),
            "API_ID_INVALID" | "CONNECTION_API_ID_INVALID" | "API_ID_PUBLISHED_FLOOD" => {
                ("apiId", "Telegram does not accept this apiId")
            }
            _ => return unreachable_now(fault),
        },
        _ => return unreachable_now(fault),
    };
    Error::invalid(field, why)
}

fn unreachable_now(fault: &Fault) -> Error {
    let why = format!("Telegram did not say whose session it is ({fault}); nothing was changed, so try again");
    Error::Precondition(why)
}

/// How an account is shown, and the last digits of its telephone number.
pub(super) struct Shown {
    pub name: Option<String>,
    pub username: Option<String>,
    pub phone_end: Option<String>,
}

impl From<&Identity> for Shown {
    fn from(identity: &Identity) -> Self {
        // Names are written by whoever owns the account: neither database takes a NUL, and nobody needs a novel.
        let clean = |text: &str| -> Option<String> {
            let text: String = text.chars().filter(|letter| !letter.is_control()).take(200).collect();
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        };
        let phone_end = identity.phone.as_deref().map(|phone| phone.chars().rev().take(4).collect::<Vec<_>>());
        Self {
            name: clean(&identity.first_name),
            username: identity.username.as_deref().and_then(clean),
            phone_end: phone_end.map(|digits| digits.into_iter().rev().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do() {
        let told = |code, name: &str| match refusal(&Fault::Rpc { code, name: name.into(), value: None }) {
            Error::Invalid(violations) => format!("{}: {}", violations[0].path[1], violations[0].message),
            error => error.to_string(),
        };
        assert!(told(401, "AUTH_KEY_UNREGISTERED").starts_with("sessionString: Telegram does not know"));
        assert!(told(406, "AUTH_KEY_DUPLICATED").contains("another program"));
        assert!(told(401, BOT_SESSION).starts_with("sessionString: this is the session of a bot"));
        assert!(told(400, "API_ID_INVALID").starts_with("apiId: "));
        assert!(told(500, "INTERDC_2_CALL_ERROR").contains("nothing was changed"));
        assert!(refusal(&Fault::TimedOut).to_string().contains("TIMED_OUT"));
    }

    #[test]
    fn only_the_last_digits_of_a_number_are_kept() {
        let identity = |phone: &str| Identity {
            user_id: 1,
            first_name: " A\0nna ".into(),
            username: None,
            phone: Some(phone.into()),
        };
        let shown = Shown::from(&identity("4915112345678"));
        assert_eq!((shown.name.as_deref(), shown.phone_end.as_deref()), (Some("Anna"), Some("5678")));
        assert_eq!(Shown::from(&identity("12")).phone_end.as_deref(), Some("12"));
    }
}
