//! A holder of leases that a test plays itself, step by step.

use ::service::broadcast::delivery::settle::{Answer, Lease};
use ::service::broadcast::delivery::{Mission, lease, sender as service};
use domain::delivery::{Receipt, Reply};
use domain::id::{BroadcastCampaignId, SenderId};
use storage::broadcast::queue::lease::{Claim, Due, Leased};
use storage::broadcast::queue::new_key;
use storage::broadcast::sender;

use super::fixture::Office;

/// Registers a process on another machine.
pub async fn hold(office: &Office) -> sender::Model {
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
        lead_ms: 0,
        late_at: None,
        program: String::new(),
        drained_at: None,
        ended_at: None,
    };
    service::register(&office.on, &row).await.expect("registers");
    row
}

/// What a producer asks for before it leases.
pub async fn request(office: &Office, id: BroadcastCampaignId, holder: &sender::Model, limit: i64) -> Claim {
    Claim {
        campaign: id,
        sender: holder.id,
        epoch: holder.epoch,
        key: new_key(),
        run: office.progress(id).await.run,
        cursor: 0,
        limit,
        now: office.on.now(),
    }
}

/// Leases up to `limit` jobs.
pub async fn claim(office: &Office, id: BroadcastCampaignId, holder: &sender::Model, limit: i64) -> (Mission, Leased) {
    let mission = Mission::load(&office.on, id).await.expect("loads");
    let claim = request(office, id, holder, limit).await;
    let leased = lease::lease(&office.on, &mission, &claim).await.expect("leases");
    (mission, leased)
}

/// Answers to all jobs of a lease.
pub fn answers(office: &Office, leased: &Leased, reply: Option<&Reply>) -> Vec<Answer> {
    let now = office.on.now();
    let run = leased.progress.as_ref().map_or(1, |row| row.run);
    let lease = Lease { key: leased.key, seq: leased.seq, run };
    let answer = |job: &Due| {
        assert!(job.random_id.is_some(), "it is leased");
        let untouched = Answer::untouched(job, lease, now);
        Answer { started_at: reply.map(|_| now), reply: reply.cloned(), ..untouched }
    };
    leased.jobs.iter().map(answer).collect()
}

/// What a send is answered that goes well.
pub const ACCEPTED: Reply = Ok(Receipt::Accepted { message_id: None });
