//! Anything by its id alone.

use std::sync::LazyLock;

use async_graphql::{Interface, PathSegment};
use futures_util::future::{BoxFuture, ready, try_join_all};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::engine::guard;
use crate::engine::id::{self, MOST_IDS};
use crate::prelude::*;
use domain::id::NounId;
use storage::noun::{Keyed, Noun};
use storage::rows::{self, Row};

/// The row of what has such an id.
pub type RowOf<I> = <<I as Keyed>::Noun as EntityTrait>::Model;

/// A type of the API whose objects have ids of their own. The macro [`node`] implements it.
pub trait NodeType: Sized + Send + 'static {
    /// Its id.
    type Id: Keyed<Noun: EntityTrait<Model: Row + Sync + 'static>>;

    /// A row, as it is shown.
    fn of(row: RowOf<Self::Id>) -> Self;

    /// Whether the viewer, who may read others of this type, may see this one.
    fn is_visible(_row: &RowOf<Self::Id>, _ctx: &Context<'_>) -> bool {
        true
    }

    /// What has this id; None if there is no id, or nothing that the viewer may see.
    fn by_id<'a>(ctx: &'a Context<'_>, id: impl Into<Option<Self::Id>>) -> BoxFuture<'a, Result<Option<Self>>> {
        let id = id.into();
        Box::pin(async move {
            let Some(id) = id else { return Ok(None) };
            let row = ctx.loaders().one(id).await?;
            Ok(row.filter(|row| Self::is_visible(row, ctx)).map(Self::of))
        })
    }

    /// What has the id that the root argument `id` gives.
    fn by_argument<'a>(ctx: &'a Context<'_>, id: &ID) -> BoxFuture<'a, Result<Option<Self>>> {
        match id.argument::<Self::Id>("id") {
            Ok(id) => Self::by_id(ctx, id),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// Rows of nouns, by id.
#[async_trait]
impl<I: Keyed<Noun: EntityTrait<Model: Row + Sync + 'static>>> Loader<I> for Reader {
    type Value = RowOf<I>;
    type Error = LoadError;

    async fn load(&self, ids: &[I]) -> Result<HashMap<I, RowOf<I>>, LoadError> {
        let rows = rows::all(I::Noun::by_ids(ids), self.db.reader()).await?;
        Ok(rows.into_iter().map(|row| (I::Noun::id(&row), row)).collect())
    }
}

/// Makes a struct around a row the type that shows it: `node!(Lead: LeadId, lead::Model);`, with what differs in braces.
macro_rules! node {
    ($type:ident: $id:ty, $model:ty) => {
        $crate::node::node!($type: $id, $model, |row| $type(row), {});
    };
    ($type:ident: $id:ty, $model:ty, |$row:ident| $made:expr, { $($differing:tt)* }) => {
        impl From<$model> for $type {
            fn from($row: $model) -> Self {
                $made
            }
        }

        impl $crate::node::NodeType for $type {
            type Id = $id;

            fn of(row: $model) -> Self {
                row.into()
            }

            $($differing)*
        }
    };
}

pub(crate) use node;

/// How something of one type is found.
struct Entry {
    permission: Permission,
    find: for<'a> fn(&'a Context<'_>, Uuid) -> BoxFuture<'a, Result<Option<Node>>>,
}

fn entry<T: NodeType + Into<Node> + 'static>() -> Option<(&'static str, Entry)> {
    Some((<T::Id as NounId>::NAME, Entry { permission: <T::Id as NounId>::READ?, find: find_one::<T> }))
}

fn find_one<'a, T: NodeType + Into<Node> + 'static>(
    ctx: &'a Context<'_>,
    id: Uuid,
) -> BoxFuture<'a, Result<Option<Node>>> {
    async move { Ok(T::by_id(ctx, T::Id::from_uuid(id)).await?.map(Into::into)) }.boxed()
}

macro_rules! nodes {
    ($($domain:ident::$noun:ident::$type:ident,)+) => {
        /// The types of what has an id.
        pub mod types {
            $(pub use crate::$domain::$noun::$type;)+
        }

        /// Anything that has an id.
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "The id, opaque and unique among all types."))]
        pub enum Node {
            $(#[doc = concat!("See [`", stringify!($type), "`].")] $type($type),)+
        }

        /// How each of them is found, by the name of its type.
        static ENTRIES: LazyLock<HashMap<&'static str, Entry>> =
            LazyLock::new(|| [$(entry::<$type>(),)+].into_iter().flatten().collect());
    };
}

nodes!(
    access::user::User,
    access::api_token::ApiToken,
    access::audit::AuditLog,
    admin::task::Task,
    admin::session::Session,
    admin::worker::Worker,
    broadcast::channel::Channel,
    broadcast::channel_import::ChannelImport,
    retention::ab_test::AbTest,
    retention::lead_import::LeadImport,
    broadcast::batch::Batch,
    broadcast::template::Template,
    broadcast::campaign::BroadcastCampaign,
    broadcast::job::Job,
    retention::lead::Lead,
    retention::campaign::RetentionCampaign,
    retention::campaign_lead::CampaignLead,
    retention::contact_attempt::ContactAttempt,
    retention::script::Script,
    retention::conversion_rule::ConversionRule,
    retention::refusal::Refusal,
    retention::webhook_event::WebhookEvent,
    retention::integration::IntegrationConfig,
    broadcast::telegram_account::TelegramAccount,
    retention::conversion::Conversion,
    retention::sequence::RetentionSequence,
    retention::step::SequenceStep,
    retention::enrollment::SequenceEnrollment,
    retention::step_execution::SequenceStepExecution,
);

/// Anything by its id alone.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// What has this id; null if there is nothing. It needs the permission that reading this type needs.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id that any field `id` gave.")] id: ID,
    ) -> Result<Option<Node>> {
        find(ctx, &id, || vec!["id".into()]).await
    }

    /// What has these ids, in their order; null where there is nothing, or nothing that the viewer may read. One that is no id
    /// is an error of its own, at its place; the others are found.
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
                Err(error @ Error::Invalid(_)) => {
                    let mut error =
                        ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos));
                    error.path.push(PathSegment::Index(index));
                    ctx.add_error(error);
                    Ok(None)
                }
                found => found,
            }
        });
        try_join_all(found).await
    }
}

async fn find(ctx: &Context<'_>, id: &ID, path: impl FnOnce() -> Vec<String>) -> Result<Option<Node>> {
    let Some((name, uuid)) = id::decode(id) else {
        return Err(Error::Invalid(vec![Violation { path: path(), message: "this is not an id".into() }]));
    };
    let Some(Entry { permission, find }) = ENTRIES.get(&*name) else { return Ok(None) };
    guard::require(ctx, *permission)?;
    find(ctx, uuid).await
}
