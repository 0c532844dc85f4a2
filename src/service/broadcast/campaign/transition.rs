//! The one place where a campaign goes from one state to another.
//!
//! The state stands twice: on the hot row, where leases see it, and on the campaign, where lists have an index. Both are
//! changed here, the hot row first (R7).

use serde_json::json;

use crate::{Actor, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::Tx;
use storage::broadcast::{campaign, progress, queue};

/// Locks the hot row and makes sure that its campaign may go to `to`.
pub(super) async fn may_enter(tx: &Tx, id: BroadcastCampaignId, to: CampaignStatus) -> Result<progress::Model> {
    let row = queue::lock(tx, id).await?;
    let from = status_of(&row)?;
    if from.next().contains(&to) { Ok(row) } else { Err(Error::transition("campaign", from, to)) }
}

/// The state that a hot row tells.
///
/// # Errors
/// [`Error::Transition`] while the campaign is being started.
pub(super) fn status_of(row: &progress::Model) -> Result<CampaignStatus> {
    match row.status {
        ProgressStatus::Starting => {
            Err(Error::Transition("the campaign is being started, try again in a moment".into()))
        }
        status => Ok(status.shown()),
    }
}

/// Writes the state on both rows, with what `change` makes of the campaign's. The caller has locked the hot row and asked
/// [`may_enter`].
pub(super) async fn enter(
    w: &Write,
    id: BroadcastCampaignId,
    to: CampaignStatus,
    change: impl FnOnce(campaign::Model) -> campaign::Model,
) -> Result<campaign::Model> {
    let is_new_run = matches!(to, CampaignStatus::Running | CampaignStatus::Paused);
    progress::Entity::enter(w, id, to, is_new_run).await?;
    let old = w.require(id).await?;
    let completed_at = if to.is_terminal() { Some(w.now) } else { old.completed_at };
    let new = change(campaign::Model { status: to, completed_at, ..old.clone() });
    w.replace(&old, new).await
}

/// Why a campaign stops by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// So many failures in a row.
    Failures(i32),
    /// Every message would be refused like this one.
    Content(String),
    /// The attachment is an upload, which this process can't read.
    Upload(String),
    /// The account can't send.
    Account(String),
    /// None of its accounts can, for now.
    NoAccount,
    /// The database was restored, and does not know what was sent since.
    Restored(String),
}

impl Reason {
    fn sentence(&self) -> String {
        match self {
            Self::Failures(count) => format!("{count} messages in a row failed"),
            Self::Content(error) => format!("Telegram refuses the message itself: {error}"),
            Self::Upload(by) => format!(
                "the uploaded file can't be found by {by}: let all processes share one place for files (HERALD_FILES), upload it \
                 again, or give the campaign a mediaUrl; then resume"
            ),
            Self::Account(error) => format!("the sending account cannot send: {error}"),
            Self::Restored(why) => why.clone(),
            Self::NoAccount => "none of its Telegram accounts can send: mend one, then resume".into(),
        }
    }
}

/// How a batch of answers may end a campaign's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every job has ended.
    Completed,
    /// The campaign stops by itself.
    Paused(Reason),
    /// None of its accounts can ever send again.
    Failed,
}

/// Ends the run of a campaign whose hot row the caller holds: the last writes of a settlement.
pub async fn end(w: &Write, id: BroadcastCampaignId, ending: &Ending) -> Result<()> {
    let (to, action, reason) = match ending {
        Ending::Completed => (CampaignStatus::Completed, Action::CampaignCompleted, None),
        Ending::Paused(reason) => (CampaignStatus::Paused, Action::CampaignPaused, Some(reason.sentence())),
        Ending::Failed => {
            let why = "none of its accounts can ever send again".to_owned();
            (CampaignStatus::Failed, Action::CampaignFailed, Some(why))
        }
    };
    let told = reason.clone();
    let campaign = enter(w, id, to, |row| campaign::Model { pause_reason: reason, ..row }).await?;
    w.tell(Event::Campaign(id));
    // Herald itself ended it, whoever brought it about.
    w.by(Actor::system()).note(action, id, json!({ "name": campaign.name, "reason": told })).await
}
