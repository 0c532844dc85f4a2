//! Taking an account away from what it has begun: before it goes, or becomes somebody else (R15).

use std::time::Duration;

use crate::broadcast::campaign;
use crate::{Services, barrier};
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result};
use domain::id::TelegramAccountId;
use events::Event;
use storage::broadcast::queue::detach::{Detached, campaigns_of, detach as detach_jobs, is_held};
use storage::broadcast::telegram_account::Model;
use storage::broadcast::{queue, sent_change};

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
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        w.tell(Event::Account(id));
        w.replace(&old, Model { status: AccountStatus::Disabled, ..old.clone() }).await.map(drop)
    })
    .await?;
    barrier::wait(on).await;
    await_release(on, id).await?;
    for campaign in campaigns_of(on.db.reader(), id).await? {
        loop {
            let detached = on.system_write(|w| async move {
                let detached = detach_jobs(&w, campaign, id, CHUNK).await?;
                let hot = queue::lock(&w, campaign).await?;
                campaign::complete_if_spent(&w, &hot).await?;
                w.tell(Event::Campaign(campaign));
                w.tell(Event::Work(campaign));
                Ok(detached)
            });
            let Detached { jobs } = detached.await?;
            if jobs < CHUNK {
                break;
            }
        }
    }
    on.system_write(|w| async move { sent_change::Entity::strand(&w, id).await }).await
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
