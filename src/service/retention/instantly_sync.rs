//! A retention campaign at Instantly: made there, fed with its leads, started, and asked for its figures.
//!
//! Instantly knows no idempotency key. What it is told is written down at once, and a lead that is in a campaign is not added
//! to it again, so a synchronisation that ends anywhere can be begun again.

use std::time::Duration;

use chrono_tz::Tz;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{instantly_keep, integration, refusal};
use crate::once::{Again, Done};
use crate::stop;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, RetentionCampaignId};
use domain::retention::credentials::{Credentials, Provider};
use domain::retention::words::{ContactAttemptStatus, ContactChannel, ContactDay, LeadStatus};
use domain::retention::{hours, instantly_zone};
use providers::instantly::{Analytics, BULK, Failure, Instantly, NewCampaign, NewLead};
use storage::Noun;
use storage::retention::{campaign, campaign_lead, contact_attempt, instantly_campaign, instantly_lead, lead};

/// How long leads are pushed before the answer; what is left goes with the next synchronisation.
const PATIENCE: Duration = Duration::from_secs(15);
/// The hours of a campaign that names none, in minutes after midnight.
const HOURS: (i32, i32) = (9 * 60, 18 * 60);

/// The result of a synchronisation.
#[derive(Debug)]
pub struct Synced {
    /// The campaign, which has its id at Instantly now.
    pub campaign: campaign::Model,
    /// The time zone that Instantly works by, of those that it knows.
    pub time_zone: &'static str,
    /// Leads that were added now.
    pub pushed: u64,
    /// Leads that are still to be added: synchronise again.
    pub remaining: u64,
    /// The figures; None before anything was sent.
    pub analytics: Option<Analytics>,
}

/// Brings a campaign and its leads to Instantly, starts it there if it is ACTIVE here, and asks for its figures.
///
/// # Errors
/// The campaign does not go by Instantly, Instantly is not set up, or it refuses.
pub async fn sync(on: &Services, actor: &Actor, id: RetentionCampaignId) -> Result<Synced> {
    // Instantly writes to whom it is given by itself.
    stop::require_none(on).await?;
    let found = campaign::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    let row = found.ok_or(Error::NotFound("retention campaign"))?;
    if !row.instantly_sync {
        return Err(Error::Precondition(
            "the campaign's emails do not go by Instantly: set instantlySync first".into(),
        ));
    }
    let workspace = workspace(on).await?;
    let time_zone = time_zone(on, &row)?;
    let (row, there) = match instantly_keep::id_there(&row) {
        Some(there) => (row, there),
        None => create(on, actor, &workspace, row, time_zone).await?,
    };
    let pushed = push(on, &workspace, &row, there).await?;
    instantly_keep::bring(on, &workspace, &row, there).await?;
    let analytics = workspace.analytics(there).await.map_err(|failure| refused(&failure))?;
    let remaining = remaining(on, &row).await?;
    on.write(actor, |w| async move {
        let metadata = json!({ "pushed": pushed, "remaining": remaining });
        w.note_answer(Action::RetentionCampaignSynced, id, metadata, &pushed).await
    })
    .await?;
    Ok(Synced { campaign: row, time_zone, pushed, remaining, analytics })
}

impl Again for Synced {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let pushed = done.answer(|told| told["pushed"].as_u64().unwrap_or_default())?;
        let campaign = campaign::Model::again(on, done).await?;
        let time_zone = time_zone(on, &campaign)?;
        let analytics = match instantly_keep::id_there(&campaign) {
            Some(there) => workspace(on).await?.analytics(there).await.map_err(|failure| refused(&failure))?,
            None => None,
        };
        let remaining = remaining(on, &campaign).await?;
        Ok(Self { campaign, time_zone, pushed, remaining, analytics })
    }
}

async fn workspace(on: &Services) -> Result<Instantly> {
    match integration::active(on, Provider::Instantly).await? {
        _ if on.rules.endpoints.is_simulated => Err(Error::Precondition("HERALD_PROVIDERS is simulated".into())),
        Some(Credentials::Instantly(account)) => Ok(Instantly::new(&on.rules.endpoints.instantly, account)),
        _ => Err(Error::Precondition("Instantly is not set up: see saveIntegrationConfig".into())),
    }
}

