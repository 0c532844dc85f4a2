//! What Herald does by itself, and who watches over it.

use async_graphql::{MergedObject, MergedSubscription};

mod overview;
pub mod session;
pub mod statement;
pub mod task;
pub mod worker;

/// What can be read of what Herald does by itself.
#[derive(MergedObject, Default)]
pub struct AdminQuery(task::list::TaskQuery, overview::AdminOverviewQuery);

/// What can be changed in what Herald does by itself.
#[derive(MergedObject, Default)]
pub struct AdminMutation(
    task::mutations::TaskMutation,
    session::mutations::UserSessionMutation,
    worker::mutations::WorkerMutation,
);

/// What can be watched of what Herald does by itself.
#[derive(MergedSubscription, Default)]
pub struct AdminSubscription(task::list::TaskSubscription);
