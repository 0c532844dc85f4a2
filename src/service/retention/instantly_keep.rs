//! What changes here is brought to Instantly, which writes to leads by itself: a campaign that is paused, renamed or reworded, and
//! leads that it is to write to no more.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::instantly_sync::{described, time_zone};
use super::integration;
use crate::{Services, stop};
use domain::error::{Error, Result};
use domain::id::RetentionCampaignId;
use domain::retention::credentials::{Credentials, Provider};
use domain::retention::words::RetentionCampaignStatus;
use providers::instantly::{Failure, Instantly, NewCampaign, PAGE};
use storage::retention::instantly_campaign::{Entity as Told, Model};
use storage::retention::instantly_lead::{Departed, Entity as There};
use storage::retention::{campaign, integration_config};

/// How often it is looked for campaigns that have changed.
const LOOK: Duration = Duration::from_secs(5);
/// After so many looks, leads are looked for who are to be taken out; and so many looks are left out after a failure.
const ROUNDS: u32 = 12;
/// Leads that one look takes out at most: the others are for the next.
const MOST: i64 = 500;

/// Brings changes to Instantly, until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let work = async {
        let mut round = 0_u32;
        loop {
            let is_fine = Box::pin(look(&on, round.is_multiple_of(ROUNDS))).await;
            round = round.wrapping_add(1);
            tokio::time::sleep(if is_fine { LOOK } else { LOOK * ROUNDS }).await;
        }
    };
    // What is cut off in between is told once more.
    tokio::select! { () = work => {}, () = stop.cancelled() => {} }
}

/// One look. False: something could not be told.
async fn look(on: &Services, is_for_leads: bool) -> bool {
    let mut is_fine = true;
    let mut note = |outcome: Result<bool>, what: &str| match outcome {
        Ok(done) => is_fine &= done,
        Err(error) => {
            tracing::warn!(?error, "{what}");
            is_fine = false;
        }
    };
    note(Box::pin(campaigns(on)).await, "it can't be looked for what Instantly is to be told of campaigns");
    if is_for_leads {
        note(Box::pin(leads(on)).await, "it can't be looked for whom Instantly is to write to no more");
    }
    is_fine
}

async fn workspace(on: &Services) -> Result<Option<Instantly>> {
    if on.rules.endpoints.is_simulated {
        return Ok(None);
    }
    Ok(match integration::active(on, Provider::Instantly).await? {
        Some(Credentials::Instantly(account)) => Some(Instantly::new(&on.rules.endpoints.instantly, account)),
        _ => None,
    })
}

