//! The API of leads, retention campaigns, and what is done for them.

use async_graphql::{MergedObject, MergedSubscription};

pub mod ab_test;
pub mod campaign;
pub mod campaign_lead;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_rule;
pub mod enrollment;
pub mod integration;
pub mod lead;
pub mod lead_import;
pub mod refusal;
pub mod report;
pub mod script;
pub mod sequence;
pub mod series;
pub mod step;
pub mod step_execution;
pub mod webhook_event;

/// What can be read of retention.
#[derive(MergedObject, Default)]
pub struct RetentionQuery(
    integration::list::IntegrationQuery,
    lead_import::list::LeadImportQuery,
    ab_test::list::AbTestQuery,
    report::ReportQuery,
    series::SeriesQuery,
    refusal::list::RefusalQuery,
    webhook_event::list::WebhookEventQuery,
    lead::person::PersonQuery,
    conversion::list::ConversionQuery,
    sequence::list::SequenceQuery,
    enrollment::list::EnrollmentQuery,
    lead::list::LeadQuery,
    campaign::list::RetentionCampaignQuery,
    script::list::ScriptQuery,
    script::preview::ScriptPreviewQuery,
    contact_attempt::list::ContactAttemptQuery,
    conversion_rule::list::ConversionRuleQuery,
);

/// What can be changed in retention.
#[derive(MergedObject, Default)]
pub struct RetentionMutation(
    integration::mutations::IntegrationMutation,
    lead_import::mutations::LeadImportMutation,
    ab_test::mutations::AbTestMutation,
    lead::person::PersonMutation,
    refusal::mutations::RefusalMutation,
    webhook_event::mutations::WebhookEventMutation,
    conversion::mutations::ConversionMutation,
    campaign::instantly::InstantlyMutation,
    sequence::mutations::SequenceMutation,
    enrollment::mutations::EnrollmentMutation,
    lead::mutations::LeadMutation,
    campaign::mutations::RetentionCampaignMutation,
    script::mutations::ScriptMutation,
    contact_attempt::mutations::ContactAttemptMutation,
    conversion_rule::mutations::ConversionRuleMutation,
);

/// What can be watched of retention.
#[derive(MergedSubscription, Default)]
pub struct RetentionSubscription(lead_import::list::LeadImportSubscription, sequence::live::SequenceSubscription);
