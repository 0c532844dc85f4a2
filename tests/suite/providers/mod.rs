//! Providers: what Herald sends to them, caught by real servers.

mod catcher;
mod dovecot;
pub mod instantly;
mod mail_server;
mod openapi;
mod requests;
mod smtp;

pub use catcher::{Catcher, Caught};
pub use dovecot::{Dovecot, PASSWORD as MAILBOX_PASSWORD};
pub use mail_server::MailServer;
pub use requests::assert_allowed;
