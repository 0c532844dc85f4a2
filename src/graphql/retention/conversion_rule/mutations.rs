//! Making, changing and deleting conversion rules.

use crate::prelude::*;
use ::service::retention::conversion_rule as service;
use domain::retention::words::{ContactChannel, ConversionMetric};

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
    #[graphql(flatten)]
    repeat: Repeatable,
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
            repeat,
        } = input;
        let value = value.0;
        let new = service::New { channel, metric, value, conversion_rate, sample_size, confidence, is_active };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
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
        let rule = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).boxed().await?;
        Ok(UpdateConversionRulePayload { conversion_rule: rule.into() })
    }

    /// Takes a rule out of force for good.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_conversion_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] input: DeleteConversionRuleInput,
    ) -> Result<DeleteConversionRulePayload> {
        let rule = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteConversionRulePayload { deleted_id: rule.id.global() })
    }
}
