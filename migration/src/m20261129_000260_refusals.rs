//! What was refused belongs to an address, whatever becomes of its lead: one table, by keyed hash, in place of that of addresses that
//! must not come back.
//!
//! What leads refuse in their own rows gets a line under each of their addresses at the next start: hashes need the installation's
//! key, which a migration has not. Until then `refusals_to_carry` names those leads.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let id = if crate::is_postgres(manager) { "gen_random_uuid()" } else { "randomblob(16)" };
        let carried = format!(
            "INSERT INTO refusals (id, kind, hash, source, said_at, created_at)
             SELECT {id}, kind, hash, reason, created_at, created_at FROM suppressions"
        );
        crate::run(
            manager,
            &[
                "CREATE TABLE refusals (
    id {uuid} PRIMARY KEY,
    kind text NOT NULL,
    hash text NOT NULL,
    channel text,
    source text NOT NULL,
    wording text,
    said_at {instant} NOT NULL,
    created_at {instant} NOT NULL,
    lifted_at {instant},
    lifted_source text
)",
                "CREATE UNIQUE INDEX refusals_in_force ON refusals (kind, hash, COALESCE(channel, ''))
    WHERE lifted_at IS NULL",
                "CREATE INDEX refusals_of_addresses ON refusals (hash)",
                &carried,
                "DROP TABLE suppressions",
                "CREATE TABLE gone_leads (
    id {uuid} PRIMARY KEY,
    kept_id {uuid},
    email_hash text,
    gone_at {instant} NOT NULL
)",
                "CREATE INDEX gone_leads_kept_id ON gone_leads (kept_id) WHERE kept_id IS NOT NULL",
                "CREATE TABLE refusals_to_carry (
    lead_id {uuid} PRIMARY KEY REFERENCES leads (id) ON DELETE CASCADE
)",
                "INSERT INTO refusals_to_carry (lead_id)
    SELECT id FROM leads WHERE status = 'DO_NOT_CONTACT' OR no_email OR no_sms OR no_call OR no_webhook OR no_telegram",
            ],
        )
        .await
    }
}
