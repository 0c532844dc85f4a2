//! Lists of retention sequences.

use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter, Select};

use crate::prelude::*;
use domain::retention::words::{RetentionSequenceStatus, TriggerType};
use storage::retention::sequence::{self, Column};
use storage::sql::contains_in_any_case;

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
    fn select(self) -> Result<Select<sequence::Entity>> {
        let Self { statuses, trigger_types, campaign_id, search } = self;
        let mut select = sequence::Entity::all();
        // Each once, however often it was given.
        if let Some(statuses) = statuses {
            let each = RetentionSequenceStatus::iter().filter(|one| statuses.contains(one));
            select = select.filter(Column::Status.is_in(each));
        }
        if let Some(types) = trigger_types {
            select = select.filter(Column::TriggerType.is_in(TriggerType::iter().filter(|one| types.contains(one))));
        }
        if let Some(id) = campaign_id {
            let id: domain::id::RetentionCampaignId = id.argument("filter.campaignId")?;
            select = select.filter(Column::CampaignId.eq(id));
        }
        if let Some(part) = search {
            let in_name = contains_in_any_case(Column::Name, &part);
            select = select.filter(Condition::any().add(in_name).add(contains_in_any_case(Column::Description, &part)));
        }
        Ok(select)
    }
}

/// What sequences can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum RetentionSequenceOrderField {
    /// In the order of the alphabet.
    Name,
    /// The instant of creation.
    CreatedAt,
    /// The instant of the last change.
    UpdatedAt,
}

/// How sequences are sorted.
#[derive(InputObject)]
struct RetentionSequenceOrder {
    /// What decides the order.
    field: RetentionSequenceOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl RetentionSequenceOrder {
    fn sort(order: Option<Self>) -> Sort<sequence::Entity> {
        let order =
            order.unwrap_or(Self { field: RetentionSequenceOrderField::CreatedAt, direction: OrderDirection::Desc });
        let sort = match order.field {
            RetentionSequenceOrderField::Name => Sort::by(Column::Name),
            RetentionSequenceOrderField::CreatedAt => Sort::by_id(),
            RetentionSequenceOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
        };
        sort.descending(order.direction.is_desc())
    }
}

/// Reads sequences.
#[derive(Default)]
pub struct SequenceQuery;

#[Object]
impl SequenceQuery {
    /// The retention sequences, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, RetentionSequenceOrder::sort(order_by), &args).await.map(Some)
    }

    /// The sequence with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sequence's id.")] id: ID,
    ) -> Result<Option<RetentionSequence>> {
        RetentionSequence::by_id(ctx, id.argument("id")?).await
    }
}
