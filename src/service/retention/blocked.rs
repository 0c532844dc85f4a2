//! Who wants no emails is told to Instantly, too: what it sends by itself knows nothing of Herald's leads.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Services;
use crate::retention::integration;
use domain::error::Result;
use domain::retention::credentials::{Credentials, Provider};
use providers::instantly::{Failure, Instantly};
use storage::retention::instantly_block;

/// How often it is looked for who is to be told.
const LOOK: Duration = Duration::from_mins(1);
/// Addresses that one round tells at most: the others are for the next.
const ROUND: i64 = 200;

/// Tells it from time to time, until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = Box::pin(tell(&on)).await {
                tracing::warn!(?error, "it can't be looked for who wants no emails");
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    // What is cut off in between is told once more.
    tokio::select! { () = work => {}, () = stop.cancelled() => {} }
}

/// Puts the addresses of leads who want no emails on Instantly's block list, each once. What is told twice, by two processes or
/// after a crash, does no harm there.
///
/// # Errors
/// The database is away. If Instantly is, the next round goes on.
pub async fn tell(on: &Services) -> Result<()> {
    if on.rules.endpoints.is_simulated {
        return Ok(());
    }
    let Some(Credentials::Instantly(account)) = integration::active(on, Provider::Instantly).await? else {
        return Ok(());
    };
    let unwilling = instantly_block::unwilling(&on.db, ROUND).await?;
    if unwilling.is_empty() {
        return Ok(());
    }
    let instantly = Instantly::new(&on.rules.endpoints.instantly, account);
    for lead in unwilling {
        match instantly.block(&lead.email).await {
            Ok(()) => {}
            // What Instantly will never take is not told again; what may pass is.
            Err(Failure::Refused(error)) if error.starts_with("400") || error.starts_with("409") => {
                tracing::warn!(lead = %lead.id, error, "Instantly does not block an address");
            }
            Err(error) => {
                tracing::warn!(%error, "Instantly can't be told now who wants no emails");
                return Ok(());
            }
        }
        // A lead that was deleted meanwhile has nothing to note.
        if let Err(error) = instantly_block::note(&on.db, lead.id, on.now()).await {
            tracing::warn!(?error, lead = %lead.id, "a blocked address could not be noted");
        }
    }
    Ok(())
}
