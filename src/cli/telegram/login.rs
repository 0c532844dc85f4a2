//! `herald telegram login`: asks for the number, the code and the password that Telegram wants.

use std::io::{IsTerminal, Write};

use anyhow::{Context, anyhow};
use secrecy::SecretString;

use super::{Result, line, shown};
use crate::app::{App, cause};
use domain::error::Error;
use service::Actor;
use service::broadcast::telegram_account::{Budget, Login, SignedIn, Step};

/// How often a code or a password may be mistyped. Telegram itself refuses more soon.
const TRIES: usize = 3;

/// Signs in, and stores the account.
pub(super) async fn run(app: &App, label: String, budget: Budget) -> Result<()> {
    let on = app.services();
    let phone = ask("Telephone number, with its country's code: ")?;
    let (login, sent) = Login::begin(on, &phone, &label, budget).await.map_err(cause)?;
    let length = sent.length.map(|length| format!(" of {length} digits")).unwrap_or_default();
    eprintln!("Telegram has sent a code{length} {}.", plain(&sent.way));
    let step = again(async || login.code(&ask("Code: ")?).await.map_err(Refusal::from)).await?;
    let who: SignedIn = match step {
        Step::Store(who) => who,
        Step::Password(hint) => {
            let hint = hint.map(|hint| format!("its hint: {}; ", plain(&hint))).unwrap_or_default();
            let question = format!("Two-step password ({hint}it is not shown): ");
            again(async || login.password(ask_secret(&question)?).await.map_err(Refusal::from)).await?
        }
    };
    let account = login.store(on, &Actor::system(), who).await.map_err(cause)?;
    println!("{} is signed in: {}", account.label, shown(&account));
    Ok(())
}

/// Why an answer was not taken.
enum Refusal {
    /// Another one may be given.
    Again(String),
    End(anyhow::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => {
                Self::Again(violations.iter().map(|wrong| wrong.message.as_str()).collect::<Vec<_>>().join("; "))
            }
            error => Self::End(cause(error)),
        }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::End(error)
    }
}

/// Asks until the answer is taken, [`TRIES`] times at most.
async fn again<T>(mut answer: impl AsyncFnMut() -> Result<T, Refusal>) -> Result<T> {
    for left in (0..TRIES).rev() {
        match answer().await {
            Ok(taken) => return Ok(taken),
            Err(Refusal::Again(why)) if left > 0 => eprintln!("{why}."),
            Err(Refusal::Again(why)) => return Err(anyhow!("{why}, {TRIES} times; nothing was stored").into()),
            Err(Refusal::End(error)) => return Err(error.into()),
        }
    }
    unreachable!("the last answer is taken or ends it")
}

fn ask(question: &str) -> anyhow::Result<String> {
    eprint!("{question}");
    std::io::stderr().flush()?;
    let answer = line()?;
    anyhow::ensure!(!answer.is_empty(), "nothing was typed; nothing was stored");
    Ok(answer)
}

/// A terminal does not show what is typed.
fn ask_secret(question: &str) -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password(question).context("the terminal can't be read")?.into());
    }
    Ok(ask(question)?.into())
}

/// Text by strangers without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}
