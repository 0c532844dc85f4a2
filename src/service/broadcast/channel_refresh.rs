//! Looking at channels again: what Telegram tells of them now, asked for by somebody or because it was long ago.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::json;

use crate::once::{Again, Done};
use crate::{Actor, Services, Write, picked};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, CanPost};
use domain::delivery::Fault;
use domain::error::{Error, Result};
use domain::id::ChannelId;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::channel_refresh::{self as rows, Due, Obstacles, Reason};
use storage::broadcast::queue::accounts::Stale;
use storage::broadcast::telegram_account;
use storage::broadcast::{campaign, channel};
use telegram::live::Description;

/// Channels that one request takes: more than all accounts may look up in days.
pub const MOST: usize = 10_000;

/// Active channels are looked at again after so long: the days that are left of thirty are for them to have their turn.
const STALE: TimeDelta = TimeDelta::days(27);

/// A channel that nobody has looked at is looked at after so long: most are looked up by a campaign before.
const NEW: TimeDelta = TimeDelta::days(1);

/// A channel that was taken and not settled is free again after so long.
const CLAIM: TimeDelta = TimeDelta::minutes(5);

/// A channel that could not be looked at is tried again after so long.
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// The longest title and description that are kept, in characters; Telegram's own are shorter.
const LONGEST: (usize, usize) = (255, 2_000);

/// Channels that will be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested(pub i32);

impl Again for Requested {
    async fn again(_: &Services, done: Done) -> Result<Self> {
        done.moved().map(Self)
    }
}

/// Asks for a new look at channels; workers come to it as their accounts' days allow.
///
/// # Errors
/// More than [`MOST`] are wanted, or none.
pub async fn request(on: &Services, actor: &Actor, filter: &ChannelFilter) -> Result<Requested> {
    on.write(actor, |w| async move {
        let ids = rows::found(&w, filter, MOST as u64 + 1).await?;
        if ids.is_empty() {
            picked::require_channels(&*w, filter, ", so none would be looked at").await?;
        }
        if ids.len() > MOST {
            return Err(Error::invalid("filter", format!("it finds more than {MOST} channels; ask for fewer")));
        }
        let requested = i32::try_from(rows::request(&w, &ids, w.now).await?).map_err(Error::internal)?;
        // A repetition of the request is known by its first channel.
        let metadata = json!({ "requested": requested });
        w.note_answer(Action::ChannelRefreshRequested, ids.first().copied(), metadata, &requested).await?;
        Ok(Requested(requested))
    })
    .await
}

/// Which channels are due without anybody asking.
pub fn stale(on: &Services) -> Stale {
    Stale { added: on.now() - NEW, checked: on.now() - STALE, put_off: on.now() + CLAIM }
}

/// How many of a day's look-ups campaigns leave to channels that are due: a quarter while there are such, else none. So these
/// have their turn even where campaigns never end.
pub async fn reserve(on: &Services, by: &telegram_account::Model) -> Result<i32> {
    let share = by.resolves_per_day / 4;
    let is_wanted = share > 0 && rows::is_any_due(on.db.reader(), stale(on)).await?;
    Ok(if is_wanted { share } else { 0 })
}

/// The next channel to look at: what somebody asked for, then what nobody has looked at, then what was looked at longest ago.
/// With `only_requested` only the first of these.
pub async fn next(on: &Services, only_requested: bool) -> Result<Option<Due>> {
    let now = on.now();
    let reasons = [(Reason::Requested, now + CLAIM), (Reason::Unchecked, now - NEW), (Reason::Stale, now - STALE)];
    for (reason, before) in reasons.into_iter().take(if only_requested { 1 } else { 3 }) {
        if let Some(due) = rows::claim(&on.db, reason, before, now, now + CLAIM).await? {
            return Ok(Some(due));
        }
    }
    Ok(None)
}

/// Writes down what Telegram told.
pub async fn learn(on: &Services, id: ChannelId, told: &Description) -> Result<()> {
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        let new = channel::Model {
            title: Some(cut(&told.title, LONGEST.0)).filter(|title| !title.is_empty()),
            description: Some(cut(&told.about, LONGEST.1)).filter(|about| !about.is_empty()),
            member_count: told.member_count.or(old.member_count),
            is_verified: told.is_verified,
            can_post: told.can_post,
            slow_mode_seconds: told.slow_mode_seconds,
            message_price: told.message_price,
            ..looked_at(&w, &old)
        };
        w.replace(&old, new).await.map(drop)
    })
    .await
}

/// Writes down that the channel exists, and that the account is not let in.
pub async fn learn_closed(on: &Services, id: ChannelId, fault: &Fault) -> Result<()> {
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        let last_error = Some(fault.to_string());
        let new = channel::Model { can_post: CanPost::No, last_error, ..looked_at(&w, &old) };
        w.replace(&old, new).await.map(drop)
    })
    .await
}

/// Writes down that the username leads nowhere: no campaign writes to it any more.
pub async fn learn_gone(on: &Services, id: ChannelId, fault: &Fault) -> Result<()> {
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        let new = channel::Model { is_active: false, last_error: Some(fault.to_string()), ..looked_at(&w, &old) };
        w.replace(&old, new).await?;
        w.note(Action::ChannelDeactivated, id, json!({ "error": fault.to_string() })).await
    })
    .await
}

/// The channel after somebody has looked at it.
fn looked_at(w: &Write, old: &channel::Model) -> channel::Model {
    channel::Model { last_checked: Some(w.now), refresh_requested_at: None, refresh_not_before: None, ..old.clone() }
}

/// Lets the channel wait: it could not be looked at, for no reason of its own.
pub async fn put_off(on: &Services, id: ChannelId) -> Result<()> {
    hold(on, id, Some(on.now() + PAUSE)).await
}

/// Leaves the channel to whoever can look at it.
pub async fn release(on: &Services, id: ChannelId) -> Result<()> {
    hold(on, id, None).await
}

async fn hold(on: &Services, id: ChannelId, until: Option<DateTime<Utc>>) -> Result<()> {
    on.system_write(|w| async move {
        // This is no change of the channel: its version stays.
        let mut row = w.require(id).await?.into_active_model();
        row.refresh_not_before = Set(until);
        Ok(row.update(&w).await.map(drop)?)
    })
    .await
}

/// Counts what may stand in the way of a campaign's posts.
pub async fn obstacles(on: &Services, campaign: &campaign::Model) -> Result<Obstacles> {
    if campaign.status == CampaignStatus::Queued {
        // Its jobs are still being made.
        return Obstacles::count_in(on.db.reader(), campaign.batch_id).await;
    }
    Obstacles::count(on.db.reader(), campaign.id).await
}

/// The text without what no database takes, and not longer than wanted.
fn cut(text: &str, most: usize) -> String {
    text.trim().chars().filter(|letter| *letter != '\0').take(most).collect()
}
