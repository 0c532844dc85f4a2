//! What a list knows more of leads that are there: keys that they lack and that nobody has become theirs, so that who comes by them
//! next is the same person. Each transaction is whole, and done again it changes nothing: a batch that is repeated finds it done.

use sea_orm::EntityTrait;

use crate::retention::lead;
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::{LeadId, LeadImportId};
use domain::retention::lead_line::LeadLine;
use storage::Noun;
use storage::retention::lead::Entity;
use storage::retention::lead_import;
use storage::retention::lead_staging::{self, Batch};

/// Leads that one transaction changes at most.
const TOGETHER: usize = 100;

/// Completes the leads that are there by what the lines of a batch say of them.
pub(super) async fn from(on: &Services, import: LeadImportId, batch: &Batch) -> Result<()> {
    let found = lead_staging::incomplete(on.db.reader(), &batch.rows).await?;
    if found.is_empty() || is_suppression_list(on, import).await? {
        return Ok(());
    }
    let lines: Vec<(LeadId, &LeadLine)> = found.iter().map(|(line, lead)| (*lead, &batch.rows[*line].lead)).collect();
    for some in lines.chunks(TOGETHER) {
        match together(on, some).await {
            Err(Error::Conflict(_) | Error::Precondition(_)) => {}
            outcome => {
                outcome?;
                continue;
            }
        }
        // One of them can't be: the others are completed all the same.
        for one in some {
            match together(on, std::slice::from_ref(one)).await {
                // The key is somebody else's by now, or everything is refused at it: the batch says so of its line.
                Ok(()) | Err(Error::Conflict(_) | Error::Precondition(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Of a list of people who must not be contacted nothing is taken but whom: each address on it refuses by itself.
pub(super) async fn is_suppression_list(on: &Services, id: LeadImportId) -> Result<bool> {
    let import = lead_import::Entity::find_by_id(id).one(on.db.reader()).await?;
    Ok(import.is_some_and(|import| import.is_suppression_list))
}

async fn together(on: &Services, lines: &[(LeadId, &LeadLine)]) -> Result<()> {
    on.system_write(|w| async move {
        for (id, line) in lines {
            one(on, &w, *id, line).await?;
        }
        Ok(())
    })
    .await
}

async fn one(on: &Services, w: &Write, id: LeadId, line: &LeadLine) -> Result<()> {
    // Somebody may have merged or deleted it meanwhile.
    let Some(old) = Entity::by_ids(&[id]).one(w).await? else { return Ok(()) };
    if lead::may_be(&old, |field| line.get(field).map(ToOwned::to_owned)) {
        lead::complete(on, w, id, |field| line.get(field).map(ToOwned::to_owned)).await?;
    }
    Ok(())
}
