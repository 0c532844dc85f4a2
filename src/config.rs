//! All settings: read from the environment or from flags, checked once, before anything starts.

mod choices;
mod setup;
mod sso;
mod table;
pub mod unknown;
mod values;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

pub use self::choices::LogFormat;
pub use self::setup::Wanted;
use self::table::Setting;
pub use self::table::{Config, SETTINGS};
use self::values::Value;

/// The settings as they are written. Each has an environment variable and, but for secrets, a flag; the flag wins.
#[derive(Clone)]
pub struct Settings {
    written: HashMap<&'static str, OsString>,
    is_listen_default: bool,
}

/// The setting whose default differs from part to part.
const LISTEN: &str = "HERALD_LISTEN";

/// A setting that can't be used: which, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name}: {why}")]
pub struct Wrong {
    name: String,
    why: String,
}

/// Names the setting whose value is wrong.
trait Named<T> {
    fn of(self, name: &'static str) -> Result<T, Wrong>;
}

impl<T> Named<T> for Result<T, String> {
    fn of(self, name: &'static str) -> Result<T, Wrong> {
        self.map_err(|why| Wrong { name: name.to_owned(), why })
    }
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        let command = command.next_help_heading("Settings (herald help settings lists all)");
        command.args(SETTINGS.iter().filter_map(Setting::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = SETTINGS.iter().filter(|setting| !setting.is_secret());
        let given = flags.filter_map(|flag| Some((flag.name, matches.get_raw(flag.name)?.next()?.to_owned())));
        let is_listen_default = matches.value_source(LISTEN) == Some(ValueSource::DefaultValue);
        Ok(Self { written: given.collect(), is_listen_default })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Settings {
    /// These settings, with another number of days for which audit lines stay, if one is given.
    #[must_use]
    pub fn with_audit_days(mut self, days: Option<String>) -> Self {
        self.written.extend(days.map(|days| ("HERALD_AUDIT_DAYS", days.into())));
        self
    }

    /// Checks all settings; the first wrong one is told. `secret` finds those that have no flag.
    ///
    /// # Errors
    /// One line that names the setting and says what is wrong with it.
    pub fn check(mut self, secret: impl Fn(&str) -> Option<String>) -> Result<Config, Wrong> {
        let secrets = SETTINGS.iter().filter(|setting| setting.is_secret());
        self.written.extend(secrets.filter_map(|setting| Some((setting.name, secret(setting.name)?.into()))));
        let mut config = self.read_each()?;
        config.is_listen_default = self.is_listen_default;
        (config.rules.sso, config.sso_login_url) = sso::read(&self)?;
        // A promise of harmlessness covers every way out, unless it is said otherwise.
        config.rules.endpoints.is_simulated = config.providers.unwrap_or(config.rules.is_simulated);
        config.rules.endpoints.public =
            config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.listen));
        Ok(config)
    }

    /// Reads one setting; one that is not there is empty.
    fn read<'a, V: TryFrom<&'a OsStr>, T>(
        &'a self,
        name: &'static str,
        read: impl FnOnce(V) -> Value<T>,
    ) -> Result<T, Wrong> {
        let value = V::try_from(self.written.get(name).map_or(OsStr::new(""), OsString::as_os_str));
        value.map_err(|_| "it is no text".to_owned()).and_then(read).of(name)
    }
}

#[cfg(test)]
mod tests;
