//! Channels, batches, templates, campaigns, and the queue of their jobs.

#![expect(missing_docs, reason = "the names of columns say what they hold; the API describes each that it shows")]

pub mod account_lease;
pub mod account_media;
pub mod account_peer;
pub mod batch;
pub mod batch_channel;
pub mod batch_members;
pub mod campaign;
pub mod campaign_account;
pub mod channel;
pub mod channel_filter;
pub mod channel_import;
pub mod channel_refresh;
pub mod channel_staging;
pub mod failures;
pub mod job;
pub mod job_change;
pub mod job_list;
pub mod job_update;
pub mod leftover;
pub mod old_jobs;
pub mod progress;
pub mod queue;
pub mod removed_account;
pub mod sender;
pub mod sent_change;
pub mod telegram_account;
pub mod template;
pub mod upload;
