//! Which leads are in which retention campaigns, and how far they are.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(
            manager,
            &[
                "CREATE TABLE campaign_leads (
    id {uuid} PRIMARY KEY,
    campaign_id {uuid} NOT NULL REFERENCES retention_campaigns (id) ON DELETE CASCADE,
    lead_id {uuid} NOT NULL REFERENCES leads (id) ON DELETE CASCADE,
    status text NOT NULL,
    assigned_at {instant} NOT NULL,
    completed_at {instant}
)",
                "CREATE UNIQUE INDEX campaign_leads_campaign_id_lead_id_key ON campaign_leads (campaign_id, lead_id)",
                "CREATE INDEX campaign_leads_campaign_id ON campaign_leads (campaign_id, assigned_at, id)",
                "CREATE INDEX campaign_leads_status ON campaign_leads (campaign_id, status)",
                "CREATE INDEX campaign_leads_lead_id ON campaign_leads (lead_id, assigned_at, id)",
            ],
        )
        .await
    }
}
