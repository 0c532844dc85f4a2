//! Floor 3: the GraphQL API. A file for each noun; this one puts them together.
//!
//! A new noun: its type, a `..Query` and a `..Mutation` object in `graphql/<domain>/<noun>.rs`, one line each below, a line
//! in [`node`], a loader in its own file.

#![recursion_limit = "256"]

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions};

use self::engine::guard::Guarded;
use service::Services;
use service::broadcast::live::Live;
use service::retention::live::LeadImports;
use service::retention::report::Reports;
use service::retention::sequence_live::Sequences;

pub mod access;
pub mod broadcast;
pub mod engine;
pub mod node;
pub mod retention;
pub mod server;
#[cfg(test)]
mod tests;

/// Everything that can be read. Each field says which permission it needs; `UserRole` says who has which.
#[derive(MergedObject, Default)]
pub struct Query(
    access::session::SessionQuery,
    server::ServerQuery,
    node::NodeQuery,
    access::user::UserQuery,
    access::api_token::ApiTokenQuery,
    access::audit::AuditQuery,
    broadcast::channel_list::ChannelQuery,
    broadcast::channel_import::ChannelImportQuery,
    broadcast::batch_list::BatchQuery,
    broadcast::template::TemplateQuery,
    broadcast::template_preview::PreviewQuery,
    broadcast::campaign_list::CampaignQuery,
    broadcast::job_list::JobQuery,
    retention::integration::IntegrationQuery,
    retention::lead_import::LeadImportQuery,
    retention::ab_test_list::AbTestQuery,
    retention::report::ReportQuery,
    retention::lead_person::PersonQuery,
    broadcast::telegram_account::TelegramAccountQuery,
    retention::conversion_list::ConversionQuery,
    retention::sequence_list::SequenceQuery,
    retention::enrollment_list::EnrollmentQuery,
    #[cfg(test)] tests::Faulty,
    retention::lead_list::LeadQuery,
    retention::campaign_list::RetentionCampaignQuery,
    retention::script_mutations::ScriptQuery,
    retention::contact_attempt_list::ContactAttemptQuery,
    retention::conversion_rule_mutations::ConversionRuleQuery,
);

/// Everything that can be changed. Each field takes one `input` and gives back what it changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    access::session::SessionMutation,
    access::user::UserMutation,
    access::api_token::ApiTokenMutation,
    broadcast::channel_mutations::ChannelMutation,
    broadcast::channel_refresh::ChannelRefreshMutation,
    broadcast::sent_messages::SentMessagesMutation,
    broadcast::channel_import::ChannelImportMutation,
    broadcast::batch_mutations::BatchMutation,
    broadcast::template_mutations::TemplateMutation,
    broadcast::campaign_mutations::CampaignMutation,
    broadcast::job_mutations::JobMutation,
    retention::integration::IntegrationMutation,
    retention::lead_import::LeadImportMutation,
    retention::ab_test_mutations::AbTestMutation,
    retention::lead_person::PersonMutation,
    broadcast::telegram_account_mutations::TelegramAccountMutation,
    retention::conversion_list::ConversionMutation,
    retention::instantly_sync::InstantlyMutation,
    retention::sequence_mutations::SequenceMutation,
    retention::enrollment_mutations::EnrollmentMutation,
    #[cfg(test)] tests::Faulty,
    retention::lead_mutations::LeadMutation,
    retention::campaign_mutations::RetentionCampaignMutation,
    retention::script_mutations::ScriptMutation,
    retention::contact_attempt_list::ContactAttemptMutation,
    retention::conversion_rule_mutations::ConversionRuleMutation,
);

/// Everything that can be watched.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    access::audit::AuditSubscription,
    broadcast::live::BroadcastSubscription,
    retention::lead_import::LeadImportSubscription,
    retention::sequence_live::SequenceSubscription,
    #[cfg(test)] tests::FaultySubscription,
);

/// Herald's schema.
pub type Schema = async_graphql::Schema<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>>;

/// The schema over `services`; `live` is what is watched in this process.
pub fn schema(services: Services, live: Live) -> Schema {
    let (imports, reports) = (LeadImports::new(&services), Reports::new(&services));
    let sequences = Sequences::new(&services);
    builder().data(live).data(imports).data(reports).data(sequences).data(services).finish()
}

/// The schema as a document, as it is published in `schema/schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().include_specified_by();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>> {
    // A suggestion tells what is there to those who may not read the schema.
    Schema::build(Guarded::default(), Guarded::default(), Guarded::default()).disable_suggestions()
}
