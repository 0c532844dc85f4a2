//! Finding what is due, with all that a decision about it needs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Value,
};

use crate::Tx;
use crate::noun::Noun;
use crate::retention::{
    campaign, consent, contact_attempt, enrollment, execution, lead, script, sequence, sequence_step,
};
use crate::sql::Dialect;
use crate::stop::NOTHING_IS_STOPPED;
use domain::error::{Error, Result};
use domain::id::{
    LeadId, RetentionCampaignId, RetentionSequenceId, ScriptId, SenderId, SequenceEnrollmentId,
    SequenceStepExecutionId, SequenceStepId,
};
use domain::retention::frequency::Touch;
use domain::retention::words::{ConsentKind, ContactAttemptStatus, ContactChannel, ExecutionStatus};

/// An execution whose instant has come, and that nobody has leased. It and its lead are locked.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Due {
    pub id: SequenceStepExecutionId,
    pub enrollment_id: SequenceEnrollmentId,
    pub sequence_id: RetentionSequenceId,
    pub lead_id: LeadId,
    pub step_id: SequenceStepId,
    /// Contacts that failed.
    pub attempt: i32,
    pub scheduled_at: DateTime<Utc>,
}

/// The executions that are due on `channel`, the longest first. What another process looks at is passed over, and so is
/// every lead of it. A PAUSED campaign holds all that its sequences have to say, and a stop all there is.
pub async fn due(tx: &Tx, channel: ContactChannel, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = due_sql(dialect);
    let values: [Value; 3] = [channel.to_string().into(), now.into(), limit.into()];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(|row| Ok(Due::from_query_result(row, "")?)).collect()
}

/// The statement of [`due`]: `$1` is the channel, `$2` the present instant, `$3` how many.
///
/// The campaign is asked for by a subselect: PostgreSQL takes a NOT EXISTS for a join that leaves next to nothing, and then begins
/// with all enrollments instead of the few that are due.
pub fn due_sql(dialect: Dialect) -> String {
    let lock = if dialect.is_postgres() { "FOR UPDATE OF e, l SKIP LOCKED" } else { "" };
    format!(
        "SELECT e.id, e.enrollment_id, n.sequence_id, n.lead_id, e.step_id, e.attempt, e.scheduled_at
         FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN leads l ON l.id = n.lead_id
         WHERE e.status = 'SCHEDULED' AND e.holder IS NULL AND e.channel = $1 AND e.scheduled_at <= $2
           AND n.status = 'ACTIVE' AND s.status = 'ACTIVE'
           AND COALESCE((SELECT c.status FROM retention_campaigns c WHERE c.id = s.campaign_id), '') <> 'PAUSED'
           AND {NOTHING_IS_STOPPED}
         ORDER BY e.scheduled_at, e.id LIMIT $3 {lock}"
    )
}

/// When the first execution on `channel` is due that nobody has leased; it may be of a paused sequence.
pub async fn first_due(db: &impl ConnectionTrait, channel: ContactChannel) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT scheduled_at FROM sequence_step_executions
               WHERE status = 'SCHEDULED' AND holder IS NULL AND channel = $1 ORDER BY scheduled_at, id LIMIT 1";
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(sql, [channel.to_string().into()])).await?;
    Ok(row.map(|row| row.try_get("", "scheduled_at")).transpose()?)
}

/// Holds the sender's row until the commit, so that a takeover comes wholly before this lease or wholly after it (R15).
pub async fn require_sender(tx: &Tx, sender: SenderId, epoch: i64) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("SELECT id FROM senders WHERE id = $1 AND epoch = $2 {}", dialect.for_key_share());
    let row = tx.query_one_raw(dialect.statement(&sql, [sender.into(), epoch.into()])).await?;
    row.map(drop).ok_or_else(|| Error::Precondition("another process took this one's leases over".into()))
}

/// All that decisions about some executions need, by id.
#[derive(Debug, Default)]
pub struct Surroundings {
    pub enrollments: HashMap<SequenceEnrollmentId, enrollment::Model>,
    pub leads: HashMap<LeadId, lead::Model>,
    pub steps: HashMap<SequenceStepId, sequence_step::Model>,
    pub scripts: HashMap<ScriptId, script::Model>,
    /// The scripts of steps that name none: of a campaign, and those outside of campaigns.
    pub defaults: HashMap<(Option<RetentionCampaignId>, ContactChannel), script::Model>,
    pub sequences: HashMap<RetentionSequenceId, sequence::Model>,
    pub campaigns: HashMap<RetentionCampaignId, campaign::Model>,
    /// Contacts of the last days that were made, or may have been.
    pub touches: HashMap<LeadId, Vec<Touch>>,
    /// Leads that agreed to messages by Telegram.
    pub agreed: HashMap<LeadId, bool>,
    /// How the step before ended.
    pub previous: HashMap<SequenceEnrollmentId, ExecutionStatus>,
}

