//! Jobs and campaigns whose accounts can't send any more.

use chrono::TimeDelta;

use crate::Services;
use crate::broadcast::campaign::{Ending, Reason, complete_if_spent, end};
use domain::broadcast::ProgressStatus;
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::{self, stranded as rows, tray};

/// Jobs of one transaction.
const CHUNK: i64 = 1_000;

/// Lets other accounts have what waiting ones have not touched, where the campaign allows it; ends what nobody can ever send;
/// and stops campaigns none of whose accounts can send. Any worker may do it.
pub async fn look_after(on: &Services) -> Result<()> {
    for campaign in tray::fail_over(&on.db, on.now()).await? {
        on.tell(Event::Work(campaign));
    }
    let window = TimeDelta::from_std(on.rules.dedupe_window).unwrap_or(TimeDelta::MAX);
    let forgotten = on.now() - window;
    for row in rows::campaigns(on.db.reader()).await? {
        let id = row.campaign_id;
        if row.senders == 0 {
            stop(on, &row).await?;
            on.tell(Event::Work(id));
            on.tell(Event::Campaign(id));
            continue;
        }
        let ended = on
            .db
            .write(|tx| async move {
                let tx = &*tx;
                let ended = rows::end_orphans(tx, id, forgotten, on.now(), CHUNK).await?;
                if ended > 0 {
                    let hot = queue::lock(tx, id).await?;
                    complete_if_spent(on, tx, &hot).await?;
                }
                Ok(ended)
            })
            .await?;
        if ended > 0 {
            on.tell(Event::Work(id));
            on.tell(Event::Campaign(id));
        }
    }
    Ok(())
}

/// None of its accounts can send: it waits for somebody to mend one, or, if they are all closed for good, it has failed.
async fn stop(on: &Services, row: &rows::Campaign) -> Result<()> {
    let ending = if row.hopes == 0 { Ending::Failed } else { Ending::Paused(Reason::NoAccount) };
    let ending = &ending;
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let hot = queue::lock(tx, row.campaign_id).await?;
            if hot.status == ProgressStatus::Running && !hot.is_spent() {
                end(on, tx, row.campaign_id, ending).await
            } else {
                Ok(())
            }
        })
        .await
}
