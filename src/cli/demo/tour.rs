//! The house that is left open: a broadcast that goes on, a sequence that new leads enter, and where to look at what.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::client::Api;
use super::prepare::{self, Campaign, field};
use super::sequence::{self, ACTIVATE, CAMPAIGN, LEAD, RUN, SCRIPT, SEQUENCE};
use service::Services;

/// Messages a minute of the broadcast that goes on: slow enough to be watched for a quarter of an hour.
const RATE: u32 = 100;
/// The days that the clock of sequences passes through meanwhile, so that steps of hours are seen within seconds.
const SPAN: TimeDelta = TimeDelta::days(7);
/// In this time.
const SHOWN: Duration = Duration::from_mins(14);
/// A lead comes so often,
const EVERY: Duration = Duration::from_secs(3);
/// and no more than so many come: longer the login would not hold.
const LEADS: u32 = 280;

const START: &str = "mutation Start($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status } } }";

/// What goes on.
#[derive(Clone)]
pub struct Tour {
    /// The broadcast that was shown.
    pub shown: String,
    /// The one that goes on.
    pub running: String,
    /// Where the leads come from.
    source: String,
}

/// Lets a broadcast and a sequence go on.
pub async fn open(api: &Api, on: &Services, before: &Campaign) -> Result<Tour> {
    let running = prepare::next_issue(api, before, RATE).await?;
    api.ask(START, json!({ "id": running })).await.context("the broadcast was not started")?;
    let source = format!("TOUR-{}", on.now().format("%m%d%H%M%S"));
    let id = welcome(api, &source).await.context("the sequence could not be made")?;
    sequence::fly(on, SPAN, SHOWN).await?;
    api.ask(ACTIVATE, json!({ "id": id })).await.context("the sequence was not activated")?;
    Ok(Tour { shown: before.id.clone(), running, source })
}

async fn welcome(api: &Api, source: &str) -> Result<String> {
    let campaign =
        json!({ "name": format!("Welcome, {source}"), "channels": ["EMAIL", "SMS"], "maxContactsPerDay": 5 });
    let campaign: String =
        field(&api.ask(CAMPAIGN, json!({ "input": campaign })).await?, "/createRetentionCampaign/campaign/id")?;
    api.ask(RUN, json!({ "id": campaign })).await?;
    let script = async |input: Json| -> Result<String> {
        field(&api.ask(SCRIPT, json!({ "input": input })).await?, "/createScript/script/id")
    };
    let mail = script(json!({
        "name": "Welcome", "type": "EMAIL", "subject": "{{ first_name }}, welcome", "content": "Good to see you, {{ first_name }}.",
    }));
    let text = json!({ "name": "Welcome", "type": "SMS", "content": "{{ first_name }}, is there anything we can do?" });
    let (mail, text) = (mail.await?, script(text).await?);
    let step = |channel: &str, script: &str, hours: u32| json!({ "channel": channel, "scriptId": script, "delayValue": hours, "delayUnit": "HOURS" });
    let steps = json!([step("EMAIL", &mail, 0), step("SMS", &text, 6), step("EMAIL", &mail, 24)]);
    let sequence = json!({
        "name": format!("Welcome, {source}"), "campaignId": campaign, "triggerType": "NEW_LEAD",
        "triggerConfig": { "source": source }, "steps": steps,
    });
    field(&api.ask(SEQUENCE, json!({ "input": sequence })).await?, "/createRetentionSequence/sequence/id")
}

impl Tour {
    /// Lets leads come, one after the other.
    pub async fn go_on(self, api: Api) -> Result<()> {
        for number in 1..=LEADS {
            tokio::time::sleep(EVERY).await;
            let mut input = json!({
                "email": format!("guest{number}.{}@example.org", self.source.to_lowercase()),
                "firstName": format!("Guest {number}"), "source": self.source,
            });
            if number % 4 > 0 {
                let digits: String = self.source.chars().filter(char::is_ascii_digit).collect();
                let first: u32 = digits[2..].parse().unwrap_or_default();
                input["phone"] =
                    format!("+49152{:08}", (u64::from(first) * 300 + u64::from(number)) % 100_000_000).into();
            }
            api.ask(LEAD, json!({ "input": input })).await?;
        }
        Ok(())
    }

    /// Where to look, and what each part proves.
    pub fn places(&self) -> [(&'static str, String, &'static str); 6] {
        [
            ("overview", "/#/".into(), "what runs, what waits and why, what needs a hand: nothing has to be guessed"),
            (
                "running",
                format!("/#/campaigns/{}", self.running),
                "pause it, and no message starts from then on; kill this process and start it again on the folder, and nobody gets two",
            ),
            (
                "shown",
                format!("/#/campaigns/{}", self.shown),
                "why 9 failed, in a sentence each; the one nobody knows of is UNKNOWN, not guessed",
            ),
            (
                "leads",
                "/#/leads".into(),
                "one comes every 3 s, and is written to as the sequence says: open one for its timeline",
            ),
            (
                "reports",
                "/graphiql".into(),
                "a month of contacts and conversions, from one instant: RetentionOverview and RetentionSeries in its menu",
            ),
            (
                "audit",
                "/#/audit".into(),
                "who did what, from this demonstration's first login on: herald audit verify checks it",
            ),
        ]
    }
}
