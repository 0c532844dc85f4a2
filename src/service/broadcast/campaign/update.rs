//! Changing a campaign: everything before its start, the pace and the message's copy later.

use std::collections::BTreeMap;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::audience::Preflight;
use super::{RETRIES, check_params, check_placeholders, check_rate, check_schedule, check_texts, transition};
use crate::access::changes::with_changes;
use crate::broadcast::telegram_account;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use domain::text::or;
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, progress, queue, template};

/// The changes of a campaign; None leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// Null removes it.
    pub description: MaybeUndefined<String>,
    /// Only before the start.
    pub params: Option<BTreeMap<String, String>>,
    /// Messages a minute: acts on the next message.
    pub delivery_rate: Option<i32>,
    /// Acts on the next answer.
    pub retry_limit: Option<i32>,
    /// Only before the start; null removes the schedule.
    pub scheduled_at: MaybeUndefined<DateTime<Utc>>,
    /// The campaign's own copy of the message, only while it is paused: so a message that Telegram refuses is mended.
    pub content: Option<String>,
    /// The accounts that it goes by, none: all that are active; only while nothing is being sent.
    pub accounts: Option<Vec<TelegramAccountId>>,
    /// Whether untouched jobs of a parked account may go by its other accounts.
    pub account_failover: Option<bool>,
    /// Only if this is still its version.
    pub expected_version: Option<i32>,
}

/// Changes a campaign.
pub async fn update(on: &Services, actor: &Actor, id: BroadcastCampaignId, change: Update) -> Result<campaign::Model> {
    check(&change, on.now())?;
    if let Some(content) = &change.content {
        let found = campaign::Entity::get(on.db.reader(), id).await?;
        allow(&change, found.status)?;
        Preflight::of_copy(on, &found, content).await?.check(on).await?;
    }
    let change = &change;
    on.write(actor, |w| async move {
        let status = transition::status_of(&queue::lock(&w, id).await?)?;
        let old = w.require(id).await?;
        require_version("campaign", old.version, change.expected_version)?;
        allow(change, status)?;
        let new = w.replace(&old, changed(&w, old.clone(), change.clone()).await?).await?;
        if let Some(accounts) = &change.accounts {
            telegram_account::choose_again(&w, id, accounts, status == CampaignStatus::Paused).await?;
        }
        progress::Entity::pace(&w, new.id, new.delivery_rate).await?;
        w.tell(Event::Work(id));
        w.tell(Event::Campaign(id));
        let is_scheduled = !change.scheduled_at.is_undefined();
        let action = if is_scheduled { Action::CampaignScheduled } else { Action::CampaignUpdated };
        let metadata = json!({ "deliveryRate": new.delivery_rate, "scheduledAt": new.scheduled_at });
        w.note(action, id, with_changes(metadata, &old, &new)).await?;
        Ok(new)
    })
    .await
}

fn check(change: &Update, now: DateTime<Utc>) -> Result<()> {
    let mut wrong = Violations::default();
    let name = change.name.as_deref().unwrap_or("unchanged");
    check_texts(&mut wrong, name, change.description.value().map(String::as_str));
    if let Some(rate) = change.delivery_rate {
        check_rate(&mut wrong, rate);
    }
    if let Some(retries) = change.retry_limit {
        wrong.require(RETRIES.contains(&retries), "retryLimit", "must be from 0 to 100");
    }
    if let Some(params) = &change.params {
        check_params(&mut wrong, params);
    }
    check_schedule(&mut wrong, change.scheduled_at.value().copied(), now);
    wrong.into_result()
}

fn allow(change: &Update, status: CampaignStatus) -> Result<()> {
    let may_choose = matches!(status, CampaignStatus::Queued | CampaignStatus::Paused);
    if change.accounts.is_some() && !may_choose {
        let why = format!("accounts can be chosen while nothing is being sent; the campaign is {status}");
        return Err(Error::Precondition(why));
    }
    let before_start = change.params.is_some() || !change.scheduled_at.is_undefined();
    if before_start && status != CampaignStatus::Queued {
        return Err(Error::Precondition(format!(
            "params and schedule can be changed before the start; the campaign is {status}"
        )));
    }
    if change.content.is_some() && status != CampaignStatus::Paused {
        return Err(Error::Precondition(format!(
            "the message can be changed while the campaign is PAUSED; it is {status}"
        )));
    }
    if status.is_terminal() && (change.delivery_rate.is_some() || change.retry_limit.is_some()) {
        return Err(Error::Precondition(format!("the campaign has ended: it is {status}")));
    }
    Ok(())
}

async fn changed(w: &Write, old: campaign::Model, change: Update) -> Result<campaign::Model> {
    let Update {
        name,
        description,
        params,
        delivery_rate,
        retry_limit,
        scheduled_at,
        content,
        accounts,
        account_failover,
        expected_version: _,
    } = change;
    if let Some(params) = &params {
        check_placeholders(&template::Entity::get(w, old.template_id).await?, params)?;
    }
    Ok(campaign::Model {
        name: name.map_or(old.name, |name| name.trim().to_owned()),
        description: or(old.description, description),
        params: params.map_or(old.params, |params| json!(params)),
        delivery_rate: delivery_rate.unwrap_or(old.delivery_rate),
        retry_limit: retry_limit.unwrap_or(old.retry_limit),
        account_failover: account_failover.unwrap_or(old.account_failover),
        schedule_missed_at: old.schedule_missed_at.filter(|_| scheduled_at.is_undefined()),
        schedule_missed_reason: old.schedule_missed_reason.filter(|_| scheduled_at.is_undefined()),
        scheduled_at: or(old.scheduled_at, scheduled_at),
        content: content.or(old.content),
        // The choice of accounts has rows of its own, and is a change all the same.
        updated_at: if accounts.is_some() { w.now } else { old.updated_at },
        ..old
    })
}
