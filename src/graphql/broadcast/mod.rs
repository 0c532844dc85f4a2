//! Channels, batches, templates, campaigns and jobs.

pub mod batch;
pub mod campaign;
pub mod channel;
pub mod channel_import;
pub mod job;
pub mod telegram_account;
pub mod template;
#[cfg(test)]
mod tests;
