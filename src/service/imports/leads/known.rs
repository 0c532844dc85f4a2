//! Leads that a list knows by their id in another system only, and of whom it says that they must not be contacted. Done again it
//! changes nothing: a batch that is repeated finds it done.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::complete::is_suppression_list;
use crate::retention::refusal::{self, Said};
use crate::{Services, Write};
use domain::error::Result;
use domain::id::LeadImportId;
use domain::retention::lead_field::Field;
use domain::retention::words::LeadStatus;
use storage::retention::lead::{Column, Entity, Model};
use storage::retention::lead_staging::Batch;

/// Leads that one transaction changes at most.
const TOGETHER: usize = 100;

/// Closes the leads of the lines of a batch that refuse, and keeps that at each address that they have.
pub(super) async fn close(on: &Services, import: LeadImportId, batch: &Batch) -> Result<()> {
    let mut named: Vec<(&str, bool)> = Vec::new();
    for row in &batch.rows {
        named.extend(row.lead.get(Field::ExternalId).map(|id| (id, row.lead.refused.is_some())));
    }
    if named.is_empty() {
        return Ok(());
    }
    let are_all = is_suppression_list(on, import).await?;
    named.retain(|(_, is_refusing)| are_all || *is_refusing);
    let ids: Vec<&str> = named.into_iter().map(|(id, _)| id).collect();
    for some in ids.chunks(TOGETHER) {
        on.system_write(|w| async move {
            let open = Entity::find().filter(Column::ExternalId.is_in(some.iter().copied()));
            let open = open.filter(Column::Status.ne(LeadStatus::DoNotContact)).order_by_asc(Column::Id);
            for row in open.lock_exclusive().all(&w).await? {
                one(on, &w, &row).await?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn one(on: &Services, w: &Write, row: &Model) -> Result<()> {
    let said = Said { source: "a list of people who must not be contacted".into(), wording: None, at: w.now };
    let mut closed = row.clone();
    closed.close();
    refusal::keep_one(on, w, &closed, None, &said).await?;
    refusal::prove_one(w, row.id, None, &said).await?;
    w.replace(row, closed).await.map(drop)
}
