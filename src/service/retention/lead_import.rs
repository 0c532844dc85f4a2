//! Imports: a list of leads (CSV or JSON lines) goes in, however long it is.
//!
//! The row of an import says how many bytes of its file are in the database, in the transaction that put them there. So an
//! import that was cut off, by a crash or by a database that went away, goes on exactly where it stopped.

mod reader;
mod records;
mod runner;

use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

pub use self::runner::{run, run_pending};
use crate::access::audit::Subject;
use crate::broadcast::upload;
use crate::{Actor, Services, imports, once};
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result, Violations};
use domain::id::{LeadImportId, RetentionCampaignId, UploadId};
use domain::retention::lead_columns::Mapping;
use domain::retention::words::LeadImportFormat;
use domain::text::{self, Bounds};
use events::Event;
use storage::Noun;
use storage::retention::{campaign, lead_import, lead_import_error};

/// Columns that can become custom fields.
const META: usize = 100;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct New {
    /// The file.
    pub upload: UploadId,
    /// What it looks like.
    pub format: LeadImportFormat,
    /// Which column holds what.
    pub mapping: Mapping,
    /// The campaign that the leads are assigned to.
    pub campaign: Option<RetentionCampaignId>,
    /// Whether its people must never be contacted: then it makes no leads.
    pub is_suppression_list: bool,
}

/// Asks for the import of an uploaded file; the node that has the file does the work.
///
/// # Errors
/// `NOT_FOUND` if there is no such upload or campaign, [`Error::Precondition`] if its file is no longer there,
/// [`Error::Invalid`] if the mapping names columns that can't be.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<lead_import::Model> {
    check(&new)?;
    let user = actor.signed_in()?;
    let new = &new;
    let created = on
        .db
        .write(|tx| async move {
            let file = upload::mark_used(on, &tx, new.upload).await?;
            if file.node_id == on.node && !tokio::fs::try_exists(upload::path(on, new.upload)).await.unwrap_or(false) {
                return Err(Error::Precondition(imports::GONE.into()));
            }
            if let Some(campaign) = new.campaign {
                campaign::Entity::require(&*tx, campaign).await?;
            }
            let row = lead_import::Model {
                id: LeadImportId::generate(),
                upload_id: new.upload,
                node_id: file.node_id,
                status: ImportStatus::Queued,
                format: new.format,
                mapping: json!(new.mapping),
                campaign_id: new.campaign,
                is_suppression_list: new.is_suppression_list,
                lines: 0,
                inserted: 0,
                duplicates: 0,
                invalid: 0,
                bytes_read: 0,
                error_message: None,
                created_at: on.now(),
                started_at: None,
                completed_at: None,
                created_by_id: user,
                version: 1,
            };
            lead_import::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await?;
            // Its audit line comes when it is done.
            once::note(on, &*tx, actor, Some(Subject("LeadImport", row.id.0)), None).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::LeadImport(created.id));
    Ok(created)
}

fn check(new: &New) -> Result<()> {
    let (mut wrong, mapping) = (Violations::default(), &new.mapping);
    let is_one = new.campaign.is_none() || !new.is_suppression_list;
    wrong.require(is_one, "campaignId", "who must not be contacted comes to no campaign");
    wrong.require(mapping.meta.len() <= META, "mapping", "meta has more than 100 columns");
    let names = mapping.fields.values().chain(&mapping.meta);
    for why in names.filter_map(|name| text::line(name, Bounds::TITLE).err()).take(1) {
        wrong.require(false, "mapping", format!("a column's name {why}"));
    }
    let empty = mapping.fields.values().chain(&mapping.meta).any(|name| name.trim().is_empty());
    wrong.require(!empty, "mapping", "a column's name must not be empty");
    wrong.into_result()
}

/// An import, as it is now.
pub async fn read(on: &Services, id: LeadImportId) -> Result<lead_import::Model> {
    let found = lead_import::Entity::find_by_id(id).one(on.db.reader()).await?;
    found.ok_or(Error::NotFound("lead import"))
}

/// The first 1,000 lines of an import that were wrong, and why.
pub async fn errors(on: &Services, id: LeadImportId) -> Result<Vec<lead_import_error::Model>> {
    Ok(lead_import_error::Entity::of(&[id]).all(on.db.reader()).await?)
}
