//! Broadcast campaigns: one message, many channels, a promised rate.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::json;

use crate::broadcast::telegram_account;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, CampaignStatus};
use domain::error::{Error, Result, Violations};
use domain::id::{BatchId, BroadcastCampaignId, TelegramAccountId, TemplateId};
use domain::nearest::nearest;
use domain::pacing::RATES;
use domain::template::{BUILT_IN, Channel, Params, Place, Template};
use domain::text::check_seen;
use events::Event;
use storage::broadcast::{batch, campaign, progress, template};
use storage::{Folded, Tx, noun};

mod audience;
mod delete;
mod doubt;
mod preflight;
mod retry;
mod retry_large;
mod run;
mod sent;
mod start;
mod start_large;
mod transition;
mod update;

pub use delete::{delete, sweep_leftovers};
pub use doubt::doubt_all;
pub use preflight::{Emptiness, LeftOut, Report, preflight};
pub use retry::{Retried, Retry, reasons, retry_failed};
pub(crate) use retry_large::{leave_retry, retry_chunk};
pub use run::{cancel, complete_spent, pause, resume, sweep_cancelled};
pub(in crate::broadcast) use run::{complete_if_spent, require_jobs, run_again};
pub use sent::{delete_sent, edit_sent};
pub use start::{fire_schedules, start, undo_interrupted};
pub(crate) use start_large::{start_chunk, take_start_back};
pub use transition::{Ending, Reason, end};
pub use update::{Update, update};

/// Retries that a campaign may ask for.
pub const RETRIES: std::ops::RangeInclusive<i32> = 0..=100;
/// Messages that a campaign in TEST mode may send.
pub const TEST_LIMITS: std::ops::RangeInclusive<i32> = 1..=1_000;
/// How far a schedule may lie back: as long as a request takes, and as clocks differ that are kept right.
const SCHEDULE_GRACE: TimeDelta = TimeDelta::seconds(2);
/// How far ahead it may lie.
const SCHEDULE_MOST: TimeDelta = TimeDelta::days(366);
/// Params that a campaign may have, and the longest value of one, in bytes.
const PARAMS: (usize, usize) = (100, 4_096);

/// What a new campaign is made of.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// The channels.
    pub batch: BatchId,
    /// The message.
    pub template: TemplateId,
    /// Values of its placeholders.
    pub params: BTreeMap<String, String>,
    /// Whom it writes to.
    pub mode: CampaignMode,
    /// Messages a minute.
    pub delivery_rate: i32,
    /// Retries after the first attempt.
    pub retry_limit: i32,
    /// Messages at most, in TEST mode.
    pub test_limit: i32,
    /// When it starts by itself.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The accounts that it goes by; none: all that are active.
    pub accounts: Vec<TelegramAccountId>,
    /// Whether untouched jobs of a parked account may go by its other accounts.
    pub account_failover: bool,
}

/// Creates a campaign. `total` of its progress is a preview until the start fixes it.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<campaign::Model> {
    check(&new, on.now())?;
    let new = &new;
    on.write(actor, |w| async move {
        let audience = batch::Entity::hold(&w, new.batch).await?;
        let message = w.require(new.template).await?;
        check_placeholders(&message, &new.params)?;
        let created = noun::fresh(row(on, &w, new)?).insert(&w).await?;
        insert_progress(&w, &created, preview(new, audience.channel_count)).await?;
        if !new.accounts.is_empty() {
            telegram_account::choose(&w, created.id, &new.accounts).await?;
        }
        let used = message.usage_count + 1;
        let mut message = message.into_active_model();
        message.usage_count = Set(used);
        message.update(&w).await?;
        w.tell(Event::Campaign(created.id));
        w.keep(&created);
        w.note(Action::CampaignCreated, created.id, json!({ "name": created.name })).await?;
        Ok(created)
    })
    .await
}

fn check(new: &New, now: DateTime<Utc>) -> Result<()> {
    let mut wrong = Violations::default();
    check_texts(&mut wrong, &new.name, new.description.as_deref());
    check_rate(&mut wrong, new.delivery_rate);
    wrong.require(RETRIES.contains(&new.retry_limit), "retryLimit", "must be from 0 to 100");
    wrong.require(TEST_LIMITS.contains(&new.test_limit), "testLimit", "must be from 1 to 1,000");
    check_params(&mut wrong, &new.params);
    check_schedule(&mut wrong, new.scheduled_at, now);
    wrong.into_result()
}

fn check_texts(wrong: &mut Violations, name: &str, description: Option<&str>) {
    let length = name.trim().chars().count();
    let is_right = (1..=200).contains(&length);
    wrong.require(is_right, "name", "must have 1 to 200 characters");
    if is_right {
        wrong.take("name", check_seen(name));
    }
    let length = description.map_or(0, |text| text.chars().count());
    wrong.require(length <= 2_000, "description", "must have at most 2,000 characters");
}

fn check_rate(wrong: &mut Violations, rate: i32) {
    wrong.require(RATES.contains(&rate), "deliveryRate", "must be from 1 to 1,000,000 messages a minute");
}

