//! `herald sso`: whether single sign-on believes a token, and why not.

use std::io::Read;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

use super::{Failure, Result, block_on, configured};
use crate::config::Settings;
use domain::clock::{Clock, SystemClock};
use service::access::sso::{Identity, Refusal};

/// Try out single sign-on
#[derive(Args)]
pub struct Sso {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say whom a token speaks of, or why it is not believed; nobody is signed in by it
    Check {
        /// The token; - reads it from the standard input, so that no history keeps it
        token: String,
        #[command(flatten)]
        settings: Settings,
    },
}

impl Sso {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let What::Check { token, settings } = self.what;
        let config = configured(settings)?;
        let Some(issuer) = config.rules.sso else {
            let why = "HERALD_SSO_KEY_FILE, HERALD_SSO_JWKS_URL: single sign-on is off without one of them";
            return Err(Failure::Usage(why.to_owned()));
        };
        let token = if token == "-" { read()? } else { token };
        let token = token.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let refused = |why: String| Err(Failure::Other(anyhow!("the token is refused: {why}")));
        let now = SystemClock::new().now();
        match block_on(async { Ok(issuer.examine(token, now).await) })? {
            Ok(identity) => {
                show(&identity);
                if !identity.has_role {
                    println!("note     {}", issuer.without_role(&identity.subject));
                }
                Ok(())
            }
            Err(Refusal::Foreign(why) | Refusal::Wrong(why) | Refusal::NoRole(why) | Refusal::NotYet(why)) => {
                refused(why)
            }
        }
    }
}

fn read() -> Result<String> {
    let mut token = String::new();
    std::io::stdin().read_to_string(&mut token).context("the standard input can't be read")?;
    Ok(token)
}

fn show(identity: &Identity) {
    let Identity { subject, name, role, has_role: _, session, issued_at, expires_at } = identity;
    println!("The token is believed");
    println!("subject  {subject}");
    println!("name     {name}");
    println!("role     {}", format!("{role:?}").to_uppercase());
    if let Some(session) = session {
        println!("session  {session}");
    }
    if let Some(issued_at) = issued_at {
        println!("issued   {issued_at}");
    }
    println!("ends     {expires_at}");
}
