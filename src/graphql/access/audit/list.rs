//! Lists of audit lines, and those that are added from now on.

use futures_util::Stream;
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::access::audit::MOST_COUNTED;
use crate::engine::id;
use crate::prelude::*;
use ::service::access::audit as service;
use domain::audit::{Action, Severity};
use domain::id::UserId;
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
    fn select(self) -> Result<Select<audit_log::Entity>> {
        use audit_log::Column;
        let Self { actions, severities, user_id, resource_type, resource_id, since, until } = self;
        let mut select = audit_log::Entity::all();
        if let Some(actions) = actions {
            select = select.filter(Column::Action.is_in(actions));
        }
        if let Some(severities) = severities {
            select = select.filter(Column::Severity.is_in(severities));
        }
        if let Some(id) = user_id {
            let id: UserId = id.argument("filter.userId")?;
            select = select.filter(Column::UserId.eq(id));
        }
        if let Some(kind) = resource_type {
            select = select.filter(Column::ResourceType.eq(kind));
        }
        if let Some(id) = resource_id {
            let wrong =
                || Violation { path: vec!["filter".into(), "resourceId".into()], message: "this is not an id".into() };
            let (kind, id) = id::decode(&id).ok_or_else(|| Error::Invalid(vec![wrong()]))?;
            select = select.filter(Column::ResourceType.eq(kind)).filter(Column::ResourceId.eq(id));
        }
        if let Some(since) = since {
            select = select.filter(Column::Timestamp.gte(since.0));
        }
        if let Some(until) = until {
            select = select.filter(Column::Timestamp.lt(until.0));
        }
        Ok(select)
    }
}

/// What lines can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum AuditLogOrderField {
    /// The instant.
    Timestamp,
}

/// How lines are sorted.
#[derive(InputObject)]
struct AuditLogOrder {
    /// What decides the order.
    field: AuditLogOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl AuditLogOrder {
    fn sort(order: Option<Self>) -> Sort<audit_log::Entity> {
        let direction = order.map_or(OrderDirection::Desc, |Self { field, direction }| match field {
            AuditLogOrderField::Timestamp => direction,
        });
        Sort::by(audit_log::Column::Timestamp).descending(direction.is_desc())
    }
}

/// Reads the audit log.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Lines of the audit log, newest first unless told otherwise. `totalCount` stops at 10,001.
    #[graphql(directive = requires::apply(Permission::ReadAudit))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let (select, sort) = (filter.unwrap_or_default().select()?, AuditLogOrder::sort(order_by));
        let lines = Connection::read_counting(&ctx.services().db, select, sort, &args, Some(MOST_COUNTED)).await?;
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
