//! `herald user`: users, without the API.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use super::{Result, block_on, configured, installed};
use crate::app::{App, cause};
use crate::config::{Config, Settings};
use domain::role;
use service::Actor;
use service::access::api_token;
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
        #[arg(long, value_enum, ignore_case = true, default_value = "operator")]
        role: Role,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give a user another role
    SetRole {
        /// Who
        username: String,
        /// What the user may do
        #[arg(value_enum, ignore_case = true)]
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
    /// Make an API token for a machine and print it, once; the one of the same name before it ends. It works beside running ones
    Token {
        /// What people call it, such as nightly
        name: String,
        /// What it may do; not more than its user
        #[arg(long, value_enum, ignore_case = true, default_value = "operator")]
        role: Role,
        /// In whose name it acts; it ends with him
        #[arg(long, default_value = user::FIRST)]
        user: String,
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
                change_user(installed(settings)?, &username, change, "")
            }
            What::SetPassword { username, settings } => {
                let (password, told) = password()?;
                let change = Change { password: Some(password), ..Change::default() };
                change_user(installed(settings)?, &username, change, &told)
            }
            What::Token { name, role, user, settings } => token(configured(settings)?, name, role.into(), &user),
            What::List(settings) => with(installed(settings)?, async |app| {
                for user in user::list(app.services()).await.map_err(cause)? {
                    let last = user.last_login_at.map_or_else(|| "never".into(), |at| at.to_rfc3339());
                    println!("{:<32} {:<8} last login: {last}", user.username, user.role);
                }
                Ok(())
            }),
        }
    }
}

/// The token alone goes to the standard output, for scripts.
fn token(config: Config, name: String, role: role::Role, username: &str) -> Result<()> {
    block_on(async {
        // It needs nothing of the data folder but its database.
        let app = App::open_aside(config).await?;
        let made = make_token(&app, name, role, username).await;
        app.close().await;
        made
    })
}

async fn make_token(app: &App, name: String, role: role::Role, username: &str) -> Result<()> {
    let on = app.services();
    let owner = user::named(on, username).await.map_err(cause)?;
    let new = api_token::New { name, role, expires_at: None };
    let (made, ended) = api_token::replace(on, &Actor::system(), owner.id, new).await.map_err(cause)?;
    println!("{}", made.token.expose_secret());
    let before = match ended {
        0 => "",
        _ => "; the one before has ended",
    };
    eprintln!("{} acts as {} in the name of {}{before}", made.row.name, made.row.role, owner.username);
    Ok(())
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
