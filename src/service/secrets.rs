//! Replacing the installation's key: everything that is sealed is sealed anew.
//!
//! Each secret says by which key it opens, so old and new ones stand side by side for as long as it takes: it can be
//! interrupted anywhere and begun again, and processes that know both keys work on meanwhile.

use sea_orm::prelude::Uuid;
use secrecy::ExposeSecret;
use serde_json::json;

use super::broadcast::telegram_account::key_hash;
use super::{Services, Write};
use domain::audit::{Action, Subject};
use domain::error::Result;
use storage::shelf::{SHELVES, Secrets, Shelf};

/// The result of a rotation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows whose secrets are under the present key now, and were not before.
    pub sealed: u64,
    /// Rows with a secret that neither key opens. They stay as they are.
    pub unopened: u64,
}

/// Seals everything under the present key of `on.vault`, which also opens what the one before has sealed.
pub async fn rotate(on: &Services) -> Result<Report> {
    let mut report = Report::default();
    for shelf in SHELVES {
        let mut after = Uuid::nil();
        while let Some((last, chunk)) = on.system_write(|w| async move { chunk(on, &w, shelf, after).await }).await? {
            after = last;
            report.sealed += chunk.sealed;
            report.unopened += chunk.unopened;
        }
    }
    let metadata = &json!({ "sealed": report.sealed, "unopened": report.unopened, "keyId": on.vault.key_id() });
    on.system_write(|w| async move { w.note(Action::SecretsRotated, Subject::NONE, metadata.clone()).await }).await?;
    Ok(report)
}

/// One chunk of a table, and its last row; None if there is nothing more.
async fn chunk(on: &Services, w: &Write, shelf: &Shelf, after: Uuid) -> Result<Option<(Uuid, Report)>> {
    let rows = shelf.sealed_otherwise(w, on.vault.key_id(), after).await?;
    let Some(last) = rows.last().map(|secrets| secrets.row) else { return Ok(None) };
    let mut report = Report::default();
    for secrets in rows {
        match anew(on, shelf, &secrets) {
            Ok(columns) => {
                shelf.write(w, secrets.row, &columns).await?;
                report.sealed += 1;
            }
            Err(why) => {
                tracing::error!(table = shelf.table, row = %secrets.row, "{why}");
                report.unopened += 1;
            }
        }
    }
    Ok(Some((last, report)))
}

/// The columns of a row as they are to be.
fn anew(
    on: &Services,
    shelf: &Shelf,
    secrets: &Secrets,
) -> Result<Vec<(&'static str, String)>, domain::sealed::Unopened> {
    let mut columns = Vec::new();
    for (column, sealed) in &secrets.sealed {
        let place = shelf.place(column, secrets.row);
        let opened = on.vault.open(place, sealed)?;
        columns.push((*column, on.vault.seal(place, opened.expose_secret()).0));
        if let Some((_, hash)) = shelf.hashed.filter(|(hashed, _)| hashed == column) {
            columns.push((hash, key_hash(&on.keys.lasting, opened.expose_secret())));
        }
    }
    Ok(columns)
}
