//! The mailbox to which bounces and answers come, read by IMAP. What is in it goes the way of what is posted to `/api/webhooks/mail`.
//!
//! An email is stored in the log of callbacks in the transaction that moves the mark behind it: a crash neither loses one nor takes
//! one twice. One process reads at a time; where two do, the log knows each email already. The mailbox itself stays as it is.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::EntityTrait;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::callback::mail;
use super::integration;
use crate::Services;
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{Credentials, Imap, Provider, Smtp};
use providers::imap::{Fault, FaultKind, Mailbox};
use storage::retention::integration_config;
use storage::retention::mailbox::{Entity, Model, Reader};

/// How often it is looked whether a mailbox is to be read.
const LOOK: Duration = Duration::from_secs(5);
/// How long one process has the turn, unless it stores an email meanwhile.
const TURN: TimeDelta = TimeDelta::minutes(1);
/// Of a mailbox that was never read, what came so long ago is read at first: a weekend's bounces, and no old mail.
const FIRST: TimeDelta = TimeDelta::days(3);
/// Where a server has numbered its emails anew, they are read from so long before the last look.
const MARGIN: TimeDelta = TimeDelta::days(1);
/// And none that are older: the log of callbacks would not know them any more.
const OLDEST: TimeDelta = TimeDelta::days(28);
/// So many numbers are looked through at once.
const WINDOW: u32 = 10_000;
/// And so often in one turn.
const WINDOWS: u32 = 100;
/// The longest time until the next try.
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// After so many failures somebody is told.
const PATIENCE: i32 = 3;
/// After so many tries an email that alone is not handed out is passed over.
const TRIES: i32 = 5;

/// Why a turn ended before its time.
enum Obstacle {
    /// The mailbox can't be read.
    Mailbox(Fault),
    /// This installation can't go on now.
    Herald(Error),
}

impl From<Fault> for Obstacle {
    fn from(fault: Fault) -> Self {
        Self::Mailbox(fault)
    }
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Herald(error)
    }
}

/// Reads until `stop`; `woken` is told of each email.
pub async fn run(on: Services, woken: Arc<Notify>, stop: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = Box::pin(look(&on, &woken)).await {
                tracing::warn!(?error, "the mailbox can't be read now");
            }
            tokio::time::sleep(LOOK.min(on.rules.mailbox_every)).await;
        }
    };
    // What is cut off in between is read once more.
    tokio::select! { () = work => {}, () = stop.cancelled() => {} }
}

/// How the mailbox of an integration stands; None if none is read, or none was looked at yet.
pub async fn state(on: &Services, id: IntegrationConfigId) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).one(on.db.reader()).await?)
}

/// Reads the mailbox, if there is one, if it is time, and if nobody else does.
///
/// # Errors
/// The database is away.
pub async fn look(on: &Services, woken: &Notify) -> Result<()> {
    if on.rules.endpoints.is_simulated {
        return Ok(());
    }
    let Some(row) = integration_config::Entity::of(Provider::Smtp).one(on.db.reader()).await? else { return Ok(()) };
    let reader = Reader { id: row.id, version: row.version };
    let known = state(on, row.id).await?;
    let is_time = known.is_none_or(|known| known.held_until <= on.now() || known.version != row.version);
    if !row.is_active || !is_time {
        return Ok(());
    }
    let Credentials::Smtp(Smtp { imap: Some(account), .. }) = integration::open(on, &row)? else { return Ok(()) };
    let place = &account.place();
    let (now, until) = (on.now(), on.now() + TURN);
    if !on.db.write(|tx| async move { Entity::hold(&*tx, reader, place, now, until).await }).await? {
        return Ok(());
    }
    match Box::pin(read(on, reader, &account, woken)).await {
        Ok(()) => {
            let (now, next) = (on.now(), on.now() + every(on));
            on.db.write(|tx| async move { Entity::done(&*tx, reader, now, next).await }).await
        }
        Err(Obstacle::Mailbox(fault)) => failed(on, reader, &fault).await,
        Err(Obstacle::Herald(error)) => Err(error),
    }
}

