//! Changing what a campaign has sent: the text of all its messages, or whether they are there at all.

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;

use super::audience;
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, ParseMode, SentChangeKind};
use domain::error::{Error, Result, require_version};
use domain::id::BroadcastCampaignId;
use domain::template::Template;
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, queue, sent_change};

/// Gives all messages that the campaign has sent another text; it becomes the campaign's own copy. Returns how many there are.
///
/// # Errors
/// [`Error::Precondition`] while it runs: its next messages would have another text than the last ones.
pub async fn edit_sent(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    content: String,
    expected_version: Option<i32>,
) -> Result<(campaign::Model, i32)> {
    let content = &content;
    change(on, actor, id, SentChangeKind::Edit, |row| {
        require_version("campaign", row.version, expected_version)?;
        let read = Template::read(content, row.parse_mode.unwrap_or(ParseMode::Plain));
        let read = read.map_err(|why| Error::invalid("content", why))?;
        if let Some(name) = read.missing(&audience::params(row)?).first() {
            return Err(Error::invalid("content", format!("there is no value for the placeholder \"{name}\"")));
        }
        Ok(Some(content.clone()))
    })
    .await
}

/// Takes all messages that the campaign has sent back. Returns how many there are.
///
/// # Errors
/// [`Error::Precondition`] while it runs.
pub async fn delete_sent(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<(campaign::Model, i32)> {
    change(on, actor, id, SentChangeKind::Delete, |_| Ok(None)).await
}

async fn change(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    kind: SentChangeKind,
    content: impl Fn(&campaign::Model) -> Result<Option<String>> + Send + Sync,
) -> Result<(campaign::Model, i32)> {
    let content = &content;
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            queue::lock(tx, id).await?;
            let row = campaign::Entity::require(tx, id).await?;
            if matches!(row.status, CampaignStatus::Queued | CampaignStatus::Running) {
                let why = format!(
                    "what was sent can be changed once the campaign is paused or has ended; it is {}",
                    row.status
                );
                return Err(Error::Precondition(why));
            }
            let text = content(&row)?;
            let mut row = row.changed(on.now());
            if let Some(text) = text {
                row.content = Set(Some(text));
            }
            let row = row.update(tx).await?;
            let queued = sent_change::Entity::queue(tx, id, kind).await?;
            let queued = i32::try_from(queued).map_err(Error::internal)?;
            let action = match kind {
                SentChangeKind::Edit => Action::CampaignMessagesEdited,
                SentChangeKind::Delete => Action::CampaignMessagesDeleted,
            };
            let subject = Subject("BroadcastCampaign", id.0);
            audit::record(on, tx, actor, action, subject, json!({ "messages": queued })).await?;
            Ok((row, queued))
        })
        .await?;
    on.tell(Event::Work(id));
    on.tell(Event::Campaign(id));
    Ok(changed)
}
