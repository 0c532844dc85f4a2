//! Telegram to a lead: by an account of Herald's, over MTProto, under the promises that broadcasts have.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ConsentId, LeadId, RetentionSequenceId, TelegramAccountId};
use domain::retention::words::{ConsentKind, ContactChannel, DelayUnit, EndReason, ExecutionReason, ExecutionStatus};
use service::retention::{sequence, switch};
use storage::Noun;
use storage::broadcast::telegram_account;
use storage::retention::{consent, enrollment, execution, lead, lead_peer};
use telegram::Nobody;
use worker::{Tools, Worker};

use super::engine::{Bureau, step};
use super::rows;
use crate::delivery::fixture::Office;
use crate::delivery::live::field::Field;
use crate::harness::telegram::{Call, On, Play, TelegramServer};

/// An office whose sequences write by real accounts.
struct House {
    bureau: Bureau,
    telegram: TelegramServer,
    accounts: Vec<TelegramAccountId>,
    worker: Worker,
    sequence: RetentionSequenceId,
}

impl House {
    /// A sequence of so many messages, an hour of sequences apart, which is a second.
    async fn open(accounts: usize, steps: usize, change: impl Fn(&mut telegram_account::Model)) -> Self {
        let mut field = Field::with(accounts, |_, row| change(row)).await;
        field.office.rule(|rules| rules.endpoints.is_simulated = false);
        let Field { office, telegram, accounts } = field;
        let bureau = Bureau::of(office, "2026-03-03T10:00:00Z", 3_600).await;
        let script = bureau.script(ContactChannel::Telegram, "Hello {{ first_name }}").await;
        let hour = |n: usize| step(ContactChannel::Telegram, script, i32::from(n > 0), DelayUnit::Hours);
        let sequence = bureau.sequence((0..steps).map(hour).collect(), |_| ()).await.id;
        let worker = worker(&bureau.office);
        Self { bureau, telegram, accounts, worker, sequence }
    }

    /// A lead by this name on Telegram, who agreed to messages, on its way through the sequence.
    async fn enrolled(&self, name: &str) -> LeadId {
        let lead = self.stranger(name).await;
        self.agree_and_go(lead).await;
        lead
    }

    async fn agree_and_go(&self, lead: LeadId) {
        let on = &self.bureau.office.on;
        let agreed = consent::Model {
            id: ConsentId::generate(),
            lead_id: lead,
            channel: Some(ContactChannel::Telegram),
            kind: ConsentKind::Given,
            source: "a form".into(),
            wording: None,
            given_at: on.now(),
            created_at: on.now(),
        };
        rows::insert::<consent::Entity, _>(on, vec![agreed]).await;
        self.bureau.enroll(self.sequence, lead).await;
    }

    /// An account has known the lead for long, by another name.
    async fn acquainted(&self, account: usize, lead: LeadId) {
        let on = &self.bureau.office.on;
        let peer = lead_peer::Model {
            account_id: self.accounts[account],
            lead_id: lead,
            username: "an_old_name".into(),
            peer_id: 1,
            access_hash: 1,
            resolved_at: on.now(),
            written_at: None,
        };
        rows::insert::<lead_peer::Entity, _>(on, vec![peer]).await;
    }

    async fn stranger(&self, name: &str) -> LeadId {
        self.bureau.lead(name, |row| row.telegram_username = Some(format!("person_{name}"))).await
    }

    /// How the steps of a lead ended.
    async fn ended(&self, lead: LeadId) -> Vec<(ExecutionStatus, Option<ExecutionReason>)> {
        self.bureau.finish(self.sequence).await;
        self.bureau.executions(lead).await.iter().map(|row| (row.status, row.reason)).collect()
    }

    /// What came in at Telegram for a lead.
    fn calls(&self, method: &str, name: &str) -> Vec<Call> {
        let username = Some(format!("person_{name}"));
        self.telegram.calls().into_iter().filter(|call| call.method == method && call.username == username).collect()
    }

    /// How often a lead got a message.
    fn received(&self, name: &str) -> usize {
        let username = format!("person_{name}");
        self.telegram.accepted().iter().filter(|message| message.username == username).count()
    }

    async fn until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        self.telegram.until(what, holds).await;
    }

    async fn close(self) {
        self.worker.stop().await;
        self.bureau.counters_are_right(self.sequence).await;
        assert_eq!(self.telegram.doubled_connections(), 0);
    }
}

fn worker(office: &Office) -> Worker {
    let on = &office.on;
    Worker::start(Tools {
        on: on.clone(),
        beats: on.db.clone(),
        messenger: Arc::new(Nobody),
        contacts: switch::sender(on).expect("a switch"),
        neighbour: Arc::new(|_| ()),
    })
}

const SENT: (ExecutionStatus, Option<ExecutionReason>) = (ExecutionStatus::Sent, None);

