//! A database that takes no answers for a while: what a provider has accepted is stored afterwards, and nothing is asked twice.

use std::time::Duration;

use domain::retention::words::ContactChannel;
use sea_orm::ConnectionTrait;

use super::engine::{Bureau, email};
use crate::harness::{Cable, Postgres, only_on};

/// A day a second: the hours in which leads may be contacted must last longer than a busy machine needs for a look.
const SPEED: i64 = 24 * 3600;
const LEADS: usize = 300;

/// A sequence of three steps, with leads in it.
async fn sequence(bureau: &Bureau) -> domain::id::RetentionSequenceId {
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let steps = vec![email(script, 0), email(script, 8), email(script, 8)];
    let sequence = bureau.sequence(steps, |_| ()).await;
    for n in 0..LEADS {
        let lead = bureau.lead(&format!("waits{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    sequence.id
}

async fn all_once(bureau: &Bureau, id: domain::id::RetentionSequenceId) {
    let row = bureau.finish(id).await;
    let sent = usize::try_from(row.steps_sent).unwrap();
    assert_eq!((sent, row.steps_unknown, row.steps_failed), (3 * LEADS, 0, 0), "{row:?}");
    bureau.counters_are_right(id).await;
    let taken = bureau.taken();
    assert!(taken.len() == LEADS && taken.values().all(|times| *times == 3), "each lead had each step once");
}

#[tokio::test]
async fn accepted_contacts_are_kept_while_the_database_takes_no_writes_whatever_it_says() {
    if !only_on(Postgres, "the codes are PostgreSQL's") {
        return;
    }
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let id = sequence(&bureau).await;
    let worker = bureau.worker();
    let db = bureau.office.on.db.reader();
    for code in ["25006", "57014", "55P03", "0A000", "XX000"] {
        bureau.sent(id, 1).await;
        let sql = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
             CREATE OR REPLACE TRIGGER refuse BEFORE UPDATE ON contact_attempts EXECUTE FUNCTION refuse()"
        );
        db.execute_unprepared(&sql).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        db.execute_unprepared("DROP TRIGGER refuse ON contact_attempts").await.unwrap();
    }
    all_once(&bureau, id).await;
    worker.stop().await;
}

#[tokio::test]
async fn heavy_connections_that_are_lost_without_a_word_stop_no_sequence() {
    if !only_on(Postgres, "SQLite is a file: there is no way to it that could be lost") {
        return;
    }
    let mut bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let id = sequence(&bureau).await;
    let office = &mut bureau.office;
    let cable = Cable::to(&office.database().server()).await;
    let behind = office.database().by(cable.port).open(office.folder.path()).await;
    let direct = std::mem::replace(&mut office.on.db, behind);
    let worker = bureau.worker();
    // The test itself looks past the cable.
    bureau.office.on.db = direct;
    bureau.sent(id, 1).await;
    cable.forget();
    all_once(&bureau, id).await;
    worker.stop().await;
}
