//! Anything by its id alone.

use async_graphql::{Context, ID, Interface, Object};
use futures_util::future::try_join_all;

use super::access::audit::AuditLog;
use super::access::user::User;
use super::guard::{self, requires};
use super::id::{self, GlobalId, MOST_IDS, ReadId};
use crate::domain::error::{Error, Result, Violation};
use crate::domain::id::{AuditLogId, UserId};
use crate::domain::role::Permission;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, opaque and unique among all types."))]
pub enum Node {
    /// A user.
    User(User),
    /// A line of the audit log.
    AuditLog(AuditLog),
}

/// Anything by its id alone.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// What has this id; null if there is nothing. It needs the permission that reading this type needs.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id.")] id: ID) -> Result<Option<Node>> {
        find(ctx, &id, || vec!["id".into()]).await
    }

    /// What has these ids, in their order; null where there is nothing, or nothing that the viewer may read.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST_IDS {
            let message = format!("{} ids are given, {MOST_IDS} is the most", ids.len());
            return Err(Error::Invalid(vec![Violation { path: vec!["ids".into()], message }]));
        }
        let found = ids.iter().enumerate().map(async |(index, id)| {
            match find(ctx, id, || vec!["ids".into(), index.to_string()]).await {
                Err(Error::Forbidden) => Ok(None),
                found => found,
            }
        });
        try_join_all(found).await
    }
}

/// A line for each type: the permission that reads it, and how it is found.
async fn find(ctx: &Context<'_>, id: &ID, path: impl FnOnce() -> Vec<String>) -> Result<Option<Node>> {
    let Some((name, _)) = id::decode(id) else {
        return Err(Error::Invalid(vec![Violation { path: path(), message: "this is not an id".into() }]));
    };
    let need = async |permission| guard::require(ctx, permission).await;
    Ok(match name.as_str() {
        UserId::TYPE => {
            need(Permission::ReadUsers).await?;
            User::by_id(ctx, id.argument("id")?).await?.map(Node::User)
        }
        AuditLogId::TYPE => {
            need(Permission::ReadAudit).await?;
            AuditLog::by_id(ctx, id.argument("id")?).await?.map(Node::AuditLog)
        }
        _ => None,
    })
}
