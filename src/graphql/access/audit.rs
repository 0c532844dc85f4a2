//! The audit log: who did what to what, when, and from where.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, Subscription};
use futures_util::Stream;
use sea_orm::{ColumnTrait, QueryFilter, Select};

use super::user::User;
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{self, GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::{BigInt, DateTime, Json};
use ::service::access::audit as service;
use domain::audit::{Action, Severity};
use domain::error::{Error, Result, Violation};
use domain::id::{AuditLogId, UserId};
use domain::role::Permission;
use storage::access::audit_log;
use storage::page::Sort;

/// Lines that `totalCount` counts at most.
const MOST_COUNTED: u64 = 10_001;

/// A line of the audit log. Lines are never changed; each is chained to the one before it.
pub struct AuditLog(audit_log::Model);

impl From<audit_log::Model> for AuditLog {
    fn from(row: audit_log::Model) -> Self {
        Self(row)
    }
}

/// A line of the audit log. Lines are never changed; each is chained to the one before it.
#[Object]
impl AuditLog {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What happened.
    async fn action(&self) -> Action {
        self.0.action
    }

    /// How much it matters.
    async fn severity(&self) -> Severity {
        self.0.severity
    }

    /// When it happened.
    async fn timestamp(&self) -> DateTime {
        self.0.timestamp.into()
    }

    /// Who did it; null for what Herald did by itself, and for failed logins.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user_id {
            Some(id) => User::by_id(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The type of what it was done to, such as `BroadcastCampaign`; null if to nothing in particular.
    async fn resource_type(&self) -> Option<&str> {
        self.0.resource_type.as_deref()
    }

    /// The id of what it was done to. It may have been deleted since.
    async fn resource_id(&self) -> Option<ID> {
        Some(id::encode(self.0.resource_type.as_deref()?, self.0.resource_id?))
    }

    /// Details; their shape depends on the action.
    async fn metadata(&self) -> Option<Json> {
        self.0.metadata.clone().map(Json)
    }

    /// The address that the request came from.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// The line's place in the chain, without gaps; null for the moment until it is sealed.
    async fn seq(&self) -> Option<BigInt> {
        self.0.seq.map(BigInt)
    }

    /// SHA-256 over the line and the hash of the line before it, in hexadecimal digits.
    async fn hash(&self) -> Option<&str> {
        self.0.hash.as_deref()
    }
}

impl AuditLog {
    /// The line `id`.
    pub async fn by_id(ctx: &Context<'_>, id: AuditLogId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

/// Lines by id.
impl Loader<AuditLogId> for Reader {
    type Value = audit_log::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[AuditLogId]) -> Result<HashMap<AuditLogId, audit_log::Model>, LoadError> {
        let rows = audit_log::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

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
        Ok(lines.map(|line| Ok(line.map(AuditLog)?)))
    }
}
