//! What there is to do for workers, in one statement: at rest they ask for nothing else.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, JoinType, QueryFilter, QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use crate::broadcast::{campaign, leftover, progress, sent_change};
use crate::retention::queue::pace;
use crate::retention::{campaign as retention_campaign, sequence, sequence_progress};
use crate::sql::Dialect;
use domain::broadcast::CampaignStatus;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, SenderId};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::ContactChannel;

/// What there is to do.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct Agenda {
    /// The clock that sequences go by.
    pub clock: Pace,
    /// When the first step of a channel is due that nobody has leased. It may be of a paused sequence.
    pub steps: HashMap<ContactChannel, DateTime<Utc>>,
    /// When the next campaign is to start by itself.
    pub schedule: Option<DateTime<Utc>>,
    /// Campaigns that run, and whose messages go nowhere.
    pub simulated: Vec<Running>,
    /// The processes that send, with their signs of life.
    pub senders: Vec<Sign>,
    /// Campaigns run that send for real.
    pub live: bool,
    /// Ended campaigns have queued jobs.
    pub unswept: bool,
    /// Deleted campaigns have rows.
    pub leftovers: bool,
    /// Accounts are held by processes that have ended.
    pub orphans: bool,
    /// Slots lie far in the future.
    pub far_slots: bool,
    /// Retention campaigns begin or end by their dates.
    pub dates: bool,
    /// Archived sequences have live enrollments.
    pub archived: bool,
    /// Sequences enroll leads by themselves.
    pub triggers: bool,
    /// Messages that went nowhere are to be edited or deleted.
    pub changes: bool,
}

/// A campaign that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// The campaign.
    pub id: BroadcastCampaignId,
    /// The last slot that anybody has taken, in nanoseconds since 1970.
    pub last_slot: i64,
    /// Messages a minute.
    pub rate: i64,
}

/// A process' sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// The process.
    pub id: SenderId,
    /// Its epoch.
    pub epoch: i64,
    /// The number of the sign.
    pub beat: i64,
}

impl Agenda {
    /// Looks. `far` is the last instant at which a slot may lie, in nanoseconds since 1970.
    pub async fn look(db: &impl ConnectionTrait, now: DateTime<Utc>, far: i64) -> Result<Self> {
        let dialect = Dialect(db.get_database_backend());
        let statement = dialect.0.build(&select(dialect, now, far));
        let row = db.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("a row that is always there is not")))?;
        let is = |name: &str| row.try_get::<bool>("", name);
        let words = |name: &str| -> Result<Vec<String>> {
            let text: Option<String> = row.try_get("", name)?;
            Ok(text.unwrap_or_default().split_terminator(',').map(ToOwned::to_owned).collect())
        };
        let mut steps = HashMap::new();
        for channel in ContactChannel::iter() {
            if let Some(first) = row.try_get("", &first_of(channel))? {
                steps.insert(channel, first);
            }
        }
        Ok(Self {
            clock: pace::clock_of(&row)?,
            steps,
            schedule: row.try_get("", "schedule")?,
            simulated: words("simulated")?.iter().map(|one| running(one)).collect::<Result<_>>()?,
            senders: words("senders")?.iter().map(|sign| self::sign(sign)).collect::<Result<_>>()?,
            live: is("live")?,
            unswept: is("unswept")?,
            leftovers: is("leftovers")?,
            orphans: is("orphans")?,
            far_slots: is("far_slots")?,
            dates: is("dates")?,
            archived: is("archived")?,
            triggers: is("triggers")?,
            changes: is("changes")?,
        })
    }
}

fn first_of(channel: ContactChannel) -> String {
    format!("first_{channel}").to_lowercase()
}

