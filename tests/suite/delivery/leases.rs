//! Leases: who is gone is taken over, who is late changes nothing, what was never handed over goes back untouched.

use std::collections::{HashMap, HashSet};

use ::service::broadcast::delivery::sender::Gone;
use ::service::broadcast::delivery::settle::settle;
use ::service::broadcast::delivery::{lease, sender as service};
use ::service::broadcast::{campaign, job};
use domain::broadcast::{CampaignMode, CampaignStatus, JobStatus, ProgressStatus};
use domain::clock;
use domain::delivery::Fault;
use domain::secret_key::{Lasting, LastingUse, SecretKey};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use storage::broadcast::queue::senders::Fate;
use storage::broadcast::queue::slots;
use storage::broadcast::sender;

use super::fixture::{Office, names};
use super::holding::{ACCEPTED, answers, claim, hold, request};
use crate::harness::{Postgres, only_on};

#[tokio::test]
async fn a_lease_gives_identities_that_a_takeover_keeps() {
    let office = Office::open().await;
    let id = office.campaign(&names("taken", 10), 6_000).await;
    office.start(id).await;
    let gone = hold(&office).await;
    let (_, leased) = claim(&office, id, &gone, 4).await;
    let identities: HashMap<i32, i64> =
        leased.jobs.iter().map(|job| (job.position, job.random_id.expect("one"))).collect();
    assert_eq!(identities.values().collect::<HashSet<_>>().len(), 4);
    assert!(service::take_over(&office.on, &gone, Gone::Ended).await.expect("takes over"));
    assert!(!service::take_over(&office.on, &gone, Gone::Ended).await.expect("asks"), "only one process takes over");
    office.assert_counters(id).await;
    for job in office.jobs(id).await.into_iter().filter(|job| identities.contains_key(&job.position)) {
        assert_eq!(job.status, JobStatus::Queued);
        assert!(job.ambiguous_since.is_some() && job.leases == 1 && job.attempts == 0);
        assert_eq!(job.random_id, identities.get(&job.position).copied());
    }
    let other = hold(&office).await;
    let (_, again) = claim(&office, id, &other, 10).await;
    assert_eq!(again.jobs.len(), 10);
    assert!(
        again.jobs.iter().all(|job| identities.get(&job.position).is_none_or(|known| job.random_id == Some(*known)))
    );
}

#[tokio::test]
async fn who_was_taken_over_leases_nothing_and_settles_only_receipts() {
    let office = Office::open().await;
    let id = office.campaign(&names("zombie", 6), 6_000).await;
    office.start(id).await;
    let zombie = hold(&office).await;
    let (mission, leased) = claim(&office, id, &zombie, 3).await;
    assert!(service::take_over(&office.on, &zombie, Gone::Ended).await.expect("takes over"));
    let stale = request(&office, id, &zombie, 3).await;
    assert!(lease::lease(&office.on, &mission, &stale).await.is_err(), "its epoch is over");
    let untouched = answers(&office, &leased, None);
    settle(&office.on, &mission, &untouched, &[]).await.expect("settles");
    assert!(
        office.jobs(id).await.iter().take(3).all(|job| job.ambiguous_since.is_some()),
        "the late word changes nothing"
    );
    // The heir leases the same jobs: the late word must not end its lease.
    let heir = hold(&office).await;
    let (_, again) = claim(&office, id, &heir, 3).await;
    assert_eq!(again.jobs.len(), 3);
    settle(&office.on, &mission, &untouched, &[]).await.expect("settles");
    assert_eq!(office.progress(id).await.sending, 3, "the heir's jobs are the heir's");
    office.assert_counters(id).await;
    service::give_back(&office.on, heir.id, |_| false, Fate::Untouched).await.expect("gives back");
    let receipts = answers(&office, &leased, Some(&ACCEPTED));
    for _ in 0..2 {
        settle(&office.on, &mission, &receipts, &[]).await.expect("settles");
        let row = office.progress(id).await;
        assert_eq!(
            (row.sent, row.queued, row.sending),
            (3, 3, 0),
            "a receipt is the truth, and settling twice changes nothing"
        );
        office.assert_counters(id).await;
    }
}

