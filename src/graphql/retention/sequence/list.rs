//! Lists of retention sequences.

use crate::prelude::*;
use domain::retention::words::{RetentionSequenceStatus, TriggerType};
use storage::retention::sequence::{self, Column};

/// Which sequences are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct RetentionSequenceFilter {
    /// In one of these states.
    statuses: Option<Vec<RetentionSequenceStatus>>,
    /// With one of these triggers.
    trigger_types: Option<Vec<TriggerType>>,
    /// The id of the campaign that governs them.
    campaign_id: Option<ID>,
    /// This is part of the name or of the description, in any case.
    search: Option<String>,
}

impl RetentionSequenceFilter {
    fn read(self) -> Result<sequence::SequenceFilter> {
        let Self { statuses, trigger_types, campaign_id, search } = self;
        Ok(sequence::SequenceFilter {
            statuses: statuses.map(each),
            trigger_types: trigger_types.map(each),
            campaign: campaign_id.argument("filter.campaignId")?,
            search,
        })
    }
}

order! {
    /// What sequences can be sorted by.
    enum RetentionSequenceOrderField of sequence::Entity {
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
        /// The instant of creation.
        CreatedAt => Sort::by_id(),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
    }
    /// How sequences are sorted.
    RetentionSequenceOrder, falling CreatedAt
}

/// Reads sequences.
#[derive(Default)]
pub struct SequenceQuery;

#[Object]
impl SequenceQuery {
    /// The retention sequences, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_sequences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which sequences.")] filter: Option<RetentionSequenceFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<RetentionSequenceOrder>,
    ) -> Result<Option<Connection<RetentionSequence>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().read()?.cut(sequence::Entity::all());
        Connection::read(ctx, select, RetentionSequenceOrder::sort(order_by), &args).await.map(Some)
    }

    /// The sequence with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sequence's id.")] id: ID,
    ) -> Result<Option<RetentionSequence>> {
        RetentionSequence::by_argument(ctx, &id).await
    }
}
