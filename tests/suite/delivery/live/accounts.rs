//! The leases of accounts: one hand at a time, and what a dead hand left is repeated by the same account (R15 to R17).

use std::time::{Duration, Instant};

use ::service::broadcast::delivery::sender::Gone;
use ::service::broadcast::delivery::{account, sender as service};
use chrono::TimeDelta;
use domain::broadcast::{AccountStatus, CampaignStatus, JobStatus};
use sea_orm::{ActiveModelTrait, ActiveValue};
use storage::broadcast::account_lease;
use storage::broadcast::queue::accounts as rows;

use super::super::fixture::names;
use super::super::holding::hold;
use super::field::Field;
use crate::harness::{Postgres, only_on};

#[tokio::test]
async fn an_account_is_in_one_hand_and_its_epoch_rises() {
    let field = Field::open(1).await;
    let (on, id) = (&field.office.on, field.accounts[0]);
    let (one, two) = (hold(&field.office).await, hold(&field.office).await);
    let first = account::acquire(on, &one, id).await.expect("asks").expect("it is free");
    assert!(account::acquire(on, &two, id).await.expect("asks").is_none(), "it is held");
    account::release(on, two.id, id, first.epoch).await.expect("says so");
    assert!(account::acquire(on, &two, id).await.expect("asks").is_none(), "only its holder gives it back");
    account::release(on, one.id, id, first.epoch).await.expect("gives it back");
    let second = account::acquire(on, &two, id).await.expect("asks").expect("it is free");
    assert!(second.epoch > first.epoch);
    // A holder that was taken for dead loses it, and gets no other one.
    assert!(service::take_over(on, &two, Gone::Ended).await.expect("takes over"));
    assert_eq!(field.lease(0).await.holder_id, None);
    assert!(account::acquire(on, &two, id).await.is_err(), "it is dead to all");
    assert!(!rows::release(&on.db, id, two.id, second.epoch).await.expect("asks"));
    account::acquire(on, &one, id).await.expect("asks").expect("it is free");
}

/// The worker stops in the middle: its accounts are free at once, nothing is left leased, and the next one goes on.
#[tokio::test]
async fn a_worker_that_stops_gives_its_accounts_back() {
    let field = Field::open(3).await;
    let id = field.office.campaign(&names("shift", 60), 1_200).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until_row(id, "some", |row| row.sent >= 10).await;
    worker.stop().await;
    for number in 0..3 {
        assert_eq!((field.lease(number).await.holder_id, field.telegram.open_connections(number)), (None, 0));
    }
    assert_eq!(field.office.progress(id).await.sending, 0);
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(row.sent, 60);
    assert!(field.office.jobs(id).await.iter().all(|job| job.status == JobStatus::Sent && job.leases == 0));
    field.assert_once();
}

