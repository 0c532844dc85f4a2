//! Before a text goes out, by whichever door it comes in: does it render for every recipient, and does Telegram take its length?

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::Services;
use domain::broadcast::{CampaignMode, ParseMode};
use domain::error::{Error, Result, Violation, Violations};
use domain::id::{BatchId, BroadcastCampaignId, ChannelId};
use domain::template::{Params, Place, Room, Template};
use storage::broadcast::channel::{self, Recipient};
use storage::broadcast::{campaign, progress, template};

/// Channels that are looked at in one statement.
const CHUNK: u64 = 5_000;
/// Positions of jobs whose channels are looked at in one statement.
const POSITIONS: i32 = 5_000;
/// Violations that are told; a thousand of the same kind help nobody.
const MOST: usize = 100;

/// The values of a campaign's placeholders.
pub(super) fn params(campaign: &campaign::Model) -> Result<Params> {
    serde_json::from_value(campaign.params.clone()).map_err(Error::internal)
}

/// A text, and whom it would go to. Every door by which a text comes in asks [`Preflight::check`] of it.
pub(super) struct Preflight<'a> {
    pub content: &'a str,
    pub parse_mode: ParseMode,
    pub has_media: bool,
    pub params: Params,
    pub recipients: Recipients,
    /// The argument that a wrong text is blamed on.
    pub argument: &'static str,
}

impl<'a> Preflight<'a> {
    /// Of a campaign that has its own copy of the message, for those to whom it goes or has gone.
    pub(super) async fn of_copy(on: &Services, campaign: &campaign::Model, content: &'a str) -> Result<Self> {
        let jobs = progress::Entity::find_by_id(campaign.id).one(on.db.reader()).await?.map_or(0, |row| row.total);
        Ok(Self {
            content,
            parse_mode: campaign.parse_mode.unwrap_or(ParseMode::Plain),
            has_media: campaign.media_type.is_some(),
            params: params(campaign)?,
            recipients: Recipients::Jobs { campaign: campaign.id, jobs },
            argument: "content",
        })
    }

    /// Everything that can be known to be wrong before the first message: all violations at once.
    pub(super) async fn check(&self, on: &Services) -> Result<()> {
        self.look(on).await?.wrong.into_result()
    }

    /// Looks no further than at so many recipients, where there are more: the others are looked at later.
    pub(super) fn look_at_first(&mut self, recipients: u32) {
        if let Recipients::Batch { most, .. } = &mut self.recipients {
            *most = (*most).min(recipients.into());
        }
    }

    /// The text, ready to be rendered.
    fn read(&self) -> Result<Read> {
        let place = Place::beside(self.has_media);
        let text = Template::read_at(self.content, self.parse_mode, place);
        let text = text.map_err(|why| Error::invalid(self.argument, why))?;
        if self.argument == "content" {
            // A template was looked at when it was written.
            let why = "must not have the character NUL: Telegram does not take it";
            (!self.content.contains('\0')).then_some(()).ok_or_else(|| Error::invalid("content", why))?;
            Template::check_names(self.content, self.parse_mode).map_err(|why| Error::invalid("content", why))?;
        }
        let mut wrong = Violations::default();
        for name in text.missing(&self.params) {
            let (argument, what) =
                if self.argument == "content" { ("content", "text") } else { ("params", "template") };
            wrong.require(false, argument, format!("the {what} needs a value for the placeholder \"{name}\""));
        }
        wrong.into_result()?;
        Ok(Read { room: text.room(self.content, &self.params, place), text, place })
    }

    /// [`Preflight::check`] of these recipients only.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is wrong with their texts.
    pub(super) fn check_some(&self, recipients: &[Recipient]) -> Result<()> {
        let read = self.read()?;
        // The same text for all needs to be looked at once.
        let looked_at =
            if read.text.is_constant(&self.params) { &recipients[..recipients.len().min(1)] } else { recipients };
        let mut look = Look::default();
        for recipient in looked_at {
            self.judge(&mut look, &read, recipient);
        }
        look.wrong.into_result()
    }

    /// Looks at the text of each recipient.
    ///
    /// # Errors
    /// The text can't be read, or has placeholders that nothing fills: then none is looked at.
    pub(super) async fn look(&self, on: &Services) -> Result<Look> {
        let read = self.read()?;
        let mut audience = Audience { checked: 0, last: ChannelId(Uuid::nil()), position: 0 };
        let constant = read.text.is_constant(&self.params);
        let mut look = Look::default();
        while let Some(channels) = audience.next(on, &self.recipients).await? {
            // The same text for all needs to be looked at once.
            let looked_at = if constant { &channels[..1] } else { &channels[..] };
            for channel in looked_at {
                self.judge(&mut look, &read, channel);
            }
            if constant || look.wrong.len() >= MOST {
                break;
            }
            tokio::task::yield_now().await;
        }
        let is_start = matches!(self.recipients, Recipients::Batch { .. });
        if audience.checked == 0 && is_start {
            look.wrong.require(false, "id", "the batch has no active channels");
        }
        Ok(look)
    }

