//! What decisions about executions need besides their own rows, read at once and without a lock.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::claim::Due;
use crate::noun::Noun;
use crate::retention::{campaign, consent, contact_attempt, execution, script};
use domain::error::Result;
use domain::id::{LeadId, RetentionCampaignId, ScriptId, SequenceEnrollmentId};
use domain::retention::frequency::Touch;
use domain::retention::words::{ConsentKind, ContactAttemptStatus, ContactChannel, ExecutionStatus};

/// All that decisions about some executions need, by id.
#[derive(Debug, Default)]
pub struct Surroundings {
    pub scripts: HashMap<ScriptId, script::Model>,
    /// The scripts of steps that name none: of a campaign, and those outside of campaigns.
    pub defaults: HashMap<(Option<RetentionCampaignId>, ContactChannel), script::Model>,
    pub campaigns: HashMap<RetentionCampaignId, campaign::Model>,
    /// Contacts of the last days that were made, or may have been.
    pub touches: HashMap<LeadId, Vec<Touch>>,
    /// Leads that agreed to messages by Telegram.
    pub agreed: HashMap<LeadId, bool>,
    /// How the step before ended.
    pub previous: HashMap<SequenceEnrollmentId, ExecutionStatus>,
}

impl Surroundings {
    /// Reads the surroundings of executions in a few statements, however many executions there are, and all at once: the way to
    /// the database may be long. Contacts since `since` are told, by the clock
    /// of sequences, and what was said by `real`, by that of people.
    pub async fn read(
        db: &impl ConnectionTrait,
        due: &[Due],
        since: DateTime<Utc>,
        real: DateTime<Utc>,
    ) -> Result<Self> {
        let leads: Vec<_> = due.iter().map(|due| due.lead.id).collect();
        let is_telegram = due.iter().any(|due| due.step.channel == ContactChannel::Telegram);
        let looks_back = due.iter().any(|due| due.step.conditions.get("previousStatuses").is_some());
        let enrollments: Vec<_> = due.iter().map(|due| due.enrollment.id).collect();
        let (scripts, campaigns, touches, agreed, previous) = tokio::try_join!(
            scripts(db, due),
            campaigns(db, due),
            touches(db, &leads, since),
            async { if is_telegram { agreed(db, &leads, real).await } else { Ok(HashMap::new()) } },
            async { if looks_back { previous(db, &enrollments).await } else { Ok(HashMap::new()) } },
        )?;
        let default = scripts.iter().filter(|row| row.is_default);
        let defaults = default.map(|row| ((row.campaign_id, row.channel), row.clone())).collect();
        Ok(Self { scripts: by(scripts, |row| row.id), defaults, campaigns, touches, agreed, previous })
    }

    /// Reads scripts that no step names, but an A/B test does.
    pub async fn also(&mut self, db: &impl ConnectionTrait, scripts: impl Iterator<Item = ScriptId>) -> Result<()> {
        let more: Vec<ScriptId> = scripts.filter(|id| !self.scripts.contains_key(id)).collect();
        if !more.is_empty() {
            self.scripts.extend(by(script::Entity::by_ids(&more).all(db).await?, |row| row.id));
        }
        Ok(())
    }
}

fn by<K: std::hash::Hash + Eq, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// The scripts that the steps name; and those by default, if a step names none. Of two by default the older counts.
async fn scripts(db: &impl ConnectionTrait, due: &[Due]) -> Result<Vec<script::Model>> {
    use script::Column;
    let named: Vec<ScriptId> = due.iter().filter_map(|due| due.step.script_id).collect();
    let is_named = Column::Id.is_in(named.iter().copied());
    let select = if due.iter().any(|due| due.step.script_id.is_none()) {
        script::Entity::all().filter(is_named.or(Column::IsDefault.eq(true)))
    } else if named.is_empty() {
        return Ok(Vec::new());
    } else {
        script::Entity::all().filter(is_named)
    };
    Ok(select.order_by_desc(Column::Id).all(db).await?)
}

async fn campaigns(db: &impl ConnectionTrait, due: &[Due]) -> Result<HashMap<RetentionCampaignId, campaign::Model>> {
    let ids: Vec<RetentionCampaignId> = due.iter().filter_map(|due| due.sequence.campaign_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(by(campaign::Entity::by_ids(&ids).all(db).await?, |row| row.id))
}

/// The contacts of leads since `since`. What failed was no contact; what is about to be made, or may have been, was one.
async fn touches(
    db: &impl ConnectionTrait,
    leads: &[LeadId],
    since: DateTime<Utc>,
) -> Result<HashMap<LeadId, Vec<Touch>>> {
    use contact_attempt::Column;
    let rows: Vec<(LeadId, ContactChannel, DateTime<Utc>)> = contact_attempt::Entity::all()
        .select_only()
        .columns([Column::LeadId, Column::Channel, Column::StartedAt])
        .filter(Column::LeadId.is_in(leads.iter().copied()))
        .filter(Column::StartedAt.gte(since))
        .filter(Column::Status.ne(ContactAttemptStatus::Failed))
        .into_tuple()
        .all(db)
        .await?;
    let mut found: HashMap<LeadId, Vec<Touch>> = HashMap::new();
    for (lead, channel, at) in rows {
        found.entry(lead).or_default().push(Touch { channel, at });
    }
    Ok(found)
}

/// The last word of each lead on Telegram counts, of those said by `now`: agreed, or taken back. Who took everything back has not
/// agreed; where that was lifted, it is as it was before, for to lift it is no consent.
pub async fn agreed(db: &impl ConnectionTrait, leads: &[LeadId], now: DateTime<Utc>) -> Result<HashMap<LeadId, bool>> {
    use consent::Column;
    let rows = consent::Entity::find()
        .filter(Column::LeadId.is_in(leads.iter().copied()))
        .filter(Column::Channel.eq(ContactChannel::Telegram).or(Column::Channel.is_null()))
        .filter(Column::GivenAt.lte(now))
        .order_by_asc(Column::GivenAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    let mut words: HashMap<LeadId, (bool, bool)> = HashMap::new();
    for row in rows {
        let (agreed, refused_all) = words.entry(row.lead_id).or_default();
        let is_given = row.kind == ConsentKind::Given;
        if row.channel.is_some() {
            *agreed = is_given;
        } else {
            *refused_all = !is_given;
        }
    }
    Ok(words.into_iter().map(|(lead, (agreed, refused_all))| (lead, agreed && !refused_all)).collect())
}

async fn previous(
    db: &impl ConnectionTrait,
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
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}
