//! Calls of which no report came: VAPI is asked.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::twilio::of_attempt;
use crate::Services;
use crate::retention::integration;
use domain::error::Result;
use domain::retention::callback::vapi_report;
use domain::retention::credentials::{Credentials, Provider};
use domain::retention::words::{ContactAttemptStatus, ContactChannel};
use providers::vapi::Vapi;
use storage::Noun;
use storage::retention::contact_attempt::{self, Column};

/// How long a report may take: calls last ten minutes at most by default.
const GRACE: TimeDelta = TimeDelta::minutes(15);
/// Calls older than that are given up.
const OLDEST: TimeDelta = TimeDelta::days(1);
/// Calls that are looked up in one round.
const ROUND: u64 = 20;

/// Looks up calls whose report is overdue.
pub async fn calls(on: &Services) -> Result<()> {
    if on.rules.endpoints.is_simulated {
        return Ok(());
    }
    let Some(Credentials::Vapi(account)) = integration::active(on, Provider::Vapi).await? else { return Ok(()) };
    let now = on.now();
    let overdue = contact_attempt::Entity::all()
        .filter(Column::Channel.eq(ContactChannel::Call))
        .filter(Column::Status.is_in([ContactAttemptStatus::Sent, ContactAttemptStatus::Unknown]))
        .filter(Column::StartedAt.between(now - OLDEST, now - GRACE))
        .filter(Column::Provider.eq(Provider::Vapi.name()))
        .filter(Column::ProviderRef.is_not_null())
        .order_by_asc(Column::StartedAt)
        .limit(ROUND);
    let rows = overdue.all(on.db.reader()).await?;
    let vapi = Vapi::new(&on.rules.endpoints.vapi, &on.rules.endpoints.public, account);
    for row in rows {
        let call = match vapi.call(row.provider_ref.as_deref().unwrap_or_default()).await {
            Ok(call) => call,
            Err(error) => {
                tracing::warn!(%error, "a call can't be looked up");
                return Ok(());
            }
        };
        let Some(report) = call.filter(|call| call["status"] == "ended") else { continue };
        let (id, news) = (row.id, vapi_report(&report));
        let news = &news;
        on.system_write(|w| async move { of_attempt(on, &w, Provider::Vapi, (Some(id), None), news.clone()).await })
            .await?;
    }
    Ok(())
}
