//! Signing in, users, API tokens, and the audit log.

pub mod api_token;
pub mod audit;
pub mod session;
pub mod user;
