//! Signing in, users, API tokens, and the audit log.

use async_graphql::{MergedObject, MergedSubscription};

pub mod api_token;
pub mod audit;
pub mod session;
pub mod user;

/// What can be read of who signs in, and what they did.
#[derive(MergedObject, Default)]
pub struct AccessQuery(
    session::SessionQuery,
    user::list::UserQuery,
    api_token::list::ApiTokenQuery,
    audit::list::AuditQuery,
);

/// What can be changed in who signs in, and what they did.
#[derive(MergedObject, Default)]
pub struct AccessMutation(
    session::SessionMutation,
    user::mutations::UserMutation,
    api_token::mutations::ApiTokenMutation,
);

/// What can be watched of who signs in, and what they did.
#[derive(MergedSubscription, Default)]
pub struct AccessSubscription(audit::list::AuditSubscription);
