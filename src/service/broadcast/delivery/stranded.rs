//! Jobs and campaigns whose accounts can't send any more.

use chrono::TimeDelta;

use crate::Services;
use crate::broadcast::campaign::{Ending, Reason, complete_if_spent, end};
use domain::broadcast::ProgressStatus;
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::{self, prefetch, stranded as rows};

/// Jobs of one transaction.
const CHUNK: i64 = 1_000;

/// Lets other accounts have what waiting ones have not touched, where the campaign allows it; ends what nobody can ever send;
/// and stops campaigns none of whose accounts can send. Any worker may do it.
pub async fn look_after(on: &Services) -> Result<()> {
    for campaign in prefetch::fail_over(&on.db, on.now()).await? {
        // One statement of its own, which is no write of rows and lines.
        on.tell(Event::Work(campaign));
    }
    let window = TimeDelta::from_std(on.rules.dedupe_window).unwrap_or(TimeDelta::MAX);
    let forgotten = on.now() - window;
    for row in rows::campaigns(on.db.reader()).await? {
        let id = row.campaign_id;
        if row.senders == 0 {
            stop(on, &row).await?;
            continue;
        }
        on.system_write(|w| async move {
            let w = &w;
            let ended = rows::end_orphans(w, id, forgotten, w.now, CHUNK).await?;
            if ended > 0 {
                let hot = queue::lock(w, id).await?;
                complete_if_spent(on, w, &hot).await?;
                w.tell(Event::Work(id));
                w.tell(Event::Campaign(id));
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// None of its accounts can send: it waits for somebody to mend one, or, if they are all closed for good, it has failed.
async fn stop(on: &Services, row: &rows::Campaign) -> Result<()> {
    let ending = if row.hopes == 0 { Ending::Failed } else { Ending::Paused(Reason::NoAccount) };
    let ending = &ending;
    on.system_write(|w| async move {
        let w = &w;
        w.tell(Event::Work(row.campaign_id));
        w.tell(Event::Campaign(row.campaign_id));
        let hot = queue::lock(w, row.campaign_id).await?;
        if hot.status == ProgressStatus::Running && !hot.is_spent() {
            end(on, w, row.campaign_id, ending).await
        } else {
            Ok(())
        }
    })
    .await
}
