//! The second act: some hundred leads go through a sequence, a month in half a minute. All of it through the API, but its
//! clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use super::board::Board;
use super::client::Api;
use super::convert::Converter;
use super::prepare::field;
use domain::clock::nanos;
use domain::retention::schedule_clock::Pace;
use service::Services;
use storage::retention::queue::pace;

/// Leads that go through it.
pub const LEADS: usize = 300;
/// The time that the clock of sequences passes through, from a month ago to the present.
const SPAN: TimeDelta = TimeDelta::days(31);
/// In this time. A build that is not optimised looks less often, and must not miss the hours in which leads may be contacted.
const SHOWN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 57 } else { 28 });
/// How often the funnel is looked at.
const TICK: Duration = Duration::from_millis(250);
/// How often it is told in a line where there is no terminal.
const LINE: Duration = Duration::from_secs(2);
/// Longer than it can take.
const PATIENCE: Duration = Duration::from_secs(SHOWN.as_secs() + 40);
/// Leads that are made at the same time.
const AT_ONCE: usize = 12;

pub const LEAD: &str = "mutation Lead($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
pub const CAMPAIGN: &str = "mutation Campaign($input: CreateRetentionCampaignInput!) {
    createRetentionCampaign(input: $input) { campaign { id } } }";
pub const RUN: &str = "mutation Run($id: ID!) {
    updateRetentionCampaign(input: { id: $id, status: ACTIVE }) { campaign { status } } }";
pub const SCRIPT: &str =
    "mutation Script($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
pub const SEQUENCE: &str = "mutation Sequence($input: CreateRetentionSequenceInput!) {
    createRetentionSequence(input: $input) { sequence { id } } }";
pub const ACTIVATE: &str = "mutation Activate($id: ID!) {
    activateRetentionSequence(input: { id: $id }) { sequence { status } } }";
const ARCHIVE: &str =
    "mutation Archive($id: ID!) { archiveRetentionSequence(input: { id: $id }) { sequence { status } } }";
const FUNNEL: &str = "query Funnel($id: ID!) { retentionSequence(id: $id) {
    enrollmentCounts { status count } executionCounts { status count }
    steps { stepOrder channel executionCounts { status count } } } }";

/// The progress of a sequence as its subscription tells it.
#[derive(Debug, Default)]
pub struct Funnel {
    /// Enrollments by status.
    pub enrollments: BTreeMap<String, u64>,
    /// Each step: its name, and its executions by status.
    pub steps: Vec<(String, BTreeMap<String, u64>)>,
}

impl Funnel {
    fn read(answer: &Json) -> Result<Self> {
        let sequence: Json = field(answer, "/retentionSequence")?;
        let steps = sequence["steps"].as_array().context("the sequence has no steps")?;
        let step = |step: &Json| {
            let name = format!("{} {}", step["stepOrder"], step["channel"].as_str().unwrap_or_default());
            (name, counts(&step["executionCounts"]))
        };
        Ok(Self { enrollments: counts(&sequence["enrollmentCounts"]), steps: steps.iter().map(step).collect() })
    }

    /// Leads that have been enrolled.
    pub fn enrolled(&self) -> u64 {
        self.enrollments.values().sum()
    }

    /// Leads that are on the way.
    pub fn active(&self) -> u64 {
        self.enrollments.get("ACTIVE").copied().unwrap_or_default()
    }

    /// Executions of this status, of all steps.
    pub fn executions(&self, status: &str) -> u64 {
        self.steps.iter().filter_map(|(_, counts)| counts.get(status)).sum()
    }
}

fn counts(list: &Json) -> BTreeMap<String, u64> {
    let count = |one: &Json| Some((one["status"].as_str()?.to_owned(), one["count"].as_u64()?));
    list.as_array().into_iter().flatten().filter_map(count).collect()
}

/// Shows it.
pub async fn show(api: &Api, on: &Services, board: &Board) -> Result<()> {
    board.heading("Leads");
    let issue = on.now().format("%m%d%H%M%S").to_string();
    let leads = leads(api, &issue).await.context("the leads could not be made")?;
    board.item("leads", &format!("{LEADS} in three time zones, by createLead"));
    board.heading("Sequence");
    let id = sequence(api, &issue, board).await?;
    // Whatever it shows: one that an earlier demonstration left on its way would be in the present too early for all steps.
    fly(on, SPAN, SHOWN).await?;
    board.item(
        "clock",
        &format!("of sequences only: {} days in {} s, until it shows the present", SPAN.num_days(), SHOWN.as_secs()),
    );
    api.ask(ACTIVATE, json!({ "id": id })).await.context("the sequence was not activated")?;
    let mut converter = Converter::new(on, &leads);
    let funnel = watch(api, &id, &mut converter, board).await?;
    api.ask(ARCHIVE, json!({ "id": id })).await.context("the sequence was not archived")?;
    board.heading("Summary");
    board.funnel_summary(&funnel, converter.converted());
    Ok(())
}

