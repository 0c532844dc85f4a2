//! Channels, batches, templates, campaigns and jobs.

use async_graphql::{MergedObject, MergedSubscription};

pub mod batch;
pub mod campaign;
pub mod channel;
pub mod channel_import;
pub mod job;
pub mod overview;
pub mod telegram_account;
pub mod template;
#[cfg(test)]
mod tests;

/// What can be read of broadcasts.
#[derive(MergedObject, Default)]
pub struct BroadcastQuery(
    channel::list::ChannelQuery,
    channel_import::list::ChannelImportQuery,
    batch::list::BatchQuery,
    template::list::TemplateQuery,
    template::preview::PreviewQuery,
    campaign::list::CampaignQuery,
    campaign::preflight::PreflightQuery,
    job::list::JobQuery,
    overview::OverviewQuery,
    telegram_account::list::TelegramAccountQuery,
);

/// What can be changed in broadcasts.
#[derive(MergedObject, Default)]
pub struct BroadcastMutation(
    channel::mutations::ChannelMutation,
    channel::refresh::ChannelRefreshMutation,
    campaign::sent::SentMessagesMutation,
    channel_import::mutations::ChannelImportMutation,
    crate::imports::ImportMutation,
    batch::mutations::BatchMutation,
    template::mutations::TemplateMutation,
    campaign::mutations::CampaignMutation,
    campaign::retry::RetryMutation,
    job::mutations::JobMutation,
    telegram_account::mutations::TelegramAccountMutation,
);

/// What can be watched of broadcasts.
#[derive(MergedSubscription, Default)]
pub struct BroadcastSubscription(campaign::live::CampaignSubscription);