fn every(on: &Services) -> TimeDelta {
    TimeDelta::from_std(on.rules.mailbox_every).unwrap_or(LONGEST)
}

/// Reads to the end of the mailbox.
async fn read(on: &Services, reader: Reader, account: &Imap, woken: &Notify) -> Result<(), Obstacle> {
    let mut mailbox = Mailbox::open(account).await?;
    let state = state(on, reader.id).await?.ok_or(Error::NotFound("mailbox"))?;
    let Some(mut last) = start(on, reader, &state, &mut mailbox).await? else { return Ok(()) };
    let hopeless = hopeless(&state, mailbox.uid_validity);
    let end = mailbox.uid_next.saturating_sub(1);
    for _ in 0..WINDOWS {
        if last >= end {
            break;
        }
        let to = last.saturating_add(WINDOW).min(end);
        for uid in mailbox.between(last + 1, to).await? {
            let raw = if hopeless == Some(uid) {
                try_once_more(account, &mut mailbox, uid).await?
            } else {
                mailbox.mail(uid).await?
            };
            if raw.is_none() {
                tracing::warn!(uid, "an email of the mailbox is passed over: it is gone, or not handed out");
            }
            if !keep(on, reader, mailbox.uid_validity, uid, raw).await? {
                return Ok(());
            }
            woken.notify_one();
        }
        // An email may come late under a number that was given before: only where there are others behind is nothing more to come.
        if to < end {
            keep(on, reader, mailbox.uid_validity, to, None).await?;
        }
        last = to;
    }
    mailbox.close().await;
    Ok(())
}

/// The email that was asked for so often that it may be passed over: one in a turn at most.
fn hopeless(state: &Model, uid_validity: u32) -> Option<u32> {
    let is_hopeless = state.stuck_times >= TRIES && state.uid_validity == Some(i64::from(uid_validity));
    state.stuck_uid.filter(|_| is_hopeless).and_then(|uid| u32::try_from(uid).ok())
}

/// Asks for a hopeless email; None if it is to be passed over: the server hands out others, and right after them still not this one.
async fn try_once_more(account: &Imap, mailbox: &mut Mailbox, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
    let hands_out_others = hands_out_others(account, mailbox, uid).await?;
    let fault = match mailbox.mail(uid).await {
        Err(fault) if hands_out_others && fault.may_be_an_email_s() => fault,
        mail => return mail,
    };
    tracing::warn!(uid, error = fault.error, "the server hands out other emails, and this one never");
    go_on(account, mailbox, &fault).await?;
    Ok(None)
}

/// Whether the server hands out any other email at the moment. If it does not, it is not this one's fault.
async fn hands_out_others(account: &Imap, mailbox: &mut Mailbox, uid: u32) -> Result<bool, Fault> {
    let around = mailbox.between(uid.saturating_sub(WINDOW).max(1), uid.saturating_add(WINDOW)).await?;
    for other in others(&around, uid) {
        match mailbox.hands_out(other).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(fault) if fault.may_be_an_email_s() => go_on(account, mailbox, &fault).await?,
            Err(fault) => return Err(fault),
        }
    }
    Ok(false)
}

/// Which emails are asked for in the place of one: its neighbours, and those that are far away, for several may be broken side by side.
fn others(rising: &[u32], uid: u32) -> Vec<u32> {
    let before = rising.iter().rev().find(|other| **other < uid);
    let after = rising.iter().find(|other| **other > uid);
    let mut others = Vec::new();
    for other in [before, after, rising.first(), rising.last()].into_iter().flatten() {
        if *other != uid && !others.contains(other) {
            others.push(*other);
        }
    }
    others
}

/// Has the mailbox ready for the next question. Only after a refusal the connection is good for it.
async fn go_on(account: &Imap, mailbox: &mut Mailbox, fault: &Fault) -> Result<(), Fault> {
    if fault.kind != FaultKind::Refused {
        // Should the numbers be others by now, what is kept by these does not count.
        *mailbox = Mailbox::open(account).await?;
    }
    Ok(())
}

