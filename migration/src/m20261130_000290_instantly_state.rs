//! What Instantly was told of a campaign, and which leads were handed to it: what changes here is brought to it from now on.

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
                "CREATE TABLE instantly_campaigns (
    campaign_id {uuid} PRIMARY KEY REFERENCES retention_campaigns (id) ON DELETE CASCADE,
    described text,
    runs boolean
)",
                // No reference to the lead: one that is deleted here is to be taken out there.
                "CREATE TABLE instantly_leads (
    campaign_id {uuid} NOT NULL REFERENCES retention_campaigns (id) ON DELETE CASCADE,
    email text NOT NULL,
    lead_id {uuid} NOT NULL,
    is_assigned boolean NOT NULL,
    PRIMARY KEY (campaign_id, email)
)",
                "CREATE INDEX instantly_leads_lead ON instantly_leads (lead_id)",
                "INSERT INTO instantly_leads (campaign_id, email, lead_id, is_assigned)
    SELECT a.campaign_id, l.email, l.id, CASE WHEN COUNT(a.step_id) = 0 THEN TRUE ELSE FALSE END
    FROM contact_attempts a
    JOIN leads l ON l.id = a.lead_id AND l.email IS NOT NULL
    JOIN retention_campaigns c ON c.id = a.campaign_id AND c.instantly_campaign_id IS NOT NULL
    WHERE a.provider = 'instantly'
    GROUP BY a.campaign_id, l.email, l.id",
            ],
        )
        .await
    }
}
