//! The table of all settings: the one place where a setting stands.

use std::net::SocketAddr;

use clap::builder::ValueParser;
use clap::{Arg, builder::OsStr};
use secrecy::SecretString;

use super::choices::LogFormat;
use super::values::{
    address, api_hash, attribution, auth_key, bytes, choice, count, count_or_none, days, duration, email, filter,
    folder, is_simulated, list, number, optional, origin, password, place, postgres, public_url, rate, redis,
    secret_key, server, size, time, uploads, url, yes,
};
use super::{Settings, Wrong};
use domain::proxies::Proxies;
use domain::retention::endpoints::{INSTANTLY, TWILIO, VAPI};
use domain::secret_key::SecretKey;
use service::Rules;
use storage::place::Place;

/// A setting as it is written: an environment variable, and a flag unless it is a secret.
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What the help calls its value.
    value: &'static str,
    default: &'static [&'static str],
    meaning: &'static str,
}

/// Settings that `-h` shows too.
const FIRST: [&str; 6] =
    ["HERALD_LISTEN", "HERALD_DATA_DIR", "DATABASE_URL", "REDIS_URL", "HERALD_TELEGRAM", "HERALD_LOG"];

/// What is said of one start.
const AFTER_RESTORE: &str = "HERALD_AFTER_RESTORE";

impl Setting {
    /// What it is for.
    pub fn meaning(&self) -> &'static str {
        self.meaning.trim_ascii_start()
    }

    /// What holds without it.
    pub fn default(&self) -> Option<&'static str> {
        self.default.first().copied()
    }

    /// Other users of the machine see a process' flags, so that secrets have none.
    pub fn is_secret(&self) -> bool {
        self.value == "SECRET"
    }

    /// Its flag, without `--`.
    pub fn flag(&self) -> Option<String> {
        let name = self.name.strip_prefix("HERALD_").or(self.name.strip_prefix("OTEL_EXPORTER_"));
        (!self.is_secret()).then(|| name.unwrap_or(self.name).to_ascii_lowercase().replace('_', "-"))
    }

    pub(super) fn argument(&self) -> Option<Arg> {
        let is_limit = self.value == "LIMIT";
        let is_path = ["FOLDER", "FILE"].contains(&self.value);
        let argument = Arg::new(self.name)
            .long(self.flag()?)
            .env(self.name)
            .value_name(self.value)
            .value_parser(if is_path { ValueParser::path_buf() } else { ValueParser::string() })
            .default_values(self.default.iter().map(OsStr::from))
            .help(self.meaning())
            .hide(is_limit)
            .hide_env_values(!is_limit)
            .hide_short_help(!FIRST.contains(&self.name));
        // A flag that stands alone says yes.
        Some(if self.name == AFTER_RESTORE { argument.num_args(0..=1).default_missing_value("yes") } else { argument })
    }
}

