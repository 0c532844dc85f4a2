//! Numbers over time: of contacts and conversions, and of messages.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sea_orm::EntityTrait;

use crate::Services;
use domain::error::{Error, Result, Violation};
use domain::id::{BroadcastCampaignId, RetentionCampaignId, RetentionSequenceId};
use domain::retention::figures::Figures;
use domain::retention::words::ContactChannel;
use domain::series::{MOST, Point, SeriesInterval, points};
use storage::Noun;
use storage::broadcast::campaign as broadcast;
use storage::retention::report::{contact, conversion};
use storage::retention::{campaign, sequence};
use storage::sums::{self, By, Only, Range, SHORTEST, Summed};
use storage::tallies::word;

/// The longest range.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// Which points are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Left out: 30 days, two days or six hours before the end.
    pub from: Option<DateTime<Utc>>,
    /// Now where it is left out.
    pub to: Option<DateTime<Utc>>,
    /// How long each is.
    pub interval: SeriesInterval,
    /// By whose clock they begin; UTC where it is left out.
    pub time_zone: Option<String>,
}

/// Which contacts and conversions are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of a campaign.
    pub campaign: Option<RetentionCampaignId>,
    /// Of the steps of a sequence.
    pub sequence: Option<RetentionSequenceId>,
    /// By these ways.
    pub channels: Option<Vec<ContactChannel>>,
}

/// What became of messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sends {
    /// Messages that were sent.
    pub sent: i64,
    /// Messages that have failed, by reason.
    pub failures: BTreeMap<String, i64>,
}

/// What was sent in a range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The range: of whole quarters of an hour.
    pub range: Range,
    /// What became of messages.
    pub sends: Sends,
    /// Campaigns of which something was sent, or has failed.
    pub campaigns: usize,
}

impl Sends {
    /// All messages that have failed.
    pub fn failed(&self) -> i64 {
        self.failures.values().sum()
    }

    fn add(&mut self, status: &str, reason: String, n: i64) {
        if status == "SENT" {
            self.sent += n;
        } else {
            *self.failures.entry(reason).or_default() += n;
        }
        self.failures.retain(|_, n| *n != 0);
    }
}

/// The figures of contacts that began, and of conversions that were made, in each point.
///
/// # Errors
/// [`Error::Invalid`] if the points or the filter can't be, [`Error::NotFound`] for a campaign or a sequence that is not there.
pub async fn retention(on: &Services, asked: &Asked, filter: &Filter) -> Result<Vec<(Point, Figures)>> {
    let points = wanted(asked, on.now())?;
    let db = on.db.reader();
    let only = match (filter.campaign, filter.sequence) {
        (Some(_), Some(_)) => return Err(wrong("filter.sequenceId", "must be left out where campaignId is given")),
        (Some(id), None) => {
            campaign::Entity::by_ids(&[id]).one(db).await?.ok_or(Error::NotFound("retention campaign"))?;
            Some(Only::Campaign(id))
        }
        (None, Some(id)) => {
            sequence::Entity::by_ids(&[id]).one(db).await?.ok_or(Error::NotFound("retention sequence"))?;
            Some(Only::StepsOf(id))
        }
        (None, None) => None,
    };
    let channels: Option<Vec<String>> =
        filter.channels.as_ref().map(|channels| channels.iter().map(ToString::to_string).collect());
    let is_wanted = |place: &Option<String>| match &channels {
        None => true,
        Some(channels) => place.as_ref().is_some_and(|place| channels.contains(place)),
    };
    let mut all: Vec<(Point, Figures)> = points.iter().map(|point| (*point, Figures::default())).collect();
    for (index, sum) in sums::series(db, Summed::Contacts, &points, only).await? {
        if is_wanted(&sum.place) {
            contact(&mut all[index].1, word(&sum.status)?, sum);
        }
    }
    for (index, sum) in sums::series(db, Summed::Conversions, &points, only).await? {
        if is_wanted(&sum.place) {
            conversion(&mut all[index].1, word(&sum.status)?, sum);
        }
    }
    Ok(all)
}

/// What became of messages in each point: of one broadcast campaign, or of all that are there.
///
/// # Errors
/// [`Error::Invalid`] if the points can't be, [`Error::NotFound`] if there is no such campaign.
pub async fn sends(on: &Services, asked: &Asked, of: Option<BroadcastCampaignId>) -> Result<Vec<(Point, Sends)>> {
    let points = wanted(asked, on.now())?;
    let db = on.db.reader();
    if let Some(id) = of {
        broadcast::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound("broadcast campaign"))?;
    }
    let mut all: Vec<(Point, Sends)> = points.iter().map(|point| (*point, Sends::default())).collect();
    for (index, sum) in sums::series(db, Summed::Jobs, &points, of.map(Only::Broadcast)).await? {
        all[index].1.add(&sum.status, sum.detail, sum.n);
    }
    Ok(all)
}

/// What was sent from the quarter of an hour of `from` to that of `to`: 30 days up to now where they are left out.
///
/// # Errors
/// [`Error::Invalid`] if the range is none.
pub async fn overview(on: &Services, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<Overview> {
    let range = range(from, to, TimeDelta::days(30), on.now())?;
    let second = |at: DateTime<Utc>| at.timestamp().div_euclid(SHORTEST) * SHORTEST;
    let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap_or(range.to);
    let end = if at(second(range.to)) == range.to { range.to } else { at(second(range.to) + SHORTEST) };
    let range = Range { from: at(second(range.from)), to: end };
    let found = sums::read::<BroadcastCampaignId>(on.db.reader(), Summed::Jobs, range, By::Owner, None).await?;
    let mut campaigns: Vec<_> = found.iter().filter_map(|sum| sum.place).collect();
    campaigns.sort();
    campaigns.dedup();
    let mut sends = Sends::default();
    for sum in found {
        sends.add(&sum.status, sum.detail, sum.n);
    }
    Ok(Overview { range, sends, campaigns: campaigns.len() })
}

/// A mistake in an argument of the query.
fn wrong(argument: &str, message: impl Into<String>) -> Error {
    let path = argument.split('.').map(Into::into).collect();
    Error::Invalid(vec![Violation { path, message: message.into() }])
}

fn range(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    length: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Range> {
    let to = to.unwrap_or(now);
    let from = from.unwrap_or(to - length);
    if from >= to {
        return Err(wrong("from", "must be before to"));
    }
    if to - from > LONGEST {
        return Err(wrong("from", "must be at most 366 days before to"));
    }
    Ok(Range { from, to })
}

fn wanted(asked: &Asked, now: DateTime<Utc>) -> Result<Vec<Point>> {
    let length = match asked.interval {
        SeriesInterval::QuarterHour => TimeDelta::hours(6),
        SeriesInterval::Hour => TimeDelta::days(2),
        SeriesInterval::Day => TimeDelta::days(30),
    };
    let range = range(asked.from, asked.to, length, now)?;
    let zone = match &asked.time_zone {
        Some(written) => {
            let name = domain::retention::address::time_zone(written).map_err(|why| wrong("timeZone", why))?;
            name.parse::<Tz>().map_err(Error::internal)?
        }
        None => Tz::UTC,
    };
    let too_many =
        || wrong("from", format!("must leave at most {MOST} points: take a longer interval, or a shorter range"));
    points(range.from, range.to, asked.interval, zone).ok_or_else(too_many)
}
