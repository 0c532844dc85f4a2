//! Who goes by an integration: told to whoever switches it off, deletes it or has it lead elsewhere. It is done all the same: what must
//! stop must stop at once.

use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value as Json;

use crate::Services;
use domain::error::Result;
use domain::retention::credentials::{Kind, Provider};
use domain::retention::words::{ContactChannel, EnrollmentStatus, RetentionCampaignStatus, RetentionSequenceStatus};
use storage::Noun;
use storage::retention::integration_config::{self, Model};
use storage::retention::{campaign, enrollment, sequence, sequence_step};

/// Names that one sentence has at most.
const NAMED: usize = 10;
/// Fields that say how fast something goes, and not where.
const PACES: [&str; 2] = ["perSecond", "segmentsPerSecond"];

/// The integration of a provider as it is now; None: there is none.
pub async fn present(on: &Services, provider: Provider) -> Result<Option<Model>> {
    Ok(integration_config::Entity::of(provider).one(on.db.reader()).await?)
}

/// [`told`] of an integration that was there before.
pub async fn of_row(on: &Services, before: &Model, after: Option<&Model>) -> Result<Vec<String>> {
    match Provider::named(&before.provider) {
        Some(provider) => told(on, provider, Some(before), after).await,
        None => Ok(Vec::new()),
    }
}

/// What it means for sequences and campaigns that the integration of a provider is `after` now and was `before`: a sentence each.
pub async fn told(
    on: &Services,
    provider: Provider,
    before: Option<&Model>,
    after: Option<&Model>,
) -> Result<Vec<String>> {
    let is_used = after.is_some_and(|row| row.is_active);
    let leads_elsewhere = before
        .zip(after)
        .is_some_and(|(before, after)| before.is_active && places(&before.hints) != places(&after.hints));
    if is_used && !leads_elsewhere {
        return Ok(Vec::new());
    }
    let sequences = sequences_by(on, provider).await?;
    let name = provider.name();
    let mut told = Vec::new();
    if !sequences.is_empty() {
        let which = listed(&sequences);
        told.push(if is_used {
            format!("ACTIVE sequences go by {name}, from now on as it is set up now: {which}")
        } else {
            format!("ACTIVE sequences go by {name}, and what they have to send by it waits until it is set up and switched on: {which}")
        });
    }
    if provider == Provider::Instantly && !is_used {
        let there = campaign::Entity::all()
            .filter(campaign::Column::InstantlySync.eq(true))
            .filter(campaign::Column::InstantlyCampaignId.is_not_null())
            .filter(campaign::Column::Status.eq(RetentionCampaignStatus::Active));
        let there: Vec<String> = there.all(on.db.reader()).await?.into_iter().map(|row| row.name).collect();
        if !there.is_empty() {
            told.push(format!(
                "campaigns go on at Instantly by themselves, and Herald can neither pause them there nor take anybody out: {}; pause them \
                 at Instantly, or switch it on again and pause them here first",
                listed(&there)
            ));
        }
    }
    Ok(told)
}

/// What says where an integration leads, and in whose name.
fn places(hints: &Json) -> Vec<&Json> {
    let is_place = |hint: &&Json| !hint["name"].as_str().is_some_and(|name| PACES.contains(&name));
    hints.as_array().into_iter().flatten().filter(is_place).collect()
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// The names of the ACTIVE sequences that have steps by a provider: those of today, or those that somebody is on the way through.
async fn sequences_by(on: &Services, provider: Provider) -> Result<Vec<String>> {
    let Some(channel) = channel(provider) else { return Ok(Vec::new()) };
    let db = on.db.reader();
    let active = sequence::Entity::present().filter(sequence::Column::Status.eq(RetentionSequenceStatus::Active));
    let mut names = Vec::new();
    for row in active.order_by_asc(sequence::Column::Id).all(db).await? {
        let steps = sequence_step::Entity::of(row.id)
            .filter(sequence_step::Column::Channel.eq(channel))
            .filter(sequence_step::Column::IsActive.eq(true));
        let versions: Vec<i32> = steps.all(db).await?.iter().map(|step| step.steps_version).collect();
        if versions.is_empty() || !goes_by(on, &row, provider).await? {
            continue;
        }
        let on_the_way = || {
            enrollment::Entity::of(row.id)
                .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active))
                .filter(enrollment::Column::StepsVersion.is_in(versions.iter().copied()))
        };
        if versions.contains(&row.steps_version) || on_the_way().limit(1).count(db).await? > 0 {
            names.push(row.name);
        }
    }
    Ok(names)
}

/// Whether emails of a sequence go by this provider of emails; what has one provider goes by that one.
async fn goes_by(on: &Services, row: &sequence::Model, provider: Provider) -> Result<bool> {
    if provider.kind() != Kind::Email {
        return Ok(true);
    }
    let found = match row.campaign_id {
        Some(id) => campaign::Entity::by_ids(&[id]).one(on.db.reader()).await?,
        None => None,
    };
    let of_instantly = found.filter(|row| row.instantly_sync);
    Ok(match provider {
        Provider::Instantly => of_instantly.is_some(),
        _ => of_instantly.is_none_or(|row| row.instantly_campaign_id.is_none()),
    })
}

const fn channel(provider: Provider) -> Option<ContactChannel> {
    match provider.kind() {
        Kind::Email => Some(ContactChannel::Email),
        Kind::Sms => Some(ContactChannel::Sms),
        Kind::Call => Some(ContactChannel::Call),
        Kind::Webhook => Some(ContactChannel::Webhook),
        Kind::Tracking => None,
    }
}