fn refused(failure: &Failure) -> Error {
    Error::Precondition(format!("Instantly: {failure}"))
}

/// The clock of the campaign among those that Instantly knows.
pub(super) fn time_zone(on: &Services, row: &campaign::Model) -> Result<&'static str> {
    let wanted = row.time_zone.as_deref().unwrap_or("UTC");
    let zone: Tz = wanted.parse().map_err(|_| Error::Precondition(format!("{wanted} is not a time zone")))?;
    instantly_zone::of(zone, on.now()).ok_or_else(|| {
        Error::Precondition(format!("Instantly knows no time zone with the clock of {wanted}: choose another one"))
    })
}

/// Makes the campaign there. Its id is written down before anything else is done with it; a crash in between leaves a draft
/// there, which sends nothing.
async fn create(
    on: &Services,
    actor: &Actor,
    workspace: &Instantly,
    row: campaign::Model,
    time_zone: &'static str,
) -> Result<(campaign::Model, Uuid)> {
    let wanted = described(&row, time_zone);
    let there = workspace.create_campaign(&wanted).await.map_err(|failure| refused(&failure))?;
    let id = row.id;
    let row = on
        .write(&actor.in_part(), |w| async move {
            let old = w.require(id).await?;
            let new = campaign::Model { instantly_campaign_id: Some(there.to_string()), ..old.clone() };
            let row = w.replace(&old, new).await?;
            w.note(Action::RetentionCampaignSynced, id, json!({ "instantlyCampaignId": there })).await?;
            Ok(row)
        })
        .await?;
    let described = Some(instantly_keep::in_words(&wanted));
    let told = instantly_campaign::Model { described, ..instantly_campaign::Model::unknown(id) };
    instantly_keep::note(on, &told).await?;
    Ok((row, there))
}

/// What Instantly is told of a campaign.
pub(super) fn described(row: &campaign::Model, time_zone: &'static str) -> NewCampaign {
    use ContactDay::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let days = &row.contact_days.0;
    let is_on = |day| days.is_empty() || days.contains(&day);
    // Instantly knows no 24:00.
    let hour = |own: Option<i32>, default: i32| hours::shown(Ord::min(own.unwrap_or(default), 24 * 60 - 1));
    let emails = if row.email_sequence.0.is_empty() {
        // The text of each comes with its lead, from a step of a sequence.
        vec![("{{herald_subject}}".to_owned(), "{{herald_body}}".to_owned(), 0)]
    } else {
        row.email_sequence.0.iter().map(|text| email(&row.name, text)).collect()
    };
    NewCampaign {
        name: row.name.clone(),
        time_zone,
        hours: (hour(row.contact_hours_start, HOURS.0), hour(row.contact_hours_end, HOURS.1)),
        days: [Sun, Mon, Tue, Wed, Thu, Fri, Sat].map(is_on),
        emails,
    }
}

/// A first line `Subject: ..` is the subject; without one it is the campaign's name. A day lies between two emails.
fn email(name: &str, text: &str) -> (String, String, u32) {
    let (subject, body) = match text.strip_prefix("Subject:").map(|rest| rest.split_once('\n').unwrap_or((rest, ""))) {
        Some((subject, body)) => (subject.trim(), body.trim_start()),
        None => (name, text),
    };
    (subject.to_owned(), body.replace("\r\n", "\n").replace('\n', "<br/>"), 1)
}

/// How many leads are still to be added. Without texts of its own a campaign gets its leads from the steps of its sequences, each with
/// the step's text: one that came without would be sent an empty email.
async fn remaining(on: &Services, row: &campaign::Model) -> Result<u64> {
    if row.email_sequence.0.is_empty() { Ok(0) } else { Ok(waiting(row.id).count(on.db.reader()).await?) }
}

