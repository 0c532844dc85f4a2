//! Batches: lists of channels that campaigns write to.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::LockType;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait};

use crate::broadcast::{batch_channel, campaign, progress};
use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::noun;
use crate::task;
use domain::broadcast::ProgressStatus;
use domain::error::{Error, Result};
use domain::id::{BatchId, ChannelId, UserId};
use domain::task::TaskKind;

/// The version of a batch that is not whole.
pub const UNFINISHED: i32 = 0;

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batches")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatchId,
    pub name: String,
    pub description: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub created_by_id: UserId,
    /// Kept in step with `batch_channels`, so that lists need not count.
    pub channel_count: i32,
    pub version: i32,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
    /// Whether campaigns to it may write to persons and bots.
    pub allow_private: bool,
}

crate::rows::row!(
    id, name, created_at, updated_at, created_by_id, channel_count, version, name_fold, allow_private;
    description,
);

joins_nothing!();

noun!(BatchId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NameFold, &[Column::Name])];

    fn all() -> Select<Self> {
        Self::present()
    }

    fn changeable() -> Select<Self> {
        Self::present()
    }
});

impl Entity {
    /// Batches that are whole. Large ones are filled and emptied in chunks (R23): meanwhile they are not there.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::Version.gt(UNFINISHED))
    }

    /// Batches that a channel is in.
    pub fn containing(channel: impl Into<Expr>) -> Select<Self> {
        let members = batch_channel::Entity::with(channel).select_only().column(batch_channel::Column::BatchId);
        Self::present().filter(Column::Id.in_subquery(members.into_query()))
    }

    /// The batches of this name.
    pub fn named(name: &str) -> Select<Self> {
        Self::present().filter(Column::NameFold.eq(Folded::of(name))).filter(Column::Name.eq(name))
    }

    /// Batches that are not whole.
    fn partial() -> Select<Self> {
        Self::find().filter(Column::Version.eq(UNFINISHED))
    }

    /// Batches that a crash left half filled or half emptied, and that no task goes on with.
    pub fn unfinished() -> Select<Self> {
        let going_on = task::Entity::unfinished().select_only().column(task::Column::SubjectId).into_query();
        Self::partial().filter(Column::Id.not_in_subquery(going_on))
    }

    /// Keeps the batch `id` as it is until the transaction ends: whoever would change it waits. Many may hold it.
    pub async fn hold(tx: &impl ConnectionTrait, id: BatchId) -> Result<Model> {
        let held = Self::present().filter(Column::Id.eq(id)).lock(LockType::KeyShare).one(tx).await?;
        if let Some(held) = held {
            return Ok(held);
        }
        Err(match task::Entity::unfinished_about(TaskKind::CreateBatch, id.0).one(tx).await? {
            Some(_) => Error::Precondition(
                "the batch is still being filled by a task: try again when that is COMPLETED".into(),
            ),
            None => Error::NotFound("batch"),
        })
    }

    /// Keeps the batch `id`, which is not whole yet, as it is until the transaction ends.
    pub async fn hold_unfinished(tx: &impl ConnectionTrait, id: BatchId) -> Result<()> {
        let held = Self::partial().filter(Column::Id.eq(id)).lock_exclusive().one(tx).await?;
        held.map(drop).ok_or(Error::NotFound("batch"))
    }

    /// Refuses if any of `batches`, which are locked, is just becoming the jobs of a campaign (R23).
    pub async fn require_unfrozen(tx: &impl ConnectionTrait, batches: &[BatchId]) -> Result<()> {
        let campaigns = campaign::Entity::find().filter(campaign::Column::BatchId.is_in(batches.iter().copied()));
        let campaigns = campaigns.select_only().column(campaign::Column::Id).into_query();
        let starting = progress::Entity::find()
            .filter(progress::Column::Status.eq(ProgressStatus::Starting))
            .filter(progress::Column::CampaignId.in_subquery(campaigns));
        match starting.one(tx).await? {
            Some(_) => Err(Error::Precondition(
                "a campaign is just being started with this batch; try again in a moment".into(),
            )),
            None => Ok(()),
        }
    }

    /// The batches that a channel is in, locked in the order of their ids.
    pub async fn lock_with(tx: &impl ConnectionTrait, channel: ChannelId) -> Result<Vec<Model>> {
        let members = batch_channel::Entity::with(channel).select_only().column(batch_channel::Column::BatchId);
        let batches = Self::find().filter(Column::Id.in_subquery(members.into_query()));
        Ok(batches.order_by_asc(Column::Id).lock_exclusive().all(tx).await?)
    }
}

impl Model {}

crate::filter::filter! {
    /// Which batches are wanted.
    BatchFilter of Entity {
        name_contains: String => |part: String| folded::has(Column::NameFold, &part),
        created_by: UserId => |id| Column::CreatedById.eq(id),
        created_after: DateTimeUtc => |at| Column::CreatedAt.gte(at),
        created_before: DateTimeUtc => |at| Column::CreatedAt.lt(at),
    }
}
