//! The look at what there is to do: one statement for all loops of a worker, once a second, at each event that tells of work, and at
//! the instants for which something is scheduled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::tools::{Tools, is_work};
use domain::error::Result;
use events::Event;
use service::broadcast::pace;
pub use storage::agenda::{Agenda, Running};

/// How often is looked without any event: so often that the connection needs no test before.
const REGULAR: Duration = Duration::from_millis(950);
/// The shortest time between two looks: settlements tell of sequences all the time.
const BREATH: Duration = Duration::from_millis(5);

/// What there is to do, as it was seen last; None before the first look.
pub type Board = watch::Receiver<Option<Arc<Agenda>>>;

/// Looks until the session ends, and shows what it sees.
pub async fn run(tools: Tools, board: watch::Sender<Option<Arc<Agenda>>>, session: CancellationToken) {
    let mut events = tools.on.events.subscribe();
    while !session.is_cancelled() {
        // What was told until now is seen by the look that comes.
        events.forget();
        let began = tokio::time::Instant::now();
        let pause = match look(&tools).await {
            Ok(agenda) => {
                let pause = until_next(&tools, &agenda);
                board.send_replace(Some(Arc::new(agenda)));
                pause
            }
            Err(error) => {
                tracing::warn!(error = ?error, "it cannot be looked up what there is to do");
                REGULAR
            }
        };
        tokio::select! {
            () = tools.on.clock.sleep(pause) => {}
            () = events.woken(is_told) => tokio::time::sleep_until(began + BREATH).await,
            () = session.cancelled() => {}
        }
    }
}

/// Whether there may be something new to do.
const fn is_told(event: Event) -> bool {
    is_work(event) || matches!(event, Event::Sequence(_) | Event::Stop)
}

async fn look(tools: &Tools) -> Result<Agenda> {
    let on = &tools.on;
    Agenda::look(on.db.reader(), on.now(), pace::limit(on)).await
}

/// How long until something begins by itself: a second at most.
fn until_next(tools: &Tools, agenda: &Agenda) -> Duration {
    let on = &tools.on;
    let schedule = agenda.schedule.and_then(|at| (at - on.now()).to_std().ok());
    schedule.map_or(REGULAR, |left| left.clamp(BREATH, REGULAR))
}
