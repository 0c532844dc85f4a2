//! Changing what a campaign has sent: the text of all its messages, or whether they are there at all.

use serde_json::json;

use super::audience::Preflight;
use super::require_jobs;
use crate::access::changes::with_changes;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, SentChangeKind};
use domain::error::{Error, Result, require_version};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::Noun;
use storage::broadcast::sent_change::{self, Begun};
use storage::broadcast::{campaign, queue};

/// Gives all messages that the campaign has sent another text; it becomes the campaign's own copy, if there is any message to get
/// it. Returns how many there are.
///
/// # Errors
/// [`Error::Precondition`] while it runs: its next messages would have another text than the last ones; and where its messages can't
/// be reached, because they went nowhere or nothing is sent from here.
pub async fn edit_sent(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    content: String,
    expected_version: Option<i32>,
) -> Result<(campaign::Model, Begun)> {
    let content = &content;
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    require_reachable(on, &found)?;
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
/// As of [`edit_sent`].
pub async fn delete_sent(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<(campaign::Model, Begun)> {
    change(on, actor, id, SentChangeKind::Delete, |_| Ok(None)).await
}

fn require_reachable(on: &Services, campaign: &campaign::Model) -> Result<()> {
    if campaign.is_simulated != on.rules.is_simulated {
        let why = if campaign.is_simulated {
            "the campaign's messages went nowhere (HERALD_TELEGRAM=simulated): there is nothing to change at Telegram"
        } else {
            "the campaign's messages were sent for real, and nothing is sent from here (HERALD_TELEGRAM=simulated): they can be \
             changed where Herald runs with HERALD_TELEGRAM=live"
        };
        return Err(Error::Precondition(why.into()));
    }

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
) -> Result<(campaign::Model, Begun)> {
    let content = &content;
    on.write(actor, |w| async move {
        queue::lock(&w, id).await?;
        let old = w.require(id).await?;
        require_jobs(&w, id).await?;
        require_reachable(on, &old)?;
        let text = content(&old)?;
        let begun = sent_change::Entity::queue(&w, id, kind, old.content.as_deref(), old.is_simulated).await?;
        // The copy is what messages have, or will have: of a campaign that has ended, and that nothing can be changed of, it stays.
        let text = text.filter(|_| begun.queued > 0 || old.status == CampaignStatus::Paused);
        let text = text.or_else(|| old.content.clone());
        // What was sent has rows of its own, and is changed all the same.
        let new = w.replace(&old, campaign::Model { content: text, updated_at: w.now, ..old.clone() }).await?;
        let is_edit = kind == SentChangeKind::Edit;
        let action = if is_edit { Action::CampaignMessagesEdited } else { Action::CampaignMessagesDeleted };
        w.tell(Event::Work(id));
        w.tell(Event::Campaign(id));
        let metadata = json!({ "messages": begun.queued, "left": begun.left });
        w.note_answer(action, id, with_changes(metadata, &old, &new), &begun).await?;
        Ok((new, begun))
    })
    .await
}
