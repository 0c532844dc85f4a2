//! The hot row of a campaign: its pace and its counters, changed once a batch, last in each transaction (R7).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, FromQueryResult, IdenStatic, Iterable, QuerySelect, QueryTrait, UpdateMany};

use crate::broadcast::campaign;
use crate::sql::Dialect;
use domain::broadcast::{CampaignStatus, JobStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;

/// Where a campaign stands.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcast_campaign_progress")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
    pub status: ProgressStatus,
    /// Messages a minute; a new one acts on the next slot.
    pub delivery_rate: i64,
    /// Raised by start, pause and resume: failures of an earlier run don't count (R20).
    pub run: i32,
    /// The last slot taken, in nanoseconds since 1970 (R2).
    pub last_slot: i64,
    /// How many slots the last claim took.
    pub slots_taken: i64,
    /// No slot lies before this instant: the end of the server's wait, in nanoseconds since 1970 (R18).
    pub not_before: i64,
    pub failures_in_a_row: i32,
    /// Rises with every change of the counters.
    pub version: i32,
    /// The last entry of the change log (R8).
    pub seq: i64,
    /// Jobs that the start would make, as far as was known at the creation.
    pub preview: i32,
    pub total: i32,
    pub queued: i32,
    pub sending: i32,
    pub sent: i32,
    pub failed: i32,
    pub cancelled: i32,
    pub unknown: i32,
}

crate::rows::row!(
    campaign_id, status, delivery_rate, run, last_slot, slots_taken, not_before, failures_in_a_row, version, seq,
    preview, total, queued, sending, sent, failed, cancelled, unknown;
);

joins_nothing!();

impl Entity {
    /// The rows of these campaigns.
    pub fn by_ids(campaigns: &[BroadcastCampaignId]) -> Select<Self> {
        Self::find().filter(Column::CampaignId.is_in(campaigns.iter().copied()))
    }

    /// Campaigns whose jobs are to be sent now.
    pub fn running() -> Select<Self> {
        Self::find().filter(Column::Status.eq(ProgressStatus::Running))
    }

    /// The ids of campaigns whose jobs are being made.
    pub fn starting() -> Select<Self> {
        Self::find().filter(Column::Status.eq(ProgressStatus::Starting)).select_only().column(Column::CampaignId)
    }

    /// Campaigns that have jobs in one of these states.
    pub fn having(statuses: &[JobStatus]) -> Select<Self> {
        let some = statuses.iter().fold(Condition::any(), |any, status| any.add(Column::of(*status).gt(0)));
        Self::find().filter(some)
    }

    /// Campaigns that were cancelled or have failed, and still have queued jobs.
    pub fn unswept() -> Select<Self> {
        let ended = [ProgressStatus::Cancelled, ProgressStatus::Failed];
        Self::find().filter(Column::Status.is_in(ended)).filter(Column::Queued.gt(0))
    }

    /// Running campaigns whose last slot lies after `limit`, in nanoseconds since 1970.
    pub fn far_ahead(limit: i64) -> Select<Self> {
        Self::running().filter(Column::LastSlot.gt(limit))
    }

    /// The campaign enters a state. A new run forgets the failures in a row of the one before (R20).
    pub async fn enter(
        tx: &impl ConnectionTrait,
        id: BroadcastCampaignId,
        status: CampaignStatus,
        is_new_run: bool,
    ) -> Result<()> {
        let run = Expr::col(Column::Run).add(i32::from(is_new_run));
        let update = Self::changed(id)
            .col_expr(Column::Status, Expr::val(ProgressStatus::from(status)))
            .col_expr(Column::Run, run);
        update.col_expr(Column::FailuresInARow, Expr::val(0)).exec(tx).await?;
        Ok(())
    }

    /// The start of its jobs' writing, or its taking back.
    pub async fn mark(tx: &impl ConnectionTrait, id: BroadcastCampaignId, status: ProgressStatus) -> Result<()> {
        Self::changed(id).col_expr(Column::Status, Expr::val(status)).exec(tx).await?;
        Ok(())
    }

    /// Stores the copy of the campaign's rate: the next slot follows it.
    pub async fn pace(tx: &impl ConnectionTrait, id: BroadcastCampaignId, rate: i32) -> Result<()> {
        Self::changed(id).col_expr(Column::DeliveryRate, Expr::val(i64::from(rate))).exec(tx).await?;
        Ok(())
    }

    fn changed(id: BroadcastCampaignId) -> UpdateMany<Self> {
        let version = Expr::col(Column::Version).add(1);
        Self::update_many().filter(Column::CampaignId.eq(id)).col_expr(Column::Version, version)
    }

    /// No slot of a running campaign lies before `slot`, in nanoseconds since 1970.
    pub fn not_before(slot: i64) -> UpdateMany<Self> {
        let early =
            Self::update_many().filter(Column::Status.eq(ProgressStatus::Running)).filter(Column::LastSlot.lt(slot));
        early.col_expr(Column::LastSlot, Expr::val(slot))
    }

