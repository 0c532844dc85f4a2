//! Lists of audit lines, and those that are added from now on.

use futures_util::Stream;

use crate::engine::id;
use crate::prelude::*;
use ::service::access::audit as service;
use domain::audit::{Action, Severity};
use storage::access::audit_log;

/// Which lines are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct AuditLogFilter {
    /// One of these actions.
    actions: Option<Vec<Action>>,
    /// One of these severities.
    severities: Option<Vec<Severity>>,
    /// Done by this user.
    user_id: Option<ID>,
    /// Done to something of this type, such as `BroadcastCampaign`.
    resource_type: Option<String>,
    /// Done to this.
    resource_id: Option<ID>,
    /// Not before this instant.
    since: Option<DateTime>,
    /// Before this instant.
    until: Option<DateTime>,
}

impl AuditLogFilter {
    fn read(self) -> Result<audit_log::AuditLogFilter> {
        let Self { actions, severities, user_id, resource_type, resource_id, since, until } = self;
        let resource = resource_id.map(|id| {
            let wrong =
                || Violation { path: vec!["filter".into(), "resourceId".into()], message: "this is not an id".into() };
            id::decode(&id).ok_or_else(|| Error::Invalid(vec![wrong()]))
        });
        Ok(audit_log::AuditLogFilter {
            actions,
            severities,
            user: user_id.argument("filter.userId")?,
            resource_type,
            resource: resource.transpose()?,
            since: since.map(Into::into),
            until: until.map(Into::into),
        })
    }
}

order! {
    /// What lines can be sorted by.
    enum AuditLogOrderField of audit_log::Entity {
        /// The instant.
        Timestamp => Sort::by(audit_log::Column::Timestamp),
    }
    /// How lines are sorted.
    AuditLogOrder, falling Timestamp
}

/// Reads the audit log.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Lines of the audit log, newest first unless told otherwise. `totalCount` stops at 10,001.
    #[graphql(directive = requires::apply(Permission::ReadAudit))]
    async fn audit_logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which lines.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<AuditLogOrder>,
    ) -> Result<Option<Connection<AuditLog>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        // Nobody waits for the line of his refusal, but who reads the log finds it.
        ctx.services().denials.written().await;
        let (select, sort) =
            (filter.unwrap_or_default().read()?.cut(audit_log::Entity::all()), AuditLogOrder::sort(order_by));
        let lines = Connection::read(ctx, select, sort, &args).await?;
        Ok(Some(lines))
    }
}

/// Watches the audit log.
#[derive(Default)]
pub struct AuditSubscription;

#[Subscription]
impl AuditSubscription {
    /// Each line that is added from now on, sealed, in the order of the chain and without gaps.
    #[graphql(directive = requires::apply(Permission::ReadAudit))]
    async fn audit_logged(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only lines of these severities.")] severities: Option<Vec<Severity>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<AuditLog>> + use<>> {
        use futures_util::{StreamExt, TryStreamExt, future};
        let lines = service::follow(ctx.services().clone()).await?;
        let wanted = move |line: &audit_log::Model| severities.as_ref().is_none_or(|all| all.contains(&line.severity));
        let lines = lines.try_filter(move |line| future::ready(wanted(line)));
        Ok(lines.map(|line| Ok(line.map(AuditLog::from)?)))
    }
}
