//! Lists of conversion rules; making, changing and deleting them.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter};

use super::conversion_rule::ConversionRule;
use crate::engine::connection::{Connection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::scalar::Decimal;
use ::service::once::once;
use ::service::retention::conversion_rule as service;
use domain::error::Result;
use domain::retention::words::{ContactChannel, ConversionMetric};
use domain::role::Permission;
use storage::page::Sort;
use storage::retention::conversion_rule::{self, Column};

/// Which conversion rules are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ConversionRuleFilter {
    /// Of one of these channels.
    channels: Option<Vec<ContactChannel>>,
    /// About one of these metrics.
    metrics: Option<Vec<ConversionMetric>>,
    /// Only those that are in force, or only the others.
    is_active: Option<bool>,
}

/// Reads conversion rules.
#[derive(Default)]
pub struct ConversionRuleQuery;

#[Object]
impl ConversionRuleQuery {
    /// The conversion rules, in the order in which they were made.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn conversion_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which rules.")] filter: Option<ConversionRuleFilter>,
    ) -> Result<Option<Connection<ConversionRule>>> {
        let ConversionRuleFilter { channels, metrics, is_active } = filter.unwrap_or_default();
        // Each once, however often it was given: a statement takes only so many values.
        let of_channels = |given: Vec<_>| ContactChannel::iter().filter(move |channel| given.contains(channel));
        let of_metrics = |given: Vec<_>| ConversionMetric::iter().filter(move |metric| given.contains(metric));
        let condition = Condition::all()
            .add_option(channels.map(|given| Column::Channel.is_in(of_channels(given))))
            .add_option(metrics.map(|given| Column::Metric.is_in(of_metrics(given))))
            .add_option(is_active.map(|is_active| Column::IsActive.eq(is_active)));
        let (select, args) =
            (conversion_rule::Entity::all().filter(condition), PageArgs::new(ctx, first, after, last, before));
        Connection::read(&ctx.services().db, select, Sort::by_id(), &args).await.map(Some)
    }
}

/// What a new conversion rule is made of.
#[derive(InputObject)]
struct CreateConversionRuleInput {
    /// Whose steps it skips.
    channel: ContactChannel,
    /// What is measured.
    metric: ConversionMetric,
    /// What the metric must reach, or a cost must not exceed. A rate is at most 1.
    value: Decimal,
    /// The share of contacts that is expected to convert, 0 to 1: for people.
    #[graphql(default)]
    conversion_rate: f64,
    /// Attempts that there must be before it says anything, at least 1.
    sample_size: i32,
    /// How sure it must be that the channel does worse, between 0 and 1.
    confidence: f64,
    /// Whether it is in force from the start.
    #[graphql(default = true)]
    is_active: bool,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The conversion rule that was made.
#[derive(SimpleObject)]
struct CreateConversionRulePayload {
    /// The new rule.
    conversion_rule: ConversionRule,
}

/// What is to change of a conversion rule. What is left out stays.
#[derive(InputObject)]
struct UpdateConversionRuleInput {
    /// Which rule.
    id: ID,
    /// What the metric must reach, or a cost must not exceed.
    value: Option<Decimal>,
    /// The share of contacts that is expected to convert, 0 to 1: for people.
    conversion_rate: Option<f64>,
    /// Attempts that there must be before it says anything, at least 1.
    sample_size: Option<i32>,
    /// How sure it must be that the channel does worse, between 0 and 1.
    confidence: Option<f64>,
    /// Whether it is in force.
    is_active: Option<bool>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The conversion rule that was changed.
#[derive(SimpleObject)]
struct UpdateConversionRulePayload {
    /// The rule, as it is now.
    conversion_rule: ConversionRule,
}

/// Which conversion rule is to be deleted.
#[derive(InputObject)]
struct DeleteConversionRuleInput {
    /// Which rule.
    id: ID,
}

/// The conversion rule that was deleted.
#[derive(SimpleObject)]
struct DeleteConversionRulePayload {
    /// The id that it had.
    deleted_id: ID,
}

/// Changes conversion rules.
#[derive(Default)]
pub struct ConversionRuleMutation;

#[Object]
impl ConversionRuleMutation {
    /// Makes a rule that skips steps on a channel which does worse than it should.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_conversion_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateConversionRuleInput,
    ) -> Result<CreateConversionRulePayload> {
        let CreateConversionRuleInput {
            channel,
            metric,
            value,
            conversion_rate,
            sample_size,
            confidence,
            is_active,
            idempotency_key,
        } = input;
        let value = value.0;
        let new = service::New { channel, metric, value, conversion_rate, sample_size, confidence, is_active };
        let (on, actor) = (ctx.services(), ctx.actor_once(idempotency_key)?);
        let rule = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateConversionRulePayload { conversion_rule: rule.into() })
    }

    /// Changes a rule: the next step that is due is judged by it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_conversion_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule, and what.")] input: UpdateConversionRuleInput,
    ) -> Result<UpdateConversionRulePayload> {
        let UpdateConversionRuleInput {
            id,
            value,
            conversion_rate,
            sample_size,
            confidence,
            is_active,
            expected_version,
        } = input;
        let value = value.map(|value| value.0);
        let change = service::Change { value, conversion_rate, sample_size, confidence, is_active, expected_version };
        let rule = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).await?;
        Ok(UpdateConversionRulePayload { conversion_rule: rule.into() })
    }

    /// Takes a rule out of force for good.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_conversion_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] input: DeleteConversionRuleInput,
    ) -> Result<DeleteConversionRulePayload> {
        let rule = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        Ok(DeleteConversionRulePayload { deleted_id: rule.id.global() })
    }
}
