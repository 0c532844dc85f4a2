//! Putting leads into campaigns and taking them out, many in one statement.
//!
//! Whoever assigns locks the campaign's row first, and leads by their ids: so two assignments never wait for each other.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, SqlErr, Value,
};
use serde::Serialize;

use super::lead_filter::LeadFilter;
use super::{campaign_lead, lead};
use crate::Tx;
use crate::page;
use crate::sql::{self, Dialect};
use domain::error::{Error, Result};
use domain::id::{LeadId, RetentionCampaignId};
use domain::retention::words::{CampaignLeadStatus, LeadStatus};

/// Assigns the leads that the filter finds, those that must not be contacted left out, and returns how many were not in the
/// campaign before. NEW ones become `IN_PROGRESS`.
pub async fn assign(tx: &Tx, campaign: RetentionCampaignId, filter: &LeadFilter, now: DateTime<Utc>) -> Result<u64> {
    use campaign_lead::Column;
    let dialect = Dialect(tx.get_database_backend());
    let found = filter.select().filter(lead::Column::Status.ne(LeadStatus::DoNotContact));
    let found = found.order_by_asc(lead::Column::Id).select_only();
    let found = found
        .expr_as(Expr::cust(dialect.random_uuid()), "new_id")
        .expr_as(Expr::val(campaign), "campaign_id")
        .column(lead::Column::Id)
        .expr_as(Expr::val(CampaignLeadStatus::Pending), "pending")
        .expr_as(Expr::val(now), "assigned_at");
    let mut insert = Query::insert();
    insert
        .into_table(campaign_lead::Entity)
        .columns([Column::Id, Column::CampaignId, Column::LeadId, Column::Status, Column::AssignedAt])
        .select_from(found.into_query())
        .map_err(Error::internal)?
        .on_conflict(OnConflict::columns([Column::CampaignId, Column::LeadId]).do_nothing().to_owned());
    let assigned = tx.execute(&insert).await.map_err(vanished)?.rows_affected();
    if assigned > 0 {
        begin(tx, campaign, now).await?;
    }
    Ok(assigned)
}

/// Puts in progress what was NEW and is assigned since `now`.
async fn begin(tx: &Tx, campaign: RetentionCampaignId, now: DateTime<Utc>) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "UPDATE leads SET status = 'IN_PROGRESS', updated_at = $2, version = version + 1 WHERE id IN
         (SELECT l.id FROM leads l JOIN campaign_leads m ON m.lead_id = l.id
          WHERE m.campaign_id = $1 AND m.assigned_at = $2 AND l.status = 'NEW' ORDER BY l.id {})",
        dialect.for_update_of("l")
    );
    tx.execute_raw(dialect.statement(&sql, [campaign.into(), now.into()])).await?;
    Ok(())
}

/// A row of the parameter.
#[derive(Serialize)]
struct Id {
    id: LeadId,
}

/// Assigns leads that have just become known to all campaigns that are ACTIVE and want them, and returns how many
/// assignments these were. The leads are of this transaction: nobody else sees them yet.
pub async fn assign_new(tx: &Tx, leads: &[LeadId], now: DateTime<Utc>) -> Result<u64> {
    let dialect = Dialect(tx.get_database_backend());
    let ids: Vec<Id> = leads.iter().map(|id| Id { id: *id }).collect();
    let parameter: Value = sql::rows(&ids);
    let table = dialect.table("$1", &[("id", "uuid")]);
    let sql = format!(
        "INSERT INTO campaign_leads (id, campaign_id, lead_id, status, assigned_at)
         SELECT {}, c.id, l.id, 'PENDING', $2 FROM retention_campaigns c CROSS JOIN {table} JOIN leads l ON l.id = r.id
         WHERE c.status = 'ACTIVE' AND c.auto_assign AND l.status <> 'DO_NOT_CONTACT' ORDER BY c.id, l.id
         ON CONFLICT (campaign_id, lead_id) DO NOTHING",
        dialect.random_uuid(),
    );
    let inserted = tx.execute_raw(dialect.statement(&sql, [parameter.clone(), now.into()])).await;
    let assigned = inserted.map_err(vanished)?.rows_affected();
    if assigned > 0 {
        let sql = format!(
            "UPDATE leads SET status = 'IN_PROGRESS', updated_at = $2, version = version + 1
             WHERE status = 'NEW' AND id IN (SELECT m.lead_id FROM campaign_leads m JOIN {table} ON m.lead_id = r.id)"
        );
        tx.execute_raw(dialect.statement(&sql, [parameter, now.into()])).await?;
    }
    Ok(assigned)
}

/// Takes the leads that the filter finds out of the campaign, and returns how many were in it.
pub async fn remove(tx: &Tx, campaign: RetentionCampaignId, filter: &LeadFilter) -> Result<u64> {
    let found = filter.select().select_only().column(lead::Column::Id).into_query();
    let members = campaign_lead::Entity::delete_many()
        .filter(campaign_lead::Column::CampaignId.eq(campaign))
        .filter(campaign_lead::Column::LeadId.in_subquery(found));
    Ok(members.exec(tx).await?.rows_affected)
}

/// How many of the leads that the filter finds are in the campaign.
pub async fn count(db: &impl ConnectionTrait, campaign: RetentionCampaignId, filter: &LeadFilter) -> Result<u64> {
    page::count_all(db, of(campaign, filter)).await
}

fn of(campaign: RetentionCampaignId, filter: &LeadFilter) -> Select<campaign_lead::Entity> {
    let members = campaign_lead::Entity::find().filter(campaign_lead::Column::CampaignId.eq(campaign));
    if *filter == LeadFilter::default() {
        return members;
    }
    let found = filter.select().select_only().column(lead::Column::Id).into_query();
    members.filter(campaign_lead::Column::LeadId.in_subquery(found))
}

/// Takes up to `most` of the leads that the filter finds out of the campaign, of those that were in it at `before`; returns how many
/// these were.
pub async fn remove_some(
    tx: &Tx,
    campaign: RetentionCampaignId,
    filter: &LeadFilter,
    before: DateTime<Utc>,
    most: u64,
) -> Result<u64> {
    use campaign_lead::Column;
    let some = of(campaign, filter).filter(Column::AssignedAt.lte(before)).order_by_asc(Column::Id).limit(most);
    let some = some.select_only().column(Column::Id).into_query();
    let gone = campaign_lead::Entity::delete_many().filter(Column::Id.in_subquery(some));
    Ok(gone.exec(tx).await?.rows_affected)
}

/// A lead or a campaign was deleted between the select and the check of the reference to it.
fn vanished(error: sea_orm::DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            Error::Conflict("a lead or a campaign has just been deleted; try again".into())
        }
        _ => error.into(),
    }
}
