//! What goes wrong below, in Herald's own words: the setting, where it leads, the cause and the cure, once each.

use std::path::Path;
use std::time::Duration;

use anyhow::{Error, anyhow};
use tokio::net::TcpStream;
use url::Url;

/// How long it takes to find out why there was no connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a database is, without its password.
struct Place {
    host: String,
    port: u16,
    user: String,
    database: String,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let user = if url.username().is_empty() { "(nobody)" } else { url.username() };
        let host = url.query_pairs().find(|(name, _)| name == "host").map(|(_, host)| host.into_owned());
        Some(Self {
            host: host.or_else(|| url.host_str().map(ToOwned::to_owned)).unwrap_or_else(|| "localhost".into()),
            port: url.port().unwrap_or(5432),
            user: user.to_owned(),
            database: url.path().trim_start_matches('/').to_owned(),
        })
    }

    /// Why no connection can be made; None if one can. The pool says only that it has waited.
    async fn unreachable(&self) -> Option<String> {
        let connected = tokio::time::timeout(PATIENCE, TcpStream::connect((self.host.as_str(), self.port))).await;
        match connected {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("connection timed out".into()),
        }
    }
}

/// What is said of a file of SQLite of which a page is not what was written.
const DAMAGED: &str = "is damaged, or no database at all: stop whatever uses the folder, keep a copy of it, and bring the last backup \
                       back by herald restore into an empty folder";

/// What has happened; in plain words where the database only says that it can't read itself.
pub fn in_plain_words(error: Error) -> Error {
    let told = format!("{error:#}");
    // SQLITE_CORRUPT and SQLITE_NOTADB.
    let is_damage = ["(code: 11)", "(code: 26)"].iter().any(|code| told.contains(code));
    if is_damage { anyhow!("the database in HERALD_DATA_DIR {DAMAGED}") } else { error }
}

/// Why the file of SQLite can't be worked with.
pub fn sqlite(file: &Path, error: &Error) -> Error {
    let cause = root(error);
    let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    let told = if has(&[DAMAGED]) {
        DAMAGED.to_owned()
    } else if has(&["unable to open", "(code: 14)", "readonly", "(code: 8)", "ermission denied"]) {
        format!("can't be read and written by this user ({cause}): look whose the file and its folder are")
    } else if has(&["disk is full", "(code: 13)"]) {
        "can't be written: the disk is full".to_owned()
    } else if has(&["locked", "(code: 5)"]) {
        "is held by another program, such as a copy or sqlite3: end that first".to_owned()
    } else {
        format!("can't be opened: {cause}")
    };
    anyhow!("HERALD_DATA_DIR: the database {} {told}", file.display())
}

/// Why the PostgreSQL at `url` can't be worked with.
pub async fn postgres(url: &str, error: &Error) -> Error {
    let Some(place) = Place::of(url) else {
        return anyhow!("DATABASE_URL: it can't be read as postgres://user:password@host:port/database");
    };
    let mut cause = root(error);
    if cause.contains("timed out") {
        cause = place.unreachable().await.unwrap_or(cause);
    }
    let Place { host, port, .. } = &place;
    anyhow!("DATABASE_URL: PostgreSQL at {host}:{port}: {}", cure(&cause, &place))
}

