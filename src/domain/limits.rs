//! What one client may ask for: each a setting `HERALD_LIMIT_*`, so that no input is without a limit.

use std::time::Duration;

use super::role::Role;

/// All limits, in force on every path: HTTP, WebSocket and stored documents.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of documents.
    pub document: DocumentLimits,
    /// Of requests and connections.
    pub http: HttpLimits,
    /// Of WebSockets.
    pub socket: SocketLimits,
    /// Of what a caller may spend.
    pub points: PointLimits,
    /// Of the files that lie in the data folder.
    pub uploads: UploadLimits,
    /// Statements of one user that the database runs at once.
    pub statements: usize,
}

/// The most that a document may ask for.
#[derive(Debug, Clone)]
pub struct DocumentLimits {
    /// Bytes of the document.
    pub bytes: usize,
    /// The document's tokens: names, numbers, strings and signs, commas left out.
    pub tokens: usize,
    /// Levels of fields. The standard introspection query has 15.
    pub depth: usize,
    /// Selections, once all fragments are put in where they are spread.
    pub selections: u64,
    /// Aliases of an operation, those of its fragments each time they are spread.
    pub aliases: u64,
    /// Fields of a query's or a subscription's root.
    pub root_fields: u64,
    /// Fields of a mutation's root.
    pub mutation_fields: u64,
    /// Directives of one field, fragment or operation.
    pub directives_at_once: usize,
    /// Directives of the whole document.
    pub directives: usize,
    /// Operations of the document.
    pub operations: usize,
    /// Variables of one operation.
    pub variables: usize,
    /// Levels of lists and objects in an argument or a variable.
    pub input_depth: usize,
    /// The most that an operation may cost: an object 1, a scalar 0, a connection 1 and its nodes as many times as are
    /// asked for.
    pub complexity: u64,
    /// The same for an auditor's operation: exports read much.
    pub auditor_complexity: u64,
    /// Nodes that the operation's connections may have together.
    pub nodes: u64,
    /// Nodes of one page. Pages that are asked for by default have 25.
    pub page: u64,
    /// Errors that one response tells of.
    pub errors: usize,
    /// Characters of an error's message.
    pub message: usize,
    /// How long a query may take.
    pub query_time: Duration,
    /// How long a mutation may take.
    pub mutation_time: Duration,
}

impl DocumentLimits {
    /// The most that an operation of a role may cost; the role None is nobody in particular.
    pub fn complexity_of(&self, role: Option<Role>) -> u64 {
        if role == Some(Role::Auditor) { self.auditor_complexity } else { self.complexity }
    }
}

/// The most that a request and a connection may take.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Bytes of a body sent to `/graphql`.
    pub body: usize,
    /// Bytes of a request's headers.
    pub headers: usize,
    /// How long the headers of a request may take to come, and how long its body.
    pub read_time: Duration,
    /// How long a connection may be idle after an answer.
    pub idle_time: Duration,
    /// Connections of the whole process, sockets included; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address, trusted proxies excepted; more are refused. None: half of all.
    pub connections_per_address: Option<usize>,
    /// How long a client may read nothing of an answer.
    pub write_time: Duration,
    /// Bytes a second that a client sends of a file, or reads of an answer, at least; 0 is no limit.
    pub least_rate: u32,
}

/// Over so many times of the time in which something has to move at all, the least rate is looked at.
const WINDOWS: u32 = 3;

impl HttpLimits {
    /// The time over which it is looked at how fast a client reads.
    pub fn write_window(&self) -> Duration {
        self.write_time * WINDOWS
    }

    /// The time over which it is looked at how fast a client sends.
    pub fn read_window(&self) -> Duration {
        self.read_time * WINDOWS
    }

    /// Connections of one address, trusted proxies excepted. Unless a setting says so, nobody has all of them.
    pub fn per_address(&self) -> usize {
        self.connections_per_address.unwrap_or_else(|| self.connections.div_ceil(2))
    }
}

/// The most that a WebSocket may take.
#[derive(Debug, Clone)]
pub struct SocketLimits {
    /// How long a client may take to introduce itself.
    pub init_time: Duration,
    /// Bytes of a message.
    pub message: usize,
    /// Operations that run at once.
    pub operations: usize,
    /// Sockets of one user, or of one address that has not signed in.
    pub per_user: usize,
    /// Messages a second that a client may send for ever.
    pub rate: u32,
    /// Messages that it may send at once.
    pub burst: u32,
    /// How often the server asks whether the client is there.
    pub ping_time: Duration,
    /// How long a client may say nothing at all, not even a pong.
    pub dead_time: Duration,
    /// How long a message may take to be written.
    pub write_time: Duration,
    /// Messages that may wait to be written.
    pub queue: usize,
}

/// The points that a caller may spend: each operation takes what it costs out of a bucket that fills again.
#[derive(Debug, Clone)]
pub struct PointLimits {
    /// Points of a full bucket; 0 is no limit.
    pub bucket: u32,
    /// Points that come back each second.
    pub rate: u32,
}

/// The most that uploads may take in a data folder, while they are needed and for a day besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// Bytes of one user's.
    pub per_user: u64,
    /// Bytes of all users' together.
    pub in_all: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self { per_user: 8 << 30, in_all: 32 << 30 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document: DocumentLimits::default(),
            http: HttpLimits::default(),
            socket: SocketLimits::default(),
            points: PointLimits { bucket: 0, rate: 50 },
            uploads: UploadLimits::default(),
            statements: 6,
        }
    }
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 64 << 10,
            tokens: 2_000,
            depth: 15,
            selections: 5_000,
            aliases: 30,
            root_fields: 20,
            mutation_fields: 5,
            directives_at_once: 5,
            directives: 50,
            operations: 10,
            variables: 50,
            input_depth: 32,
            complexity: 1_000,
            auditor_complexity: 5_000,
            nodes: 10_000,
            page: 100,
            errors: 20,
            message: 500,
            query_time: Duration::from_secs(15),
            mutation_time: Duration::from_secs(30),
        }
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            headers: 16 << 10,
            read_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            connections: 24_000,
            connections_per_address: None,
            write_time: Duration::from_secs(10),
            least_rate: 1 << 10,
        }
    }
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            init_time: Duration::from_secs(5),
            message: 64 << 10,
            operations: 50,
            per_user: 20,
            rate: 50,
            burst: 200,
            ping_time: Duration::from_secs(20),
            dead_time: Duration::from_secs(40),
            write_time: Duration::from_secs(10),
            queue: 256,
        }
    }
}
