//! Addresses of databases, before anybody connects.

use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;

/// Whether the driver of PostgreSQL can read `url`. It is asked before it connects, because what it says of one that it can't read
/// has the whole of it, password included.
pub fn can_read_url(url: &str) -> bool {
    PgConnectOptions::from_str(url).is_ok()
}
