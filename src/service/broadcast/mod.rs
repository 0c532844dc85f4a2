//! The use cases of broadcasting.

pub mod batch;
pub mod campaign;
pub mod channel;
pub mod channel_refresh;
pub mod delivery;
pub mod follow;
pub mod job;
pub mod live;
pub mod pace;
pub mod telegram_account;
pub mod template;
mod usage;
