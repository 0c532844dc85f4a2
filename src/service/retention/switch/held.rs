//! What Twilio tells of texts that it had taken: a fault of the account holds those that would come to the same end.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::Services;
use domain::error::Result;
use domain::retention::twilio_errors::{self, Failure};
use domain::retention::words::{ContactAttemptStatus, ContactChannel};
use storage::Noun;
use storage::retention::contact_attempt::{Column, Entity};
use storage::retention::integration_config;

/// The newest failures that are looked at.
const LOOKED_AT: u64 = 5;

/// What was sent longer ago says nothing of today.
const DAY: TimeDelta = TimeDelta::days(1);

/// For how long nothing is sent, and why.
pub(super) type Held = (Duration, String);

/// Whether texts by Twilio are held now. What failed before it was set up anew is of the past.
pub(super) async fn of_twilio(on: &Services, row: &integration_config::Model) -> Result<Option<Held>> {
    let newest = |status| newest(status).filter(Column::StartedAt.gte(on.now() - DAY));
    let failed = newest(ContactAttemptStatus::Failed).limit(LOOKED_AT).all(on.db.reader()).await?;
    let failures: Vec<Failure> = failed
        .iter()
        .filter_map(|attempt| {
            let code = attempt.result.as_ref()?["errorCode"].as_str()?.trim().parse().ok()?;
            Some(Failure { code, sent: attempt.started_at, told: attempt.completed_at? })
        })
        .filter(|failure| failure.told > row.updated_at)
        .collect();
    if failures.is_empty() {
        return Ok(None);
    }
    let arrived = newest(ContactAttemptStatus::Delivered).limit(1).one(on.db.reader()).await?;
    Ok(twilio_errors::hold(&failures, arrived.map(|attempt| attempt.started_at), on.now()))
}

fn newest(status: ContactAttemptStatus) -> Select<Entity> {
    Entity::all()
        .filter(Column::Channel.eq(ContactChannel::Sms))
        .filter(Column::Status.eq(status))
        .filter(Column::Provider.eq("twilio"))
        .order_by_desc(Column::StartedAt)
}