/// The cause in a sentence, with what to do.
fn cure(cause: &str, place: &Place) -> String {
    let Place { host, port, user, database } = place;
    let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if has(&["lookup address", "Name or service not known", "nodename nor servname", "No address associated"]) {
        return format!(
            "this machine knows no host {host:?}; is it spelled right, and can its name be looked up from here?"
        );
    }
    if has(&["Connection refused"]) {
        return "nothing listens there; is PostgreSQL started, on that port, and does it listen beyond its own machine?".into();
    }
    if has(&["connection timed out", "No route to host", "Network is unreachable"]) {
        return format!("it does not answer; is {host} the right machine, and does a firewall let port {port} pass?");
    }
    if has(&["password authentication failed"]) {
        return format!("it refuses the password of {user:?}; a /, #, @ or % in it is written %2F, %23, %40, %25");
    }
    if has(&["role \"", "user \""]) && has(&["does not exist"]) {
        return format!("it has no role {user:?}; CREATE ROLE {user} LOGIN PASSWORD '…' makes it");
    }
    if has(&["database \""]) && has(&["does not exist"]) {
        return format!("it has no database {database:?}; CREATE DATABASE {database} OWNER {user} makes it");
    }
    if has(&["pg_hba.conf"]) {
        return format!(
            "it lets {user:?} not in from here: its pg_hba.conf needs a line for {database:?} and this address"
        );
    }
    if has(&["too many clients", "too many connections", "remaining connection slots"]) {
        return "it has no connection left: raise its max_connections, or stop a process".into();
    }
    if has(&["permission denied"]) {
        return format!(
            "{user:?} may not change it ({cause}); GRANT ALL ON SCHEMA public TO {user} in {database:?} lets it"
        );
    }
    if has(&["read-only"]) {
        return "it takes no writes: it is a standby, or default_transaction_read_only is on".into();
    }
    if has(&["TLS", "SSL", "certificate"]) {
        return format!("no safe connection ({cause}); ?sslmode=… at the end of DATABASE_URL says how it is made");
    }
    cause.to_owned()
}

/// The innermost cause, without the places of PostgreSQL's own source.
fn root(error: &Error) -> String {
    let innermost = error.chain().last().map(ToString::to_string).unwrap_or_default();
    // What sqlx wraps is told in one text, outermost first.
    let whole = format!("{error:#}");
    let told = if innermost.len() > 3 { innermost } else { whole };
    let without_place = told.split(" at line ").next().unwrap_or(&told);
    let last = without_place.rsplit("error returned from database: ").next().unwrap_or(without_place);
    last.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(url: &str, error: &str) -> String {
        postgres(url, &anyhow!("{}", error.to_owned()).context("the database can't be opened")).await.to_string()
    }

    #[tokio::test]
    async fn each_cause_is_told_with_setting_host_and_cure_and_never_with_the_password() {
        let url = "postgres://herald:geheim@db.example:6432/outreach";
        for (error, cure) in [
            ("failed to lookup address information: Name or service not known", "no host \"db.example\""),
            ("Connection refused (os error 111)", "nothing listens there"),
            (
                "error returned from database: password authentication failed for user \"herald\"",
                "refuses the password",
            ),
            ("error returned from database: role \"herald\" does not exist at line 768", "CREATE ROLE herald"),
            (
                "error returned from database: database \"outreach\" does not exist at line 948",
                "CREATE DATABASE outreach",
            ),
            ("no pg_hba.conf entry for host \"10.0.0.1\"", "pg_hba.conf"),
            ("sorry, too many clients already", "max_connections"),
            ("permission denied for schema public", "GRANT"),
            ("something else", "something else"),
        ] {
            let told = told(url, error).await;
            assert!(told.starts_with("DATABASE_URL: PostgreSQL at db.example:6432: "), "{told}");
            assert!(told.contains(cure), "{told}");
            assert!(!told.contains("geheim") && !told.contains("at line"), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_told_in_plain_words() {
        for (error, told) in [
            ("error returned from database: (code: 26) file is not a database", "herald restore"),
            ("error returned from database: (code: 11) database disk image is malformed", "herald restore"),
            ("error returned from database: (code: 14) unable to open database file", "whose the file"),
            ("error returned from database: (code: 13) database or disk is full", "the disk is full"),
            ("something else", "something else"),
        ] {
            let error = in_plain_words(anyhow!("Connection Error: {error}"));
            let text = sqlite(Path::new("/data/herald.db"), &error).to_string();
            assert!(
                text.starts_with("HERALD_DATA_DIR: the database /data/herald.db ") && text.contains(told),
                "{text}"
            );
            assert!(!text.contains("is not a database") && !text.contains("malformed"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_pool_that_has_waited_says_why() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let told =
            told(&format!("postgres://herald@{free}/x"), "pool timed out while waiting for an open connection").await;
        assert!(told.contains("nothing listens there"), "{told}");
    }
}
