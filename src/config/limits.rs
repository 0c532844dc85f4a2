//! The settings `HERALD_LIMIT_*`: what one client may ask for.

use std::time::Duration;

use clap::Args;

use super::values::{self, Value};
use super::{Named, Wrong};
use domain::limits::Limits;

/// A line for each limit: its meaning, its flag and variable, how it is written, its default, and where it belongs.
macro_rules! limits {
    ($($(#[$meaning:meta])+ $name:ident: $flag:literal $variable:literal $kind:ident $default:literal => $($place:ident).+;)+) => {
        /// The limits as they are written.
        #[derive(Args, Clone)]
        pub struct LimitSettings {
            $($(#[$meaning])+
            #[arg(long = $flag, env = $variable, default_value = $default, value_name = "LIMIT", hide = true)]
            $name: String,)+
        }

        impl LimitSettings {
            /// Checks all limits; the first wrong one is told.
            pub(super) fn check(&self) -> Result<Limits, Wrong> {
                let mut limits = Limits::default();
                $(limits.$($place).+ = $kind(&self.$name).of($variable)?;)+
                Ok(limits)
            }
        }
    };
}

limits! {
    /// Size of a document
    document_bytes: "limit-document-bytes" "HERALD_LIMIT_DOCUMENT_BYTES" bytes "64KiB" => document.bytes;
    /// Tokens of a document
    tokens: "limit-tokens" "HERALD_LIMIT_TOKENS" count "2000" => document.tokens;
    /// Levels of fields; the introspection query of GraphiQL and code generators has 15
    depth: "limit-depth" "HERALD_LIMIT_DEPTH" count "15" => document.depth;
    /// Selections of a document with its fragments put in
    selections: "limit-selections" "HERALD_LIMIT_SELECTIONS" count "5000" => document.selections;
    /// Aliases of an operation with its fragments put in
    aliases: "limit-aliases" "HERALD_LIMIT_ALIASES" count "30" => document.aliases;
    /// Root fields of a query or a subscription
    root_fields: "limit-root-fields" "HERALD_LIMIT_ROOT_FIELDS" count "20" => document.root_fields;
    /// Root fields of a mutation
    mutation_fields: "limit-mutation-fields" "HERALD_LIMIT_MUTATION_FIELDS" count "5" => document.mutation_fields;
    /// Directives of one field
    field_directives: "limit-field-directives" "HERALD_LIMIT_FIELD_DIRECTIVES" count "5" => document.directives_at_once;
    /// Directives of a document
    directives: "limit-directives" "HERALD_LIMIT_DIRECTIVES" count "50" => document.directives;
    /// Operations of a document
    operations: "limit-operations" "HERALD_LIMIT_OPERATIONS" count "10" => document.operations;
    /// Variables of an operation
    variables: "limit-variables" "HERALD_LIMIT_VARIABLES" count "50" => document.variables;
    /// Levels of lists and objects in an argument or a variable
    input_depth: "limit-input-depth" "HERALD_LIMIT_INPUT_DEPTH" count "32" => document.input_depth;
    /// Cost of an operation: an object 1, a scalar 0, a connection 1 and so many times its nodes as it asks for
    complexity: "limit-complexity" "HERALD_LIMIT_COMPLEXITY" count "1000" => document.complexity;
    /// Cost of an auditor's operation: exports read much
    auditor_complexity: "limit-auditor-complexity" "HERALD_LIMIT_AUDITOR_COMPLEXITY" count "5000"
        => document.auditor_complexity;
    /// Nodes that the connections of an operation may have together
    nodes: "limit-nodes" "HERALD_LIMIT_NODES" count "10000" => document.nodes;
    /// Nodes of a page
    page: "limit-page" "HERALD_LIMIT_PAGE" count "100" => document.page;
    /// Errors of a response
    errors: "limit-errors" "HERALD_LIMIT_ERRORS" count "20" => document.errors;
    /// Characters of an error's message
    message: "limit-message" "HERALD_LIMIT_MESSAGE" count "500" => document.message;
    /// How long a query may take
    query_time: "limit-query-time" "HERALD_LIMIT_QUERY_TIME" time "15s" => document.query_time;
    /// How long a mutation may take
    mutation_time: "limit-mutation-time" "HERALD_LIMIT_MUTATION_TIME" time "30s" => document.mutation_time;
    /// Size of the body of an operation
    body: "limit-body" "HERALD_LIMIT_BODY" bytes "1MiB" => http.body;
    /// Size of a request's headers
    headers: "limit-headers" "HERALD_LIMIT_HEADERS" bytes "16KiB" => http.headers;
    /// How long headers and the body of an operation may take to come, and how long a connection may be idle
    read_time: "limit-read-time" "HERALD_LIMIT_READ_TIME" time "10s" => http.read_time;
    /// Connections of a process, WebSockets included; more wait
    connections: "limit-connections" "HERALD_LIMIT_CONNECTIONS" count "20000" => http.connections;
    /// Connections of one address, trusted proxies excepted; more are refused
    connections_per_address: "limit-connections-per-address" "HERALD_LIMIT_CONNECTIONS_PER_ADDRESS" count "20000"
        => http.connections_per_address;
    /// Points that a user may spend at once, an operation's cost for each; 0 is no limit
    points: "limit-points" "HERALD_LIMIT_POINTS" count_or_none "0" => points.bucket;
    /// Points that come back each second
    points_rate: "limit-points-rate" "HERALD_LIMIT_POINTS_RATE" count "50" => points.rate;
    /// How long a WebSocket's client may take to introduce itself
    socket_init: "limit-socket-init" "HERALD_LIMIT_SOCKET_INIT" time "5s" => socket.init_time;
    /// Size of a WebSocket's message
    socket_message: "limit-socket-message" "HERALD_LIMIT_SOCKET_MESSAGE" bytes "64KiB" => socket.message;
    /// Operations that run on a WebSocket at once
    socket_operations: "limit-socket-operations" "HERALD_LIMIT_SOCKET_OPERATIONS" count "50" => socket.operations;
    /// WebSockets of one user, or of one address that has not signed in
    sockets: "limit-sockets-per-user" "HERALD_LIMIT_SOCKETS_PER_USER" count "20" => socket.per_user;
    /// Messages a second that a WebSocket's client may send
    socket_rate: "limit-socket-rate" "HERALD_LIMIT_SOCKET_RATE" count "50" => socket.rate;
    /// Messages that it may send at once
    socket_burst: "limit-socket-burst" "HERALD_LIMIT_SOCKET_BURST" count "200" => socket.burst;
    /// How often the server pings
    socket_ping: "limit-socket-ping" "HERALD_LIMIT_SOCKET_PING" time "20s" => socket.ping_time;
    /// How long a WebSocket's client may be silent, pongs included
    socket_dead: "limit-socket-dead" "HERALD_LIMIT_SOCKET_DEAD" time "40s" => socket.dead_time;
    /// How long a client may take to read what is sent to its WebSocket
    socket_write: "limit-socket-write" "HERALD_LIMIT_SOCKET_WRITE" time "10s" => socket.write_time;
    /// Messages that may wait to be sent to a WebSocket
    socket_queue: "limit-socket-queue" "HERALD_LIMIT_SOCKET_QUEUE" count "256" => socket.queue;
}

fn count<T: TryFrom<u32>>(text: &str) -> Value<T> {
    let number = values::number(text, 1..=1_000_000_u32)?;
    T::try_from(number).map_err(|_| format!("{text:?} is too large"))
}

fn count_or_none(text: &str) -> Value<u32> {
    values::number(text, 0..=1_000_000)
}

fn bytes(text: &str) -> Value<usize> {
    let size = values::size(text)?;
    let size = usize::try_from(size).ok().filter(|size| (1 << 10..=1 << 30).contains(size));
    size.ok_or_else(|| format!("{text:?} is not from 1KiB to 1GiB"))
}

fn time(text: &str) -> Value<Duration> {
    let time = values::duration(text)?;
    let range = Duration::from_millis(10)..=Duration::from_hours(24);
    if range.contains(&time) { Ok(time) } else { Err(format!("{text:?} is not from 10ms to 24h")) }
}
