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
mod prelude;
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
    access::user::list::UserQuery,
    access::api_token::list::ApiTokenQuery,
    access::audit::list::AuditQuery,
    broadcast::channel::list::ChannelQuery,
    broadcast::channel_import::list::ChannelImportQuery,
    broadcast::batch::list::BatchQuery,
    broadcast::template::list::TemplateQuery,
    broadcast::template::preview::PreviewQuery,
    broadcast::campaign::list::CampaignQuery,
    broadcast::job::list::JobQuery,
    retention::integration::list::IntegrationQuery,
    retention::lead_import::list::LeadImportQuery,
    retention::ab_test::list::AbTestQuery,
    retention::report::ReportQuery,
    retention::lead::person::PersonQuery,
    broadcast::telegram_account::list::TelegramAccountQuery,
    retention::conversion::list::ConversionQuery,
    retention::sequence::list::SequenceQuery,
    retention::enrollment::list::EnrollmentQuery,
    #[cfg(test)] tests::Faulty,
    retention::lead::list::LeadQuery,
    retention::campaign::list::RetentionCampaignQuery,
    retention::script::list::ScriptQuery,
    retention::contact_attempt::list::ContactAttemptQuery,
    retention::conversion_rule::list::ConversionRuleQuery,
);

/// Everything that can be changed. Each field takes one `input` and gives back what it changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    access::session::SessionMutation,
    access::user::mutations::UserMutation,
    access::api_token::mutations::ApiTokenMutation,
    broadcast::channel::mutations::ChannelMutation,
    broadcast::channel::refresh::ChannelRefreshMutation,
    broadcast::campaign::sent::SentMessagesMutation,
    broadcast::channel_import::mutations::ChannelImportMutation,
    broadcast::batch::mutations::BatchMutation,
    broadcast::template::mutations::TemplateMutation,
    broadcast::campaign::mutations::CampaignMutation,
    broadcast::job::mutations::JobMutation,
    retention::integration::mutations::IntegrationMutation,
    retention::lead_import::mutations::LeadImportMutation,
    retention::ab_test::mutations::AbTestMutation,
    retention::lead::person::PersonMutation,
    broadcast::telegram_account::mutations::TelegramAccountMutation,
    retention::conversion::mutations::ConversionMutation,
    retention::campaign::instantly::InstantlyMutation,
    retention::sequence::mutations::SequenceMutation,
    retention::enrollment::mutations::EnrollmentMutation,
    #[cfg(test)] tests::Faulty,
    retention::lead::mutations::LeadMutation,
    retention::campaign::mutations::RetentionCampaignMutation,
    retention::script::mutations::ScriptMutation,
    retention::contact_attempt::mutations::ContactAttemptMutation,
    retention::conversion_rule::mutations::ConversionRuleMutation,
);

/// Everything that can be watched.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    access::audit::list::AuditSubscription,
    broadcast::campaign::live::BroadcastSubscription,
    retention::lead_import::list::LeadImportSubscription,
    retention::sequence::live::SequenceSubscription,
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
