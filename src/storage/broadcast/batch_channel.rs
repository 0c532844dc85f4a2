//! Which channels are in which batch.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use domain::id::{BatchId, ChannelId};

/// One channel in one batch.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batch_channels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch_id: BatchId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
}

joins_nothing!();

impl Entity {
    /// The channels of a batch.
    pub fn of(batch: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::BatchId)).eq(batch))
    }

    /// The batches of a channel.
    pub fn with(channel: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::ChannelId)).eq(channel))
    }
}
