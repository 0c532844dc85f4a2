//! Leases: who is gone is taken over, who is late changes nothing, what was never handed over goes back untouched.

use std::collections::{HashMap, HashSet};

use herald::domain::broadcast::{CampaignStatus, JobStatus};
use herald::domain::delivery::{Receipt, Reply};
use herald::domain::id::{BroadcastCampaignId, SenderId};
use herald::service::broadcast::campaign;
use herald::service::broadcast::delivery::settle::{Answer, settle};
use herald::service::broadcast::delivery::{Mission, lease, sender as service};
use herald::storage::broadcast::queue::lease::{Claim, Leased};
use herald::storage::broadcast::queue::new_key;
use herald::storage::broadcast::queue::senders::Fate;
use herald::storage::broadcast::sender;
use sea_orm::{ConnectionTrait, Statement};

use super::fixture::{Office, names};

/// A holder of leases that a test plays itself.
async fn hold(office: &Office) -> sender::Model {
    let row = sender::Model {
        id: SenderId::generate(),
        epoch: 1,
        beat: 0,
        host: "elsewhere".into(),
        boot: "once".into(),
        pid: 1,
        pid_started: 1,
        data_dir: office.folder.path().display().to_string(),
        started_at: office.on.now(),
        ended_at: None,
    };
    service::register(&office.on, &row).await.expect("registers");
    row
}

async fn claim(office: &Office, id: BroadcastCampaignId, holder: &sender::Model, limit: i64) -> (Mission, Leased) {
    let mission = Mission::load(&office.on, id).await.expect("loads");
    let claim = Claim {
        campaign: id,
        sender: holder.id,
        epoch: holder.epoch,
        key: new_key(),
        run: office.progress(id).await.run,
        cursor: 0,
        limit,
        now: office.on.now(),
    };
    let leased = lease::lease(&office.on, &mission, &claim).await.expect("leases");
    (mission, leased)
}

/// Answers to all jobs of a lease.
fn answers(office: &Office, leased: &Leased, reply: Option<&Reply>) -> Vec<Answer> {
    let now = office.on.now();
    let answer = |job: &herald::storage::broadcast::queue::lease::Due| Answer {
        position: job.position,
        channel: job.channel_id,
        channel_errors: job.error_count,
        random_id: job.random_id.expect("leased"),
        key: leased.key,
        seq: leased.seq,
        run: 1,
        attempts: job.attempts,
        ambiguous_since: job.ambiguous_since,
        started_at: reply.map(|_| now),
        ended_at: now,
        reply: reply.cloned(),
    };
    leased.jobs.iter().map(answer).collect()
}

const ACCEPTED: Reply = Ok(Receipt::Accepted { message_id: None });

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
    assert!(service::take_over(&office.on, &gone).await.expect("takes over"));
    assert!(!service::take_over(&office.on, &gone).await.expect("asks"), "only one process takes over");
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
    assert!(service::take_over(&office.on, &zombie).await.expect("takes over"));
    let stale = Claim {
        campaign: id,
        sender: zombie.id,
        epoch: zombie.epoch,
        key: new_key(),
        run: 1,
        cursor: 0,
        limit: 3,
        now: office.on.now(),
    };
    assert!(lease::lease(&office.on, &mission, &stale).await.is_err(), "its epoch is over");
    let untouched = answers(&office, &leased, None);
    settle(&office.on, &mission, &untouched, &[]).await.expect("settles");
    assert!(
        office.jobs(id).await.iter().take(3).all(|job| job.ambiguous_since.is_some()),
        "the late word changes nothing"
    );
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
    let given = service::give_back(&office.on, holder.id, &[kept.key], Fate::Untouched).await;
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
    let late = Claim {
        campaign: id,
        sender: holder.id,
        epoch: holder.epoch,
        key: new_key(),
        run: 1,
        cursor: 0,
        limit: 3,
        now: office.on.now(),
    };
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
    service::take_over(&office.on, &gone).await.expect("takes over");
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
                mode: herald::domain::broadcast::CampaignMode::Live,
                delivery_rate: 60_000,
                retry_limit: 0,
                test_limit: 20,
                scheduled_at: None,
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
    let office = Office::open().await;
    if !office.on.db.is_postgres() {
        return; // SQLite has one process: its data folder is locked.
    }
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
