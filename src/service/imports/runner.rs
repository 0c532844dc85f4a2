//! Does the imports of this node, in turns: a long one does not keep others from beginning, and who has many does not keep others
//! from having one.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Importable;
use super::adopt::Watched;
use super::turn::{Active, Turn};
use crate::{Actor, Services};
use domain::broadcast::ImportStatus;
use domain::error::Result;
use domain::id::{NounId, UserId};
use domain::retention::lead_columns::without_columns;
use domain::role::Role;
use domain::text::brief;
use storage::imports::Import;

/// Files that are open at the same time. One that is not is opened anew when its turn comes.
const OPEN: usize = 4;
/// How often imports are looked for that nobody told of, and how long a database or disk that is away is left alone.
const LOOK: Duration = Duration::from_secs(2);
/// Where an import stands after a batch.
#[derive(Debug, Clone)]
pub struct Progress<I> {
    /// Which one it is.
    pub id: I,
    /// The import, as it is stored.
    pub import: Import,
    /// How long the batch took to write.
    pub took: Duration,
}

/// Does the imports of this node as they come, and those that another node has left, until `stop`.
pub async fn run<I: Importable>(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    let mut watched = Watched::<I>::default();
    while !stop.is_cancelled() {
        // What was told before is found by looking.
        events.forget();
        if let Err(error) = run_pending::<I>(&on, &stop, |_| {}).await {
            tracing::warn!(error = ?error, "{} have to wait", I::NAME);
        }
        match watched.adopt(&on).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = ?error, "{} of processes that are gone have to wait", I::NAME),
        }
        tokio::select! {
            () = events.until(LOOK, |event| I::is_told_by(&event)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does the imports of this node that have not ended, those too that an earlier run of the process left. `seen` is told of
/// each batch. With `stop` it returns after the present batch.
///
/// # Errors
/// [`Error::Unavailable`](domain::error::Error::Unavailable) if the database or the disk went away: to be called again, it goes on where it stopped.
pub async fn run_pending<I: Importable>(
    on: &Services,
    stop: &CancellationToken,
    mut seen: impl FnMut(&Progress<I::Id>) + Send,
) -> Result<()> {
    let mut turns = Turns::<I> { active: Vec::new(), last: 0 };
    while !stop.is_cancelled() {
        turns.look(on).await?;
        let Some(place) = turns.next() else { return Ok(()) };
        turns.last += 1;
        let import = &mut turns.active[place];
        import.turn = turns.last;
        match import.take(on, stop, &mut seen).await {
            Ok(Turn::Over) => turns.close_files(),
            Ok(Turn::Ended) => drop(turns.active.swap_remove(place)),
            Err(failure) => {
                let import = turns.active.swap_remove(place);
                let why = failure.verdict(I::id(&import.row))?;
                end::<I>(on, &import.row, ImportStatus::Failed, Some(&why)).await?;
            }
        }
    }
    Ok(())
}

/// The imports that take turns.
struct Turns<I: Importable> {
    active: Vec<Active<I>>,
    /// The number of the last turn.
    last: u64,
}

impl<I: Importable> Turns<I> {
    /// Takes in those that have come, and lets go of those that have ended.
    async fn look(&mut self, on: &Services) -> Result<()> {
        let mut rows: HashMap<_, _> = I::unfinished(on.node)
            .all(on.db.reader())
            .await?
            .into_iter()
            .map(|row| (I::id(&row).uuid(), row))
            .collect();
        self.active.retain(|import| rows.remove(&I::id(&import.row).uuid()).is_some());
        let mut new: Vec<I::Model> = rows.into_values().collect();
        new.sort_unstable_by_key(|row| I::id(row).uuid());
        self.active.extend(new.into_iter().map(Active::new));
        Ok(())
    }

    /// The one whose turn it is: of the user who has waited longest, the one that has waited longest.
    fn next(&self) -> Option<usize> {
        let mut of_users: HashMap<UserId, u64> = HashMap::new();
        for import in &self.active {
            let last = of_users.entry(import.import.created_by_id).or_default();
            *last = import.turn.max(*last);
        }
        let waited = |import: &Active<I>| (of_users[&import.import.created_by_id], import.turn);
        (0..self.active.len()).min_by_key(|place| waited(&self.active[*place]))
    }

    /// Closes the files of those whose next turn is farthest away, until there are only so many.
    fn close_files(&mut self) {
        let mut open: Vec<&mut Active<I>> = self.active.iter_mut().filter(|import| import.batches.is_some()).collect();
        open.sort_unstable_by_key(|import| import.turn);
        for import in open.into_iter().skip(OPEN) {
            import.batches = None;
        }
    }
}

/// The import has ended, in the name of the user who asked for it.
pub(super) async fn end<I: Importable>(
    on: &Services,
    row: &I::Model,
    status: ImportStatus,
    why: Option<&str>,
) -> Result<()> {
    let id = I::id(row);
    let why = &why.map(|why| brief(why.to_owned()));
    on.write(&Actor::user(I::import(row).created_by_id, Role::Operator, None), |w| async move {
        let old = w.require(id).await?;
        if I::import(&old).has_ended() {
            // Somebody has cancelled it just now.
            return Ok(());
        }
        let ended = Import { status, error_message: why.clone(), completed_at: Some(w.now), ..I::import(&old) };
        let metadata = json!({
            "status": status, "lines": ended.lines, "inserted": ended.inserted,
            "duplicates": ended.duplicates, "invalid": ended.invalid,
            "error": why.as_deref().map(without_columns),
        });
        w.replace(&old, I::with(&old, ended)).await?;
        w.tell(I::event(id));
        w.note(I::ENDED, id, metadata).await
    })
    .await
}
