//! Telegram accounts: opening their keys.

mod credentials;

pub use credentials::{Application, credentials};
