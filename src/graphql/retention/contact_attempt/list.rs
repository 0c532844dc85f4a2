//! Lists of contacts, and what became of them in numbers.

use sea_orm::Iterable;

use crate::engine::connection::Count;
use crate::prelude::*;
use domain::money::Micros;
use domain::retention::words::{ContactAttemptStatus, ContactChannel};
use domain::text::{self, Bounds};
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
    fn read(self) -> Result<contact_attempt::ContactAttemptFilter> {
        let Self { lead_id, campaign_id, script_id, channels, statuses, started_after, started_before } = self;
        Ok(contact_attempt::ContactAttemptFilter {
            lead: lead_id.argument("filter.leadId")?,
            campaign: campaign_id.argument("filter.campaignId")?,
            script: script_id.argument("filter.scriptId")?,
            channels: channels.map(each),
            statuses: statuses.map(each),
            started_after: started_after.map(Into::into),
            started_before: started_before.map(Into::into),
        })
    }
}

/// By what a contact is known.
#[derive(OneofObject)]
enum ContactAttemptKey {
    /// The provider's id of it, letter for letter.
    ProviderRef(String),
}

order! {
    /// How contacts are sorted: by the instant at which they began.
    enum ContactAttemptOrderField of contact_attempt::Entity {
        /// The instant at which it was handed to the provider.
        StartedAt => Sort::by(Column::StartedAt),
    }
    /// How contacts are sorted.
    ContactAttemptOrder, falling StartedAt
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
            ChannelSuccess { channel, count: int(all), success_rate: (all > 0).then(|| ratio(good, all)) }
        });
        let channels = channels.collect();
        let total = int(count(&|_| true));
        Self { total, groups: groups.into_iter().map(ContactAttemptGroup::of).collect(), channels }
    }
}

impl ContactAttemptGroup {
    fn of(group: Group) -> Self {
        let cost = |(currency, amount): (String, i64)| AverageCost { currency, amount: Decimal(Micros(amount)) };
        Self {
            channel: group.channel,
            status: group.status,
            count: int(group.count),
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
        let filter = filter.unwrap_or_default().read()?;
        let select = filter.cut(contact_attempt::Entity::all());
        let found = Connection::read(ctx, select, ContactAttemptOrder::sort(order_by), &args).await?;
        let count: Count = Box::new(move |ctx| {
            let filter = filter.clone();
            Box::pin(async move { attempt_stats::count(ctx.services().db.reader(), &filter).await })
        });
        Ok(Some(found.counted(count)))
    }

    /// The contact that a provider knows by this id; null if there is none. Two providers may have one id: then CONFLICT names
    /// the contacts.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn contact_attempt_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is known.")] key: ContactAttemptKey,
    ) -> Result<Option<ContactAttempt>> {
        let ContactAttemptKey::ProviderRef(reference) = key;
        let reference = lookup::key("providerRef", text::line(&reference, Bounds::DESCRIPTION))?;
        lookup::only(ctx, contact_attempt::Entity::referred_to(&reference)).boxed().await
    }

    /// What became of the contacts, in numbers: counts by way and outcome, mean lengths and costs, shares of success.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn contact_attempt_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which contacts are counted; all by default.")] filter: Option<ContactAttemptFilter>,
    ) -> Result<Option<ContactAttemptStats>> {
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(ContactAttemptStats::of(attempt_stats::read(ctx.services().db.reader(), &filter).await?)))
    }
}
