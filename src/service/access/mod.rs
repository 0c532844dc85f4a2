//! Signing in, users, API tokens, and the audit log.

pub mod api_token;
pub mod archive;
pub mod audit;
pub mod chain;
pub mod changes;
pub mod denial;
pub mod password;
pub mod seal;
pub mod session;
pub mod sso;
pub mod throttle;
pub mod token;
pub mod user;
