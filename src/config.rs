//! All settings: read from the environment or from flags, checked once, before anything starts.

mod attribution;
mod choices;
mod limits;
mod providers;
mod secrets;
mod sso;
mod telegram;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use self::attribution::AttributionSettings;
pub use self::choices::{LogFormat, Telegram};
use self::limits::LimitSettings;
use self::providers::ProviderSettings;
pub use self::secrets::SECRETS;
use domain::limits::Limits;
use domain::proxies::Proxies;
use domain::retention::attribution::Rule;
use domain::retention::endpoints::Endpoints;
use domain::secret_key::SecretKey;
use service::access::sso::Issuer;
use service::broadcast::telegram_account::Application;
use storage::archive::ArchivePlace;

/// The settings as they are written. Each has an environment variable and a flag; the flag wins.
#[derive(Args, Clone)]
#[command(next_help_heading = "Settings (herald help settings lists all)")]
pub struct Settings {
    /// Where the API listens
    #[arg(
        long,
        hide_env_values = true,
        env = "HERALD_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    listen: String,
    /// The data folder: database, uploads, keys; locked while in use
    #[arg(
        long,
        hide_env_values = true,
        env = "HERALD_DATA_DIR",
        value_name = "FOLDER",
        default_value = "./herald-data"
    )]
    data_dir: PathBuf,
    /// A PostgreSQL, postgres://..., for a fleet; without it SQLite in the data folder
    #[arg(long, hide_env_values = true, env = "DATABASE_URL", value_name = "URL")]
    database_url: Option<SecretString>,
    /// A Redis, redis://..., that carries events between processes; without it they stay in the process
    #[arg(long, hide_env_values = true, env = "REDIS_URL", value_name = "URL")]
    redis_url: Option<SecretString>,
    #[command(flatten)]
    telegram: telegram::TelegramSettings,
    /// The address by which users reach Herald; without it http:// and the listening address
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Origins, comma-separated, whose pages may use the API besides Herald's own
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_ORIGINS", value_name = "ORIGINS")]
    origins: Option<String>,
    /// Addresses or networks, comma-separated, of proxies whose X-Forwarded-For is believed
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_TRUSTED_PROXIES",
        value_name = "NETWORKS"
    )]
    trusted_proxies: Option<String>,
    /// The largest upload
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_UPLOAD_MAX_BYTES",
        value_name = "SIZE",
        default_value = "1GiB"
    )]
    upload_max_bytes: String,
    /// Progress events per campaign and second at most, 1 to 100
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_PROGRESS_HZ",
        value_name = "N",
        default_value = "4"
    )]
    progress_hz: String,
    /// A schedule overdue by more is not fired
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_LATE_LIMIT",
        value_name = "DURATION",
        default_value = "1h"
    )]
    late_limit: String,
    /// Failed sends in a row that pause a campaign
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_PAUSE_AFTER_FAILURES",
        value_name = "N",
        default_value = "20"
    )]
    pause_after_failures: String,
    /// Failed sends in a row that deactivate a channel
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_CHANNEL_ERRORS",
        value_name = "N",
        default_value = "3"
    )]
    channel_errors: String,
    /// How long a send that may have been accepted is repeated before it is UNKNOWN
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_DEDUPE_WINDOW",
        value_name = "DURATION",
        default_value = "5m"
    )]
    dedupe_window: String,
    #[command(flatten)]
    providers: ProviderSettings,
    #[command(flatten)]
    attribution: AttributionSettings,
    #[command(flatten)]
    sso: sso::Sso,
    /// Where old audit lines are archived: a folder, or s3://... with the AWS_ variables
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_AUDIT_ARCHIVE", value_name = "PLACE")]
    audit_archive: Option<String>,
    /// Days for which audit lines stay in the database, 90 or more
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_AUDIT_DAYS",
        value_name = "N",
        default_value = "90"
    )]
    audit_days: String,
    /// What is logged: error, warn, info, debug, trace, or a filter such as info,sqlx=debug
    #[arg(long, hide_env_values = true, env = "HERALD_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
    /// A collector of OpenTelemetry traces, http://...; without it none are made
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL"
    )]
    otlp_endpoint: Option<SecretString>,
    /// How it is logged: text or json
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: String,
    #[command(flatten)]
    limits: LimitSettings,
}

/// The settings, checked. No secret shows in its debug output.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// The data folder.
    pub data_dir: PathBuf,
    /// PostgreSQL, or None for SQLite in the data folder.
    pub database_url: Option<SecretString>,
    /// Redis, or None for events in this process.
    pub redis_url: Option<SecretString>,
    /// The secret key, or None for the one in the data folder.
    pub secret_key: Option<SecretKey>,
    /// The secret key before it, which still opens what it has encrypted.
    pub secret_key_before: Option<SecretKey>,
    /// The first admin's password, or None for one that is made up.
    pub admin_password: Option<SecretString>,
    /// Where messages go.
    pub telegram: Telegram,
    /// By which application, and where, accounts speak to Telegram.
    pub application: Application,
    /// The address by which users reach Herald, without a slash at its end.
    pub public_url: Option<String>,
    /// Where providers are, and where they find Herald.
    pub endpoints: Endpoints,
    /// To which contacts conversions are credited.
    pub attribution: Rule,
    /// Origins whose pages may use the API besides Herald's own.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Proxies,
    /// The largest upload, in bytes.
    pub upload_max_bytes: u64,
    /// Progress events per campaign and second at most.
    pub progress_hz: u32,
    /// A schedule overdue by more is not fired.
    pub late_limit: Duration,
    /// Failed sends in a row that pause a campaign.
    pub pause_after_failures: i32,
    /// Failed sends in a row that deactivate a channel.
    pub channel_errors: i32,
    /// How long an ambiguous send is repeated.
    pub dedupe_window: Duration,
    /// The issuer of single sign-on, who says who somebody is.
    pub sso: Option<Arc<Issuer>>,
    /// Where old audit lines are archived.
    pub audit_archive: Option<ArchivePlace>,
    /// Days for which audit lines stay in the database.
    pub audit_days: i64,
    /// Where he lets people sign in.
    pub sso_login_url: Option<String>,
    /// The filter of the log.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The limits of what one client may ask for.
    pub limits: Limits,
    /// Where traces go, or None for nowhere.
    pub otlp_endpoint: Option<SecretString>,
}