fn select(dialect: Dialect, now: DateTime<Utc>, far: i64) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::cust(pace::CLOCK))
        .from_subquery(Query::select().expr_as(Expr::val(1), "one").take(), "o")
        .join_as(JoinType::LeftJoin, "sequence_clock", "k", Expr::cust("k.id = o.one"))
        .expr_as(Expr::SubQuery(None, Box::new(next_schedule().into())), "schedule")
        .expr_as(Expr::SubQuery(None, Box::new(simulated(dialect).into())), "simulated")
        .expr_as(Expr::cust(senders(dialect)), "senders")
        .expr_as(Expr::cust(ORPHANS), "orphans");
    for channel in ContactChannel::iter() {
        select.expr_as(first_due(channel), first_of(channel));
    }
    let dates = is_any(retention_campaign::Entity::to_start(now)).or(is_any(retention_campaign::Entity::to_end(now)));
    let running = || campaign::Entity::find().filter(campaign::Column::Status.eq(CampaignStatus::Running));
    for (name, is_there) in [
        ("live", is_any(running().filter(campaign::Column::IsSimulated.eq(false)))),
        ("unswept", is_any(progress::Entity::unswept())),
        ("leftovers", is_any(leftover::Entity::find())),
        ("far_slots", is_any(progress::Entity::far_ahead(far))),
        ("dates", dates),
        ("archived", is_any(sequence_progress::Entity::unswept())),
        ("triggers", is_any(sequence::Entity::triggered())),
        ("changes", is_any(sent_change::Entity::due_by(sent_change::NO_ACCOUNT, now))),
    ] {
        select.expr_as(is_there, name);
    }
    select
}

const ORPHANS: &str = "EXISTS (SELECT 1 FROM account_leases l LEFT JOIN senders s ON s.id = l.holder_id
    WHERE l.holder_id IS NOT NULL AND (s.id IS NULL OR s.ended_at IS NOT NULL))";

fn is_any<E: EntityTrait>(select: Select<E>) -> Expr {
    Expr::exists(select.into_query())
}

/// The running campaigns whose messages go nowhere, each with its last slot and its rate, with commas between them.
fn simulated(dialect: Dialect) -> SelectStatement {
    let words = if dialect.is_postgres() {
        "string_agg(campaign_id::text || ' ' || last_slot || ' ' || delivery_rate, ',')"
    } else {
        "group_concat(hex(campaign_id) || ' ' || last_slot || ' ' || delivery_rate)"
    };
    progress::Entity::running_simulated().select_only().expr(Expr::cust(words)).into_query()
}

/// The processes that send, each with its epoch and its beat.
fn senders(dialect: Dialect) -> String {
    let signs = if dialect.is_postgres() {
        "string_agg(id::text || ' ' || epoch || ' ' || beat, ',')"
    } else {
        "group_concat(hex(id) || ' ' || epoch || ' ' || beat)"
    };
    format!("(SELECT {signs} FROM senders WHERE ended_at IS NULL)")
}

fn read(id: &str) -> Result<Uuid> {
    id.parse().map_err(Error::internal)
}

fn running(text: &str) -> Result<Running> {
    let (id, [last_slot, rate]) = numbers(text)?;
    Ok(Running { id: BroadcastCampaignId(id), last_slot, rate })
}

fn sign(text: &str) -> Result<Sign> {
    let (id, [epoch, beat]) = numbers(text)?;
    Ok(Sign { id: SenderId(id), epoch, beat })
}

/// An id, and two numbers.
fn numbers(text: &str) -> Result<(Uuid, [i64; 2])> {
    let wrong = || Error::internal(anyhow::anyhow!("no id with two numbers: {text}"));
    let mut words = text.split(' ');
    let id = read(words.next().unwrap_or_default())?;
    let mut number = || words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong);
    Ok((id, [number()?, number()?]))
}

fn next_schedule() -> SelectStatement {
    use campaign::Column;
    campaign::Entity::find()
        .select_only()
        .expr(Func::min(Expr::col((campaign::Entity, Column::ScheduledAt))))
        .filter(Column::Status.eq(CampaignStatus::Queued))
        .filter(Column::ScheduleMissedAt.is_null())
        .into_query()
}

/// The words stand in the statement: the index is of what is scheduled.
fn first_due(channel: ContactChannel) -> Expr {
    Expr::cust(format!(
        "(SELECT scheduled_at FROM sequence_step_executions
          WHERE status = 'SCHEDULED' AND holder IS NULL AND channel = '{channel}' ORDER BY scheduled_at, id LIMIT 1)"
    ))
}
