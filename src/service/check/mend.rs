//! Mends what was found, some rows at a time: each transaction asks again whether it is so, and has its line in the audit log.

use serde_json::json;
use uuid::Uuid;

use crate::broadcast::campaign;
use crate::imports::upload;
use crate::retention::removal;
use crate::{Services, Write};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, UploadId};
use domain::task::TaskKind;
use events::Event;
use storage::broadcast::upload as rows;
use storage::check::counters::{self, Counter};
use storage::check::references::Reference;
use storage::check::{letters as index, strays, tallies};
use storage::sums::Summed;
use storage::sums::check::{self as sums, Slice};
use storage::tallies::Kept;

/// Rows that one transaction mends.
const CHUNK: usize = 1_000;
/// Places that are looked for at once.
const PLACES: i64 = 20_000;

async fn note(w: &Write, what: &str, rows: impl TryInto<i64>) -> Result<()> {
    let rows = rows.try_into().unwrap_or(i64::MAX);
    w.note(Action::DatabaseMended, Subject::NONE, json!({ "what": what, "rows": rows })).await
}

/// Has the rest of campaigns removed that are not there.
pub(super) async fn campaigns(on: &Services, ids: &[BroadcastCampaignId]) -> Result<()> {
    for some in ids.chunks(CHUNK) {
        on.system_write(|w| async move {
            for id in some {
                strays::note(&w, *id).await?;
            }
            note(&w, "jobs of campaigns that are gone", some.len()).await
        })
        .await?;
    }
    campaign::sweep_leftovers(on).await
}

/// Begins the tasks that remove what was deleted.
pub(super) async fn deleted(on: &Services, deleted: &[(TaskKind, Uuid)]) -> Result<()> {
    for (kind, id) in deleted {
        let begun = on.system_write(|w| async move {
            removal::go_on(&w, *kind, *id, None).await?;
            note(&w, "what was deleted and not removed", 1).await
        });
        match begun.await {
            // Somebody else has just begun it.
            Err(Error::Transition(_)) => {}
            begun => begun?,
        }
    }
    Ok(())
}

/// Forgets credit that no task needs.
pub(super) async fn credits(on: &Services) -> Result<()> {
    loop {
        let gone = on.system_write(|w| async move {
            let gone = strays::forget_credits(&w, 5_000).await?;
            if gone > 0 {
                note(&w, "conversion_credits", gone).await?;
            }
            Ok(gone)
        });
        if gone.await? == 0 {
            return Ok(());
        }
    }
}

/// Mends rows that name what is not there.
pub(super) async fn reference(on: &Services, reference: &Reference) -> Result<()> {
    let what = &format!("{}.{}", reference.table, reference.column);
    loop {
        let places = reference.places(on.db.reader(), PLACES).await?;
        let mut mended = 0;
        for some in places.chunks(CHUNK) {
            mended += on
                .system_write(|w| async move {
                    let rows = reference.mend(&w, some).await?;
                    if rows > 0 {
                        note(&w, what, rows).await?;
                    }
                    Ok(rows)
                })
                .await?;
        }
        // What others move meanwhile lies elsewhere by then, and is found again.
        if mended == 0 {
            return Ok(());
        }
    }
}

/// Counts anew.
pub(super) async fn counters(on: &Services, what: Counter, ids: &[Uuid]) -> Result<()> {
    let name = match what {
        Counter::Jobs => "counters of a broadcast campaign",
        Counter::Channels => "the number of channels of a batch",
        Counter::Enrollments => "counters of a sequence",
    };
    for id in ids {
        on.system_write(|w| async move {
            note(&w, name, 1).await?;
            // Last of all, as in each transaction.
            counters::mend(&w, what, *id).await?;
            if what == Counter::Jobs {
                w.tell(Event::Campaign(BroadcastCampaignId(*id)));
            }
            Ok(())
        })
        .await?;
        if what == Counter::Jobs {
            match campaign::complete_spent(on, BroadcastCampaignId(*id)).await {
                // Somebody has deleted it since, or it is being started.
                Err(Error::NotFound(_) | Error::Transition(_)) => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// Counts anew.
pub(super) async fn tallies(on: &Services, what: Kept) -> Result<()> {
    on.system_write(|w| async move {
        tallies::mend(&w, what).await?;
        note(&w, &format!("tallies of {}", what.table()), 1).await
    })
    .await
}

/// Adds up anew.
pub(super) async fn sums(on: &Services, what: Summed, slices: &[Slice]) -> Result<()> {
    for slice in slices {
        on.system_write(|w| async move {
            sums::mend(&w, what, *slice).await?;
            w.tell(Event::Report);
            note(&w, &format!("sums over time of {}", what.name()), 1).await
        })
        .await?;
    }
    Ok(())
}

/// Makes the index of letters of a table anew.
pub(super) async fn letters(on: &Services, table: &str) -> Result<()> {
    on.system_write(|w| async move {
        index::mend(&w, table).await?;
        note(&w, "the index of letters", 1).await
    })
    .await
}

/// Adds longer spans up anew.
pub(super) async fn spans(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        sums::mend_spans(&w).await?;
        w.tell(Event::Report);
        note(&w, "sums of longer spans", 1).await
    })
    .await
}

/// Removes files that no upload names.
pub(super) async fn files(on: &Services, files: &[UploadId]) -> Result<()> {
    upload::remove_files(on, files).await?;
    on.system_write(|w| async move { note(&w, "files that no upload names", files.len()).await }).await
}

/// Removes uploads that have no file, and that nothing names by now either.
pub(super) async fn uploads(on: &Services, ids: &[UploadId]) -> Result<()> {
    for some in ids.chunks(CHUNK) {
        on.system_write(|w| async move {
            let gone = rows::Entity::forget_these(some).exec(&w).await?.rows_affected;
            note(&w, "uploads without a file", gone).await
        })
        .await?;
    }
    Ok(())
}
