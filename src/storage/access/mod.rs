//! Users, their sessions, and the audit log.

#![expect(missing_docs, reason = "the names of columns say what they hold; the API describes each that it shows")]

pub mod alert;
pub mod api_token;
pub mod audit_archive;
pub mod audit_head;
pub mod audit_log;
pub mod idempotency_key;
pub mod installation_key;
pub mod login_throttle;
pub mod refresh_token;
pub mod session;
pub mod user;