/// A setting that can't be used: which, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name}: {why}")]
pub struct Wrong {
    name: &'static str,
    why: String,
}

/// Names the setting whose value is wrong.
trait Named<T> {
    fn of(self, name: &'static str) -> Result<T, Wrong>;
}

impl<T> Named<T> for Result<T, String> {
    fn of(self, name: &'static str) -> Result<T, Wrong> {
        self.map_err(|why| Wrong { name, why })
    }
}

impl Settings {
    /// These settings, with another number of days for which audit lines stay, if one is given.
    #[must_use]
    pub fn with_audit_days(self, days: Option<String>) -> Self {
        Self { audit_days: days.unwrap_or(self.audit_days), ..self }
    }

    /// Checks all settings; the first wrong one is told. `secret` finds those that have no flag.
    ///
    /// # Errors
    /// One line that names the setting and says what is wrong with it.
    pub fn check(self, secret: impl Fn(&str) -> Option<String>) -> Result<Config, Wrong> {
        let secret = |name: &str| secret(name).filter(|value| !value.is_empty());
        let url = |url: Option<SecretString>| url.filter(|url| !url.expose_secret().is_empty());
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (sso, sso_login_url) = self.sso.check()?;
        let listen = values::address(&self.listen).of("HERALD_LISTEN")?;
        let public_url =
            text(self.public_url).map(|url| values::public_url(&url)).transpose().of("HERALD_PUBLIC_URL")?;
        let (telegram, application) =
            self.telegram.check(secret("HERALD_TELEGRAM_API_HASH"), secret("HERALD_TELEGRAM_SERVER_KEY"))?;
        let key = |name| secret(name).map(|key| values::secret_key(&key)).transpose().of(name);
        let config = Config {
            sso,
            sso_login_url,
            listen,
            endpoints: self.providers.check(public_url.clone().unwrap_or_else(|| format!("http://{listen}")))?,
            attribution: self.attribution.check()?,
            public_url,
            data_dir: values::folder(self.data_dir).of("HERALD_DATA_DIR")?,
            database_url: values::url(url(self.database_url), &["postgres", "postgresql"]).of("DATABASE_URL")?,
            redis_url: values::url(url(self.redis_url), &["redis", "rediss", "redis+unix", "unix"]).of("REDIS_URL")?,
            secret_key: key("HERALD_SECRET_KEY")?,
            secret_key_before: key("HERALD_SECRET_KEY_BEFORE")?,
            admin_password: secret("HERALD_ADMIN_PASSWORD")
                .map(values::password)
                .transpose()
                .of("HERALD_ADMIN_PASSWORD")?,
            telegram,
            application,
            origins: values::list(self.origins.as_deref(), values::origin).of("HERALD_ORIGINS")?,
            trusted_proxies: self.trusted_proxies.unwrap_or_default().parse().of("HERALD_TRUSTED_PROXIES")?,
            upload_max_bytes: values::size(&self.upload_max_bytes).of("HERALD_UPLOAD_MAX_BYTES")?,
            progress_hz: values::number(&self.progress_hz, 1..=100).of("HERALD_PROGRESS_HZ")?,
            late_limit: values::duration(&self.late_limit).of("HERALD_LATE_LIMIT")?,
            pause_after_failures: values::number(&self.pause_after_failures, 1..=1_000_000)
                .of("HERALD_PAUSE_AFTER_FAILURES")?,
            channel_errors: values::number(&self.channel_errors, 1..=1_000_000).of("HERALD_CHANNEL_ERRORS")?,
            dedupe_window: values::duration(&self.dedupe_window).of("HERALD_DEDUPE_WINDOW")?,
            audit_archive: text(self.audit_archive)
                .map(|place| values::place(&place))
                .transpose()
                .of("HERALD_AUDIT_ARCHIVE")?,
            audit_days: values::number(&self.audit_days, 90..=36_500).of("HERALD_AUDIT_DAYS")?,
            log: values::filter(self.log).of("HERALD_LOG")?,
            otlp_endpoint: values::url(url(self.otlp_endpoint), &["http", "https"])
                .of("OTEL_EXPORTER_OTLP_ENDPOINT")?,
            log_format: values::choice(&self.log_format).of("HERALD_LOG_FORMAT")?,
            limits: self.limits.check()?,
        };
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
