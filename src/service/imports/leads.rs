//! Imports of leads, from CSV or JSON lines.

use std::collections::HashSet;

use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

use super::{Importable, queued};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::encoding::FileEncoding;
use domain::error::{Error, Result, Violations};
use domain::id::{LeadImportId, RetentionCampaignId, UploadId};
use domain::retention::lead_columns::Mapping;
use domain::retention::lead_field::Field;
use domain::retention::words::{AddressKind, LeadImportFormat, RetentionCampaignStatus};
use domain::text::{self, Bounds};
use events::Event;
use storage::imports::Counts;
use storage::retention::gone_lead;
use storage::retention::lead_import::{Entity, Model};
use storage::retention::lead_staging::{self, Batch};
use storage::retention::refusal::{self, Mark, marks};

mod complete;
mod known;
mod people;
mod table;

pub use self::table::Leads;

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
    /// In which encoding it is; None: it says so itself, or it is UTF-8.
    pub encoding: Option<FileEncoding>,
}

/// Asks for the import of an uploaded file; the node that has the file does the work.
///
/// # Errors
/// `NOT_FOUND` if there is no such upload or campaign, [`Error::Precondition`] if its file is no longer there,
/// [`Error::Invalid`] if the mapping names columns that can't be.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<Model> {
    check(&new)?;
    let New { upload, format, mapping, campaign, is_suppression_list, encoding } = &new;
    on.write(actor, |w| async move {
        let import = queued::<Entity>(on, &w, *upload, *encoding).await?;
        if let Some(campaign) = *campaign
            && w.require(campaign).await?.status == RetentionCampaignStatus::Completed
        {
            return Err(Error::Precondition("the campaign is COMPLETED: nobody comes into it any more".into()));
        }
        let id = LeadImportId::generate();
        let row = Model::of(id, import, *format, json!(mapping), *campaign, *is_suppression_list, json!([]));
        Entity::insert(row.clone().into_active_model()).exec_without_returning(&w).await?;
        w.tell(Event::LeadImport(id));
        // Its audit line comes when it is done.
        w.done(id, &()).await?;
        Ok(row)
    })
    .await
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

/// The batch where an id that a merged lead had in another system is that of the lead that it is a part of.
async fn under_later_ids(on: &Services, batch: &Batch) -> Result<Option<Batch>> {
    let ids: Vec<&str> = batch.rows.iter().filter_map(|row| row.lead.get(Field::ExternalId)).collect();
    let kept = gone_lead::Entity::kept(on.db.reader(), &ids).await?;
    if kept.is_empty() {
        return Ok(None);
    }
    let mut batch = batch.clone();
    for row in &mut batch.rows {
        let later = row.lead.get(Field::ExternalId).and_then(|id| kept.get(id)?.external_id.clone());
        if let Some(id) = later {
            row.lead.fields.insert(Field::ExternalId, id);
        }
    }
    Ok(Some(batch))
}

/// The batch with the hashes by which its addresses are known already, where an earlier key or another form has made some.
async fn under_earlier_keys(on: &Services, batch: &Batch) -> Result<Option<Batch>> {
    let key = &on.keys.lasting;
    let mut batch = batch.clone();
    for (kind, field) in [
        (AddressKind::Email, Field::Email),
        (AddressKind::Phone, Field::Phone),
        (AddressKind::Telegram, Field::TelegramUsername),
    ] {
        let addresses = batch.rows.iter().filter_map(|row| row.lead.get(field));
        let earlier: Vec<Mark> = addresses.flat_map(|address| marks(key, kind, address).into_iter().skip(1)).collect();
        let kept = refusal::Entity::in_force(on.db.reader(), &earlier).await?;
        let kept: HashSet<String> = kept.into_iter().map(|refusal| refusal.hash).collect();
        for row in &mut batch.rows {
            let Some(address) = row.lead.get(field) else { continue };
            let known = marks(key, kind, address).into_iter().skip(1).find(|mark| kept.contains(&mark.hash));
            let Some(mark) = known else { continue };
            match kind {
                AddressKind::Email => row.email_hash = Some(mark.hash),
                AddressKind::Phone => row.phone_hash = Some(mark.hash),
                AddressKind::Telegram => row.telegram_hash = Some(mark.hash),
            }
        }
    }
    Ok(Some(batch))
}

impl Importable for Entity {
    const NAME: &'static str = "imports of leads";
    const ENDED: Action = Action::LeadsImported;
    const FILLED: &'static str = "leads";
    // PostgreSQL: a second of one node. SQLite: 50 ms.
    const BATCH_LINES: (i64, i64) = (5_000, 400);

    type Lines = Leads;

    fn lines(on: &Services, import: &Model) -> Result<Leads> {
        let mapping = serde_json::from_value(import.mapping.clone()).map_err(Error::internal)?;
        Ok(Leads::new(import.format, mapping, on.keys.lasting.clone(), import.is_suppression_list))
    }

    async fn write(on: &Services, id: LeadImportId, batch: &Batch) -> Result<Option<Counts>> {
        let later = under_later_ids(on, batch).await?;
        let batch = later.as_ref().unwrap_or(batch);
        complete::from(on, id, batch).await?;
        known::close(on, id, batch).await?;
        let named = under_earlier_keys(on, batch).await?;
        lead_staging::write(&on.db, id, named.as_ref().unwrap_or(batch), on.now()).await
    }

    fn event(id: LeadImportId) -> Event {
        Event::LeadImport(id)
    }

    fn is_told_by(event: &Event) -> bool {
        matches!(event, Event::LeadImport(_))
    }
}