#[tokio::test]
async fn a_lead_hears_from_the_account_that_knows_it_and_is_looked_up_once() {
    let house = House::open(2, 2, |_| ()).await;
    let mut leads = Vec::new();
    for (name, account) in [("ann", 0), ("bob", 1)] {
        let lead = house.stranger(name).await;
        house.acquainted(account, lead).await;
        house.agree_and_go(lead).await;
        leads.push((name, account, lead));
    }
    let stranger = house.stranger("eve").await;
    house.bureau.enroll(house.sequence, stranger).await;
    for (name, account, lead) in &leads {
        assert_eq!(house.ended(*lead).await, [SENT; 2], "{name}");
        assert_eq!((house.received(name), house.calls("contacts.resolveUsername", name).len()), (2, 1), "{name}");
        let accounts: Vec<usize> = house.calls("messages.sendMessage", name).iter().map(|call| call.account).collect();
        assert_eq!(accounts, [*account; 2], "{name}: by the account that knows the lead");
        let attempt = house.bureau.attempts(*lead).await[0].clone();
        assert_eq!(attempt.provider.as_deref(), Some("telegram"));
        assert!(attempt.provider_ref.is_some() && attempt.result.unwrap()["messageId"].is_number());
    }
    let refused = (ExecutionStatus::Skipped, Some(ExecutionReason::NoConsent));
    assert_eq!(house.ended(stranger).await, [refused; 2]);
    assert_eq!(house.received("eve"), 0, "who did not agree hears nothing");
    house.close().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_under_the_same_random_id() {
    let house = House::open(1, 1, |_| ()).await;
    house.telegram.play(On::send_to("person_ann"), Play::DropAfter);
    house.telegram.play(On::send_to("person_bob"), Play::DropBefore);
    let (ann, bob) = (house.enrolled("ann").await, house.enrolled("bob").await);
    assert_eq!((house.ended(ann).await, house.ended(bob).await), (vec![SENT], vec![SENT]));
    for name in ["ann", "bob"] {
        let ids: Vec<_> = house.calls("messages.sendMessage", name).iter().map(|call| call.random_id).collect();
        assert!(ids.len() >= 2 && ids.iter().all(|id| *id == ids[0]), "{name}: {ids:?}");
        assert_eq!(house.received(name), 1, "{name}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_wait_is_obeyed_and_who_refuses_is_left_alone() {
    let house = House::open(1, 2, |_| ()).await;
    house.telegram.play(On::send_to("person_ann"), Play::Error("FLOOD_WAIT_2"));
    let ann = house.enrolled("ann").await;
    house.until("the message", async || house.received("ann") > 0).await;
    let calls = house.calls("messages.sendMessage", "ann");
    assert!(calls[1].at - calls[0].at >= Duration::from_secs(2), "{calls:?}");
    assert_eq!(house.ended(ann).await, [SENT; 2]);
    assert!(house.bureau.attempts(ann).await.len() == 2, "a wait is no attempt");
    house.telegram.play(On::send_to("person_bob"), Play::Error("USER_IS_BLOCKED"));
    house.telegram.play(On::resolve("person_cleo"), Play::Error("USERNAME_NOT_OCCUPIED"));
    let (bob, cleo) = (house.enrolled("bob").await, house.enrolled("cleo").await);
    let gone = (ExecutionStatus::Failed, None);
    assert_eq!(house.ended(cleo).await[0], gone);
    assert_eq!(house.ended(bob).await[0], gone, "it does not go on");
    let db = house.bureau.office.on.db.reader();
    let person = lead::Entity::by_ids(&[bob]).one(db).await.unwrap().unwrap();
    let enrolled = enrollment::Entity::with(bob).one(db).await.unwrap().unwrap();
    assert_eq!((person.no_telegram, enrolled.end_reason), (true, Some(EndReason::OptOut)), "to block is to opt out");
    house.close().await;
}

#[tokio::test]
async fn letters_keep_to_the_accounts_pace_and_budget_and_a_pause_stops_those_that_wait() {
    // A message in half a second, three new people a day.
    let pace = |row: &mut telegram_account::Model| (row.messages_per_minute, row.new_peers_per_day) = (120, 3);
    let house = House::open(1, 1, pace).await;
    for name in ["ann", "bob", "cleo", "dan"] {
        house.enrolled(name).await;
    }
    house.until("the first message", async || !house.telegram.accepted().is_empty()).await;
    let Office { on, actor, .. } = &house.bureau.office;
    sequence::pause(on, actor, house.sequence).await.unwrap();
    let sent = house.telegram.accepted().len();
    assert!(sent < 3, "they are written one after the other");
    // Four times as long as a message takes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(house.telegram.accepted().len(), sent, "nothing is written after the pause has answered");
    sequence::activate(on, actor, house.sequence).await.unwrap();
    house.until("one more", async || house.telegram.accepted().len() > sent).await;
    service::stop::stop_all(on, actor, "a wrong text").await.unwrap();
    let sent = house.telegram.accepted().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(house.telegram.accepted().len(), sent, "nor after the stop of everything");
    service::stop::resume_all(on, actor).await.unwrap();
    house.until("the day's budget", async || house.telegram.accepted().len() == 3).await;
    let messages = house.telegram.accepted();
    for pair in messages.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(450), "{messages:?}");
    }
    let waits = async || {
        let all = execution::Entity::all().all(on.db.reader()).await.unwrap();
        all.iter().any(|row| {
            row.status == ExecutionStatus::Scheduled
                && row.result.as_ref().is_some_and(|result| result["error"].to_string().contains("enough new people"))
        })
    };
    house.until("the fourth to be told why it waits", waits).await;
    house.worker.stop().await;
    assert_eq!(house.telegram.accepted().len(), 3);
}

#[tokio::test]
async fn without_an_account_a_step_waits_and_says_why() {
    let house = House::open(0, 1, |_| ()).await;
    let ann = house.enrolled("ann").await;
    house
        .until("a sentence", async || {
            let rows = house.bureau.executions(ann).await;
            let told = rows[0].result.as_ref().map(|result| result["error"].to_string()).unwrap_or_default();
            rows[0].status == ExecutionStatus::Scheduled && told.contains("addTelegramAccount")
        })
        .await;
    house.worker.stop().await;
    assert!(house.bureau.attempts(ann).await.is_empty(), "nothing was attempted");
}