/// The number after which is to be read; None if the integration is another one by now.
async fn start(on: &Services, reader: Reader, state: &Model, mailbox: &mut Mailbox) -> Result<Option<u32>, Obstacle> {
    let known = state.uid_validity.zip(state.last_uid);
    if let Some((validity, last)) = known
        && validity == i64::from(mailbox.uid_validity)
    {
        return Ok(Some(u32::try_from(last).unwrap_or_default()));
    }
    let since = first_day(on.now(), known.and(state.read_at));
    let first = mailbox.since(since.date_naive()).await?.into_iter().min();
    let last = first.unwrap_or(mailbox.uid_next).saturating_sub(1);
    tracing::info!(%since, is_new = known.is_none(), "a mailbox is read from here on");
    let (validity, from) = (i64::from(mailbox.uid_validity), i64::from(last));
    let begun = on.db.write(|tx| async move { Entity::begin(&*tx, reader, validity, from).await }).await?;
    Ok(begun.then_some(last))
}

/// From when on emails are read whose numbers are not known; `read_at` is the last look by other numbers.
fn first_day(now: DateTime<Utc>, read_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
    read_at.map_or(now - FIRST, |read_at| (read_at - MARGIN).max(now - OLDEST))
}

/// Stores an email and moves the mark behind it, in one transaction. False if somebody else has done so.
async fn keep(on: &Services, reader: Reader, uid_validity: u32, uid: u32, raw: Option<Vec<u8>>) -> Result<bool> {
    let incoming = match raw {
        Some(raw) => mail::incoming(raw).await.unwrap_or_else(|error| {
            tracing::warn!(?error, uid, "an email can't be read, and is passed over");
            None
        }),
        None => None,
    };
    let incoming = &incoming;
    on.system_write(|w| async move {
        let (validity, until) = (i64::from(uid_validity), w.now + TURN);
        let is_ours = Entity::advance(&w, reader, validity, i64::from(uid), until).await?;
        if is_ours && let Some(incoming) = incoming {
            super::callback::store(on, &w, incoming.clone()).await?;
        }
        Ok(is_ours)
    })
    .await
}

/// Notes why it can't be read; tells somebody, once, when it stays so.
async fn failed(on: &Services, reader: Reader, fault: &Fault) -> Result<()> {
    let Some(old) = state(on, reader.id).await? else { return Ok(()) };
    let is_lasting = fault.kind == FaultKind::LockedOut;
    let failures = old.failures.saturating_add(1);
    let is_told = old.is_told || is_lasting || failures >= PATIENCE;
    let (stuck_uid, stuck_times) = stuck((old.stuck_uid, old.stuck_times), fault);
    let new = &Model {
        failures,
        stuck_uid,
        stuck_times,
        error: Some(fault.error.clone()),
        first_failed_at: old.first_failed_at.or_else(|| Some(on.now())),
        is_told,
        held_until: on.now() + pause(every(on), failures, is_lasting),
        ..old.clone()
    };
    if old.error == new.error {
        tracing::debug!(error = fault.error, failures, "the mailbox still can't be read");
    } else {
        tracing::warn!(error = fault.error, "the mailbox can't be read: bounces and answers wait");
    }
    let is_news = is_told && !old.is_told;
    on.system_write(|w| async move {
        if Entity::failed(&w, reader, new).await? && is_news {
            let metadata = json!({ "provider": Provider::Smtp.name(), "error": new.error });
            w.note(Action::MailboxFailed, reader.id, metadata).await?;
        }
        Ok(())
    })
    .await
}

/// Which email was asked for in vain, and how often, after this fault. What need not be an email's changes nothing.
fn stuck(old: (Option<i64>, i32), fault: &Fault) -> (Option<i64>, i32) {
    match fault.uid.filter(|_| fault.may_be_an_email_s()).map(i64::from) {
        Some(uid) if old.0 == Some(uid) => (old.0, old.1.saturating_add(1)),
        Some(uid) => (Some(uid), 1),
        None => old,
    }
}