    /// The last slot becomes `slot` if it lies behind `limit`.
    pub fn not_behind(id: BroadcastCampaignId, limit: i64, slot: i64) -> UpdateMany<Self> {
        let late = Self::update_many().filter(Column::CampaignId.eq(id)).filter(Column::LastSlot.gt(limit));
        late.col_expr(Column::LastSlot, Expr::val(slot))
    }

    /// Running campaigns whose messages go nowhere.
    pub fn running_simulated() -> Select<Self> {
        let simulated = campaign::Entity::simulated(CampaignStatus::Running).into_query();
        Self::running().filter(Column::CampaignId.in_subquery(simulated))
    }
}

impl Column {
    /// The counter of the jobs in a state.
    pub const fn of(status: JobStatus) -> Self {
        match status {
            JobStatus::Queued => Self::Queued,
            JobStatus::Sending => Self::Sending,
            JobStatus::Sent => Self::Sent,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::Unknown => Self::Unknown,
        }
    }
}

/// How many jobs of all campaigns are in these states, or are there at all: a sum over the campaigns, not over their jobs. Those that were
/// removed are counted no more.
pub async fn jobs(db: &impl ConnectionTrait, statuses: Option<&[JobStatus]>) -> Result<u64> {
    let counters: Vec<&str> = match statuses {
        // Each once, however often it is asked for.
        Some(statuses) => {
            JobStatus::iter().filter(|one| statuses.contains(one)).map(|one| Column::of(one).as_str()).collect()
        }
        None => vec![Column::Total.as_str()],
    };
    if counters.is_empty() {
        return Ok(0);
    }
    let sum = counters.join(" + ");
    let sql = format!("SELECT CAST(COALESCE(SUM({sum}), 0) AS bigint) AS jobs FROM broadcast_campaign_progress p
         WHERE NOT EXISTS (SELECT 1 FROM broadcast_campaigns c WHERE c.id = p.campaign_id AND c.jobs_removed_at IS NOT NULL)");
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await?;
    let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("a sum has no row")))?;
    Ok(u64::try_from(row.try_get::<i64>("", "jobs")?).unwrap_or_default())
}

impl Model {
    /// How many jobs are in these states, or are there at all.
    pub fn jobs(&self, statuses: Option<&[JobStatus]>) -> u64 {
        let count = |status: &JobStatus| match status {
            JobStatus::Queued => self.queued,
            JobStatus::Sending => self.sending,
            JobStatus::Sent => self.sent,
            JobStatus::Failed => self.failed,
            JobStatus::Cancelled => self.cancelled,
            JobStatus::Unknown => self.unknown,
        };
        let count = statuses.map_or(self.total, |wanted| {
            JobStatus::iter().filter(|status| wanted.contains(status)).map(|status| count(&status)).sum()
        });
        u64::try_from(count).unwrap_or_default()
    }

    /// The number of jobs; None before the start: it is made of the batch as it is then.
    pub const fn total_jobs(&self) -> Option<i32> {
        if self.run == 0 { None } else { Some(self.total) }
    }

    /// Jobs that have ended.
    pub const fn done(&self) -> i32 {
        self.sent + self.failed + self.cancelled + self.unknown
    }

    /// Whether nothing is left to be done.
    pub const fn is_spent(&self) -> bool {
        self.queued == 0 && self.sending == 0
    }

    /// Whether no job will change any more, unless somebody wants a retry.
    pub const fn has_ended(&self) -> bool {
        self.is_spent() && self.status.shown().is_terminal()
    }
}

/// How many jobs of all campaigns are in which state, and how many processes send them.
#[derive(Debug, Clone, Copy, FromQueryResult)]
#[expect(missing_docs, reason = "the counters are those of the rows")]
pub struct Depths {
    pub queued: i64,
    pub sending: i64,
    pub sent: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub unknown: i64,
    /// Processes that hold leases.
    pub senders: i64,
}

impl Depths {
    /// Reads the sums as they are now: one short statement over the campaigns' hot rows, however many jobs there are.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Self> {
        let sum = |name: &str| format!("COALESCE(SUM({name}), 0) AS {name}");
        let sums = ["queued", "sending", "sent", "failed", "cancelled", "unknown"].map(sum).join(", ");
        let sql = format!(
            "SELECT {sums}, (SELECT COUNT(*) FROM senders WHERE ended_at IS NULL) AS senders
             FROM broadcast_campaign_progress"
        );
        let found = Self::find_by_statement(Dialect(db.get_database_backend()).statement(&sql, [])).one(db).await?;
        found.ok_or_else(|| Error::internal(anyhow::anyhow!("sums have no row")))
    }

    /// The jobs by status.
    pub fn jobs(&self) -> [(&'static str, i64); 6] {
        let Self { queued, sending, sent, failed, cancelled, unknown, .. } = *self;
        [
            ("QUEUED", queued),
            ("SENDING", sending),
            ("SENT", sent),
            ("FAILED", failed),
            ("CANCELLED", cancelled),
            ("UNKNOWN", unknown),
        ]
    }
}
