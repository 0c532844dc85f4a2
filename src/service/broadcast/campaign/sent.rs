//! Changing what a campaign has sent: the text of all its messages, or whether they are there at all.

use serde_json::json;

use super::audience::Preflight;
use crate::access::changes::with_changes;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, SentChangeKind};
use domain::error::{Error, Result, require_version};
use domain::id::BroadcastCampaignId;
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
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    require_still(&found)?;
    Preflight::of_copy(on, &found, content).await?.check(on).await?;
    change(on, actor, id, SentChangeKind::Edit, |row| {
        require_version("campaign", row.version, expected_version)?;
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

fn require_still(campaign: &campaign::Model) -> Result<()> {
    match campaign.status {
        status @ (CampaignStatus::Queued | CampaignStatus::Running) => Err(Error::Precondition(format!(
            "what was sent can be changed once the campaign is paused or has ended; it is {status}"
        ))),
        _ => Ok(()),
    }
}

async fn change(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    kind: SentChangeKind,
    content: impl Fn(&campaign::Model) -> Result<Option<String>> + Send + Sync,
) -> Result<(campaign::Model, i32)> {
    let content = &content;
    on.write(actor, |w| async move {
        queue::lock(&w, id).await?;
        let old = w.require(id).await?;
        require_still(&old)?;
        let text = content(&old)?.or_else(|| old.content.clone());
        // What was sent has rows of its own, and is changed all the same.
        let new = w.replace(&old, campaign::Model { content: text, updated_at: w.now, ..old.clone() }).await?;
        let queued = i32::try_from(sent_change::Entity::queue(&w, id, kind).await?).map_err(Error::internal)?;
        let action = match kind {
            SentChangeKind::Edit => Action::CampaignMessagesEdited,
            SentChangeKind::Delete => Action::CampaignMessagesDeleted,
        };
        w.tell(Event::Work(id));
        w.tell(Event::Campaign(id));
        w.note_answer(action, id, with_changes(json!({ "messages": queued }), &old, &new), &queued).await?;
        Ok((new, queued))
    })
    .await
}
