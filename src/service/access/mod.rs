//! Signing in, users, and the audit log.

pub mod audit;
