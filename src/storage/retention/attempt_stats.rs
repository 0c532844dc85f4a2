//! What became of contacts, in numbers: one statement, whatever is asked for.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait};
use sea_orm::{QuerySelect, Select};

use super::contact_attempt::{Column, Entity};
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

/// The contacts that `found` selects, by channel and status.
pub async fn read(db: &impl ConnectionTrait, found: Select<Entity>) -> Result<Vec<Group>> {
    // PostgreSQL's sums of numbers are of types of their own.
    let sum = |column: Column| column.sum().cast_as(Alias::new("bigint"));
    let rows: Vec<Row> = found
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
    Ok(groups)
}
