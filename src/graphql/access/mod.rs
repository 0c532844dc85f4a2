//! Signing in, users, and the audit log.

pub mod audit;
pub mod session;
pub mod user;
