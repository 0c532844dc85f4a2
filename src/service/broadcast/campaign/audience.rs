//! Before a start: does every recipient's text render, and does Telegram take its length?

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::Services;
use domain::broadcast::CampaignMode;
use domain::error::{Error, Result, Violation, Violations};
use domain::id::ChannelId;
use domain::template::{CAPTION_LIMIT, Channel, MESSAGE_LIMIT, Params, Template};
use storage::broadcast::{campaign, channel, template};

/// Channels that are looked at in one statement.
const CHUNK: u64 = 5_000;
/// Violations that are told; a thousand of the same kind help nobody.
const MOST: usize = 100;

/// The values of a campaign's placeholders.
pub(super) fn params(campaign: &campaign::Model) -> Result<Params> {
    serde_json::from_value(campaign.params.clone()).map_err(Error::internal)
}

/// Everything that can be known to be wrong before the first message: all violations at once.
pub(super) async fn check(on: &Services, campaign: &campaign::Model, message: &template::Model) -> Result<()> {
    let params = params(campaign)?;
    let read = Template::read(&message.content, message.parse_mode).map_err(|why| Error::invalid("templateId", why))?;
    let limit = if message.media_type.is_some() { CAPTION_LIMIT } else { MESSAGE_LIMIT };
    let mut wrong = Violations::default();
    for name in read.missing(&params) {
        wrong.require(false, "params", format!("the template needs a value for the placeholder \"{name}\""));
    }
    check_media(&mut wrong, message);
    wrong.into_result()?;
    let mut audience = Audience { checked: 0, last: ChannelId(Uuid::nil()) };
    let constant = read.is_constant(&params);
    let most =
        if campaign.mode == CampaignMode::Test { u64::try_from(campaign.test_limit).unwrap_or(0) } else { u64::MAX };
    let mut wrong = Violations::default();
    while let Some(channels) = audience.next(on, campaign, most).await? {
        // The same text for all needs to be looked at once.
        let looked_at = if constant { &channels[..1] } else { &channels[..] };
        for channel in looked_at {
            judge(&mut wrong, &read, &params, channel, limit);
        }
        if constant || wrong.len() >= MOST {
            break;
        }
        tokio::task::yield_now().await;
    }
    if audience.checked == 0 {
        wrong.require(false, "id", "the batch has no active channels");
    }
    wrong.into_result()
}

fn check_media(wrong: &mut Violations, message: &template::Model) {
    let has_source = message.media_url.is_some() || message.media_upload_id.is_some();
    wrong.require(
        message.media_type.is_some() == has_source,
        "templateId",
        "the template has a media type without media, or media without a type",
    );
}

fn judge(wrong: &mut Violations, read: &Template, params: &Params, channel: &channel::Model, limit: usize) {
    if wrong.len() >= MOST {
        return;
    }
    let path = vec!["input".into(), "id".into()];
    let message = match read.render(params, &values(channel)) {
        Err(why) => format!("the text for @{} cannot be rendered: {why}", channel.username),
        Ok(text) if text.text.trim().is_empty() => format!("the text for @{} is empty", channel.username),
        Ok(text) => match text.utf16_length() {
            length if length > limit => {
                format!("the text for @{} has {length} UTF-16 units; Telegram takes {limit}", channel.username)
            }
            _ => return,
        },
    };
    wrong.push(Violation { path, message });
}

/// The values with which a channel fills placeholders.
pub(super) fn values(channel: &channel::Model) -> Channel<'_> {
    let title = channel.title.as_deref().unwrap_or_default();
    Channel {
        channel_name: if title.is_empty() { &channel.username } else { title },
        username: &channel.username,
        title,
        category: &channel.category,
        member_count: channel.member_count.unwrap_or(0),
    }
}

/// The active channels of a batch, in the order of their ids, as the freeze will take them.
struct Audience {
    checked: u64,
    last: ChannelId,
}

impl Audience {
    async fn next(
        &mut self,
        on: &Services,
        campaign: &campaign::Model,
        most: u64,
    ) -> Result<Option<Vec<channel::Model>>> {
        let limit = CHUNK.min(most - self.checked);
        if limit == 0 {
            return Ok(None);
        }
        let channels = channel::Entity::in_batch(campaign.batch_id)
            .filter(channel::Column::IsActive.eq(true))
            .filter(channel::Column::Id.gt(self.last))
            .order_by_asc(channel::Column::Id)
            .limit(limit)
            .all(on.db.reader())
            .await?;
        let Some(last) = channels.last() else { return Ok(None) };
        self.last = last.id;
        self.checked += channels.len() as u64;
        Ok(Some(channels))
    }
}
