//! `herald follow`: waits for the end of a campaign, an import or a task, and says by its exit status how it ended.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use uuid::Uuid;

use super::{Failure, Result, block_on, configured};
use crate::app::{App, cause};
use crate::config::Settings;
use domain::broadcast::{CampaignStatus, ImportStatus};
use domain::id::{BroadcastCampaignId, ChannelImportId, LeadImportId, NounId, TaskId};
use domain::task::TaskStatus;
use graphql::engine::id;
use storage::broadcast::{campaign, channel_import, progress};
use storage::imports::{Import, ImportTable};
use storage::retention::lead_import;
use storage::{Db, Noun, task};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Wait for the end of a campaign, an import or a task; the status says which
#[derive(Args)]
pub struct Follow {
    /// Its id, as the API shows it; the status is 0 if it is completed, 1 failed, 3 paused, 4 cancelled
    id: String,
    #[command(flatten)]
    settings: Settings,
}

/// How far it is.
struct State {
    line: String,
    /// What ends the command; None: it goes on.
    end: Option<End>,
}

enum End {
    Completed,
    Failed(Option<String>),
    /// It waits for somebody.
    Paused(Option<String>),
    Cancelled,
}

impl Follow {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let Some((kind, uuid)) = id::decode(&self.id) else {
            return Err(Failure::Usage(format!("{:?} is no id as the API shows it", self.id)));
        };
        block_on(async {
            let app = App::open_aside(config).await?;
            let ended = follow(&app.services().db, &kind, uuid).await;
            app.close().await;
            ended
        })
    }
}

async fn follow(db: &Db, kind: &str, uuid: Uuid) -> Result<()> {
    let mut told = String::new();
    loop {
        let State { line, end } = match kind {
            BroadcastCampaignId::NAME => broadcast(db, BroadcastCampaignId(uuid)).await.map_err(cause)?,
            ChannelImportId::NAME => {
                import::<channel_import::Entity>(db, ChannelImportId(uuid)).await.map_err(cause)?
            }
            LeadImportId::NAME => import::<lead_import::Entity>(db, LeadImportId(uuid)).await.map_err(cause)?,
            TaskId::NAME => of_task(db, TaskId(uuid)).await.map_err(cause)?,
            other => {
                let why = format!("this is the id of a {other}; a campaign, an import or a task can be followed");
                return Err(Failure::Usage(why));
            }
        };
        if line != told {
            println!("{line}");
            told = line;
        }
        match end {
            None => tokio::time::sleep(LOOK).await,
            Some(End::Completed) => return Ok(()),
            Some(End::Failed(why)) => return Err(anyhow!(why.unwrap_or_else(|| "it failed".into())).into()),
            Some(End::Paused(why)) => {
                let why = why.map_or_else(|| "a person has paused it".into(), |why| format!("it is paused: {why}"));
                return Err(Failure::Ended(3, why));
            }
            Some(End::Cancelled) => return Err(Failure::Ended(4, "it was cancelled".into())),
        }
    }
}

async fn broadcast(db: &Db, id: BroadcastCampaignId) -> domain::error::Result<State> {
    let row = campaign::Entity::get(db.reader(), id).await?;
    let counts = progress::Entity::by_ids(&[id]).one(db.reader()).await?;
    let counts = counts.ok_or(domain::error::Error::NotFound("campaign"))?;
    let ended = counts.sent + counts.failed + counts.cancelled + counts.unknown;
    let line = format!(
        "{}: {ended} of {}; sent {}, failed {}, cancelled {}, unknown {}",
        row.status,
        counts.total.max(counts.preview),
        counts.sent,
        counts.failed,
        counts.cancelled,
        counts.unknown
    );
    let end = match row.status {
        CampaignStatus::Queued | CampaignStatus::Running => None,
        CampaignStatus::Completed => Some(End::Completed),
        CampaignStatus::Failed => Some(End::Failed(row.pause_reason)),
        CampaignStatus::Paused => Some(End::Paused(row.pause_reason)),
        CampaignStatus::Cancelled => Some(End::Cancelled),
    };
    Ok(State { line, end })
}

async fn import<I: ImportTable>(db: &Db, id: I::Id) -> domain::error::Result<State> {
    let Import { status, lines, inserted, duplicates, invalid, error_message, .. } =
        I::import(&I::get(db.reader(), id).await?);
    let line = format!("{status}: {lines} lines, {inserted} inserted, {duplicates} known already, {invalid} invalid");
    let end = match status {
        ImportStatus::Queued | ImportStatus::Running => None,
        ImportStatus::Completed => Some(End::Completed),
        ImportStatus::Failed => Some(End::Failed(error_message)),
        ImportStatus::Cancelled => Some(End::Cancelled),
    };
    Ok(State { line, end })
}

async fn of_task(db: &Db, id: TaskId) -> domain::error::Result<State> {
    let row = task::Entity::get(db.reader(), id).await?;
    let total = row.total.map_or_else(String::new, |total| format!(" of {total}"));
    let line = format!("{}: {}{total}", row.status, row.done);
    let end = match row.status {
        TaskStatus::Queued | TaskStatus::Running => None,
        TaskStatus::Completed => Some(End::Completed),
        TaskStatus::Failed => Some(End::Failed(row.error)),
        TaskStatus::Cancelled => Some(End::Cancelled),
    };
    Ok(State { line, end })
}
