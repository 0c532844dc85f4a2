//! Lists of contacts, and what became of them in numbers.

use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter, Select};

use crate::prelude::*;
use crate::retention::campaign::shown;
use domain::id::{LeadId, RetentionCampaignId, ScriptId};
use domain::money::Micros;
use domain::retention::words::{ContactAttemptStatus, ContactChannel};
use storage::retention::attempt_stats::{self, Group};
use storage::retention::contact_attempt::{self, Column};

/// Which contacts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ContactAttemptFilter {
    /// To one person.
    lead_id: Option<ID>,
    /// For this retention campaign.
    campaign_id: Option<ID>,
    /// That said what this one says.
    script_id: Option<ID>,
    /// By one of these ways.
    channels: Option<Vec<ContactChannel>>,
    /// With one of these outcomes.
    statuses: Option<Vec<ContactAttemptStatus>>,
    /// Begun at this instant or later.
    started_after: Option<DateTime>,
    /// Begun before this instant.
    started_before: Option<DateTime>,
}

impl ContactAttemptFilter {
    fn select(self) -> Result<Select<contact_attempt::Entity>> {
        let Self { lead_id, campaign_id, script_id, channels, statuses, started_after, started_before } = self;
        let lead = lead_id.map(|id| id.argument::<LeadId>("filter.leadId")).transpose()?;
        let campaign = campaign_id.map(|id| id.argument::<RetentionCampaignId>("filter.campaignId")).transpose()?;
        let script = script_id.map(|id| id.argument::<ScriptId>("filter.scriptId")).transpose()?;
        // Each once, however often it was given: a statement takes only so many values.
        let of_channels = |given: Vec<_>| ContactChannel::iter().filter(move |channel| given.contains(channel));
        let of_statuses = |given: Vec<_>| ContactAttemptStatus::iter().filter(move |status| given.contains(status));
        let condition = Condition::all()
            .add_option(lead.map(|id| Column::LeadId.eq(id)))
            .add_option(campaign.map(|id| Column::CampaignId.eq(id)))
            .add_option(script.map(|id| Column::ScriptId.eq(id)))
            .add_option(channels.map(|given| Column::Channel.is_in(of_channels(given))))
            .add_option(statuses.map(|given| Column::Status.is_in(of_statuses(given))))
            .add_option(started_after.map(|at| Column::StartedAt.gte(at.0)))
            .add_option(started_before.map(|at| Column::StartedAt.lt(at.0)));
        Ok(contact_attempt::Entity::all().filter(condition))
    }
}

/// How contacts are sorted: by the instant at which they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ContactAttemptOrderField {
    /// The instant at which it was handed to the provider.
    StartedAt,
}

/// How contacts are sorted.
#[derive(InputObject)]
struct ContactAttemptOrder {
    /// What decides the order.
    field: ContactAttemptOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl ContactAttemptOrder {
    fn sort(order: Option<Self>) -> Sort<contact_attempt::Entity> {
        let latest = Self { field: ContactAttemptOrderField::StartedAt, direction: OrderDirection::Desc };
        let Self { field: ContactAttemptOrderField::StartedAt, direction } = order.unwrap_or(latest);
        Sort::by(Column::StartedAt).descending(direction.is_desc())
    }
}

/// What became of contacts, in numbers.
#[derive(SimpleObject)]
struct ContactAttemptStats {
    /// All of them.
    total: i32,
    /// By way and outcome, as far as there are any.
    groups: Vec<ContactAttemptGroup>,
    /// By way; every channel is listed.
    channels: Vec<ChannelSuccess>,
}

/// Contacts by one way with one outcome.
#[derive(SimpleObject)]
struct ContactAttemptGroup {
    /// By which way.
    channel: ContactChannel,
    /// With which outcome.
    status: ContactAttemptStatus,
    /// How many there were.
    count: i32,
    /// The mean length of calls in seconds; null if none has one.
    average_duration: Option<f64>,
    /// The mean cost of those that cost something, in each money.
    average_costs: Vec<AverageCost>,
}

/// What contacts cost on average, in one money.
#[derive(SimpleObject)]
struct AverageCost {
    /// Which money: three capitals, as in ISO 4217.
    currency: String,
    /// The mean, rounded to six digits after the point.
    amount: Decimal,
}

/// How contacts by one way went.
#[derive(SimpleObject)]
struct ChannelSuccess {
    /// By which way.
    channel: ContactChannel,
    /// How many there were.
    count: i32,
    /// The share that ended in SUCCESS, 0 to 1; null if there were none.
    success_rate: Option<f64>,
}

impl ContactAttemptStats {
    fn of(groups: Vec<Group>) -> Self {
        let count = |holds: &dyn Fn(&Group) -> bool| {
            groups.iter().filter(|group| holds(group)).map(|group| group.count).sum::<i64>()
        };
        let channels = ContactChannel::iter().map(|channel| {
            let all = count(&|group| group.channel == channel);
            let good = count(&|group| group.channel == channel && group.status == ContactAttemptStatus::Success);
            ChannelSuccess { channel, count: shown(all), success_rate: (all > 0).then(|| ratio(good, all)) }
        });
        let channels = channels.collect();
        let total = shown(count(&|_| true));
        Self { total, groups: groups.into_iter().map(ContactAttemptGroup::of).collect(), channels }
    }
}

impl ContactAttemptGroup {
    fn of(group: Group) -> Self {
        let cost = |(currency, amount): (String, i64)| AverageCost { currency, amount: Decimal(Micros(amount)) };
        Self {
            channel: group.channel,
            status: group.status,
            count: shown(group.count),
            average_duration: (group.timed > 0).then(|| ratio(group.seconds, group.timed)),
            average_costs: group.average_costs.into_iter().map(cost).collect(),
        }
    }
}

/// Counts and seconds are far below what a double holds exactly.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// Reads contacts.
#[derive(Default)]
pub struct ContactAttemptQuery;

#[Object]
impl ContactAttemptQuery {
    /// The contacts to leads, the latest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn contact_attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which contacts.")] filter: Option<ContactAttemptFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ContactAttemptOrder>,
    ) -> Result<Option<Connection<ContactAttempt>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, ContactAttemptOrder::sort(order_by), &args).await.map(Some)
    }

    /// What became of the contacts, in numbers: counts by way and outcome, mean lengths and costs, shares of success.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn contact_attempt_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which contacts are counted; all by default.")] filter: Option<ContactAttemptFilter>,
    ) -> Result<Option<ContactAttemptStats>> {
        let select = filter.unwrap_or_default().select()?;
        Ok(Some(ContactAttemptStats::of(attempt_stats::read(ctx.services().db.reader(), select).await?)))
    }
}
