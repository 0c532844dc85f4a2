//! What a worker must know of a campaign in order to send its messages.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;

use super::attachment::Attachment;
use crate::Services;
use domain::broadcast::{CampaignMode, ParseMode};
use domain::delivery::Policy;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::markup::Marked;
use domain::secret_key::LastingUse;
use domain::template::{Channel, Params, Place, Template};
use storage::broadcast::queue::lease::Due;
use storage::broadcast::{batch, campaign, channel, progress};

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
    /// Whether it may write to persons and bots.
    pub allow_private: bool,
    /// The time in which its messages may have been sent without the database's knowing, because it was restored.
    pub doubted: Option<(DateTime<Utc>, DateTime<Utc>)>,
    parse_mode: ParseMode,
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
        let batch = batch::Entity::find_by_id(row.batch_id).one(on.db.reader()).await?;
        let attachment = Attachment::of(&row);
        let place = Place::beside(attachment.is_some());
        let template = Template::read_at(content, parse_mode, place).map_err(Error::Precondition)?;
        let params: Params = serde_json::from_value(row.params).map_err(Error::internal)?;
        let nobody = Channel::of("", None, "", None);
        let constant = template.is_constant(&params).then(|| template.render(&params, &nobody).ok()).flatten();
        let constant = constant.filter(|text| place.fault(text).is_none());
        Ok(Self {
            id,
            run,
            mode: row.mode,
            policy: Policy { retry_limit: row.retry_limit, dedupe_window: on.rules.dedupe_window },
            attachment,
            allow_private: batch.is_some_and(|batch| batch.allow_private),
            doubted: row.doubted_since.zip(row.doubted_until),
            parse_mode,
            template,
            params,
            constant: constant.map(Arc::new),
        })
    }

    /// Keeps the identities of test messages and of real ones apart (R13).
    pub const fn identities(&self) -> LastingUse {
        match self.mode {
            CampaignMode::Test => LastingUse::Tests,
            CampaignMode::Live => LastingUse::Broadcasts,
        }
    }

    /// The message to a channel of the catalog.
    ///
    /// # Errors
    /// A sentence: the text cannot be rendered, or Telegram does not take it.
    pub fn text_to(&self, channel: &channel::Model) -> Result<Arc<Marked>, String> {
        match &self.constant {
            Some(text) => Ok(text.clone()),
            None => self.template.render(&self.params, &channel.placeholders()).and_then(|text| self.sendable(text)),
        }
    }

    /// A text that Telegram takes: what is known of a channel may have changed since the start looked at all of them.
    fn sendable(&self, text: Marked) -> Result<Arc<Marked>, String> {
        match Place::beside(self.attachment.is_some()).fault(&text) {
            Some(why) => Err(format!("the text {why}")),
            None => Ok(Arc::new(text)),
        }
    }

    /// The message to a channel of the catalog as it was while the campaign's content was `content`; None: as it is now.
    ///
    /// # Errors
    /// A sentence: the text cannot be rendered.
    pub fn former_text_to(&self, content: Option<&str>, channel: &channel::Model) -> Result<Arc<Marked>, String> {
        let Some(content) = content else { return self.text_to(channel) };
        let place = Place::beside(self.attachment.is_some());
        let template = Template::read_at(content, self.parse_mode, place)?;
        template.render(&self.params, &channel.placeholders()).map(Arc::new)
    }

    /// The message to one channel.
    ///
    /// # Errors
    /// A sentence: the text cannot be rendered, or Telegram does not take it.
    pub fn text(&self, job: &Due) -> Result<Arc<Marked>, String> {
        if let Some(text) = &self.constant {
            return Ok(text.clone());
        }
        let channel = Channel::of(&job.username, job.title.as_deref(), &job.category, job.member_count);
        self.template.render(&self.params, &channel).and_then(|text| self.sendable(text))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::broadcast::CanPost;
    use domain::id::{ChannelId, JobId};

    use super::*;

    fn mission(content: &str) -> Mission {
        Mission {
            id: BroadcastCampaignId::generate(),
            run: 1,
            mode: CampaignMode::Live,
            policy: Policy { retry_limit: 0, dedupe_window: Duration::ZERO },
            attachment: None,
            allow_private: false,
            doubted: None,
            parse_mode: ParseMode::Plain,
            template: Template::read(content, ParseMode::Plain).unwrap(),
            params: Params::default(),
            constant: None,
        }
    }

    fn channel(title: Option<&str>) -> channel::Model {
        channel::Model {
            id: ChannelId::generate(),
            username: "proofzzz".into(),
            category: "news".into(),
            tgstat_url: None,
            collected_at: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            title: title.map(Into::into),
            description: None,
            member_count: None,
            is_verified: false,
            last_checked: None,
            is_active: true,
            error_count: 0,
            last_error: None,
            version: 1,
            can_post: CanPost::Yes,
            slow_mode_seconds: None,
            message_price: None,
            refresh_requested_at: None,
            refresh_not_before: None,
            category_fold: storage::Folded::of("news"),
            kind: None,
        }
    }

    #[test]
    fn a_leased_job_has_the_text_that_the_preview_of_its_channel_shows() {
        let content = "{{channel_name}} {{username}} [{{title}}] {{category}} {{member_count}}";
        for (title, shown) in [
            (None, "proofzzz proofzzz [] news"),
            (Some(""), "proofzzz proofzzz [] news"),
            (Some("A"), "A proofzzz [A] news"),
            (Some("\u{3164}\u{200b}"), "proofzzz proofzzz [] news"),
        ] {
            let channel = channel(title);
            let job = Due {
                id: JobId::generate(),
                position: 1,
                epoch: 1,
                random_id: None,
                attempts: 0,
                ambiguous_since: None,
                channel_id: channel.id,
                username: channel.username.clone(),
                title: channel.title.clone(),
                category: channel.category.clone(),
                member_count: channel.member_count,
                is_active: true,
                error_count: 0,
                kind: None,
            };
            let mission = mission(content);
            assert_eq!(mission.text(&job).unwrap().text, shown);
            assert_eq!(mission.text_to(&channel).unwrap().text, shown);
            let told = self::mission("{{ title }}").text(&job).map(|text| text.text.clone());
            let is_known = title == Some("A");
            assert_eq!(
                told,
                if is_known { Ok("A".into()) } else { Err("the text is empty".into()) },
                "nothing is sent to nobody"
            );
        }
    }

    #[test]
    fn a_photo_that_had_no_text_is_looked_for_without_one() {
        let bare = Attachment::example();
        let mission = Mission { attachment: Some(bare), ..mission("new") };
        let former = mission.former_text_to(Some(""), &channel(None)).map(|text| text.text.clone());
        assert_eq!(former.as_deref(), Ok(""));
        assert!(self::mission("new").former_text_to(Some(""), &channel(None)).is_err());
    }
}