    fn judge(&self, look: &mut Look, read: &Read, channel: &Recipient) {
        let values = channel.placeholders();
        for name in values.unknown().filter(|name| !self.params.contains_key(*name)) {
            if read.text.placeholders().any(|used| used == name) {
                *look.unknown.entry(name).or_default() += 1;
            }
        }
        if look.wrong.len() >= MOST || read.room.as_ref().is_some_and(|room| room.takes(&values)) {
            return;
        }
        let Some(why) = read.text.fault(&self.params, &values, read.place) else { return };
        let argument = if self.argument == "content" { "content" } else { "id" };
        let path = vec!["input".into(), argument.into()];
        look.wrong.push(Violation { path, message: format!("the text for @{} {why}", channel.username) });
    }
}

/// A text that was read.
struct Read {
    text: Template,
    place: Place,
    /// What is left in it to the values of channels: who surely fits need not be rendered.
    room: Option<Room>,
}

/// What a look at the texts of all recipients has found.
#[derive(Default)]
pub(super) struct Look {
    /// What is wrong.
    pub wrong: Violations,
    /// Of how many recipients a placeholder that the text uses is not known.
    pub unknown: BTreeMap<&'static str, u64>,
}

impl<'a> Preflight<'a> {
    /// Of a campaign that has not been started: of its template's text, for the active channels of its batch.
    ///
    /// # Errors
    /// The template's attachment is not whole.
    pub(super) fn of_start(campaign: &campaign::Model, message: &'a template::Model) -> Result<Self> {
        let mut wrong = Violations::default();
        check_media(&mut wrong, message);
        wrong.into_result()?;
        Ok(Self {
            content: &message.content,
            parse_mode: message.parse_mode,
            has_media: message.media_type.is_some(),
            params: params(campaign)?,
            recipients: Recipients::Batch { batch: campaign.batch_id, most: most(campaign) },
            argument: "templateId",
        })
    }
}

/// How many messages a campaign sends at most.
pub(super) fn most(campaign: &campaign::Model) -> u64 {
    let is_test = campaign.mode == CampaignMode::Test;
    if is_test { u64::try_from(campaign.test_limit).unwrap_or(0) } else { u64::MAX }
}

fn check_media(wrong: &mut Violations, message: &template::Model) {
    let has_source = message.media_url.is_some() || message.media_upload_id.is_some();
    wrong.require(
        message.media_type.is_some() == has_source,
        "templateId",
        "the template has a media type without media, or media without a type",
    );
}

/// Whom a text would go to.
pub(super) enum Recipients {
    /// The active channels of a batch, so many at most.
    Batch { batch: BatchId, most: u64 },
    /// The channels of a campaign's jobs, of which there are so many: their positions are 1 and up.
    Jobs { campaign: BroadcastCampaignId, jobs: i32 },
}

/// Channels in the order of their ids, as the freeze will take them, or has taken them.
struct Audience {
    checked: u64,
    last: ChannelId,
    position: i32,
}

impl Audience {
    async fn next(&mut self, on: &Services, recipients: &Recipients) -> Result<Option<Vec<Recipient>>> {
        let channels = match recipients {
            Recipients::Batch { batch, most } => self.next_active(on, *batch, CHUNK.min(most - self.checked)).await?,
            Recipients::Jobs { campaign, jobs } => self.next_of_jobs(on, *campaign, *jobs).await?,
        };
        self.checked += channels.len() as u64;
        Ok(Some(channels).filter(|channels| !channels.is_empty()))
    }

    async fn next_active(&mut self, on: &Services, batch: BatchId, limit: u64) -> Result<Vec<Recipient>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let active = channel::Entity::in_batch(batch).filter(channel::Column::IsActive.eq(true));
        let rest = active.filter(channel::Column::Id.gt(self.last)).order_by_asc(channel::Column::Id).limit(limit);
        let channels = Recipient::all(rest, on.db.reader()).await?;
        self.last = channels.last().map_or(self.last, |channel| channel.id);
        Ok(channels)
    }

    async fn next_of_jobs(
        &mut self,
        on: &Services,
        campaign: BroadcastCampaignId,
        jobs: i32,
    ) -> Result<Vec<Recipient>> {
        // Channels may be gone meanwhile: only behind the last position there are no more.
        while self.position < jobs {
            let until = self.position.saturating_add(POSITIONS).min(jobs);
            let select = channel::Entity::of_jobs(campaign, self.position + 1..=until);
            self.position = until;
            let channels = Recipient::all(select, on.db.reader()).await?;
            if !channels.is_empty() {
                return Ok(channels);
            }
        }
        Ok(Vec::new())
    }
}
