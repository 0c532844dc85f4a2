//! Making, starting and ending A/B tests.

use crate::engine::id::nowhere;
use crate::prelude::*;
use ::service::retention::ab_test::{self as service, TestScope};
use domain::retention::ab_test::{AbTestGoal, Rule};
use domain::retention::words::ContactChannel;

/// A new A/B test, of a step or of a campaign's channel. What is left out of the rule is as its description says.
#[derive(InputObject)]
struct CreateAbTestInput {
    /// What it is called, 1 to 200 characters.
    name: String,
    /// The step of a sequence whose contacts are divided. Either this, or `campaignId` and `channel`.
    step_id: Option<ID>,
    /// The campaign whose contacts on `channel` are divided, as far as they would use one of the two scripts, or none.
    campaign_id: Option<ID>,
    /// The way by which the campaign reaches its leads.
    channel: Option<ContactChannel>,
    /// The script that is variant A.
    variant_a_id: ID,
    /// The script that is variant B.
    variant_b_id: ID,
    /// What counts as success.
    #[graphql(default_with = "AbTestGoal::Conversion")]
    goal: AbTestGoal,
    /// The share of leads that get variant A, from 1 to 99 percent.
    #[graphql(default = 50)]
    share_of_a: i32,
    /// Leads that each variant must have been sent to before there is a winner, from 10 to 10,000,000.
    #[graphql(default = 1000)]
    min_sample: i32,
    /// Days that it must have run, from 0 to 365. Whole weeks are best: people are others on Sundays.
    #[graphql(default = 7)]
    min_days: i32,
    /// Days after which it is given up as FUTILE, up to 730.
    #[graphql(default = 60)]
    max_days: i32,
    /// The error rate of the sequential test, above 0 and at most 0.2.
    #[graphql(default = 0.05)]
    alpha: f64,
    /// The probability of being better that is enough if the loss is small too, from 0.5 to below 1.
    #[graphql(default = 0.95)]
    min_probability: f64,
    /// The expected loss, as a share of leads, that nobody cares about, from 0 to 0.1.
    #[graphql(default = 0.002)]
    max_loss: f64,
    #[graphql(flatten)]
    repeat: Repeatable,
}

impl CreateAbTestInput {
    fn place(&self) -> Result<TestScope> {
        match (&self.step_id, &self.campaign_id, self.channel) {
            (Some(step), None, None) => Ok(TestScope::Step(step.input("stepId")?)),
            (None, Some(campaign), Some(channel)) => Ok(TestScope::Campaign(campaign.input("campaignId")?, channel)),
            _ => Err(Error::invalid("stepId", "give either stepId, or campaignId and channel")),
        }
    }

    fn rule(&self) -> Rule {
        let share = number(self.share_of_a);
        Rule {
            goal: self.goal,
            split: [share, 100_u32.saturating_sub(share)],
            min_sample: number(self.min_sample),
            min_days: number(self.min_days),
            max_days: number(self.max_days),
            alpha: self.alpha,
            min_probability: self.min_probability,
            max_loss: self.max_loss,
        }
    }
}

/// What is to change of an A/B test that has not begun. What is left out stays.
#[derive(InputObject)]
struct UpdateAbTestInput {
    /// The test's id.
    id: ID,
    /// What it is called, 1 to 200 characters.
    name: Option<String>,
    /// The script that is variant A.
    variant_a_id: Option<ID>,
    /// The script that is variant B.
    variant_b_id: Option<ID>,
    /// What counts as success.
    goal: Option<AbTestGoal>,
    /// The share of leads that get variant A, from 1 to 99 percent.
    share_of_a: Option<i32>,
    /// Leads that each variant must have been sent to before there is a winner, from 10 to 10,000,000.
    min_sample: Option<i32>,
    /// Days that it must have run, from 0 to 365.
    min_days: Option<i32>,
    /// Days after which it is given up as FUTILE, up to 730.
    max_days: Option<i32>,
    /// The error rate of the sequential test, above 0 and at most 0.2.
    alpha: Option<f64>,
    /// The probability of being better that is enough if the loss is small too, from 0.5 to below 1.
    min_probability: Option<f64>,
    /// The expected loss, as a share of leads, that nobody cares about, from 0 to 0.1.
    max_loss: Option<f64>,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
}

impl UpdateAbTestInput {
    fn rule(&self, rule: Rule) -> Rule {
        let share = self.share_of_a.map(number);
        Rule {
            goal: self.goal.unwrap_or(rule.goal),
            split: share.map_or(rule.split, |share| [share, 100_u32.saturating_sub(share)]),
            min_sample: self.min_sample.map_or(rule.min_sample, number),
            min_days: self.min_days.map_or(rule.min_days, number),
            max_days: self.max_days.map_or(rule.max_days, number),
            alpha: self.alpha.unwrap_or(rule.alpha),
            min_probability: self.min_probability.unwrap_or(rule.min_probability),
            max_loss: self.max_loss.unwrap_or(rule.max_loss),
        }
    }
}