#[tokio::test]
async fn a_lease_whose_commit_was_not_answered_goes_back_untouched() {
    let office = Office::open().await;
    let id = office.campaign(&names("lost", 5), 6_000).await;
    office.start(id).await;
    let holder = hold(&office).await;
    let (_, kept) = claim(&office, id, &holder, 2).await;
    let (_, lost) = claim(&office, id, &holder, 2).await;
    let given = service::give_back(&office.on, holder.id, |key| key == kept.key, Fate::Untouched).await;
    assert_eq!(given.expect("gives back"), 2);
    let jobs = office.jobs(id).await;
    for job in &lost.jobs {
        let now = jobs.iter().find(|row| row.position == job.position).expect("there");
        assert_eq!((now.status, now.ambiguous_since, now.leases, now.attempts), (JobStatus::Queued, None, 0, 0));
    }
    assert!(
        kept.jobs.iter().all(|job| jobs[usize::try_from(job.position - 1).expect("few")].status == JobStatus::Sending)
    );
    office.assert_counters(id).await;
}

#[tokio::test]
async fn a_lease_of_a_campaign_that_was_paused_meanwhile_is_rolled_back() {
    let office = Office::open().await;
    let id = office.campaign(&names("paused", 5), 6_000).await;
    office.start(id).await;
    let holder = hold(&office).await;
    let (mission, _) = claim(&office, id, &holder, 2).await;
    campaign::pause(&office.on, &office.actor, id).await.expect("pauses");
    let late = request(&office, id, &holder, 3).await;
    assert!(lease::lease(&office.on, &mission, &late).await.is_err());
    let row = office.progress(id).await;
    assert_eq!((row.queued, row.sending), (3, 2));
    office.assert_counters(id).await;
}

#[tokio::test]
async fn an_ambiguous_job_beyond_the_window_is_unknown_and_never_sent() {
    let mut office = Office::open().await;
    office.rule(|rules| rules.dedupe_window = std::time::Duration::ZERO);
    let id = office.campaign(&names("old", 3), 60_000).await;
    office.start(id).await;
    let gone = hold(&office).await;
    claim(&office, id, &gone, 2).await;
    service::take_over(&office.on, &gone, Gone::Ended).await.expect("takes over");
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.unknown, row.sent), (2, 1));
    assert_eq!(office.ledger().len(), 1);
    office.assert_counters(id).await;
}

