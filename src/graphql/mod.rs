//! Floor 3: the GraphQL API. A folder for each noun; [`engine`] answers operations, and this file puts all together.
//!
//! A noun has `graphql/<domain>/<noun>/mod.rs` with its type and the loaders of what belongs to it, `list.rs` with the query, its
//! filter and its order, and `mutations.rs`. A new one adds its objects to those of its domain, and its type to [`node`] and to
//! the prelude.

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, ValidationMode};

use self::engine::guard::Guarded;
use service::Services;
use service::broadcast::follow::JobLogs;
use service::broadcast::live::Live;
use service::imports::Watch;
use service::retention::report::Reports;
use service::retention::sequence_live::Sequences;
use service::tasks;
use storage::broadcast::channel_import;
use storage::retention::lead_import;

pub mod access;
pub mod admin;
pub mod broadcast;
pub mod engine;
mod imports;
pub mod node;
mod prelude;
pub mod retention;
pub mod server;
mod stop;
#[cfg(test)]
mod tests;

/// Everything that can be read. Each field says which permission it needs; `UserRole` says who has which.
#[derive(MergedObject, Default)]
pub struct Query(
    access::AccessQuery,
    broadcast::BroadcastQuery,
    retention::RetentionQuery,
    server::ServerQuery,
    admin::AdminQuery,
    node::NodeQuery,
    #[cfg(test)] tests::Faulty,
);

/// Everything that can be changed. Each field takes one `input` and gives back what it changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    access::AccessMutation,
    broadcast::BroadcastMutation,
    retention::RetentionMutation,
    stop::StopMutation,
    admin::AdminMutation,
    #[cfg(test)] tests::Faulty,
);

/// Everything that can be watched.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    access::AccessSubscription,
    broadcast::BroadcastSubscription,
    retention::RetentionSubscription,
    stop::StopSubscription,
    admin::AdminSubscription,
    #[cfg(test)] tests::FaultySubscription,
);

/// Herald's schema.
pub type Schema = async_graphql::Schema<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>>;

/// The schema over `services`; `live` and `jobs` are what is watched in this process.
pub fn schema(services: Services, live: Live, jobs: JobLogs) -> Schema {
    let channels = Watch::<channel_import::Entity>::new(&services);
    let leads = Watch::<lead_import::Entity>::new(&services);
    let reports = Reports::new(&services);
    let sequences = Sequences::new(&services);
    let tasks = tasks::Watch::new(&services);
    let builder = builder().data(live).data(jobs).data(channels).data(leads).data(reports).data(sequences);
    builder.data(tasks).data(services).finish()
}

/// The schema as a document, as it is published in `schema/schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().include_specified_by();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>> {
    // A suggestion tells what is there to those who may not read the schema. Documents have been validated before.
    Schema::build(Guarded::default(), Guarded::default(), Guarded::default())
        .disable_suggestions()
        .validation_mode(ValidationMode::Fast)
}
