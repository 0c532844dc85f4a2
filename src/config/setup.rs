//! Settings that are right one by one, and don't fit together.

use super::{Config, Wrong};

/// The parts that a process is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// It answers requests.
    pub api: bool,
    /// It sends.
    pub worker: bool,
}

impl Config {
    /// Refuses a set-up that can't do what is wanted of it.
    ///
    /// # Errors
    /// The setting that is missing or too many, and what to do.
    pub fn can_do(&self, wanted: Wanted) -> Result<(), Wrong> {
        let wrong = |name: &str, why: &str| Err(Wrong { name: name.into(), why: why.into() });
        if self.database_url.is_none() && !wanted.api {
            return wrong(
                "DATABASE_URL",
                "a worker alone needs the PostgreSQL that the API works on; on SQLite herald serve does both",
            );
        }
        if self.database_url.is_some() && self.secret_key.is_none() {
            let file = self.rules.data_dir.join("secret.key");
            let which = if file.exists() {
                format!("the one until now is the text of {}", file.display())
            } else {
                "openssl rand -base64 32 makes one".to_owned()
            };
            return wrong(
                "HERALD_SECRET_KEY",
                &format!("it is not set, and on PostgreSQL all processes must be given the same one ({which})"),
            );
        }
        if self.secret_key_before.is_some() && self.secret_key.is_none() {
            return wrong("HERALD_SECRET_KEY_BEFORE", "it is the key before HERALD_SECRET_KEY, which is not set");
        }
        Ok(())
    }

    /// What works, and is perhaps not what was meant: a line for each.
    pub fn oddities(&self, wanted: Wanted) -> Vec<String> {
        let mut odd = Vec::new();
        let mut when = |is_odd: bool, line: &str| odd.extend(is_odd.then(|| line.to_owned()));
        let is_sqlite = self.database_url.is_none();
        when(
            self.redis_url.is_some() && is_sqlite,
            "REDIS_URL is set without DATABASE_URL: on SQLite there is one process only, and nobody to tell",
        );
        when(
            is_sqlite && !wanted.worker,
            "--no-worker without DATABASE_URL: nothing is sent, for no other process can work on this SQLite",
        );
        when(
            self.redis_url.is_none() && !is_sqlite,
            "REDIS_URL is not set: other processes on this database hear of changes within a second only",
        );
        when(
            self.rules.is_simulated && self.rules.telegram.server.is_some(),
            "HERALD_TELEGRAM_SERVER is set, and HERALD_TELEGRAM=simulated asks no server",
        );
        when(
            self.secret_key_before.is_some(),
            "HERALD_SECRET_KEY_BEFORE is set: it can go once herald secrets rotate has ended",
        );
        odd
    }

    /// What really goes out and what does not, in a sentence.
    pub fn reality(&self) -> &'static str {
        match (self.rules.is_simulated, self.rules.endpoints.is_simulated) {
            (true, true) => "simulated: messages, letters, emails, text messages, calls and webhooks go nowhere",
            (true, false) => {
                "Telegram is simulated, its messages go nowhere; emails, text messages, calls and webhooks are REAL \
                 (HERALD_PROVIDERS=live)"
            }
            (false, true) => {
                "messages to channels are REAL; letters, emails, text messages, calls and webhooks are simulated and go \
                 nowhere (HERALD_PROVIDERS=simulated)"
            }
            (false, false) => "Telegram, emails, text messages, calls and webhooks are real",
        }
    }
}
