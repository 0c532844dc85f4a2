//! An A/B test, as it is shown.

use crate::prelude::*;
use ::service::retention::ab_test as service;
use domain::id::AbTestId;
use domain::retention::ab_test::{AbTestDecision, AbTestGoal, AbTestReason, Counts, Rule, Snapshot};
use domain::retention::words::{AbTestStatus, AbVariant, ContactChannel};
use storage::retention::ab_counts::{self, Leads};
use storage::retention::ab_test;

pub mod list;
pub mod mutations;

/// A test of two scripts, in a step of a sequence or in a campaign's contacts on a channel. Each lead keeps its variant.
#[derive(Description)]
pub struct AbTest(ab_test::Model);

node!(AbTest: AbTestId, ab_test::Model);

#[Object(use_type_description)]
impl AbTest {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The campaign whose contacts are divided; null if it is a step's.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// The step of a sequence whose contacts are divided; null if it is a campaign's.
    async fn step_id(&self) -> Option<ID> {
        self.0.step_id.map(GlobalId::global)
    }

    /// The same step; null if a campaign's contacts are divided.
    async fn step(&self, ctx: &Context<'_>) -> Result<Option<SequenceStep>> {
        SequenceStep::by_id(ctx, self.0.step_id).await
    }

    /// The way by which the leads are reached.
    async fn channel(&self) -> ContactChannel {
        self.0.channel
    }

    /// The script that is variant A.
    async fn variant_a(&self, ctx: &Context<'_>) -> Result<Option<Script>> {
        Script::by_id(ctx, self.0.variant_a).await
    }

    /// The script that is variant B.
    async fn variant_b(&self, ctx: &Context<'_>) -> Result<Option<Script>> {
        Script::by_id(ctx, self.0.variant_b).await
    }

    /// How far it is.
    async fn status(&self) -> AbTestStatus {
        self.0.status
    }

    /// How leads are divided, and what must hold before there is a winner. It was stated at the creation and never changes.
    async fn rule(&self) -> Result<AbTestRule> {
        Ok(service::rule(&self.0)?.into())
    }

    /// The numbers: while it runs as they are now, afterwards as they were at its end.
    async fn statistics(&self, ctx: &Context<'_>) -> Result<AbTestStatistics> {
        let counts = match self.0.verdict {
            Some(_) => Leads::default(),
            None => ctx.loaders().one(LeadsOf(self.0.id)).await?.unwrap_or_default(),
        };
        Ok(service::snapshot(&self.0, &counts, ctx.services().now())?.into())
    }

    /// The variant that was declared the winner; null if none was.
    async fn winner(&self) -> Option<AbVariant> {
        self.0.winner
    }

    /// The script that was declared the winner, and that goes out since; null if none was.
    async fn winning_script(&self, ctx: &Context<'_>) -> Result<Option<Script>> {
        Script::by_id(ctx, self.0.winner_id).await
    }

    /// When it began to divide contacts; null if it has not.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended; null if it has not.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(Into::into)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// How leads are divided, and what must hold before a winner is declared: each variant has its leads and at least five that
/// did what is hoped for and five that did not, the test has run for its days, the leads are divided as was intended, and
/// either the sequential p-value is below `alpha`, or the probability of being better is at least `minProbability` with an
/// expected loss of at most `maxLoss`.
#[derive(SimpleObject)]
struct AbTestRule {
    /// What counts as success.
    goal: AbTestGoal,
    /// The share of leads that get variant A, in percent.
    share_of_a: i32,
    /// Leads that each variant must have been sent to.
    min_sample: i32,
    /// Days that it must have run.
    min_days: i32,
    /// Days after which it is given up as FUTILE.
    max_days: i32,
    /// The error rate of the sequential test, over all looks together.
    alpha: f64,
    /// The probability of being better that is enough if the loss is small too.
    min_probability: f64,
    /// The expected loss, as a share of leads, that nobody cares about.
    max_loss: f64,
}

impl From<Rule> for AbTestRule {
    fn from(rule: Rule) -> Self {
        let Rule { goal, split, min_sample, min_days, max_days, alpha, min_probability, max_loss } = rule;
        Self {
            goal,
            share_of_a: int(split[0]),
            min_sample: int(min_sample),
            min_days: int(min_days),
            max_days: int(max_days),
            alpha,
            min_probability,
            max_loss,
        }
    }
}

/// The leads of one variant.
#[derive(SimpleObject)]
struct AbTestArm {
    /// For whom it was chosen.
    assigned: i32,
    /// To whom it went out.
    sent: i32,
    /// Who did what the test hopes for.
    successes: i32,
    /// `successes` by `sent`, 0 to 1; null while it went to nobody.
    rate: Option<f64>,
}

impl From<Counts> for AbTestArm {
    fn from(counts: Counts) -> Self {
        let Counts { assigned, sent, successes } = counts;
        let rate = domain::statistics::Arm::new(successes, sent).rate();
        Self { assigned: int(assigned), sent: int(sent), successes: int(successes), rate }
    }
}

/// From where to where a number lies.
#[derive(SimpleObject)]
struct NumberRange {
    /// The lower end.
    low: f64,
    /// The upper end.
    high: f64,
}

impl From<(f64, f64)> for NumberRange {
    fn from((low, high): (f64, f64)) -> Self {
        Self { low, high }
    }
}

/// What the numbers of a test say. Differences are B's rate less A's.
#[derive(SimpleObject)]
struct AbTestStatistics {
    /// When they were counted.
    at: DateTime,
    /// The leads of variant A.
    a: AbTestArm,
    /// The leads of variant B.
    b: AbTestArm,
    /// The statistic of the pooled two-proportion z-test; null where nobody or everybody succeeded.
    z: Option<f64>,
    /// Its two-sided p-value. Good for one look at the end: it never decides here.
    p_value: f64,
    /// In which the difference lies, by Newcombe's method at the confidence 1 - alpha.
    difference: Option<NumberRange>,
    /// The probability that B does better, from a flat prior.
    probability_b_is_better: f64,
    /// The share of leads that is lost on average by choosing A.
    expected_loss_of_a: f64,
    /// The share of leads that is lost on average by choosing B.
    expected_loss_of_b: f64,
    /// The p-value that holds however often one looks; null where nothing varies.
    sequential_p_value: Option<f64>,
    /// In which the difference lies, at all looks together.
    sequential_difference: Option<NumberRange>,
    /// How likely the division of the leads is by chance; below 0.001 something is broken.
    sample_ratio_p_value: Option<f64>,
    /// What the rule says.
    decision: AbTestDecision,
    /// Why there is no winner.
    reasons: Vec<AbTestReason>,
}

impl From<Snapshot> for AbTestStatistics {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot {
            at,
            a,
            b,
            z,
            p,
            difference,
            b_is_better,
            loss,
            sequential_p,
            sequential_difference,
            sample_ratio_p,
            decision,
            reasons,
        } = snapshot;
        Self {
            at: at.into(),
            a: a.into(),
            b: b.into(),
            z,
            p_value: p,
            difference: difference.map(Into::into),
            probability_b_is_better: b_is_better,
            expected_loss_of_a: loss.0,
            expected_loss_of_b: loss.1,
            sequential_p_value: sequential_p,
            sequential_difference: sequential_difference.map(Into::into),
            sample_ratio_p_value: sample_ratio_p,
            decision,
            reasons,
        }
    }
}

question! {
    /// The leads of a test.
    LeadsOf(AbTestId) -> Leads = |db, tests| {
        ab_counts::count(db, &tests).await?.into_iter().collect()
    }
}
