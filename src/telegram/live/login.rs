//! Signing a telephone number in: a code goes to it, and some accounts ask for a password as the second step.

use std::fmt;
use std::sync::Arc;

use grammers_client::tl::{enums, functions, types};
use secrecy::{ExposeSecret, SecretString};

use super::connection::Connection;
use super::{Credentials, Identity, calls, exchange, password};
use domain::delivery::Fault;

/// The data centre that is asked first; it names the one where the number is at home.
const FIRST_DC: u8 = 2;
/// Data centres that are asked, the first one included.
const HOPS: usize = 3;

/// The application that signs somebody in.
#[derive(Clone)]
pub struct Applicant {
    /// From my.telegram.org.
    pub api_id: i32,
    /// From my.telegram.org.
    pub api_hash: SecretString,
    /// Where MTProto is spoken instead of Telegram's data centres, as `host:port`.
    pub server: Option<Arc<str>>,
    /// The key that is shared with such a server: it can't agree upon one, for that is Telegram's secret.
    pub key: Option<Arc<[u8; 256]>>,
}

/// A sign-in that has begun. It has a connection, which ends with [`finish`](Self::finish) or when this is dropped.
pub struct Login {
    connection: Connection,
    credentials: Credentials,
    phone: String,
    code_hash: String,
    is_email: bool,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// Where a code went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCode {
    /// Such as `by SMS`.
    pub way: String,
    /// How many characters it has, if Telegram tells.
    pub length: Option<i32>,
}

/// The next step of a login.
#[derive(Debug)]
pub enum Step {
    /// Nothing: somebody is signed in.
    Done(Identity),
    /// The password of the second step.
    Password {
        /// The hint that the owner wrote to remember the password by.
        hint: Option<String>,
    },
}

impl Login {
    /// Agrees upon a key, and has a code sent to a number.
    ///
    /// # Errors
    /// `PHONE_NUMBER_INVALID` and the like, or nobody answers. Nothing is left open then.
    pub async fn begin(by: &Applicant, phone: &str) -> Result<(Self, SentCode), Fault> {
        let mut dc = FIRST_DC;
        for _ in 0..HOPS {
            let key = match &by.key {
                Some(key) => key.clone(),
                None => exchange::new_key(dc, by.server.clone()).await?,
            };
            let credentials = Credentials { dc, key, api_id: by.api_id, server: by.server.clone() };
            let connection = Connection::open_for_nobody(credentials.clone());
            match send_code(&connection, by, phone).await {
                Ok((code_hash, is_email, sent)) => {
                    return Ok((Self { connection, credentials, phone: phone.to_owned(), code_hash, is_email }, sent));
                }
                Err(fault) => {
                    connection.close().await;
                    dc = home(&fault).ok_or(fault)?;
                }
            }
        }
        Err(Fault::rpc(303, "PHONE_MIGRATE"))
    }