fn check_params(wrong: &mut Violations, params: &Params) {
    wrong.require(params.len() <= PARAMS.0, "params", "has more than 100 entries");
    let long = params.iter().find(|(name, value)| name.len() > 100 || value.len() > PARAMS.1);
    wrong.require(long.is_none(), "params", "has a name over 100 or a value over 4,096 bytes");
    // PostgreSQL has no character 0 in texts, and Telegram none at all.
    let has_nul = params.values().any(|value| value.contains('\0'));
    wrong.require(!has_nul, "params", "must not have the character NUL in a value: Telegram does not take it");
}

/// An instant in the past is most often a local time that is given as UTC: it would start at once, before anybody has seen it.
fn check_schedule(wrong: &mut Violations, at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    let Some(at) = at else { return };
    let is_past = at < now - SCHEDULE_GRACE;
    wrong.require(
        !is_past,
        "scheduledAt",
        format!("{at} is past: it is {now} now; to begin at once, start the campaign"),
    );
    wrong.require(at <= now + SCHEDULE_MOST, "scheduledAt", "must be within a year from now");
}

/// A placeholder that neither the params nor the channel fill is a mistake now, not an empty word in a million messages.
fn check_placeholders(message: &template::Model, params: &Params) -> Result<()> {
    let place = Place::beside(message.media_type.is_some());
    let read = Template::read_at(&message.content, message.parse_mode, place)
        .map_err(|why| Error::invalid("templateId", why))?;
    let mut wrong = Violations::default();
    for name in read.unused(params) {
        let known: Vec<&str> = read.placeholders().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        wrong.require(false, "params", format!("the template has no placeholder \"{name}\"; it has: {known}"));
    }
    for name in read.missing(params) {
        let meant =
            nearest(&name, BUILT_IN).map(|meant| format!("; the channel's is {{{{ {meant} }}}}")).unwrap_or_default();
        wrong.require(false, "params", format!("the template needs a value for the placeholder \"{name}\"{meant}"));
    }
    wrong.into_result()?;
    // What is the same for all channels needs none of them to be looked at.
    let nobody = Channel::of("", None, "", None);
    let why = read.is_constant(params).then(|| read.fault(params, &nobody, place)).flatten();
    why.map_or(Ok(()), |why| Err(Error::invalid("params", format!("with these the text {why}"))))
}

fn row(on: &Services, w: &Write, new: &New) -> Result<campaign::Model> {
    Ok(campaign::Model {
        id: BroadcastCampaignId::generate(),
        name: new.name.trim().to_owned(),
        description: new.description.clone(),
        batch_id: new.batch,
        template_id: new.template,
        params: json!(new.params),
        mode: new.mode,
        delivery_rate: new.delivery_rate,
        retry_limit: new.retry_limit,
        test_limit: new.test_limit,
        is_simulated: on.rules.is_simulated,
        account_failover: new.account_failover,
        status: CampaignStatus::Queued,
        pause_reason: None,
        scheduled_at: new.scheduled_at,
        schedule_missed_at: None,
        schedule_missed_reason: None,
        content: None,
        parse_mode: None,
        media_type: None,
        media_url: None,
        media_upload_id: None,
        created_at: w.now,
        updated_at: w.now,
        started_at: None,
        completed_at: None,
        created_by_id: w.actor.signed_in()?,
        version: 1,
        doubted_since: None,
        doubted_until: None,
        jobs_removed_at: None,
        name_fold: Folded::default(),
    })
}

/// The value of `totalJobs` before the start: the batch's channels, or the test limit if that is less.
fn preview(new: &New, channels: i32) -> i32 {
    match new.mode {
        CampaignMode::Live => channels,
        CampaignMode::Test => channels.min(new.test_limit),
    }
}

async fn insert_progress(tx: &Tx, campaign: &campaign::Model, preview: i32) -> Result<()> {
    let row = progress::ActiveModel {
        campaign_id: Set(campaign.id),
        status: Set(campaign.status.into()),
        delivery_rate: Set(campaign.delivery_rate.into()),
        preview: Set(preview),
        ..Default::default()
    };
    progress::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_has_passed_is_refused_and_one_within_a_year_is_not() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (seconds, is_taken) in [
            (-400 * 86_400, false),
            (-7_200, false),
            (-50, false),
            (-5, false),
            (-1, true),
            (0, true),
            (1, true),
            (365 * 86_400, true),
            (367 * 86_400, false),
        ] {
            let mut wrong = Violations::default();
            check_schedule(&mut wrong, Some(now + TimeDelta::seconds(seconds)), now);
            assert_eq!(wrong.into_result().is_ok(), is_taken, "{seconds} s from now");
        }
    }

    #[test]
    fn a_value_that_neither_the_database_nor_telegram_takes_is_refused() {
        let check = |value: &str| {
            let mut wrong = Violations::default();
            check_params(&mut wrong, &Params::from([("offer".to_owned(), value.to_owned())]));
            wrong.into_result()
        };
        assert!(check("a\u{0}b").is_err() && check(&"x".repeat(4_097)).is_err());
        assert!(check("").is_ok() && check("20%").is_ok());
    }
}