/// The clock begins so long ago and catches up.
pub async fn fly(on: &Services, span: TimeDelta, shown: Duration) -> Result<()> {
    let (db, now) = (on.db.reader(), on.clock.nanos());
    let speed = span.num_seconds() / i64::try_from(shown.as_secs()).unwrap_or(1);
    let flying = Pace { anchor: now, start: nanos(on.now() - span), speed, catches_up: true };
    pace::set_clock(db, flying).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Where the leads of this demonstration come from: a word, as sources are.
fn source(issue: &str) -> String {
    let digits: String = issue.chars().filter(char::is_ascii_digit).collect();
    format!("DEMO-{digits}")
}

/// Makes leads; some of them have an address at which the pretend provider does something else than to accept.
async fn leads(api: &Api, issue: &str) -> Result<Vec<String>> {
    let make = |n: usize| async move {
        let name = match n % 50 {
            7 => "refused",
            17 => "failing",
            27 => "lost",
            37 => "optout",
            _ => "lead",
        };
        let zone = ["Europe/Berlin", "Europe/Moscow", "America/New_York"][n % 3];
        let mut input = json!({
            "email": format!("{name}{n}.{}@example.org", source(issue).to_lowercase()), "firstName": format!("Lead {n}"),
            "timeZone": zone, "source": source(issue),
        });
        // Not everybody has a telephone.
        if !n.is_multiple_of(4) {
            let seconds: usize = issue[4..].parse().unwrap_or_default();
            input["phone"] = format!("+49151{:08}", (seconds * 300 + n) % 100_000_000).into();
        }
        let answer = api.ask(LEAD, json!({ "input": input })).await?;
        field::<String>(&answer, "/createLead/lead/id")
    };
    stream::iter(0..LEADS).map(make).buffered(AT_ONCE).try_collect().await
}

async fn sequence(api: &Api, issue: &str, board: &Board) -> Result<String> {
    let days = ["MON", "TUE", "WED", "THU", "FRI"];
    let hours = json!({
        "name": format!("Come back, {issue}"), "channels": ["EMAIL", "SMS"], "contactHoursStart": "09:00",
        "contactHoursEnd": "18:00", "contactDays": days, "maxContactsPerDay": 1,
    });
    let campaign: String =
        field(&api.ask(CAMPAIGN, json!({ "input": hours })).await?, "/createRetentionCampaign/campaign/id")?;
    api.ask(RUN, json!({ "id": campaign })).await?;
    board.item("campaign", "contacts from 9 to 18 on weekdays where the lead lives, one a day");
    let mail = json!({
        "name": "Come back", "type": "EMAIL", "subject": "{{ first_name }}, come back",
        "content": "Hello {{ first_name }}, https://example.org/?sub_id={{ sub_id }} is waiting for you.",
    });
    let mail: String = field(&api.ask(SCRIPT, json!({ "input": mail })).await?, "/createScript/script/id")?;
    let text = json!({ "name": "Reminder", "type": "SMS", "content": "{{ first_name }}, have you read our email?" });
    let text: String = field(&api.ask(SCRIPT, json!({ "input": text })).await?, "/createScript/script/id")?;
    let step = |channel: &str, script: &str, days: u32| json!({ "channel": channel, "scriptId": script, "delayValue": days, "delayUnit": "DAYS" });
    let steps = json!([
        step("EMAIL", &mail, 0),
        step("SMS", &text, 1),
        step("EMAIL", &mail, 2),
        step("SMS", &text, 3),
        step("EMAIL", &mail, 4),
    ]);
    let sequence = json!({
        "name": format!("Win back, {issue}"), "campaignId": campaign, "triggerType": "NEW_LEAD",
        "triggerConfig": { "source": source(issue) }, "steps": steps,
    });
    let answer = api.ask(SEQUENCE, json!({ "input": sequence })).await.context("the sequence was refused")?;
    board.item("sequence", "five steps: email, text message after 1 day, email after 2, text after 3, email after 4");
    board.more("new leads from this source are enrolled by themselves");
    field(&answer, "/createRetentionSequence/sequence/id")
}

async fn watch(api: &Api, id: &str, converter: &mut Converter, board: &Board) -> Result<Funnel> {
    let began = Instant::now();
    let mut bars = None;
    let mut told = began;
    loop {
        let funnel = Funnel::read(&api.ask(FUNNEL, json!({ "id": id })).await?)?;
        let bars = bars.get_or_insert_with(|| board.funnel(&funnel));
        bars.show(&funnel);
        if told.elapsed() >= LINE {
            told = Instant::now();
            bars.tick(began.elapsed(), &funnel);
        }
        if funnel.enrolled() >= LEADS as u64 && funnel.active() == 0 {
            bars.finish();
            return Ok(funnel);
        }
        if began.elapsed() > PATIENCE {
            bail!("the sequence stands still: {funnel:?}");
        }
        converter.convert_some(&funnel).await?;
        tokio::time::sleep(TICK).await;
    }
}
