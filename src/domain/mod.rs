//! Floor 0, pure: the words and rules of Herald. Nothing here touches a database, a socket or a file.

pub mod audit;
pub mod broadcast;
pub mod bucket;
pub mod channel_line;
pub mod clock;
pub mod delivery;
pub mod error;
pub mod explanation;
pub mod id;
pub mod json;
pub mod limits;
pub mod markup;
pub mod media_url;
pub mod meters;
pub mod pacing;
pub mod positions;
pub mod proxies;
pub mod role;
pub mod sealed;
pub mod secret_key;
pub mod session_string;
pub mod statistics;
pub mod template;
pub mod text;
pub mod username;