/// For each setting its meaning, its variable, what the help calls its value (`SECRET`: it has no flag), its default,
/// where it belongs and how it is read: `=>` is a field of [`Config`], `->` one of its [`Rules`], and `in` is the module
/// that reads it together with others.
macro_rules! settings {
    ($(#[doc = $meaning:literal] $name:literal $value:literal $(= $default:tt)?
        $(=> $field:ident: $type:ty, $read:expr;)? $(-> $($place:ident).+, $rule:expr;)? $(in $module:ident;)?)+) => {
        /// All settings, in the order of the help.
        pub const SETTINGS: &[Setting] =
            &[$(Setting { name: $name, value: $value, default: &[$($default)?], meaning: $meaning }),+];

        /// The settings, checked. No secret shows in its debug output.
        #[derive(Debug, Clone)]
        pub struct Config {
            $($(#[doc = $meaning] pub $field: $type,)?)+
            /// Whether the address to listen on is the default one.
            pub is_listen_default: bool,
            /// The page where single sign-on begins.
            pub sso_login_url: Option<String>,
            /// What use cases follow.
            pub rules: Rules,
        }

        impl Settings {
            /// Reads all that can be read one by one.
            pub(super) fn read_each(&self) -> Result<Config, Wrong> {
                let mut rules = Rules::default();
                $($(rules.$($place).+ = self.read($name, $rule)?;)?)+
                Ok(Config { $($($field: self.read($name, $read)?,)?)+ is_listen_default: false, sso_login_url: None, rules })
            }
        }
    };
}

settings! {
    /// Where the API listens; a worker's health and metrics: 127.0.0.1:8081 unless it is set
    "HERALD_LISTEN" "ADDRESS" = "127.0.0.1:8080" => listen: SocketAddr, address;
    /// The data folder: database, uploads, keys; locked while in use
    "HERALD_DATA_DIR" "FOLDER" = "./herald-data" -> data_dir, folder;
    /// Where uploads lie that any process of a fleet imports and sends: s3://... with the AWS_ variables, or a folder that all have; without it the data folder of the process that took them in
    "HERALD_FILES" "PLACE" => files: Option<Place>, optional(place);
    /// A PostgreSQL, postgres://..., for a fleet; without it SQLite in the data folder
    "DATABASE_URL" "URL" => database_url: Option<SecretString>, optional(postgres);
    /// Connections to PostgreSQL that a process takes at most, besides 2 that look up sessions and, of a worker, 1 for its signs of life
    "HERALD_DATABASE_CONNECTIONS" "N" = "16" => database_connections: u32, number(4..=1_000);
    /// Whether the database was restored or copied: yes pauses at the start all that could be sent twice, no says that nothing was sent since; without it Herald finds out
    "HERALD_AFTER_RESTORE" "ANSWER" => after_restore: Option<bool>, optional(yes);
    /// A Redis, redis://..., that carries events between processes; without it they stay in the process
    "REDIS_URL" "URL" => redis_url: Option<SecretString>, optional(redis);
    /// Where messages go: live, or simulated: nowhere; HERALD_PROVIDERS follows it
    "HERALD_TELEGRAM" "MODE" = "live" -> is_simulated, is_simulated;
    /// Where MTProto is spoken instead of Telegram's data centres, host:port: for tests and gateways
    "HERALD_TELEGRAM_SERVER" "HOST:PORT" -> telegram.server, optional(server);
    /// The number of your Telegram application, from my.telegram.org, for accounts that have none of their own
    "HERALD_TELEGRAM_API_ID" "N" -> telegram.api_id, optional(number(1..=i32::MAX));
    /// The address by which users reach Herald; without it http:// and the listening address
    "HERALD_PUBLIC_URL" "URL" => public_url: Option<String>, optional(public_url);
    /// Origins, comma-separated, whose pages may use the API besides Herald's own
    "HERALD_ORIGINS" "ORIGINS" => origins: Vec<String>, list(origin);
    /// Addresses or networks, comma-separated, of proxies whose X-Forwarded-For is believed
    "HERALD_TRUSTED_PROXIES" "NETWORKS" => trusted_proxies: Proxies, str::parse;
    /// The largest upload
    "HERALD_UPLOAD_MAX_BYTES" "SIZE" = "1GiB" -> upload_max_bytes, size;
    /// Progress events per campaign and second at most, 1 to 100
    "HERALD_PROGRESS_HZ" "N" = "4" -> progress_hz, number(1..=100);
    /// A schedule overdue by more is not fired
    "HERALD_LATE_LIMIT" "DURATION" = "1h" -> late_limit, duration;
    /// Failed sends in a row that pause a campaign
    "HERALD_PAUSE_AFTER_FAILURES" "N" = "20" -> pause_after_failures, number(1..=1_000_000);
    /// Failed sends in a row that deactivate a channel
    "HERALD_CHANNEL_ERRORS" "N" = "3" -> channel_errors, number(1..=1_000_000);
    /// How long a send that may have been accepted is repeated before it is UNKNOWN
    "HERALD_DEDUPE_WINDOW" "DURATION" = "5m" -> dedupe_window, duration;
    /// Where emails, text messages, calls and webhooks to leads go: live, or simulated: nowhere; without it as messages to channels
    "HERALD_PROVIDERS" "MODE" => providers: Option<bool>, optional(is_simulated);
    /// How often the mailbox is read to which bounces and answers come
    "HERALD_MAILBOX_EVERY" "DURATION" = "30s" -> mailbox_every, time;
    /// Twilio's API, or a gateway that stands in for it
    "HERALD_TWILIO_URL" "URL" = TWILIO -> endpoints.twilio, public_url;
    /// VAPI's API, or a gateway that stands in for it
    "HERALD_VAPI_URL" "URL" = VAPI -> endpoints.vapi, public_url;
    /// Instantly's API, or a gateway that stands in for it
    "HERALD_INSTANTLY_URL" "URL" = INSTANTLY -> endpoints.instantly, public_url;
    /// Whether webhooks to leads' systems may go to private addresses: no, or yes, for closed networks
    "HERALD_WEBHOOK_PRIVATE" "ANSWER" = "no" -> endpoints.is_private_allowed, yes;
    /// The contacts to which a conversion is credited: the last-touch before it, the first-touch, or all of them (linear)
    "HERALD_ATTRIBUTION" "MODEL" = "last-touch" -> attribution.model, attribution;
    /// How many days before a conversion these contacts may lie, 1 to 365
    "HERALD_ATTRIBUTION_DAYS" "DAYS" = "30" -> attribution.window, days(1..=365);
    /// Single sign-on: a PEM or JWKS file with the public key of who signs the tokens
    "HERALD_SSO_KEY_FILE" "FILE" in sso;
    /// Single sign-on: the address of the JWKS with the public keys of who signs the tokens, instead of a file; https, or on this machine
    "HERALD_SSO_JWKS_URL" "URL" in sso;
    /// Single sign-on: the one algorithm of the tokens, such as RS256
    "HERALD_SSO_ALG" "ALG" in sso;
    /// Single sign-on: what the tokens' iss must be
    "HERALD_SSO_ISSUER" "ISSUER" in sso;
    /// Single sign-on: what the tokens' aud must be or have
    "HERALD_SSO_AUDIENCE" "AUDIENCE" in sso;
    /// Single sign-on: the tokens' claim that has the role, as a text or in a list; dots lead into objects: realm_access.roles
    "HERALD_SSO_ROLE_CLAIM" "CLAIM" = "role" in sso;
    /// Single sign-on: which of the issuer's roles are which here, comma-separated (herald-admin=ADMIN); without it those of the same names
    "HERALD_SSO_ROLE_MAP" "ROLES" in sso;
    /// Single sign-on: who has no role is an auditor, or is refused (refuse)
    "HERALD_SSO_NO_ROLE" "ANSWER" = "auditor" in sso;
    /// Single sign-on: by how much the issuer's clock may be ahead, at most 10m
    "HERALD_SSO_LEEWAY" "DURATION" = "30s" in sso;
    /// Single sign-on: the page where it begins; /sso leads there
    "HERALD_SSO_LOGIN_URL" "URL" in sso;
    /// Where old audit lines are archived: a folder, or s3://... with the AWS_ variables
    "HERALD_AUDIT_ARCHIVE" "PLACE" => audit_archive: Option<Place>, optional(place);
    /// Days for which audit lines stay in the database, 90 or more
    "HERALD_AUDIT_DAYS" "N" = "90" => audit_days: i64, number(90..=36_500);
    /// Days after which contacts of leads are deleted that nothing needs, 90 or more; for ever if it is left out
    "HERALD_KEEP_ATTEMPTS" "DAYS" -> keep.attempts, optional(days(90..=36_500));
    /// Days after which the steps of ended enrollments are deleted, 90 or more; for ever if it is left out
    "HERALD_KEEP_EXECUTIONS" "DAYS" -> keep.executions, optional(days(90..=36_500));
    /// Days after which ended imports are deleted with the lines that were wrong, 7 or more; for ever if it is left out
    "HERALD_KEEP_IMPORTS" "DAYS" -> keep.imports, optional(days(7..=36_500));
    /// Days after the end of a broadcast campaign for which its messages are kept, 30 or more; for ever if it is left out
    "HERALD_KEEP_JOBS" "DAYS" -> keep.jobs, optional(days(30..=36_500));
    /// Addresses, comma-separated, that are told when something stops by itself, by the mail server that is set up
    "HERALD_ALERT_EMAILS" "ADDRESSES" -> alerts.emails, list(email);
    /// What is logged: error, warn, info, debug, trace, or a filter such as info,sqlx=debug
    "HERALD_LOG" "FILTER" = "info" => log: String, filter;
    /// A collector of OpenTelemetry traces, http://...; without it none are made
    "OTEL_EXPORTER_OTLP_ENDPOINT" "URL" => otlp_endpoint: Option<SecretString>, optional(url(&["http", "https"]));
    /// How it is logged: text or json
    "HERALD_LOG_FORMAT" "FORMAT" = "text" => log_format: LogFormat, choice;
    /// Size of a document
    "HERALD_LIMIT_DOCUMENT_BYTES" "LIMIT" = "64KiB" -> limits.document.bytes, bytes;
    /// Tokens of a document
    "HERALD_LIMIT_TOKENS" "LIMIT" = "2000" -> limits.document.tokens, count;
    /// Levels of fields; the introspection query of GraphiQL and code generators has 15
    "HERALD_LIMIT_DEPTH" "LIMIT" = "15" -> limits.document.depth, count;
    /// Selections of a document with its fragments put in
    "HERALD_LIMIT_SELECTIONS" "LIMIT" = "5000" -> limits.document.selections, count;
    /// Aliases of an operation with its fragments put in
    "HERALD_LIMIT_ALIASES" "LIMIT" = "30" -> limits.document.aliases, count;
    /// Root fields of a query or a subscription
    "HERALD_LIMIT_ROOT_FIELDS" "LIMIT" = "20" -> limits.document.root_fields, count;
    /// Root fields of a mutation
    "HERALD_LIMIT_MUTATION_FIELDS" "LIMIT" = "5" -> limits.document.mutation_fields, count;
    /// Directives of one field
    "HERALD_LIMIT_FIELD_DIRECTIVES" "LIMIT" = "5" -> limits.document.directives_at_once, count;
    /// Directives of a document
    "HERALD_LIMIT_DIRECTIVES" "LIMIT" = "50" -> limits.document.directives, count;
    /// Operations of a document
    "HERALD_LIMIT_OPERATIONS" "LIMIT" = "10" -> limits.document.operations, count;
    /// Variables of an operation
    "HERALD_LIMIT_VARIABLES" "LIMIT" = "50" -> limits.document.variables, count;
    /// Levels of lists and objects in an argument or a variable
    "HERALD_LIMIT_INPUT_DEPTH" "LIMIT" = "32" -> limits.document.input_depth, count;
    /// Cost of an operation: an object 1, a scalar 0, a connection 1 and so many times its nodes as it asks for
    "HERALD_LIMIT_COMPLEXITY" "LIMIT" = "1000" -> limits.document.complexity, count;
    /// Cost of an auditor's operation: exports read much
    "HERALD_LIMIT_AUDITOR_COMPLEXITY" "LIMIT" = "5000" -> limits.document.auditor_complexity, count;
    /// Nodes that the connections of an operation may have together
    "HERALD_LIMIT_NODES" "LIMIT" = "10000" -> limits.document.nodes, count;
    /// Nodes of a page
    "HERALD_LIMIT_PAGE" "LIMIT" = "100" -> limits.document.page, count;
    /// Errors of a response
    "HERALD_LIMIT_ERRORS" "LIMIT" = "20" -> limits.document.errors, count;
    /// Characters of an error's message
    "HERALD_LIMIT_MESSAGE" "LIMIT" = "500" -> limits.document.message, count;
    /// How long a query may take
    "HERALD_LIMIT_QUERY_TIME" "LIMIT" = "15s" -> limits.document.query_time, time;
    /// How long a mutation may take
    "HERALD_LIMIT_MUTATION_TIME" "LIMIT" = "30s" -> limits.document.mutation_time, time;
    /// Size of the body of an operation
    "HERALD_LIMIT_BODY" "LIMIT" = "1MiB" -> limits.http.body, bytes;
    /// Size of a request's headers
    "HERALD_LIMIT_HEADERS" "LIMIT" = "16KiB" -> limits.http.headers, bytes;
    /// How long headers and the body of an operation may take to come
    "HERALD_LIMIT_READ_TIME" "LIMIT" = "10s" -> limits.http.read_time, time;
    /// How long a connection may be idle after an answer; clients are told so
    "HERALD_LIMIT_IDLE_TIME" "LIMIT" = "75s" -> limits.http.idle_time, time;
    /// How long a client may read nothing of an answer; then its connection is closed
    "HERALD_LIMIT_WRITE_TIME" "LIMIT" = "10s" -> limits.http.write_time, time;
    /// Bytes a second that a client must send of a file, and read of an answer, while it is waited for; 0 is no limit
    "HERALD_LIMIT_LEAST_RATE" "LIMIT" = "1KiB" -> limits.http.least_rate, rate;
    /// Connections of a process, WebSockets included; more wait
    "HERALD_LIMIT_CONNECTIONS" "LIMIT" = "24000" -> limits.http.connections, count;
    /// Connections of one address, or IPv6 network of 64 bits, trusted proxies excepted; more are refused; without it half of all
    "HERALD_LIMIT_CONNECTIONS_PER_ADDRESS" "LIMIT" -> limits.http.connections_per_address, optional(count);
    /// What uploads may take in the data folder: those of a user, and of all; unused ones stay for a day
    "HERALD_LIMIT_UPLOADS" "LIMIT" = "8GiB,32GiB" -> limits.uploads, uploads;
    /// Points that a user may spend at once, an operation's cost for each; 0 is no limit
    "HERALD_LIMIT_POINTS" "LIMIT" = "0" -> limits.points.bucket, count_or_none;
    /// Points that come back each second
    "HERALD_LIMIT_POINTS_RATE" "LIMIT" = "50" -> limits.points.rate, count;
    /// Statements of one user that the database runs at once; more wait
    "HERALD_LIMIT_STATEMENTS" "LIMIT" = "6" -> limits.statements, count;
    /// How long a WebSocket's client may take to introduce itself
    "HERALD_LIMIT_SOCKET_INIT" "LIMIT" = "5s" -> limits.socket.init_time, time;
    /// Size of a WebSocket's message
    "HERALD_LIMIT_SOCKET_MESSAGE" "LIMIT" = "64KiB" -> limits.socket.message, bytes;
    /// Operations that run on a WebSocket at once
    "HERALD_LIMIT_SOCKET_OPERATIONS" "LIMIT" = "50" -> limits.socket.operations, count;
    /// WebSockets of one user, or of one address that has not signed in
    "HERALD_LIMIT_SOCKETS_PER_USER" "LIMIT" = "20" -> limits.socket.per_user, count;
    /// Messages a second that a WebSocket's client may send
    "HERALD_LIMIT_SOCKET_RATE" "LIMIT" = "50" -> limits.socket.rate, count;
    /// Messages that it may send at once
    "HERALD_LIMIT_SOCKET_BURST" "LIMIT" = "200" -> limits.socket.burst, count;
    /// How often the server pings
    "HERALD_LIMIT_SOCKET_PING" "LIMIT" = "20s" -> limits.socket.ping_time, time;
    /// How long a WebSocket's client may be silent, pongs included
    "HERALD_LIMIT_SOCKET_DEAD" "LIMIT" = "40s" -> limits.socket.dead_time, time;
    /// How long a client may take to read what is sent to its WebSocket
    "HERALD_LIMIT_SOCKET_WRITE" "LIMIT" = "10s" -> limits.socket.write_time, time;
    /// Messages that may wait to be sent to a WebSocket
    "HERALD_LIMIT_SOCKET_QUEUE" "LIMIT" = "256" -> limits.socket.queue, count;
    /// 32 bytes in base64 that sign tokens and encrypt secrets; without it, on SQLite, made in the data folder
    "HERALD_SECRET_KEY" "SECRET" => secret_key: Option<SecretKey>, optional(secret_key);
    /// The key before it, while herald secrets rotate replaces it
    "HERALD_SECRET_KEY_BEFORE" "SECRET" => secret_key_before: Option<SecretKey>, optional(secret_key);
    /// A URL that is told the same by POST, in JSON with a sentence as text, as Slack and Mattermost take it
    "HERALD_ALERT_WEBHOOK" "SECRET" -> alerts.webhook, optional(url(&["https", "http"]));
    /// Your Telegram application's hash, from my.telegram.org; signing in needs it
    "HERALD_TELEGRAM_API_HASH" "SECRET" -> telegram.api_hash, optional(api_hash);
    /// 256 bytes in base64: the key that HERALD_TELEGRAM_SERVER knows for herald telegram login, if it can't agree upon one
    "HERALD_TELEGRAM_SERVER_KEY" "SECRET" -> telegram.server_key, optional(auth_key);
    /// The first start's password of the user admin; without it made up and printed once
    "HERALD_ADMIN_PASSWORD" "SECRET" => admin_password: Option<SecretString>, optional(password);
}
