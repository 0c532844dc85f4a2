//! The life of the database: whether it is the one it was, and what is done if it is not (see [`domain::life`]).
//!
//! A restored database does not know what was sent since. So all that goes on by itself is paused before anything is sent, and each
//! message to a channel that may have been sent is looked for first, whoever resumes its campaign. Steps of sequences have no history
//! that Herald could read: they wait for a person's decision.

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::Mutex;
use sea_orm::prelude::Uuid;
use serde_json::json;

use crate::retention::sequence;
use crate::{Services, broadcast::campaign, tasks};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::life::{Life, Mark, Outside, Sign, is_silent, judge};
use storage::life::{Entity, Model, last_trace};

/// The present life, as far as this process has seen it.
#[derive(Debug)]
pub struct Present(Mutex<Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    ordinal: i32,
    mark: Mark,
}

/// What a look at the age has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The mark that is to be kept outside.
    Older(Mark),
    /// The database went back under this process: it was restored while it ran.
    Back(Mark),
}

/// The id of the present life and of those before, and how old each got, the oldest first.
///
/// # Errors
/// The database is away.
pub async fn lives(on: &Services) -> Result<Vec<Life>> {
    Ok(Entity::everything(on.db.reader()).await?.iter().map(Life::from).collect())
}

/// Finds out whether the database is the one it was, and if not pauses all that could be sent twice. It returns when nothing of that can
/// be sent any more; before, no worker may start. `is_known` says that whoever restored it vouches for it: nothing was done since.
///
/// # Errors
/// The database is away; done again, it goes on where it was.
pub async fn begin(on: &Services, outside: &Outside, is_known: bool) -> Result<Present> {
    let rows = Entity::everything(on.db.reader()).await?;
    let known: Vec<Life> = rows.iter().map(Life::from).collect();
    let mut sign = judge(&known, outside);
    if known.is_empty() && sign.is_none() && is_silent(last_trace(on.db.reader()).await?, on.now()) {
        sign = Some(Sign::Silent);
    }
    if let Some(sign) = sign.filter(|_| is_known) {
        tracing::warn!("the database {}; whoever started Herald says that nothing was sent since", sign.sentence());
    }
    let row = match (rows.last(), sign) {
        (Some(last), None) => last.clone(),
        (last, _) => new_life(on, last, outside, sign.filter(|_| !is_known)).await?,
    };
    let row = if row.settled_at.is_none() { settle(on, row).await? } else { row };
    Ok(Present(Mutex::new(Seen { ordinal: row.ordinal, mark: Mark { life: row.id, age: row.age } })))
}

/// Begins the life that follows `last`: the first one, one after a restore that was recognised by `sign`, or one after a restore for which
/// somebody vouches. If another process was first, its one is the present.
async fn new_life(on: &Services, last: Option<&Model>, outside: &Outside, sign: Option<Sign>) -> Result<Model> {
    let age = outside.marks.iter().map(|mark| mark.age).chain(last.map(|last| last.age)).max().unwrap_or(0);
    let since = match sign {
        Some(_) => Some(last_sign_of_life(on, last).await?),
        None => None,
    };
    let row = &Model {
        ordinal: last.map_or(1, |last| last.ordinal + 1),
        id: Uuid::new_v4(),
        age,
        home: outside.home.clone(),
        began_at: on.now(),
        seen_at: on.now(),
        doubted_since: since,
        settled_at: None,
    };
    on.system_write(|w| async move {
        if !Entity::begin(&w, row.clone()).await? {
            return Ok(());
        }
        let Some(sign) = sign else { return Ok(()) };
        let metadata = json!({ "reason": format!("the database {}", sign.sentence()), "since": since });
        w.note(Action::DatabaseRestored, Subject::NONE, metadata).await
    })
    .await?;
    let rows = Entity::everything(on.db.reader()).await?;
    rows.into_iter().next_back().ok_or_else(|| Error::internal(anyhow::anyhow!("the database's life was not kept")))
}

/// Until when the database knows what was done: what came later, it may have forgotten.
async fn last_sign_of_life(on: &Services, last: Option<&Model>) -> Result<DateTime<Utc>> {
    match last {
        Some(last) => Ok(last.seen_at),
        // It is of a version that had no lives.
        None => Ok(last_trace(on.db.reader()).await?.unwrap_or_else(|| on.now())),
    }
}

/// Pauses all that could be sent twice, unless this is a first life, and notes that it is done.
async fn settle(on: &Services, row: Model) -> Result<Model> {
    if let Some(since) = row.doubted_since {
        let at = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let why = format!(
            "the database was restored or copied: what was sent after {at} it may not know. Resume what is still wanted: \
             messages to channels are looked for before they are sent"
        );
        // First: a start that is taken back can't let its campaign run behind this.
        tasks::doubt_all(on, &why).await?;
        let campaigns = campaign::doubt_all(on, (since, row.began_at), &why).await?;
        let why = format!(
            "the database was restored or copied: what was sent after {at} it may not know. Look at your providers' lists of what \
             they have sent since, end the enrollments of whom they reached, and activate the sequence again"
        );
        let sequences = sequence::pause_all(on, &why).await?;
        tracing::warn!(
            %since, campaigns, sequences,
            "the database was restored or copied: all that could be sent twice is paused; see the manual, Backup and restore"
        );
    }
    let ordinal = row.ordinal;
    on.db.write(|tx| async move { Entity::settle(&*tx, ordinal, on.now()).await }).await?;
    Ok(row)
}

impl Present {
    /// The mark of it, as far as it was seen.
    pub fn mark(&self) -> Mark {
        self.0.lock().mark
    }

    /// Makes the database a little older, and says what is to be kept outside of it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn look(&self, on: &Services) -> Result<Look> {
        let seen = *self.0.lock();
        let age = Entity::grow(&on.db, seen.ordinal, seen.mark.life, on.now()).await?;
        let Some(age) = age.filter(|age| *age > seen.mark.age) else { return Ok(Look::Back(seen.mark)) };
        let mark = Mark { age, ..seen.mark };
        self.0.lock().mark = mark;
        Ok(Look::Older(mark))
    }

    /// From now on it is this one.
    pub fn becomes(&self, other: &Self) {
        let seen = *other.0.lock();
        *self.0.lock() = seen;
    }
}
