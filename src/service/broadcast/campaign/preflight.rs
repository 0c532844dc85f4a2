//! Before a campaign is started: whom it would write to, whom it leaves out and why, and what stands in its way.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::audience::{Preflight, most, params};
use super::start::{require_accounts, require_same_world};
use crate::Services;
use domain::broadcast::{CampaignMode, CampaignStatus, CanPost};
use domain::delivery::failure::reason_of;
use domain::delivery::table::is_about_the_sort;
use domain::error::{Error, Result};
use domain::id::{BatchId, BroadcastCampaignId, ChannelId};
use domain::template::{Place, Template};
use storage::broadcast::{campaign, channel, template};
use storage::{Noun, page};

/// Inactive channels that are looked at in one statement.
const CHUNK: u64 = 5_000;
/// Channels that are named for each reason for which some are left out.
const EXAMPLES: usize = 10;

/// What a start would find.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Channels that it would write to.
    pub recipients: u64,
    /// What stands in its way: a sentence for each.
    pub problems: Vec<String>,
    /// Channels of the batch that it would not write to.
    pub left_out: Vec<LeftOut>,
    /// What would be sent as it stands, though it looks like something to be filled in.
    pub warnings: Vec<String>,
    /// Placeholders that are not known of some recipients.
    pub unknown: Vec<Emptiness>,
    /// Recipients where only others may post, as far as is known.
    pub closed: u64,
    /// Recipients where each message costs Stars.
    pub paid: u64,
}

/// Channels that are left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The error without its number for which they became inactive; `CHANNEL_INACTIVE` if somebody did it.
    pub reason: String,
    /// How many there are.
    pub channels: u64,
    /// The usernames of the first of them.
    pub examples: Vec<String>,
}

/// A placeholder that is not known of some recipients, where its default stands, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emptiness {
    /// The placeholder's name.
    pub name: &'static str,
    /// How many recipients these are.
    pub channels: u64,
}

/// What a start of the campaign would find now.
///
/// # Errors
/// [`Error::Precondition`] once it has been started.
pub async fn preflight(on: &Services, id: BroadcastCampaignId) -> Result<Report> {
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    if found.status != CampaignStatus::Queued {
        let why = format!("a preflight is for a campaign that has not been started; it is {}", found.status);
        return Err(Error::Precondition(why));
    }
    let message = template::Entity::get(on.db.reader(), found.template_id).await?;
    let mut report = Report::default();
    report.hear(require_same_world(on, &found))?;
    report.hear(require_accounts(on, id).await)?;
    let look = match Preflight::of_start(&found, &message) {
        Ok(preflight) => preflight.look(on).await,
        Err(error) => Err(error),
    };
    match look {
        Ok(look) => {
            report.unknown = look.unknown.into_iter().map(|(name, channels)| Emptiness { name, channels }).collect();
            report.hear(look.wrong.into_result())?;
        }
        Err(error) => report.hear(Err(error))?,
    }
    report.warn(&found, &message)?;
    report.count(on, &found).await?;
    Ok(report)
}

impl Report {
    /// Whether the start would be made.
    pub fn is_ready(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes what is wrong with the campaign; what is wrong with the database is an error.
    fn hear(&mut self, result: Result<()>) -> Result<()> {
        match result {
            Ok(()) => {}
            Err(Error::Invalid(wrong)) => self.problems.extend(wrong.into_iter().map(|wrong| wrong.message)),
            Err(error @ (Error::Precondition(_) | Error::Transition(_) | Error::NotFound(_))) => {
                self.problems.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn warn(&mut self, campaign: &campaign::Model, message: &template::Model) -> Result<()> {
        let place = Place::beside(message.media_type.is_some());
        if let Ok(read) = Template::read_at(&message.content, message.parse_mode, place) {
            self.warnings = read.warnings(&message.content, &params(campaign)?);
        }
        Ok(())
    }

    async fn count(&mut self, on: &Services, campaign: &campaign::Model) -> Result<()> {
        let db = on.db.reader();
        let active = channel::Entity::in_batch(campaign.batch_id).filter(channel::Column::IsActive.eq(true));
        let all = page::count_all(db, active.clone()).await?;
        self.recipients = all.min(most(campaign));
        self.left_out = inactive(on, campaign.batch_id).await?;
        if all > self.recipients {
            let channels = all - self.recipients;
            self.left_out.push(LeftOut { reason: "TEST_LIMIT".into(), channels, examples: Vec::new() });
        }
        if campaign.mode == CampaignMode::Live {
            let closed = active.clone().filter(channel::Column::CanPost.eq(CanPost::No));
            self.closed = page::count_all(db, closed).await?;
            self.paid = page::count_all(db, active.filter(channel::Column::MessagePrice.is_not_null())).await?;
        }
        Ok(())
    }
}

/// The inactive channels of a batch by what made them so, the most frequent reason first.
async fn inactive(on: &Services, batch: BatchId) -> Result<Vec<LeftOut>> {
    let mut by_reason: BTreeMap<String, LeftOut> = BTreeMap::new();
    let mut last: Option<ChannelId> = None;
    loop {
        let select = channel::Entity::in_batch(batch).filter(channel::Column::IsActive.eq(false));
        let rest = last.map(|last| channel::Column::Id.gt(last));
        let rest = select.filter(sea_orm::Condition::all().add_option(rest));
        let found = rest.order_by_asc(channel::Column::Id).limit(CHUNK).all(on.db.reader()).await?;
        let Some(end) = found.last() else { break };
        last = Some(end.id);
        for channel in found {
            // What it does not take of messages has never made a channel inactive.
            let error = channel.last_error.as_deref().filter(|error| !error.is_empty() && !is_about_the_sort(error));
            let reason = error.map_or("CHANNEL_INACTIVE", reason_of).to_owned();
            let blank = || LeftOut { reason: reason.clone(), channels: 0, examples: Vec::new() };
            let left_out = by_reason.entry(reason.clone()).or_insert_with(blank);
            left_out.channels += 1;
            if left_out.examples.len() < EXAMPLES {
                left_out.examples.push(channel.username);
            }
        }
    }
    let mut left_out: Vec<LeftOut> = by_reason.into_values().collect();
    left_out.sort_by_key(|one| std::cmp::Reverse(one.channels));
    Ok(left_out)
}
