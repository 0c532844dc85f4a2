//! Changing a campaign: everything before its start, the pace and the message's copy later.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;

use super::{RETRIES, check_params, check_placeholders, check_rate, check_texts, transition};
use crate::access::audit::{self, Subject};
use crate::broadcast::telegram_account;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, ParseMode};
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use domain::template::Template;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::broadcast::{campaign, progress, queue, template};

/// The changes of a campaign; None leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// Only before the start.
    pub params: Option<BTreeMap<String, String>>,
    /// Messages a minute: acts on the next message.
    pub delivery_rate: Option<i32>,
    /// Acts on the next answer.
    pub retry_limit: Option<i32>,
    /// Only before the start; `Some(None)` removes the schedule.
    pub scheduled_at: Option<Option<DateTime<Utc>>>,
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
    check(&change)?;
    let change = &change;
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let hot = queue::lock(tx, id).await?;
            let status = transition::status_of(&hot)?;
            let row = campaign::Entity::require(tx, id).await?;
            require_version("campaign", row.version, change.expected_version)?;
            allow(change, status)?;
            let row = apply(on, tx, row, change).await?;
            let changed = row.update(tx).await?;
            if let Some(accounts) = &change.accounts {
                telegram_account::choose_again(tx, id, accounts, status == CampaignStatus::Paused).await?;
            }
            progress::Entity::pace(tx, changed.id, changed.delivery_rate).await?;
            let action =
                if change.scheduled_at.is_some() { Action::CampaignScheduled } else { Action::CampaignUpdated };
            let metadata = json!({ "deliveryRate": changed.delivery_rate, "scheduledAt": changed.scheduled_at });
            audit::record(on, tx, actor, action, Subject("BroadcastCampaign", id.0), metadata).await?;
            Ok(changed)
        })
        .await?;
    on.tell(Event::Work(id));
    on.tell(Event::Campaign(id));
    Ok(changed)
}

fn check(change: &Update) -> Result<()> {
    let mut wrong = Violations::default();
    let name = change.name.as_deref().unwrap_or("unchanged");
    check_texts(&mut wrong, name, change.description.as_ref().and_then(Option::as_deref));
    if let Some(rate) = change.delivery_rate {
        check_rate(&mut wrong, rate);
    }
    if let Some(retries) = change.retry_limit {
        wrong.require(RETRIES.contains(&retries), "retryLimit", "must be from 0 to 100");
    }
    if let Some(params) = &change.params {
        check_params(&mut wrong, params);
    }
    wrong.into_result()
}

fn allow(change: &Update, status: CampaignStatus) -> Result<()> {
    let may_choose = matches!(status, CampaignStatus::Queued | CampaignStatus::Paused);
    if change.accounts.is_some() && !may_choose {
        let why = format!("accounts can be chosen while nothing is being sent; the campaign is {status}");
        return Err(Error::Precondition(why));
    }
    let before_start = change.params.is_some() || change.scheduled_at.is_some();
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

async fn apply(on: &Services, tx: &Tx, old: campaign::Model, change: &Update) -> Result<campaign::ActiveModel> {
    let Update {
        name,
        description,
        params,
        delivery_rate,
        retry_limit,
        scheduled_at,
        content,
        accounts: _,
        account_failover,
        expected_version: _,
    } = change.clone();
    let (template_id, parse_mode, old_params) = (old.template_id, old.parse_mode, super::audience::params(&old)?);
    let mut row = old.changed(on.now());
    if let Some(name) = name {
        row.name = Set(name.trim().to_owned());
    }
    if let Some(description) = description {
        row.description = Set(description);
    }
    if let Some(params) = params {
        let message = template::Entity::find_by_id(template_id).one(tx).await?.ok_or(Error::NotFound("template"))?;
        check_placeholders(&message, &params)?;
        row.params = Set(json!(params));
    }
    if let Some(rate) = delivery_rate {
        row.delivery_rate = Set(rate);
    }
    if let Some(retries) = retry_limit {
        row.retry_limit = Set(retries);
    }
    if let Some(failover) = account_failover {
        row.account_failover = Set(failover);
    }
    if let Some(at) = scheduled_at {
        row.scheduled_at = Set(at);
        row.schedule_missed_at = Set(None);
    }
    if let Some(content) = content {
        let read = Template::read(&content, parse_mode.unwrap_or(ParseMode::Plain));
        let missing = read.map_err(|why| Error::invalid("content", why))?.missing(&old_params);
        if let Some(name) = missing.first() {
            return Err(Error::invalid("content", format!("there is no value for the placeholder \"{name}\"")));
        }
        row.content = Set(Some(content));
    }
    Ok(row)
}