/// How long until the next try: twice as long after each failure; as long as can be where only a person can help, for many tries lock
/// an account.
fn pause(every: TimeDelta, failures: i32, is_lasting: bool) -> TimeDelta {
    if is_lasting {
        return LONGEST.max(every);
    }
    (every * (1 << failures.clamp(0, 10))).min(LONGEST.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_again_later_and_later() {
        let every = TimeDelta::seconds(30);
        let table =
            [(1, false, 60), (2, false, 120), (4, false, 480), (5, false, 900), (900, false, 900), (1, true, 900)];
        for (failures, is_lasting, seconds) in table {
            assert_eq!(pause(every, failures, is_lasting), TimeDelta::seconds(seconds), "{failures}");
        }
        assert_eq!(pause(TimeDelta::hours(1), 3, false), TimeDelta::hours(1));
    }

    #[test]
    fn tries_count_for_the_email_that_is_not_handed_out() {
        let fault = |kind, uid| Fault { error: String::new(), kind, uid };
        let table = [
            ((None, 0), FaultKind::Refused, Some(7), (Some(7), 1)),
            ((Some(7), 1), FaultKind::Refused, Some(7), (Some(7), 2)),
            ((Some(7), 4), FaultKind::Unread, Some(7), (Some(7), 5)),
            ((Some(7), i32::MAX), FaultKind::Unread, Some(7), (Some(7), i32::MAX)),
            ((Some(7), 4), FaultKind::Refused, Some(8), (Some(8), 1)),
            // The server is away, or won't at all.
            ((Some(7), 4), FaultKind::Away, Some(7), (Some(7), 4)),
            ((Some(7), 4), FaultKind::LockedOut, None, (Some(7), 4)),
            ((None, 0), FaultKind::Refused, None, (None, 0)),
            ((None, 0), FaultKind::Unread, None, (None, 0)),
        ];
        for (old, kind, uid, new) in table {
            assert_eq!(stuck(old, &fault(kind, uid)), new, "{old:?} {kind:?} {uid:?}");
        }
    }

    #[test]
    fn only_what_was_tried_so_often_by_the_same_numbers_is_hopeless() {
        let table = [
            (Some(7), TRIES, Some(1), Some(7)),
            (Some(7), TRIES - 1, Some(1), None),
            (Some(7), TRIES, Some(2), None),
            (Some(7), TRIES, None, None),
            (None, TRIES, Some(1), None),
        ];
        for (stuck_uid, stuck_times, uid_validity, expected) in table {
            let state = Model {
                integration_id: IntegrationConfigId::generate(),
                version: 1,
                place: String::new(),
                uid_validity,
                last_uid: Some(6),
                read_at: None,
                failures: 900,
                stuck_uid,
                stuck_times,
                error: None,
                first_failed_at: None,
                is_told: true,
                held_until: DateTime::UNIX_EPOCH,
            };
            assert_eq!(hopeless(&state, 1), expected, "{state:?}");
        }
    }

    #[test]
    fn others_are_asked_for_near_and_far() {
        let table: [(&[u32], u32, &[u32]); 6] = [
            (&[1, 2, 3, 5, 9, 12], 5, &[3, 9, 1, 12]),
            (&[5, 9, 12], 5, &[9, 12]),
            (&[1, 5], 5, &[1]),
            (&[5], 5, &[]),
            (&[], 5, &[]),
            (&[4, 6], 5, &[4, 6]),
        ];
        for (rising, uid, expected) in table {
            assert_eq!(others(rising, uid), expected, "{rising:?}");
        }
    }

    #[test]
    fn emails_whose_numbers_are_unknown_are_read_from_a_day_that_is_not_long_ago() {
        let now: DateTime<Utc> = "2026-03-31T12:00:00Z".parse().expect("an instant");
        assert_eq!(first_day(now, None), now - TimeDelta::days(3));
        assert_eq!(first_day(now, Some(now - TimeDelta::hours(1))), now - TimeDelta::hours(25));
        assert_eq!(first_day(now, Some(now - TimeDelta::days(300))), now - TimeDelta::days(28));
    }
}
