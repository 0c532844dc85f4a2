//! Where the demonstration takes place: settings, a folder, a port, an admin, and the server.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Parser};
use secrecy::SecretString;
use uuid::Uuid;

use super::super::{Failure, Result, log, misuse};
use crate::app::{App, Parts, Running, cause};
use crate::config::{Config, Settings};
use domain::error::Error;
use domain::role::Role;
use service::access::user::{self, Change, NewUser};
use service::{Actor, Services, world};
use telegram::simulated::LEDGER;

/// The user that signs in where the first admin's password is not known: in a folder that was used before.
const GUEST: &str = "demo";

/// The installation, as somebody sees it who only has its address and a login.
pub struct House {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The address that was wanted, if another process has it.
    pub busy: Option<SocketAddr>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The name to sign in under.
    pub username: &'static str,
    /// The password to sign in with.
    pub password: SecretString,
    /// Whether the password was made up, so that it has to be told.
    pub is_made_up: bool,
}

impl House {
    /// The file in which the simulated messenger notes what it accepted.
    pub fn ledger(&self) -> PathBuf {
        self.data_dir.join(LEDGER)
    }
}

/// The settings of the environment, without flags.
#[derive(Parser)]
struct Environment {
    #[command(flatten)]
    settings: Settings,
}

/// Where a demonstration takes place; all else is as the environment says.
#[derive(Args)]
pub struct Place {
    /// Where the API listens (default: as the settings say; any free port where that is taken)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The data folder (default: as the settings say, or a fresh one)
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

impl Place {
    /// The command line on which this is all that is said.
    fn arguments(&self) -> Vec<String> {
        let flag = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("--{name}={value}"));
        let flags = [flag("listen", &self.listen), flag("data-dir", &self.data_dir)];
        std::iter::once("demo".to_owned()).chain(flags.into_iter().flatten()).collect()
    }
}

/// The settings of a demonstration: the environment's, but embedded, simulated, and in a fresh folder unless one is named.
pub fn config(place: &Place) -> Result<Config> {
    let environment = Environment::try_parse_from(place.arguments()).map_err(|error| Failure::Usage(misuse(&error)))?;
    let mut config = environment.settings.check(|name| std::env::var(name).ok())?;
    config.database_url = None;
    config.redis_url = None;
    config.files = None;
    config.rules.is_simulated = true;
    config.rules.endpoints.is_simulated = true;
    if std::env::var_os("HERALD_DATA_DIR").is_none() && place.data_dir.is_none() {
        config.rules.data_dir = std::env::temp_dir().join(format!("herald-demo-{}", Uuid::new_v4().simple()));
    }
    if std::env::var_os("HERALD_LOG").is_none() {
        // What happens is told on the screen.
        "error".clone_into(&mut config.log);
    }
    log::start(&config);
    Ok(config)
}

/// Starts the server, as `herald serve` does, and makes sure that somebody can sign in.
pub async fn open(mut config: Config) -> anyhow::Result<(House, Running)> {
    let busy = is_busy(config.listen).then_some(config.listen);
    if busy.is_some() {
        config.listen.set_port(0);
    }
    let (data_dir, given) = (config.rules.data_dir.clone(), config.admin_password.clone());
    let app = App::open(config).await?;
    require_pretended(app.services()).await?;
    let is_made_up = given.is_none();
    let password = given.unwrap_or_else(|| user::made_up_password().into());
    let username = admit(app.services(), password.clone()).await.map_err(cause)?;
    let running = app.start(Parts { api: true, worker: true }).await?;
    let address = reachable(running.address());
    Ok((House { address, busy, data_dir, username, password, is_made_up }, running))
}

/// What is real is not shown: the demonstration would pretend to send it.
async fn require_pretended(on: &Services) -> anyhow::Result<()> {
    if world::has_real(on).await.map_err(cause)? {
        bail!(
            "HERALD_DATA_DIR: the folder has campaigns or sequences that are meant for real; give the demonstration another one, or none"
        );
    }
    Ok(())
}

/// The first admin of a fresh folder; a guest with the same rights in one whose admin keeps his password.
async fn admit(on: &Services, password: SecretString) -> Result<&'static str, Error> {
    if user::list(on).await?.is_empty() {
        user::ensure_first(on, Some(password)).await?;
        return Ok(user::FIRST);
    }
    match user::named(on, GUEST).await {
        Ok(guest) => {
            let change = Change { role: Some(Role::Admin), password: Some(password), expected_version: None };
            user::update(on, &Actor::system(), guest.id, change).await?;
        }
        Err(Error::NotFound(_)) => {
            let guest = NewUser { username: GUEST.into(), password, role: Role::Admin };
            user::create(on, &Actor::system(), guest).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(GUEST)
}

/// Whether another process listens there. Whatever else may be wrong with the address, the server says.
fn is_busy(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

/// A server that listens on all addresses is reached on the loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
