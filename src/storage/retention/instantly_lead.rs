//! The leads that were handed to Instantly, and those of them that it is to write to no more.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{FromQueryResult, Value};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{LeadId, RetentionCampaignId};

/// Rows that one statement inserts.
const CHUNK: usize = 500;

/// A lead that is in a campaign there, by its address.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instantly_leads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: RetentionCampaignId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub email: String,
    /// Who has the address, or had it: the lead may be gone.
    pub lead_id: LeadId,
    /// Whether it is there because it is assigned to the campaign, and not for a step of a sequence.
    pub is_assigned: bool,
}

joins_nothing!();

/// An address that a campaign there is to write to no more.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Departed {
    pub campaign_id: RetentionCampaignId,
    /// The campaign's id at Instantly.
    pub there: String,
    pub email: String,
}

impl Entity {
    /// Notes that leads are there.
    pub async fn note(tx: &impl ConnectionTrait, rows: Vec<Model>) -> Result<()> {
        let keys = [Column::CampaignId, Column::Email];
        let latest = OnConflict::columns(keys).update_columns([Column::LeadId, Column::IsAssigned]).to_owned();
        for chunk in rows.chunks(CHUNK) {
            let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
            Self::insert_many(rows).on_conflict(latest.clone()).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    /// Notes that a step has handed a lead to the campaign there, if its emails go by Instantly.
    pub async fn note_step(tx: &Tx, campaign: RetentionCampaignId, lead: LeadId) -> Result<()> {
        let sql = "INSERT INTO instantly_leads (campaign_id, email, lead_id, is_assigned)
                   SELECT c.id, l.email, l.id, FALSE FROM leads l JOIN retention_campaigns c ON c.id = $1
                   WHERE l.id = $2 AND l.email IS NOT NULL AND c.instantly_sync AND c.instantly_campaign_id IS NOT NULL
                   ON CONFLICT DO NOTHING";
        let values: [Value; 2] = [campaign.into(), lead.into()];
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
        Ok(())
    }

    /// The first `most` addresses, by campaign, that are there and should not be: their lead has bought, wants no emails, was taken
    /// out of the campaign, has another address or is gone.
    pub async fn departed(db: &impl ConnectionTrait, most: i64) -> Result<Vec<Departed>> {
        let sql = "SELECT x.campaign_id AS campaign_id, c.instantly_campaign_id AS there, x.email AS email
                   FROM instantly_leads x
                   JOIN retention_campaigns c ON c.id = x.campaign_id AND c.instantly_campaign_id IS NOT NULL
                   LEFT JOIN leads l ON l.id = x.lead_id
                   WHERE l.id IS NULL OR l.email IS NULL OR l.email <> x.email OR l.no_email
                     OR l.status IN ('DO_NOT_CONTACT', 'CONVERTED')
                     OR (x.is_assigned AND NOT EXISTS (SELECT 1 FROM campaign_leads m
                         WHERE m.campaign_id = x.campaign_id AND m.lead_id = x.lead_id))
                   ORDER BY x.campaign_id, x.email LIMIT $1";
        let rows = db.query_all_raw(Dialect(db.get_database_backend()).statement(sql, [most.into()])).await?;
        rows.iter().map(|row| Ok(Departed::from_query_result(row, "")?)).collect()
    }

    /// Forgets addresses that are there no more.
    pub async fn forget(tx: &impl ConnectionTrait, campaign: RetentionCampaignId, emails: &[String]) -> Result<()> {
        let of = Self::delete_many().filter(Column::CampaignId.eq(campaign));
        of.filter(Column::Email.is_in(emails.iter().cloned())).exec(tx).await?;
        Ok(())
    }
}
