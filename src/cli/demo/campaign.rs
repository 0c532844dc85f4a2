//! The campaign runs, is paused once, and is watched by two subscriptions on one WebSocket.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinHandle;

use super::board::Board;
use super::client::Api;
use super::house::House;
use super::ledger;
use super::notable::{Job, Notable};
use super::prepare::{Campaign, field};
use super::socket::{Socket, Told};

/// How long the pause lasts, and how long nothing may start.
const PAUSE: Duration = Duration::from_secs(2);
/// A campaign whose counters stand still for longer will not end by itself.
const STANDSTILL: Duration = Duration::from_secs(30);
/// How often a line tells the progress where there is no terminal.
const TICK: Duration = Duration::from_secs(1);

const START: &str = "mutation Start($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const PAUSE_IT: &str =
    "mutation Pause($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const RESUME: &str =
    "mutation Resume($id: ID!) { resumeBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const WHY: &str = "query Why($id: ID!) { broadcastCampaign(id: $id) { status pauseReason } }";
const PROGRESS: &str = "subscription Progress($id: ID!) { broadcastCampaignProgress(id: $id) {
    status total queued sending sent failed cancelled unknown ratePerMinute etaSeconds } }";
const JOBS: &str = "subscription Jobs($id: ID!) { jobUpdates(campaignId: $id) {
    job { id status attempts errorMessage messageId startedAt sentAt channel { username } } } }";

/// How far the campaign is: an event of `broadcastCampaignProgress`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub status: String,
    pub total: u64,
    pub queued: u64,
    pub sending: u64,
    pub sent: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub unknown: u64,
    pub rate_per_minute: u64,
    pub eta_seconds: Option<u64>,
}

impl Progress {
    /// Jobs that have ended.
    pub fn done(&self) -> u64 {
        self.sent + self.failed + self.cancelled + self.unknown
    }
}

/// How it ended.
pub struct Ended {
    /// The last counters.
    pub progress: Progress,
    /// How long it took, with the pause.
    pub took: Duration,
}

/// Starts the campaign and watches it until both subscriptions have completed.
pub async fn send(api: &Api, house: &House, campaign: &Campaign, board: &Board) -> Result<Ended> {
    let mut socket = api.socket().await?;
    let id = json!({ "id": campaign.id });
    socket.subscribe("progress", PROGRESS, id.clone()).await?;
    socket.subscribe("jobs", JOBS, id.clone()).await?;
    let began = Instant::now();
    api.ask(START, id).await.context("the campaign was not started")?;
    let watched = Watch { api, house, campaign, board, began, intermission: None, progress: Progress::default() };
    let progress = watched.run(&mut socket).await?;
    if progress.status != "COMPLETED" {
        bail!("the campaign ended {}", progress.status);
    }
    Ok(Ended { progress, took: began.elapsed() })
}

/// The running campaign as its events tell it.
struct Watch<'a> {
    api: &'a Api,
    house: &'a House,
    campaign: &'a Campaign,
    board: &'a Board,
    began: Instant,
    /// Pausing and resuming, once half of the messages are out.
    intermission: Option<JoinHandle<Result<()>>>,
    progress: Progress,
}

impl Watch<'_> {
    async fn run(mut self, socket: &mut Socket) -> Result<Progress> {
        let bars = self.board.sending();
        let mut notable = Notable::default();
        let mut tick = tokio::time::interval(TICK);
        let mut changed = Instant::now();
        let mut open = 2;
        while open > 0 {
            tokio::select! {
                told = socket.next() => match told? {
                    Told::Complete => open -= 1,
                    Told::Next(name, mut data) if name == "jobs" => {
                        let job: Job = serde_json::from_value(data["jobUpdates"]["job"].take())?;
                        if let Some(line) = notable.line(&job) {
                            self.board.event(self.began.elapsed(), &line);
                        }
                    }
                    Told::Next(_, mut data) => {
                        self.progress = serde_json::from_value(data["broadcastCampaignProgress"].take())?;
                        changed = Instant::now();
                        bars.show(&self.progress);
                        self.pause_halfway();
                    }
                },
                _ = tick.tick() => {
                    bars.tick(self.began.elapsed(), &self.progress);
                    if changed.elapsed() > STANDSTILL {
                        return Err(self.standstill().await);
                    }
                }
            }
        }
        bars.finish();
        match self.intermission {
            Some(intermission) => intermission.await??,
            None => bail!("the campaign was over before it could be paused"),
        }
        Ok(self.progress)
    }

    fn pause_halfway(&mut self) {
        let Progress { total, .. } = self.progress;
        if self.intermission.is_none() && total > 0 && self.progress.done() * 2 >= total {
            let (api, campaign, ledger) = (self.api.clone(), self.campaign.clone(), self.house.ledger());
            self.intermission = Some(tokio::spawn(pause(api, campaign, ledger, self.board.clone(), self.began)));
        }
    }

    /// Why nothing happens any more.
    async fn standstill(&self) -> anyhow::Error {
        let answer = self.api.ask(WHY, json!({ "id": self.campaign.id })).await;
        let told = answer.and_then(|answer| {
            let status: String = field(&answer, "/broadcastCampaign/status")?;
            let reason: Option<String> = field(&answer, "/broadcastCampaign/pauseReason")?;
            Ok((status, reason))
        });
        match told {
            Ok((status, Some(reason))) => anyhow!("the campaign stands still: {status}, {reason}"),
            Ok((status, None)) => anyhow!("the campaign stands still: {status}"),
            Err(error) => error.context("the campaign stands still"),
        }
    }
}

/// Pauses, looks into the ledger whether anything starts all the same, and resumes.
async fn pause(api: Api, campaign: Campaign, ledger: PathBuf, board: Board, began: Instant) -> Result<()> {
    let tell = |line: String| board.event(began.elapsed(), &line);
    let accepted = || anyhow::Ok(ledger::check(&ledger, &campaign.issue)?.messages);
    let id = json!({ "id": campaign.id });
    let asked = Instant::now();
    api.ask(PAUSE_IT, id.clone()).await.context("the pause was refused")?;
    let (answered, before) = (asked.elapsed().as_millis(), accepted()?);
    tell(format!("paused       answered after {answered} ms: no message starts from now on"));
    tokio::time::sleep(PAUSE).await;
    let after = accepted()?;
    if after != before {
        bail!("{} messages went out during the pause", after - before);
    }
    tell(format!("still        none was accepted in the {} s since", PAUSE.as_secs()));
    api.ask(RESUME, id).await.context("the campaign could not be resumed")?;
    tell("resumed      it goes on exactly where it stopped".into());
    Ok(())
}