impl Surroundings {
    /// Reads the surroundings of executions in a few statements, however many executions there are. Contacts since
    /// `since` are told.
    pub async fn read(tx: &Tx, due: &[Due], since: DateTime<Utc>) -> Result<Self> {
        let enrollments: Vec<_> = due.iter().map(|due| due.enrollment_id).collect();
        let leads: Vec<_> = due.iter().map(|due| due.lead_id).collect();
        let steps: Vec<_> = due.iter().map(|due| due.step_id).collect();
        let sequences: Vec<_> = due.iter().map(|due| due.sequence_id).collect();
        let mut all = Self {
            enrollments: by(enrollment::Entity::by_ids(&enrollments).all(tx).await?, |row| row.id),
            leads: by(lead::Entity::by_ids(&leads).all(tx).await?, |row| row.id),
            steps: by(sequence_step::Entity::by_ids(&steps).all(tx).await?, |row| row.id),
            sequences: by(sequence::Entity::by_ids(&sequences).all(tx).await?, |row| row.id),
            touches: touches(tx, &leads, since).await?,
            ..Self::default()
        };
        let scripts: Vec<_> = all.steps.values().filter_map(|step| step.script_id).collect();
        all.scripts = by(script::Entity::by_ids(&scripts).all(tx).await?, |row| row.id);
        if all.steps.values().any(|step| step.script_id.is_none()) {
            let defaults = script::Entity::all().filter(script::Column::IsDefault.eq(true));
            let defaults = defaults.order_by_desc(script::Column::Id).all(tx).await?;
            all.defaults = by(defaults, |row| (row.campaign_id, row.channel));
        }
        let campaigns: Vec<_> = all.sequences.values().filter_map(|sequence| sequence.campaign_id).collect();
        if !campaigns.is_empty() {
            all.campaigns = by(campaign::Entity::by_ids(&campaigns).all(tx).await?, |row| row.id);
        }
        if all.steps.values().any(|step| step.channel == ContactChannel::Telegram) {
            all.agreed = agreed(tx, &leads).await?;
        }
        if all.steps.values().any(|step| step.conditions.get("previousStatuses").is_some()) {
            all.previous = previous(tx, &enrollments).await?;
        }
        Ok(all)
    }

    /// Reads scripts that no step names, but an A/B test does.
    pub async fn also(&mut self, tx: &Tx, scripts: impl Iterator<Item = ScriptId>) -> Result<()> {
        let more: Vec<ScriptId> = scripts.filter(|id| !self.scripts.contains_key(id)).collect();
        if !more.is_empty() {
            self.scripts.extend(by(script::Entity::by_ids(&more).all(tx).await?, |row| row.id));
        }
        Ok(())
    }
}

fn by<K: std::hash::Hash + Eq, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// The contacts of leads since `since`. What failed was no contact; what is about to be made, or may have been, was one.
async fn touches(tx: &Tx, leads: &[LeadId], since: DateTime<Utc>) -> Result<HashMap<LeadId, Vec<Touch>>> {
    use contact_attempt::Column;
    let rows: Vec<(LeadId, ContactChannel, DateTime<Utc>)> = contact_attempt::Entity::all()
        .select_only()
        .columns([Column::LeadId, Column::Channel, Column::StartedAt])
        .filter(Column::LeadId.is_in(leads.iter().copied()))
        .filter(Column::StartedAt.gte(since))
        .filter(Column::Status.ne(ContactAttemptStatus::Failed))
        .into_tuple()
        .all(tx)
        .await?;
    let mut found: HashMap<LeadId, Vec<Touch>> = HashMap::new();
    for (lead, channel, at) in rows {
        found.entry(lead).or_default().push(Touch { channel, at });
    }
    Ok(found)
}

/// The last word of each lead counts: agreed, or taken back.
async fn agreed(tx: &Tx, leads: &[LeadId]) -> Result<HashMap<LeadId, bool>> {
    use consent::Column;
    let rows = consent::Entity::find()
        .filter(Column::LeadId.is_in(leads.iter().copied()))
        .filter(Column::Channel.eq(ContactChannel::Telegram).or(Column::Channel.is_null()))
        .order_by_asc(Column::GivenAt)
        .order_by_asc(Column::Id)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.lead_id, row.kind == ConsentKind::Given)).collect())
}

async fn previous(
    tx: &Tx,
    enrollments: &[SequenceEnrollmentId],
) -> Result<HashMap<SequenceEnrollmentId, ExecutionStatus>> {
    use execution::Column;
    let rows: Vec<(SequenceEnrollmentId, ExecutionStatus)> = execution::Entity::all()
        .select_only()
        .columns([Column::EnrollmentId, Column::Status])
        .filter(Column::EnrollmentId.is_in(enrollments.iter().copied()))
        .filter(Column::Status.is_not_in([ExecutionStatus::Scheduled, ExecutionStatus::Pending]))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}
