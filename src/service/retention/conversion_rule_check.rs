//! Conversion rules at work: which channels do surely worse than their rules want.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::Services;
use domain::error::Result;
use domain::id::ConversionRuleId;
use domain::retention::words::ContactChannel;
use storage::Noun;
use storage::Tx;
use storage::retention::conversion_rule;
use storage::retention::conversion_rule_check::{self as check, performance};

/// How far back a rule looks.
const LOOKS_BACK: TimeDelta = TimeDelta::days(30);
/// How long what a rule found is good.
const KEPT: TimeDelta = TimeDelta::minutes(1);

/// The channels among `channels` whose steps are to be left out: one of their active rules has enough attempts of the
/// 30 days before `now` and finds its metric on the wrong side of its value, at its confidence. What a rule found is
/// kept for a minute, in the database, so that all workers do the same; a rule that was changed meanwhile is looked at
/// anew.
pub async fn ruled_out(
    on: &Services,
    channels: &[ContactChannel],
    now: DateTime<Utc>,
) -> Result<HashSet<ContactChannel>> {
    let db = on.db.reader();
    let rules = conversion_rule::Entity::all()
        .filter(conversion_rule::Column::IsActive.eq(true))
        .filter(conversion_rule::Column::Channel.is_in(channels.iter().copied()))
        .all(db)
        .await?;
    if rules.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<ConversionRuleId> = rules.iter().map(|rule| rule.id).collect();
    let known = check::Entity::of(&ids).all(db).await?;
    let mut known: HashMap<ConversionRuleId, check::Model> =
        known.into_iter().map(|check| (check.rule_id, check)).collect();
    let is_old = |rule: &&conversion_rule::Model| {
        known.get(&rule.id).is_none_or(|check| {
            on.now() - check.checked_at >= KEPT || check.checked_at < rule.updated_at || check.checked_at > on.now()
        })
    };
    let old: &Vec<&conversion_rule::Model> = &rules.iter().filter(is_old).collect();
    if !old.is_empty() {
        let found = on.db.write(|tx| async move { look(on, &tx, old, now).await }).await?;
        known.extend(found.into_iter().map(|found| (found.rule_id, found)));
    }
    let is_worse = |rule: &&conversion_rule::Model| known.get(&rule.id).is_some_and(|check| check.is_worse);
    Ok(rules.iter().filter(is_worse).map(|rule| rule.channel).collect())
}

/// Looks at what these rules are about, and keeps what they find.
async fn look(
    on: &Services,
    tx: &Tx,
    rules: &[&conversion_rule::Model],
    now: DateTime<Utc>,
) -> Result<Vec<check::Model>> {
    let mut channels: Vec<ContactChannel> = rules.iter().map(|rule| rule.channel).collect();
    channels.dedup();
    let performances = performance(tx, &channels, now - LOOKS_BACK).await?;
    let mut found = Vec::with_capacity(rules.len());
    for rule in rules {
        let performance = performances.get(&rule.channel);
        let attempts = performance.map_or(0, |channel| channel.sample(rule.metric));
        let is_enough = attempts >= u64::try_from(rule.sample_size).unwrap_or_default().max(1);
        let is_worse = performance.is_some_and(|channel| {
            is_enough && channel.is_worse(rule.metric, value(rule), rule.confidence.clamp(0.5, 0.999_999))
        });
        let row = check::Model {
            rule_id: rule.id,
            checked_at: on.now(),
            is_worse,
            attempts: i64::try_from(attempts).unwrap_or(i64::MAX),
            measured: performance.and_then(|channel| channel.measured(rule.metric)),
        };
        check::Entity::keep(tx, row.clone()).await?;
        found.push(row);
    }
    Ok(found)
}

/// The value that the metric is compared with.
#[expect(clippy::cast_precision_loss, reason = "a threshold needs no 53 bits")]
fn value(rule: &conversion_rule::Model) -> f64 {
    rule.value_micros as f64 / 1e6
}
