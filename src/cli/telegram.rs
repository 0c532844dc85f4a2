//! `herald telegram`: the accounts that send, without the API.

mod login;

use std::io::{BufRead, IsTerminal};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::{Failure, Result, block_on, configured, installed};
use crate::app::{App, cause};
use crate::config::{Config, Settings};
use service::Actor;
use service::broadcast::telegram_account::{self, Budget, Finding, New};
use storage::broadcast::telegram_account::Model;
use worker::identity;

/// Add, examine and list the Telegram accounts that send
#[derive(Args)]
pub struct Telegram {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Store an account by its session string, which is read from the standard input
    Add {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        settings: Settings,
    },
    /// Sign an account in by its telephone number and the code that goes there, and store it
    Login {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        settings: Settings,
    },
    /// List the accounts, with their states and limits
    List(Settings),
    /// Connect each account that no process holds, and say what is wrong with it; nothing is sent
    Check(Settings),
}

/// The account that is to be stored.
#[derive(Args)]
struct Account {
    /// What people call it
    label: String,
    /// Messages a minute at most, over all campaigns
    #[arg(long, value_name = "N", default_value_t = Budget::CAREFUL.messages_per_minute)]
    messages_per_minute: i32,
    /// Channels a day at most that it has not written to before
    #[arg(long, value_name = "N", default_value_t = Budget::CAREFUL.new_peers_per_day)]
    new_peers_per_day: i32,
    /// Usernames a day at most that it looks up
    #[arg(long, value_name = "N", default_value_t = Budget::CAREFUL.resolves_per_day)]
    resolves_per_day: i32,
}

impl Account {
    fn with(self, session: SecretString) -> New {
        let budget = self.budget();
        New { label: self.label, session, api_id: None, api_hash: None, budget }
    }

    const fn budget(&self) -> Budget {
        let Self { messages_per_minute, new_peers_per_day, resolves_per_day, label: _ } = *self;
        Budget { messages_per_minute, new_peers_per_day, resolves_per_day }
    }
}

impl Telegram {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Add { account, settings } => {
                let config = sealing(configured(settings)?)?;
                let new = account.with(session()?);
                with(config, async |app| {
                    let added = telegram_account::add(app.services(), &Actor::system(), new).await.map_err(cause)?;
                    println!("{} was added: {}", added.label, shown(&added));
                    Ok(())
                })
            }
            What::Login { account, settings } => {
                let config = sealing(configured(settings)?)?;
                with(config, async |app| login::run(app, account.label.clone(), account.budget()).await)
            }
            What::Check(settings) => with(sealing(installed(settings)?)?, check),
            What::List(settings) => with(installed(settings)?, async |app| {
                let on = app.services();
                for account in telegram_account::all(on).await.map_err(cause)? {
                    let today = account.today(on.now());
                    println!(
                        "{:<24} {:<11} {}  {} of {}/min today, {} of {} new channels, {} of {} look-ups{}",
                        account.label,
                        account.status_at(on.now()).to_string(),
                        shown(&account),
                        today.sends,
                        account.messages_per_minute,
                        today.new_peers,
                        account.new_peers_per_day,
                        today.resolves,
                        account.resolves_per_day,
                        account.last_error.as_deref().map(|error| format!("  {error}")).unwrap_or_default(),
                    );
                }
                Ok(())
            }),
        }
    }
}

/// Each account has a line. It ends badly if one of them is in trouble.
async fn check(app: &App) -> Result<()> {
    let on = app.services();
    let accounts = telegram_account::all(on).await.map_err(cause)?;
    let mut in_trouble = 0;
    let tell = |account: &Model, finding: &Finding| {
        let found = match finding {
            Finding::Well => "Telegram lets it in".into(),
            Finding::Held { by } => format!("in use by {by}"),
            Finding::Trouble(why) => {
                in_trouble += 1;
                why.clone()
            }
        };
        let last = account.last_error.as_deref().map(|error| format!(" (last: {error})")).unwrap_or_default();
        println!("{:<24} {:<11} {found}{last}", account.label, account.status_at(on.now()).to_string());
    };
    telegram_account::check(on, identity(on)?, &accounts, tell).await.map_err(cause)?;
    match in_trouble {
        0 => Ok(()),
        count => Err(anyhow!("{count} of {} accounts are in trouble", accounts.len()).into()),
    }
}

/// The account in words for people.
fn shown(account: &Model) -> String {
    let name = account.name.as_deref().unwrap_or("(no name)");
    let username = account.username.as_deref().map(|username| format!(" @{username}")).unwrap_or_default();
    let phone = account.phone_end.as_deref().map(|digits| format!(", telephone ..{digits}")).unwrap_or_default();
    format!("{name}{username}{phone}")
}

/// Checks that what is stored opens for the processes that send: on PostgreSQL they have their key from the environment.
fn sealing(config: Config) -> Result<Config> {
    if config.database_url.is_some() && config.secret_key.is_none() {
        let how = "set it to the key that the other processes have: the session is encrypted under it";
        return Err(Failure::Usage(format!("HERALD_SECRET_KEY: {how}")));
    }
    Ok(config)
}

/// The first line of the standard input; a terminal does not show what is typed.
fn session() -> Result<SecretString> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let typed = rpassword::prompt_password("Session string (it is not shown): ").map_err(anyhow::Error::from)?;
        return Ok(typed.into());
    }
    Ok(line()?.into())
}

/// The next line of the standard input; empty at its end.
fn line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn with(config: Config, work: impl AsyncFnOnce(&App) -> Result<()>) -> Result<()> {
    block_on(async {
        let app = App::open_beside(config).await?;
        let result = work(&app).await;
        app.close().await;
        result
    })
}
