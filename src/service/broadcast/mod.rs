//! The use cases of broadcasting.

pub mod campaign;
pub mod channel_import;
pub mod delivery;
pub mod follow;
pub mod job;
pub mod live;
pub mod pace;
pub mod upload;
