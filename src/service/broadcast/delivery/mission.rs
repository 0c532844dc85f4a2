//! What a worker must know of a campaign in order to send its messages.

use std::sync::Arc;

use sea_orm::EntityTrait;

use super::attachment::Attachment;
use crate::Services;
use domain::broadcast::CampaignMode;
use domain::delivery::Policy;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::markup::Marked;
use domain::template::{Channel, Params, Template};
use storage::broadcast::queue::lease::Due;
use storage::broadcast::{campaign, channel, progress};

/// A running campaign's message and rules.
#[derive(Debug)]
pub struct Mission {
    /// The campaign.
    pub id: BroadcastCampaignId,
    /// The run that this was read in. Only between two runs can the message be edited.
    pub run: i32,
    /// Whom it writes to; fixed at the creation.
    pub mode: CampaignMode,
    /// How often and how long a message is tried.
    pub policy: Policy,
    /// The attachment of each message.
    pub attachment: Option<Attachment>,
    template: Template,
    params: Params,
    /// The text, where it is the same for every channel.
    constant: Option<Arc<Marked>>,
}

impl Mission {
    /// Reads the campaign's own copy of its message.
    pub async fn load(on: &Services, id: BroadcastCampaignId) -> Result<Self> {
        // First the run, then the message: so the message is at least as new as the run.
        let hot = progress::Entity::find_by_id(id).one(on.db.reader()).await?;
        let run = hot.ok_or(Error::NotFound("broadcast campaign"))?.run;
        let row = campaign::Entity::find_by_id(id).one(on.db.reader()).await?;
        let row = row.ok_or(Error::NotFound("broadcast campaign"))?;
        let (Some(content), Some(parse_mode)) = (&row.content, row.parse_mode) else {
            return Err(Error::Precondition("the campaign has not been started".into()));
        };
        let template = Template::read(content, parse_mode).map_err(Error::Precondition)?;
        let attachment = Attachment::of(&row);
        let params: Params = serde_json::from_value(row.params).map_err(Error::internal)?;
        let nobody = Channel { channel_name: "", username: "", title: "", category: "", member_count: 0 };
        let constant = template.is_constant(&params).then(|| template.render(&params, &nobody).ok()).flatten();
        Ok(Self {
            id,
            run,
            mode: row.mode,
            policy: Policy { retry_limit: row.retry_limit, dedupe_window: on.rules.dedupe_window },
            attachment,
            template,
            params,
            constant: constant.map(Arc::new),
        })
    }

    /// Keeps the identities of test messages and of real ones apart (R13).
    pub const fn purpose(&self) -> &'static str {
        match self.mode {
            CampaignMode::Test => "broadcast-test",
            CampaignMode::Live => "broadcast-live",
        }
    }

    /// The message to a channel of the catalog.
    ///
    /// # Errors
    /// A sentence: the text cannot be rendered.
    pub fn text_to(&self, channel: &channel::Model) -> Result<Arc<Marked>, String> {
        match &self.constant {
            Some(text) => Ok(text.clone()),
            None => self.template.render(&self.params, &channel.placeholders()).map(Arc::new),
        }
    }

    /// The message to one channel.
    ///
    /// # Errors
    /// A sentence: the text cannot be rendered.
    pub fn text(&self, job: &Due) -> Result<Arc<Marked>, String> {
        if let Some(text) = &self.constant {
            return Ok(text.clone());
        }
        let title = job.title.as_deref().unwrap_or_default();
        let channel = Channel {
            channel_name: if title.is_empty() { &job.username } else { title },
            username: &job.username,
            title,
            category: &job.category,
            member_count: job.member_count.unwrap_or(0),
        };
        self.template.render(&self.params, &channel).map(Arc::new)
    }
}
