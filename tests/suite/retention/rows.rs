//! Rows of retention, put into the database past the API: what the worker and the providers leave there.

use chrono::{DateTime, Utc};
use domain::id::{
    AbTestId, ContactAttemptId, ConversionId, LeadId, RetentionCampaignId, RetentionSequenceId, ScriptId,
    SequenceEnrollmentId, SequenceStepExecutionId, SequenceStepId,
};
use domain::retention::ab_test::Rule;
use domain::retention::words::{
    AbTestStatus, ContactAttemptStatus, ContactChannel, ConversionStatus, DelayUnit, EnrollmentStatus, ExecutionStatus,
    RetentionCampaignStatus, RetentionSequenceStatus, ScriptFormat, SequenceAudience, TriggerType,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::json;
use service::Services;
use storage::Folded;
use storage::retention::lists::{Channels, Days, Texts};
use storage::retention::{
    ab_test, campaign, contact_attempt, conversion, enrollment, execution, lead, script, sequence, sequence_step,
};

/// Inserts rows of one kind, many a statement.
pub async fn insert<E, A>(on: &Services, rows: Vec<E::Model>)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A> + Clone + Sync,
    A: ActiveModelTrait<Entity = E> + Send,
{
    for chunk in rows.chunks(500) {
        on.db
            .write(|tx| async move {
                let chunk = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
                Ok(E::insert_many(chunk).exec_without_returning(&*tx).await.map(drop)?)
            })
            .await
            .unwrap();
    }
}

pub fn campaign(now: DateTime<Utc>) -> campaign::Model {
    campaign::Model {
        id: RetentionCampaignId::generate(),
        name: "Winter".into(),
        description: None,
        status: RetentionCampaignStatus::Active,
        channels: Channels(vec![ContactChannel::Email, ContactChannel::Sms]),
        contact_hours_start: None,
        contact_hours_end: None,
        contact_days: Days::default(),
        time_zone: None,
        max_contacts_per_day: None,
        delay_between_channels: None,
        auto_assign: false,
        instantly_sync: false,
        instantly_campaign_id: None,
        track_clicks: false,
        track_opens: false,
        email_sequence: Texts::default(),
        vapi_config: None,
        start_date: None,
        end_date: None,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::of("Winter"),
        description_fold: Folded::of(""),
        deleted_at: None,
    }
}

pub fn script(channel: ContactChannel, now: DateTime<Utc>) -> script::Model {
    script::Model {
        id: ScriptId::generate(),
        name: "Hello".into(),
        channel,
        subject: None,
        content: Some("Hello".into()),
        format: ScriptFormat::Text,
        plain_content: None,
        vapi_config: None,
        campaign_id: None,
        is_default: false,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::of("Hello"),
        deleted_at: None,
    }
}

pub fn lead(now: DateTime<Utc>) -> lead::Model {
    let blank = lead::Model::new(now);
    lead::Model {
        first_name: Some("Ann".into()),
        email: Some(format!("{}@example.com", blank.id)),
        source: "API".into(),
        names_fold: Folded::of("Ann"),
        ..blank
    }
}

pub fn attempt(lead: LeadId, channel: ContactChannel, at: DateTime<Utc>) -> contact_attempt::Model {
    contact_attempt::Model {
        id: ContactAttemptId::generate(),
        lead_id: lead,
        campaign_id: None,
        step_id: None,
        script_id: None,
        ab_test_id: None,
        ab_variant: None,
        channel,
        status: ContactAttemptStatus::Sent,
        provider: None,
        provider_ref: None,
        started_at: at,
        completed_at: None,
        duration: None,
        cost_micros: None,
        currency: None,
        result: None,
        notes: None,
        tracks_clicks: false,
    }
}

pub fn conversion(lead: LeadId, micros: i64, at: DateTime<Utc>) -> conversion::Model {
    let id = ConversionId::generate();
    conversion::Model {
        id,
        lead_id: Some(lead),
        campaign_id: None,
        contact_attempt_id: None,
        step_id: None,
        channel: None,
        revenue_micros: micros,
        currency: "EUR".into(),
        status: ConversionStatus::Sale,
        original_status: None,
        sub_id: None,
        click_id: None,
        source: "manual".into(),
        subject_id: id.to_string(),
        transaction_id: String::new(),
        postback_data: None,
        attribution: None,
        attributed_at: None,
        created_at: at,
        updated_at: at,
        version: 1,
    }
}

pub fn sequence(now: DateTime<Utc>) -> sequence::Model {
    sequence::Model {
        id: RetentionSequenceId::generate(),
        name: "Come back".into(),
        description: None,
        status: RetentionSequenceStatus::Active,
        channels: Channels(vec![ContactChannel::Email]),
        trigger_type: TriggerType::Manual,
        trigger_config: json!({}),
        campaign_id: None,
        steps_version: 1,
        audience: SequenceAudience::Open,
        watermark: None,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::of("Come back"),
        description_fold: Folded::of(""),
        pause_reason: None,
        is_simulated: Some(true),
        deleted_at: None,
    }
}

pub fn step(of: RetentionSequenceId, order: i32, now: DateTime<Utc>) -> sequence_step::Model {
    sequence_step::Model {
        id: SequenceStepId::generate(),
        sequence_id: of,
        steps_version: 1,
        step_order: order,
        channel: ContactChannel::Email,
        script_id: None,
        delay_value: 0,
        delay_unit: DelayUnit::Hours,
        conditions: json!({}),
        is_active: true,
        origin_id: None,
        created_at: now,
        updated_at: now,
    }
}

pub fn enrollment(of: RetentionSequenceId, lead: LeadId, at: DateTime<Utc>) -> enrollment::Model {
    enrollment::Model {
        id: SequenceEnrollmentId::generate(),
        sequence_id: of,
        lead_id: lead,
        attempt: 1,
        status: EnrollmentStatus::Active,
        steps_version: 1,
        current_step: 1,
        end_reason: None,
        enrolled_at: at,
        completed_at: None,
        last_step_at: None,
        meta: json!({}),
        version: 1,
        change: 0,
    }
}

pub fn execution(
    of: SequenceEnrollmentId,
    step: SequenceStepId,
    status: ExecutionStatus,
    at: DateTime<Utc>,
) -> execution::Model {
    execution::Model {
        id: SequenceStepExecutionId::generate(),
        enrollment_id: of,
        step_id: step,
        contact_attempt_id: None,
        status,
        reason: None,
        scheduled_at: Some(at),
        next_attempt_at: None,
        executed_at: None,
        attempt: 0,
        leases: 0,
        holder: None,
        lease: None,
        leased_until: None,
        result: None,
        created_at: at,
        channel: ContactChannel::Email,
    }
}

/// An A/B test of two scripts of emails, not started.
pub fn ab_test([variant_a, variant_b]: [ScriptId; 2], now: DateTime<Utc>) -> ab_test::Model {
    ab_test::Model {
        id: AbTestId::generate(),
        name: "Words".into(),
        campaign_id: None,
        step_id: None,
        channel: ContactChannel::Email,
        variant_a,
        variant_b,
        status: AbTestStatus::Draft,
        rule: json!(Rule::default()),
        winner: None,
        winner_id: None,
        stats_a: None,
        stats_b: None,
        verdict: None,
        started_at: None,
        ended_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
        deleted_at: None,
    }
}
