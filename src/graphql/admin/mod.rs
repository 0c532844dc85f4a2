//! What Herald does by itself, and who watches over it.

use async_graphql::{MergedObject, MergedSubscription};

pub mod task;

/// What can be read of what Herald does by itself.
#[derive(MergedObject, Default)]
pub struct AdminQuery(task::list::TaskQuery);

/// What can be changed in what Herald does by itself.
#[derive(MergedObject, Default)]
pub struct AdminMutation(task::mutations::TaskMutation);

/// What can be watched of what Herald does by itself.
#[derive(MergedSubscription, Default)]
pub struct AdminSubscription(task::list::TaskSubscription);
