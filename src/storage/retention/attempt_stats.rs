//! What became of contacts, in numbers: one statement, whatever is asked for.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait};

use super::contact_attempt::{Column, ContactAttemptFilter, Entity};
use crate::filter::Filter;
use crate::noun::Noun;
use crate::page::Length;
use crate::sums::{self, By, Only, Range, Summed};
use crate::tallies::{self, Kept, Tally, word};
use domain::error::Result;
use domain::retention::words::{ContactAttemptStatus, ContactChannel};

/// Contacts by one way with one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// By which way.
    pub channel: ContactChannel,
    /// With which outcome.
    pub status: ContactAttemptStatus,
    /// How many there are.
    pub count: i64,
    /// How many of them have a length.
    pub timed: i64,
    /// The sum of these lengths.
    pub seconds: i64,
    /// The mean cost of those that have one, in millionths, by currency.
    pub average_costs: Vec<(String, i64)>,
}

/// Channel, status, currency; how many, how many with a length, their seconds, how many with a cost, its sum.
type Row = (ContactChannel, ContactAttemptStatus, Option<String>, i64, i64, Option<i64>, i64, Option<i64>);

/// How many contacts the filter finds.
pub async fn count(db: &impl ConnectionTrait, filter: &ContactAttemptFilter) -> Result<Length> {
    match tallied(db, filter).await? {
        Some(tallies) => Ok(Length::exactly(tallies::sum(&tallies, |_| true))),
        None => tallies::count_instead(db, filter.cut(Entity::all())).await,
    }
}

/// The tallies of the contacts that the filter finds, if it asks for nothing that tallies don't tell.
async fn tallied(db: &impl ConnectionTrait, filter: &ContactAttemptFilter) -> Result<Option<Vec<Tally>>> {
    let ContactAttemptFilter {
        lead: None,
        campaign,
        script: None,
        channels,
        statuses,
        started_after: None,
        started_before: None,
    } = filter
    else {
        return Ok(None);
    };
    let of_campaign = campaign.map(|campaign| [campaign.0]);
    let tallies = Kept::Contacts.tallies(db, of_campaign.as_ref().map(<[Uuid; 1]>::as_slice)).await?;
    let Some(mut tallies) = tallies else { return Ok(None) };
    let is_one = |texts: &Option<Vec<String>>, text: &String| texts.as_ref().is_none_or(|texts| texts.contains(text));
    let channels = channels.as_ref().map(|channels| channels.iter().map(ToString::to_string).collect());
    let statuses = statuses.as_ref().map(|statuses| statuses.iter().map(ToString::to_string).collect());
    tallies.retain(|tally| is_one(&channels, &tally.one) && is_one(&statuses, &tally.other));
    Ok(Some(tallies))
}

/// The contacts that the filter finds, by channel and status.
pub async fn read(db: &impl ConnectionTrait, filter: &ContactAttemptFilter) -> Result<Vec<Group>> {
    let rows = match summed(db, filter).await? {
        Some(rows) => rows,
        None => counted(db, filter).await?,
    };
    Ok(groups(rows))
}

/// What the sums over time say, one row for each channel, status and currency; None if the filter asks for what they don't tell.
async fn summed(db: &impl ConnectionTrait, filter: &ContactAttemptFilter) -> Result<Option<Vec<Row>>> {
    let ContactAttemptFilter { lead: None, campaign, script: None, channels, statuses, started_after, started_before } =
        filter
    else {
        return Ok(None);
    };
    let range = Range { from: started_after.unwrap_or(sums::begin()), to: started_before.unwrap_or_else(sums::end) };
    let range = sums::whole(db, range).await?;
    let only = campaign.map(Only::Campaign);
    let found = sums::read::<ContactChannel>(db, Summed::Contacts, range, By::Channel, only).await?;
    let mut rows = Vec::new();
    for sum in found {
        let Some(channel) = sum.place else { continue };
        let status: ContactAttemptStatus = word(&sum.status)?;
        let is_wanted = channels.as_ref().is_none_or(|channels| channels.contains(&channel))
            && statuses.as_ref().is_none_or(|statuses| statuses.contains(&status));
        if is_wanted {
            let currency = (!sum.detail.is_empty()).then_some(sum.detail);
            rows.push((channel, status, currency, sum.n, sum.timed, Some(sum.seconds), sum.paid, Some(sum.micros)));
        }
    }
    Ok(Some(rows))
}

async fn counted(db: &impl ConnectionTrait, filter: &ContactAttemptFilter) -> Result<Vec<Row>> {
    // PostgreSQL's sums of numbers are of types of their own.
    let sum = |column: Column| column.sum().cast_as(Alias::new("bigint"));
    let rows = filter
        .cut(Entity::all())
        .select_only()
        .column(Column::Channel)
        .column(Column::Status)
        .column(Column::Currency)
        .column_as(Column::Id.count(), "contacts")
        .column_as(Column::Duration.count(), "timed")
        .column_as(sum(Column::Duration), "seconds")
        .column_as(Column::CostMicros.count(), "paid")
        .column_as(sum(Column::CostMicros), "micros")
        .group_by(Column::Channel)
        .group_by(Column::Status)
        .group_by(Column::Currency)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows)
}

fn groups(rows: Vec<Row>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (channel, status, currency, count, timed, seconds, paid, micros) in rows {
        let known = groups.iter().position(|group| group.channel == channel && group.status == status);
        let known = known.unwrap_or_else(|| {
            groups.push(Group { channel, status, count: 0, timed: 0, seconds: 0, average_costs: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[known];
        group.count += count;
        group.timed += timed;
        group.seconds += seconds.unwrap_or_default();
        if let Some(currency) = currency.filter(|_| paid > 0) {
            // Rounded to the nearest millionth.
            group.average_costs.push((currency, (micros.unwrap_or_default() + paid / 2) / paid));
        }
    }
    groups.sort_by_key(|group| (group.channel.to_string(), group.status.to_string()));
    for group in &mut groups {
        group.average_costs.sort();
    }
    groups
}