/// Leads of the campaign that can be written to and have not been handed to Instantly for it.
fn waiting(campaign: RetentionCampaignId) -> Select<lead::Entity> {
    let assigned = Query::select()
        .column(campaign_lead::Column::LeadId)
        .from(campaign_lead::Entity)
        .and_where(Expr::col(campaign_lead::Column::CampaignId).eq(campaign.0))
        .to_owned();
    let pushed = Query::select()
        .column(contact_attempt::Column::LeadId)
        .from(contact_attempt::Entity)
        .and_where(Expr::col(contact_attempt::Column::CampaignId).eq(campaign.0))
        .and_where(Expr::col(contact_attempt::Column::Provider).eq(Provider::Instantly.name()))
        .to_owned();
    lead::Entity::all()
        .filter(lead::Column::Id.in_subquery(assigned))
        .filter(lead::Column::Id.not_in_subquery(pushed))
        .filter(lead::Column::Email.is_not_null())
        .filter(lead::Column::NoEmail.eq(false))
        .filter(lead::Column::Status.is_not_in([LeadStatus::DoNotContact, LeadStatus::Converted]))
}

/// Adds leads, many at once, for as long as there is time. Each is a contact that is PENDING until Instantly tells of it.
async fn push(on: &Services, workspace: &Instantly, row: &campaign::Model, there: Uuid) -> Result<u64> {
    let begun = on.clock.monotonic();
    let mut pushed = 0;
    if row.email_sequence.0.is_empty() {
        return Ok(pushed);
    }
    while on.clock.monotonic().saturating_sub(begun) < PATIENCE {
        let page = waiting(row.id).order_by_asc(lead::Column::Id).limit(BULK as u64).all(on.db.reader()).await?;
        if page.is_empty() {
            break;
        }
        // Who said no at his address before he was a lead is left out from now on.
        let unwilling = refusal::refused_among(on, &page, ContactChannel::Email).await?;
        if !unwilling.is_empty() {
            let unwilling = &unwilling;
            on.system_write(|w| async move {
                for id in unwilling {
                    let lead = w.require(*id).await?;
                    refusal::heal(on, &w, &[&lead]).await?;
                }
                Ok(())
            })
            .await?;
            continue;
        }
        let leads: Vec<NewLead> = page.iter().filter_map(described_lead).collect();
        workspace.add_leads(there, &leads).await.map_err(|failure| refused(&failure))?;
        pushed += leads.len() as u64;
        let attempts: Vec<_> = page.iter().map(|lead| attempt(on, row.id, lead).into_active_model()).collect();
        let is_there = |lead: &lead::Model| {
            let email = lead.email.clone()?;
            Some(instantly_lead::Model { campaign_id: row.id, email, lead_id: lead.id, is_assigned: true })
        };
        let there_now: Vec<_> = page.iter().filter_map(is_there).collect();
        let (attempts, there_now) = (&attempts, &there_now);
        on.system_write(|w| async move {
            // 1,000 rows of 18 columns are within what one statement takes on PostgreSQL; SQLite takes 32,766 values.
            contact_attempt::Entity::insert_many(attempts.clone()).exec_without_returning(&w).await?;
            instantly_lead::Entity::note(&w, there_now.clone()).await
        })
        .await?;
    }
    Ok(pushed)
}

fn described_lead(row: &lead::Model) -> Option<NewLead> {
    Some(NewLead {
        email: row.email.clone()?,
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        phone: row.phone.clone(),
        custom_variables: Map::from_iter([("herald_lead".to_owned(), json!(row.id))]),
    })
}

fn attempt(on: &Services, campaign: RetentionCampaignId, lead: &lead::Model) -> contact_attempt::Model {
    contact_attempt::Model {
        id: ContactAttemptId::generate(),
        lead_id: lead.id,
        campaign_id: Some(campaign),
        step_id: None,
        script_id: None,
        ab_test_id: None,
        ab_variant: None,
        channel: ContactChannel::Email,
        status: ContactAttemptStatus::Pending,
        provider: Some(Provider::Instantly.name().into()),
        provider_ref: None,
        started_at: on.now(),
        completed_at: None,
        duration: None,
        cost_micros: None,
        currency: None,
        result: Some(json!({ "status": "added" })),
        notes: None,
        tracks_clicks: false,
    }
}
