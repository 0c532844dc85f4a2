//! `herald user`: users, without the API.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;

use super::{Result, block_on, configured};
use crate::app::{App, cause};
use crate::config::{Config, Settings};
use domain::role;
use service::Actor;
use service::access::user::{self, Change, NewUser};

/// Create, change and list users
#[derive(Args)]
pub struct User {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Create a user; the password is read from the standard input, or made up and printed
    Create {
        /// The name to sign in with
        username: String,
        /// What the user may do
        #[arg(long, value_enum, default_value = "operator")]
        role: Role,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give a user another role
    SetRole {
        /// Who
        username: String,
        /// What the user may do
        #[arg(value_enum)]
        role: Role,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give a user another password, read from the standard input, or made up and printed
    SetPassword {
        /// Who
        username: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List the users
    List(Settings),
}

/// What a user may do
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Everything
    Admin,
    /// Work with channels, batches, templates and campaigns
    Operator,
    /// Read
    Auditor,
}

impl From<Role> for role::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Operator => Self::Operator,
            Role::Auditor => Self::Auditor,
        }
    }
}

impl User {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Create { username, role, settings } => {
                let (password, told) = password()?;
                with(configured(settings)?, async |app| {
                    let new = NewUser { username, password, role: role.into() };
                    let created = user::create(app.services(), &Actor::system(), new).await.map_err(cause)?;
                    println!("{} was created{told}", created.username);
                    Ok(())
                })
            }
            What::SetRole { username, role, settings } => {
                let change = Change { role: Some(role.into()), ..Change::default() };
                change_user(configured(settings)?, &username, change, "")
            }
            What::SetPassword { username, settings } => {
                let (password, told) = password()?;
                let change = Change { password: Some(password), ..Change::default() };
                change_user(configured(settings)?, &username, change, &told)
            }
            What::List(settings) => with(configured(settings)?, async |app| {
                for user in user::list(app.services()).await.map_err(cause)? {
                    let last = user.last_login_at.map_or_else(|| "never".into(), |at| at.to_rfc3339());
                    println!("{:<32} {:<8} last login: {last}", user.username, user.role);
                }
                Ok(())
            }),
        }
    }
}

fn change_user(config: Config, username: &str, change: Change, told: &str) -> Result<()> {
    with(config, async |app| {
        let on = app.services();
        let user = user::named(on, username).await.map_err(cause)?;
        let changed = user::update(on, &Actor::system(), user.id, change).await.map_err(cause)?;
        println!("{} was changed: {}{told}", changed.username, changed.role);
        Ok(())
    })
}

fn with(config: Config, work: impl AsyncFnOnce(&App) -> Result<()>) -> Result<()> {
    block_on(async {
        let app = App::open_beside(config).await?;
        let result = work(&app).await;
        app.close().await;
        result
    })
}

/// The first line of the standard input, if it is not a terminal; else one that is made up, with what to say of it.
fn password() -> Result<(SecretString, String)> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let made_up = user::made_up_password();
        return Ok((made_up.clone().into(), format!(", with the password {made_up}")));
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(anyhow::Error::from)?;
    Ok((line.trim_end_matches(['\r', '\n']).to_owned().into(), String::new()))
}
