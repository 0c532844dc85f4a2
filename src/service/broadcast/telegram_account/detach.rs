//! Taking an account away from what it has begun: before it goes, or becomes somebody else (R15).

use std::time::Duration;

use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;

use crate::Services;
use crate::broadcast::campaign;
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result};
use domain::id::TelegramAccountId;
use domain::pacing::BARRIER;
use events::Event;
use storage::Noun;
use storage::broadcast::queue;
use storage::broadcast::queue::detach::{Detached, campaigns_of, detach as detach_jobs, is_held};
use storage::broadcast::telegram_account::Entity;

/// How long a holder may take to let go: its calls end within 10 s, and what they brought is settled.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Jobs in one transaction.
const CHUNK: i32 = 2_000;

/// Takes an account out of use, waits until nobody is connected with it, and lets go of its jobs: those that may have gone
/// out are UNKNOWN, the others wait for another account. A crash in between leaves it DISABLED, and this can be done again.
///
/// # Errors
/// [`Error::Precondition`] if its holder does not let go.
pub(super) async fn detach(on: &Services, id: TelegramAccountId) -> Result<()> {
    on.db
        .write(|tx| async move {
            let account = Entity::require(&*tx, id).await?;
            if account.status != AccountStatus::Disabled {
                let mut row = account.changed(on.now());
                row.status = Set(AccountStatus::Disabled);
                row.update(&*tx).await?;
            }
            Ok(())
        })
        .await?;
    on.tell(Event::Account(id));
    on.clock.sleep(BARRIER).await;
    await_release(on, id).await?;
    for campaign in campaigns_of(on.db.reader(), id).await? {
        loop {
            let Detached { jobs } = on
                .db
                .write(|tx| async move {
                    let tx = &*tx;
                    let detached = detach_jobs(tx, campaign, id, CHUNK).await?;
                    let hot = queue::lock(tx, campaign).await?;
                    campaign::complete_if_spent(on, tx, &hot).await?;
                    Ok(detached)
                })
                .await?;
            on.tell(Event::Campaign(campaign));
            on.tell(Event::Work(campaign));
            if jobs < CHUNK {
                break;
            }
        }
    }
    Ok(())
}

async fn await_release(on: &Services, id: TelegramAccountId) -> Result<()> {
    let began = on.clock.monotonic();
    while is_held(on.db.reader(), id).await? {
        if on.clock.monotonic().saturating_sub(began) > PATIENCE {
            let why = "a worker still holds this account; it is DISABLED now, so try again in half a minute";
            return Err(Error::Precondition(why.into()));
        }
        on.clock.sleep(LOOK).await;
    }
    Ok(())
}