/// R17: what another process holds is not connected, whatever there is to send.
#[tokio::test]
async fn without_the_lease_nothing_connects() {
    if !only_on(Postgres, "whoever else was on this SQLite is gone: its data folder is locked") {
        return;
    }
    let field = Field::open(2).await;
    let elsewhere = hold(&field.office).await;
    account::acquire(&field.office.on, &elsewhere, field.accounts[0]).await.expect("asks").expect("it is free");
    let id = field.office.campaign(&names("alone", 10), 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(field.telegram.calls().iter().filter(|call| call.account == 0).count(), 0);
    assert_eq!(field.lease(0).await.holder_id, Some(elsewhere.id));
}

/// R4: an account that is not connected takes no slots and leases no jobs.
#[tokio::test]
async fn what_is_not_ready_is_not_leased() {
    let field = Field::open(1).await;
    let names = names("ready", 6);
    field.telegram.sign_out(0);
    let id = field.office.campaign(&names, 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Paused).await;
    assert_eq!((row.last_slot, row.queued, field.account(0).await.status), (0, 6, AccountStatus::NeedsLogin));
    worker.stop().await;
    assert!(field.office.jobs(id).await.iter().all(|job| job.random_id.is_none() && job.leases == 0));
}

/// R16: a process that fell silent may stand still with its socket open, so its accounts are leased, but not connected yet.
#[tokio::test]
async fn what_a_silent_process_held_is_not_connected_before_telegram_has_let_go_of_it() {
    let field = Field::open(1).await;
    let (on, account) = (&field.office.on, field.accounts[0]);
    for (how, is_quiet) in [(Gone::Ended, false), (Gone::Silent, true)] {
        let (gone, before) = (hold(&field.office).await, on.now());
        account::acquire(on, &gone, account).await.expect("asks").expect("it is free");
        assert!(service::take_over(on, &gone, how).await.expect("takes over"));
        let quiet_until = field.lease(0).await.quiet_until;
        assert_eq!(quiet_until.is_some_and(|until| until >= before + TimeDelta::seconds(60)), is_quiet, "{how:?}");
    }
    // The rest of the minute is left out.
    let (began, until) = (Instant::now(), on.now() + TimeDelta::seconds(3));
    let write = on.db.write(|tx| async move {
        let row = account_lease::ActiveModel {
            account_id: ActiveValue::Unchanged(account),
            quiet_until: ActiveValue::Set(Some(until)),
            ..Default::default()
        };
        Ok(row.update(&*tx).await.map(drop)?)
    });
    write.await.expect("changed");
    let id = field.office.campaign(&names("quiet", 3), 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.until("it is leased", async || field.lease(0).await.holder_id.is_some()).await;
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let first = field.telegram.calls()[0].at - began;
    assert!(first >= Duration::from_millis(2_900), "connected after {first:?}");
}

/// R16: while it works, a process tells Telegram again and again how soon to close the connections of one that stands still.
#[tokio::test]
async fn telegram_is_told_how_soon_to_close_what_stands_still() {
    let field = Field::open(1).await;
    let id = field.office.campaign(&names("pulse", 40), 1).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.until("it is told twice", async || field.telegram.pulses(0) >= 2).await;
    worker.stop().await;
}

/// R16: a process whose signs of life do not arrive closes its connections by itself before anybody could take its accounts over.
#[tokio::test]
async fn heavy_without_signs_of_life_a_process_lets_go_by_itself() {
    let field = Field::open(2).await;
    let id = field.office.campaign(&names("alone", 200), 60).await;
    field.office.start(id).await;
    let beats = field.office.database().open(field.office.folder.path()).await;
    let worker = field.worker_with(beats.clone());
    let open = || field.telegram.open_connections(0) + field.telegram.open_connections(1);
    field.until("both are connected", async || open() == 2).await;
    let began = Instant::now();
    beats.close().await.expect("closes");
    field.until("it has let go", async || open() == 0).await;
    // It took a moment to be noticed, and the last sign of life was up to 4 s old.
    assert!(began.elapsed() >= Duration::from_secs(13), "the lease was still valid: {:?}", began.elapsed());
    let started = field.sends().len();
    worker.stop().await;
    assert_eq!((field.sends().len(), open()), (started, 0), "nothing starts any more");
    field.assert_once();
}

/// R16: an account goes to a process that joins only after its connection was closed.
#[tokio::test]
async fn an_account_is_given_away_after_it_was_disconnected() {
    if !only_on(Postgres, "SQLite has one process: its data folder is locked") {
        return;
    }
    let field = Field::open(2).await;
    let id = field.office.campaign(&names("join", 400), 1_200).await;
    field.office.start(id).await;
    let one = field.worker();
    field.until("both send", async || (0..2).all(|account| field.telegram.open_connections(account) == 1)).await;
    let other = field.office.another().await;
    let two = Field::worker_of(&other);
    let holders = async || [field.lease(0).await.holder_id, field.lease(1).await.holder_id];
    field.until("each has one", async || matches!(holders().await, [Some(a), Some(b)] if a != b)).await;
    let before = field.sends().len();
    field
        .until("both go on", async || {
            (0..2).all(|account| field.sends()[before..].iter().any(|call| call.account == account))
        })
        .await;
    ::service::broadcast::campaign::cancel(&field.office.on, &field.office.actor, id).await.expect("cancels");
    one.stop().await;
    two.stop().await;
    field.assert_once();
}