/// What is negative is out of every range.
fn number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The A/B test that is to be taken back.
#[derive(InputObject)]
struct DeleteAbTestInput {
    /// The test's id.
    id: ID,
    /// The version that you have seen: if it is another one by now, nothing is deleted.
    expected_version: Option<i32>,
}

/// The A/B test that was changed.
#[derive(SimpleObject)]
struct UpdateAbTestPayload {
    /// The test as it is now.
    ab_test: AbTest,
}

/// The A/B test that was taken back.
#[derive(SimpleObject)]
struct DeleteAbTestPayload {
    /// The id that it had.
    deleted_id: ID,
}

/// The A/B test that is to begin.
#[derive(InputObject)]
struct StartAbTestInput {
    /// The test's id.
    id: ID,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The A/B test that is to end without a winner.
#[derive(InputObject)]
struct StopAbTestInput {
    /// The test's id.
    id: ID,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
}

/// The A/B test whose winner is asked for.
#[derive(InputObject)]
struct DeclareAbTestWinnerInput {
    /// The test's id.
    id: ID,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
}

/// The A/B test that was made.
#[derive(SimpleObject)]
struct CreateAbTestPayload {
    /// The new test.
    ab_test: AbTest,
}

/// The A/B test that has begun.
#[derive(SimpleObject)]
struct StartAbTestPayload {
    /// The test as it is now.
    ab_test: AbTest,
}

/// The A/B test that has ended.
#[derive(SimpleObject)]
struct StopAbTestPayload {
    /// The test as it is now.
    ab_test: AbTest,
}

/// The A/B test that has a winner.
#[derive(SimpleObject)]
struct DeclareAbTestWinnerPayload {
    /// The test as it is now.
    ab_test: AbTest,
}

/// Makes, starts and ends A/B tests.
#[derive(Default)]
pub struct AbTestMutation;

#[Object]
impl AbTestMutation {
    /// Makes an A/B test of two scripts. It divides nothing before `startAbTest`.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_ab_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new test.")] input: CreateAbTestInput,
    ) -> Result<CreateAbTestPayload> {
        let new = service::New {
            name: input.name.clone(),
            place: noted(input.place(), || TestScope::Step(nowhere()))?,
            variant_a: input.variant_a_id.input("variantAId")?,
            variant_b: input.variant_b_id.input("variantBId")?,
            rule: input.rule(),
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let ab_test = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateAbTestPayload { ab_test: ab_test.into() })
    }

    /// Changes an A/B test that is a DRAFT. The rule of one that has begun stays as it was stated.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_ab_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test, and what.")] input: UpdateAbTestInput,
    ) -> Result<UpdateAbTestPayload> {
        let change = service::Change {
            name: input.name.clone(),
            variant_a: input.variant_a_id.input("variantAId")?,
            variant_b: input.variant_b_id.input("variantBId")?,
            expected_version: input.expected_version,
        };
        let id = input.id.input("id")?;
        let rule = |rule| input.rule(rule);
        let ab_test = service::update(ctx.services(), &ctx.actor(), id, change, rule).boxed().await?;
        Ok(UpdateAbTestPayload { ab_test: ab_test.into() })
    }

    /// Takes an A/B test back that is a DRAFT.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_ab_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test.")] input: DeleteAbTestInput,
    ) -> Result<DeleteAbTestPayload> {
        let id = input.id.input("id")?;
        let row = service::delete(ctx.services(), &ctx.actor(), id, input.expected_version).boxed().await?;
        Ok(DeleteAbTestPayload { deleted_id: row.id.global() })
    }

    /// Begins to divide contacts: DRAFT -> RUNNING. In one place one test runs at a time.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn start_ab_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test.")] input: StartAbTestInput,
    ) -> Result<StartAbTestPayload> {
        let id = input.id.input("id")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let ab_test = once(on, &actor, service::start(on, &actor, id, input.expected_version)).await?;
        Ok(StartAbTestPayload { ab_test: ab_test.into() })
    }

    /// Ends a test without a winner: RUNNING -> COMPLETED. Its numbers are kept.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn stop_ab_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test.")] input: StopAbTestInput,
    ) -> Result<StopAbTestPayload> {
        let id = input.id.input("id")?;
        let ab_test = service::stop(ctx.services(), &ctx.actor(), id, input.expected_version).boxed().await?;
        Ok(StopAbTestPayload { ab_test: ab_test.into() })
    }

    /// Ends a test with the winner that its rule finds, whose script is used for what is still to be sent: RUNNING ->
    /// COMPLETED. The numbers are kept with it. If the rule finds none it is `PRECONDITION_FAILED`, with the numbers.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn declare_ab_test_winner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test.")] input: DeclareAbTestWinnerInput,
    ) -> Result<DeclareAbTestWinnerPayload> {
        let id = input.id.input("id")?;
        let ab_test = service::declare_winner(ctx.services(), &ctx.actor(), id, input.expected_version).boxed().await?;
        Ok(DeclareAbTestWinnerPayload { ab_test: ab_test.into() })
    }
}