/// Tells Instantly what has changed of the campaigns that are there. Returns whether all could be told.
///
/// # Errors
/// The database is away.
pub async fn campaigns(on: &Services) -> Result<bool> {
    let there = campaign::Entity::present().filter(campaign::Column::InstantlyCampaignId.is_not_null());
    let rows = there.order_by_asc(campaign::Column::Id).all(on.db.reader()).await?;
    if rows.is_empty() {
        return Ok(true);
    }
    let Some(workspace) = workspace(on).await? else { return Ok(true) };
    let mut is_all = true;
    for row in rows {
        let Some(id) = id_there(&row) else { continue };
        match bring(on, &workspace, &row, id).await {
            Ok(()) => {}
            Err(Error::Precondition(why)) => {
                tracing::warn!(campaign = %row.id, why, "Instantly can't be told what has changed of a campaign");
                is_all = false;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(is_all)
}

/// The id of a campaign there, if it has one.
pub fn id_there(row: &campaign::Model) -> Option<Uuid> {
    row.instantly_campaign_id.as_deref().and_then(|id| Uuid::try_parse(id).ok())
}

/// Tells Instantly what has changed of one campaign since it was told last: to hold first, to run last. Each is noted as soon as
/// it was told; what is told twice does no harm.
///
/// # Errors
/// [`Error::Precondition`] with what Instantly said.
pub async fn bring(on: &Services, workspace: &Instantly, row: &campaign::Model, there: Uuid) -> Result<()> {
    let mut told = told(on, row.id).await?;
    let has_begun = row.start_date.is_none_or(|at| at <= on.now()) && row.end_date.is_none_or(|at| at > on.now());
    let is_active = row.instantly_sync && row.status == RetentionCampaignStatus::Active && has_begun;
    let runs = is_active && stop::present(on).await?.is_none();
    if !runs && !told.is_held() {
        workspace.pause(there).await.map_err(|failure| refused(&failure))?;
        told.runs = Some(false);
        note(on, &told).await?;
    }
    if row.instantly_sync {
        let wanted = described(row, time_zone(on, row)?);
        let words = in_words(&wanted);
        if told.described.as_ref() != Some(&words) {
            workspace.change_campaign(there, &wanted).await.map_err(|failure| refused(&failure))?;
            told.described = Some(words);
            note(on, &told).await?;
        }
    }
    let hook = hook(on).await?;
    if told.hook != hook && row.instantly_sync {
        // Before it runs: what leads answer, refuse or send back is heard by nothing else.
        workspace.bring_webhook(there, &address(on)).await.map_err(|failure| refused(&failure))?;
        told.hook = hook;
        note(on, &told).await?;
    }
    if runs && told.runs != Some(true) {
        workspace.activate(there).await.map_err(|failure| refused(&failure))?;
        told.runs = Some(true);
        note(on, &told).await?;
    }
    Ok(())
}

/// Where Instantly tells of emails.
fn address(on: &Services) -> String {
    format!("{}/api/webhooks/instantly", on.rules.endpoints.public)
}

/// Where it tells, and by whose secret, as that is to be now.
async fn hook(on: &Services) -> Result<Option<String>> {
    let integration = integration_config::Entity::of(Provider::Instantly).one(on.db.reader()).await?;
    Ok(integration.map(|row| format!("{} {} {}", address(on), row.id, row.version)))
}

/// Has a campaign that is to be deleted held there first: afterwards nobody would know of it.
///
/// # Errors
/// [`Error::Precondition`] if Instantly can't be told.
pub async fn hold(on: &Services, row: &campaign::Model) -> Result<()> {
    let Some(there) = id_there(row) else { return Ok(()) };
    let told = told(on, row.id).await?;
    if told.is_held() {
        return Ok(());
    }
    // Where it is not set up, or switched off, somebody has cut it.
    let Some(workspace) = workspace(on).await? else { return Ok(()) };
    workspace.pause(there).await.map_err(|failure| {
        Error::Precondition(format!(
            "Instantly can't be told to hold the campaign, and would go on writing to its leads ({failure}): try again, or stop it there and \
             switch the integration off"
        ))
    })?;
    note(on, &Model { runs: Some(false), ..told }).await
}

async fn told(on: &Services, campaign: RetentionCampaignId) -> Result<Model> {
    let told = Told::find_by_id(campaign).one(on.db.reader()).await?;
    Ok(told.unwrap_or(Model::unknown(campaign)))
}

/// A campaign as it was told, to be compared.
pub fn in_words(campaign: &NewCampaign) -> String {
    json!([campaign.name, campaign.time_zone, campaign.hours, campaign.days, campaign.emails]).to_string()
}

pub(super) async fn note(on: &Services, told: &Model) -> Result<()> {
    on.db.write(|tx| async move { Told::note(&*tx, told.clone()).await }).await
}

fn refused(failure: &Failure) -> Error {
    Error::Precondition(format!("Instantly: {failure}"))
}

/// Takes out of Instantly's campaigns who has bought, wants no emails, was taken out of the campaign here, has another address or is
/// gone. Returns whether all could be told.
///
/// # Errors
/// The database is away.
pub async fn leads(on: &Services) -> Result<bool> {
    let departed = There::departed(on.db.reader(), MOST).await?;
    if departed.is_empty() {
        return Ok(true);
    }
    let Some(workspace) = workspace(on).await? else { return Ok(true) };
    for some in departed.chunk_by(|one, next| one.campaign_id == next.campaign_id).flat_map(|all| all.chunks(PAGE)) {
        if !take_out(on, &workspace, some).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes addresses out of one campaign.
async fn take_out(on: &Services, workspace: &Instantly, some: &[Departed]) -> Result<bool> {
    let Some(first) = some.first() else { return Ok(true) };
    let campaign = first.campaign_id;
    let emails: &Vec<String> = &some.iter().map(|one| one.email.clone()).collect();
    if let Ok(there) = Uuid::try_parse(&first.there)
        && let Err(error) = workspace.remove_leads(there, emails).await
    {
        tracing::warn!(%error, %campaign, "Instantly can't be told now whom it is to write to no more");
        return Ok(false);
    }
    on.db.write(|tx| async move { There::forget(&*tx, campaign, emails).await }).await?;
    Ok(true)
}