    /// Tells the code.
    ///
    /// # Errors
    /// `PHONE_CODE_INVALID`: another one may be told. `PHONE_CODE_EXPIRED` and others are the end.
    pub async fn code(&self, code: &str) -> Result<Step, Fault> {
        let phone_code = (!self.is_email).then(|| code.to_owned());
        let email_verification = self.is_email.then(|| types::EmailVerificationCode { code: code.to_owned() }.into());
        let request = functions::auth::SignIn {
            phone_number: self.phone.clone(),
            phone_code_hash: self.code_hash.clone(),
            phone_code,
            email_verification,
        };
        match self.connection.call_again(&request).await {
            Ok(authorization) => signed_in(authorization).map(Step::Done),
            Err(Fault::Rpc { name, .. }) if name == "SESSION_PASSWORD_NEEDED" => {
                let enums::account::Password::Password(asked) = self.asked_for().await?;
                Ok(Step::Password { hint: asked.hint })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Tells the password, or rather proves that it is known (SRP).
    ///
    /// # Errors
    /// `PASSWORD_HASH_INVALID`: another one may be told.
    pub async fn password(&self, password: SecretString) -> Result<Identity, Fault> {
        // What is asked for is good for one proof.
        let enums::account::Password::Password(asked) = self.asked_for().await?;
        let proof = tokio::task::spawn_blocking(move || password::proof(&asked, password.expose_secret().as_bytes()));
        let proof = proof.await.map_err(|_| Fault::ConnectionLost)??;
        self.connection.up().await?;
        signed_in(self.connection.call(&functions::auth::CheckPassword { password: proof }).await?)
    }

    /// Hangs up; the key is for whoever keeps it.
    pub async fn finish(self) -> Credentials {
        self.connection.close().await;
        self.credentials
    }

    async fn asked_for(&self) -> Result<enums::account::Password, Fault> {
        self.connection.call_again(&functions::account::GetPassword {}).await
    }
}

/// Signs out again: nobody keeps the key.
///
/// # Errors
/// It may still be signed in.
pub async fn sign_out(credentials: Credentials) -> Result<(), Fault> {
    let connection = Connection::open_for_nobody(credentials);
    let out = match connection.up().await {
        Ok(()) => connection.call(&functions::auth::LogOut {}).await.map(drop),
        Err(fault) => Err(fault),
    };
    connection.close().await;
    out
}

async fn send_code(connection: &Connection, by: &Applicant, phone: &str) -> Result<(String, bool, SentCode), Fault> {
    let settings = types::CodeSettings {
        allow_flashcall: false,
        current_number: false,
        allow_app_hash: false,
        allow_missed_call: false,
        allow_firebase: false,
        unknown_number: false,
        logout_tokens: None,
        token: None,
        app_sandbox: None,
    };
    let request = functions::auth::SendCode {
        phone_number: phone.to_owned(),
        api_id: by.api_id,
        api_hash: by.api_hash.expose_secret().to_owned(),
        settings: settings.into(),
    };
    connection.up().await?;
    match connection.call(&request).await? {
        enums::auth::SentCode::Code(sent) => {
            let is_email = matches!(sent.r#type, enums::auth::SentCodeType::EmailCode(_));
            Ok((sent.phone_code_hash, is_email, way(sent.r#type)?))
        }
        enums::auth::SentCode::PaymentRequired(_) => Err(Fault::rpc(406, "PAYMENT_REQUIRED")),
        enums::auth::SentCode::Success(_) => Err(Fault::rpc(500, "AUTH_RESTART")),
    }
}

/// The data centre where a number is at home, if that is what was answered.
fn home(fault: &Fault) -> Option<u8> {
    match fault {
        Fault::Rpc { code: 303, value: Some(dc), .. } => u8::try_from(*dc).ok(),
        _ => None,
    }
}

fn signed_in(authorization: enums::auth::Authorization) -> Result<Identity, Fault> {
    match authorization {
        enums::auth::Authorization::Authorization(who) => calls::myself(vec![who.user]),
        enums::auth::Authorization::SignUpRequired(_) => Err(Fault::rpc(400, "PHONE_NUMBER_UNOCCUPIED")),
    }
}

fn way(sent: enums::auth::SentCodeType) -> Result<SentCode, Fault> {
    use enums::auth::SentCodeType as T;
    let (way, length) = match sent {
        T::App(by) => ("to Telegram, where the number is signed in already".into(), Some(by.length)),
        T::Sms(by) => ("by SMS".into(), Some(by.length)),
        T::FirebaseSms(by) => ("by SMS".into(), Some(by.length)),
        T::SmsWord(_) => ("by SMS, as a word".into(), None),
        T::SmsPhrase(_) => ("by SMS, as some words".into(), None),
        T::Call(by) => ("by a call, which says it".into(), Some(by.length)),
        T::FlashCall(_) => ("by a call: it is the number that calls".into(), None),
        T::MissedCall(by) => ("by a call: it is the end of the number that calls".into(), Some(by.length)),
        T::EmailCode(by) => (format!("to {}", by.email_pattern), Some(by.length)),
        T::FragmentSms(by) => (format!("to {}", by.url), Some(by.length)),
        T::SetUpEmailRequired(_) => return Err(Fault::rpc(400, "EMAIL_SETUP_REQUIRED")),
    };
    Ok(SentCode { way, length })
}