/// Locked unordered, fifty shared channels gave 26 deadlocks in eight seconds.
#[tokio::test]
async fn campaigns_that_share_failing_channels_do_not_deadlock() {
    let mut office = Office::open().await;
    office.rule(|rules| {
        rules.channel_errors = 1_000;
        rules.pause_after_failures = 100_000;
    });
    let usernames: Vec<String> = (0..50).map(|n| format!("shared{n:02}_forbidden")).collect();
    let batch = office.batch(&usernames).await;
    let template = office.template("Hello").await;
    let mut campaigns = Vec::new();
    for _ in 0..6 {
        let id = {
            let new = campaign::New {
                name: "shared".into(),
                description: None,
                batch,
                template,
                params: std::collections::BTreeMap::new(),
                mode: CampaignMode::Live,
                delivery_rate: 60_000,
                retry_limit: 0,
                test_limit: 20,
                scheduled_at: None,
                accounts: vec![],
                account_failover: false,
            };
            campaign::create(&office.on, &office.actor, new).await.expect("creates").id
        };
        office.start(id).await;
        campaigns.push(id);
    }
    let others =
        if office.on.db.is_postgres() { vec![office.another().await, office.another().await] } else { Vec::new() };
    let mut workers: Vec<_> = others.iter().map(Office::worker).collect();
    workers.push(office.worker());
    for id in &campaigns {
        let row = office.until(*id, CampaignStatus::Completed).await;
        assert_eq!(row.failed, 50);
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(office.channel("shared00_forbidden").await.error_count, 6, "each refusal counted once");
    if office.on.db.is_postgres() {
        let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let row = office.on.db.reader().query_one_raw(Statement::from_string(office.on.db.backend(), sql)).await;
        let deadlocks: i64 = row.expect("reads").expect("a row").try_get("", "deadlocks").expect("a number");
        assert_eq!(deadlocks, 0);
    }
}

/// R16: a process that is gone from this host is taken over at once; what it accepted is known to its heir.
#[tokio::test]
async fn two_processes_share_a_campaign_and_both_know_what_was_accepted() {
    if !only_on(Postgres, "SQLite has one process: its data folder is locked") {
        return;
    }
    let office = Office::open().await;
    let other = office.another().await;
    let id = office.campaign(&names("shared", 3_000), 60_000).await;
    office.start(id).await;
    let (first, second) = (office.worker(), other.worker());
    office.until(id, CampaignStatus::Completed).await;
    first.stop().await;
    second.stop().await;
    let (mine, theirs) = (office.ledger(), other.ledger());
    assert!(!mine.is_empty() && !theirs.is_empty(), "{} and {}", mine.len(), theirs.len());
    let all: HashSet<_> = mine.iter().chain(&theirs).map(|line| line.username.clone()).collect();
    assert_eq!((all.len(), mine.len() + theirs.len()), (3_000, 3_000));
    let left = sender::Entity::live().all(office.on.db.reader()).await.expect("reads");
    assert!(left.is_empty(), "both gave everything back");
}

/// R13: the identity of a send is stored, so that another key makes no second message of it; each mode has its own.
#[tokio::test]
async fn an_identity_outlives_the_key_that_made_it_and_is_of_its_mode() {
    let mut office = Office::open().await;
    let live = office.campaign(&names("live", 2), 6_000).await;
    let test = office.campaign_with(&names("test", 2), 6_000, |new| new.mode = CampaignMode::Test).await;
    for (id, purpose) in [(live, LastingUse::Broadcasts), (test, LastingUse::Tests)] {
        office.start(id).await;
        let holder = hold(&office).await;
        let (_, leased) = claim(&office, id, &holder, 1).await;
        let (job, known) = (leased.jobs[0].id, leased.jobs[0].random_id);
        assert_eq!(known, Some(office.on.keys.lasting.random_id(purpose, job.0, 0)));
        service::take_over(&office.on, &holder, Gone::Ended).await.expect("takes over");
        let key = std::mem::replace(&mut office.on.keys.lasting, Lasting::new(SecretKey::new([8; 32]), Vec::new()));
        let (_, again) = claim(&office, id, &hold(&office).await, 1).await;
        assert_eq!((again.jobs[0].id, again.jobs[0].random_id), (job, known));
        office.on.keys.lasting = key;
    }
}

/// R13: only what surely failed gets a new identity.
#[tokio::test]
async fn what_may_have_gone_out_is_not_retried_as_if_it_had_failed() {
    let office = Office::open().await;
    let id = office.campaign_with(&names("doubt", 2), 6_000, |new| new.retry_limit = 0).await;
    office.start(id).await;
    let (mission, leased) = claim(&office, id, &hold(&office).await, 2).await;
    let mut told = answers(&office, &leased, Some(&Err(Fault::rpc(500, "RPC_CALL_FAIL"))));
    told[1].reply = Some(Err(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN")));
    settle(&office.on, &mission, &told, &[]).await.expect("settles");
    let row = office.progress(id).await;
    assert_eq!((row.unknown, row.failed), (1, 1));
    let doubtful = leased.jobs[0].id;
    let refused = job::retry(&office.on, &office.actor, doubtful).await.expect_err("it may have gone out");
    assert_eq!(refused.to_string(), "the job cannot go from UNKNOWN to QUEUED");
    let retried = campaign::retry_failed(&office.on, &office.actor, id, None).await.expect("retries").jobs.retried;
    assert_eq!(retried, 1);
    let jobs = office.jobs(id).await;
    assert_eq!((jobs[0].status, jobs[0].epoch, jobs[0].random_id), (JobStatus::Unknown, 0, leased.jobs[0].random_id));
    assert_eq!((jobs[1].status, jobs[1].epoch, jobs[1].random_id), (JobStatus::Queued, 1, None));
}

/// R14, R9: what the code never does, the database refuses.
#[tokio::test]
async fn the_database_takes_no_second_job_of_a_channel_and_no_counters_that_lie() {
    let office = Office::open().await;
    let id = office.campaign(&names("once", 1), 6_000).await;
    office.start(id).await;
    let mut second = office.jobs(id).await.remove(0);
    (second.id, second.position) = (domain::id::JobId::generate(), 2);
    let second = &second;
    let insert = |tx: std::sync::Arc<storage::Tx>| async move {
        let job = storage::broadcast::job::Entity::insert(second.clone().into_active_model());
        Ok(job.exec_without_returning(&*tx).await.map(drop)?)
    };
    assert!(office.on.db.write(insert).await.is_err(), "one job a channel");
    for lie in ["sent = sent + 1", "queued = queued - 2, sent = sent + 2", "total = total + 1"] {
        let lie = format!("UPDATE broadcast_campaign_progress SET {lie} RETURNING run");
        let lie = Statement::from_string(office.on.db.backend(), lie);
        assert!(office.on.db.write_alone(lie.clone()).await.is_err(), "{lie}");
    }
}

/// R6: nothing starts in a cancelled campaign; what may have gone out is UNKNOWN, and a late receipt is the truth.
#[tokio::test]
async fn a_cancellation_tells_what_may_have_gone_out_from_what_has_not() {
    let office = Office::open().await;
    let id = office.campaign(&names("called", 9), 6_000).await;
    office.start(id).await;
    let (gone, slow) = (hold(&office).await, hold(&office).await);
    let (_, lost) = claim(&office, id, &gone, 2).await;
    let (mission, late) = claim(&office, id, &slow, 3).await;
    service::take_over(&office.on, &gone, Gone::Ended).await.expect("takes over");
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    let row = office.progress(id).await;
    assert_eq!((row.cancelled, row.unknown, row.sending, row.queued), (4, 2, 3, 0));
    let mut told = answers(&office, &late, Some(&ACCEPTED));
    (told[1].reply, told[2].reply) = (None, Some(Err(Fault::ConnectionLost)));
    settle(&office.on, &mission, &told, &[late.seq]).await.expect("settles");
    campaign::sweep_cancelled(&office.on).await.expect("sweeps");
    let row = office.progress(id).await;
    assert_eq!((row.sent, row.cancelled, row.unknown, row.queued), (1, 5, 3, 0));
    assert_eq!(row.status, ProgressStatus::Cancelled);
    settle(&office.on, &mission, &answers(&office, &lost, Some(&ACCEPTED)), &[]).await.expect("settles");
    let row = office.progress(id).await;
    assert_eq!((row.sent, row.unknown), (3, 1));
    office.assert_counters(id).await;
}

/// R18: a wait is written down, so that it outlives the process that was told, and others obey it too.
#[tokio::test]
async fn a_wait_holds_for_all_processes() {
    let office = Office::open().await;
    let id = office.campaign(&names("wait", 5), 6_000).await;
    office.start(id).await;
    let (mission, leased) = claim(&office, id, &hold(&office).await, 1).await;
    let told = answers(&office, &leased, Some(&Err(Fault::rpc(420, "FLOOD_WAIT_7"))));
    settle(&office.on, &mission, &told, &[leased.seq]).await.expect("settles");
    let until = clock::nanos(told[0].ended_at) + 8_000_000_000;
    let take = async |at: i64| slots::take(&office.on.db, id, at, 1).await.expect("asks");
    assert!(take(until - 1_000_000_000).await.is_none(), "seven seconds are not over");
    let first = take(until).await.expect("they are").slots;
    assert_eq!((first.count, first.last), (1, until));
}
