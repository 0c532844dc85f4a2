//! Channels, batches, templates, campaigns and jobs.

pub mod batch;
pub mod batch_list;
pub mod batch_mutations;
pub mod campaign;
pub mod campaign_list;
pub mod campaign_mutations;
pub mod channel;
pub mod channel_import;
pub mod channel_list;
pub mod channel_mutations;
pub mod channel_refresh;
pub mod job;
pub mod job_list;
pub mod job_mutations;
pub mod live;
pub mod message_entity;
pub mod sent_messages;
pub mod telegram_account;
pub mod telegram_account_mutations;
pub mod template;
pub mod template_mutations;
pub mod template_preview;
#[cfg(test)]
mod tests;
