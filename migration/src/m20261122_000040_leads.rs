//! Leads: the people that retention writes to, and the consents that they gave.

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
                "CREATE TABLE leads (
    id {uuid} PRIMARY KEY,
    external_id text,
    first_name text,
    last_name text,
    phone text,
    email text,
    telegram_username text,
    source text NOT NULL,
    status text NOT NULL,
    status_before text,
    no_email boolean NOT NULL DEFAULT FALSE,
    no_sms boolean NOT NULL DEFAULT FALSE,
    no_call boolean NOT NULL DEFAULT FALSE,
    no_webhook boolean NOT NULL DEFAULT FALSE,
    no_telegram boolean NOT NULL DEFAULT FALSE,
    meta {json} NOT NULL,
    notes text,
    time_zone text,
    language text,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX leads_email_key ON leads (email) WHERE email IS NOT NULL",
                "CREATE UNIQUE INDEX leads_phone_key ON leads (phone) WHERE phone IS NOT NULL",
                "CREATE INDEX leads_status ON leads (status, id)",
                "CREATE INDEX leads_source ON leads (source, id)",
                "CREATE INDEX leads_created_at ON leads (created_at, id)",
                "CREATE INDEX leads_updated_at ON leads (updated_at, id)",
                "CREATE INDEX leads_external_id ON leads (external_id) WHERE external_id IS NOT NULL",
                "CREATE INDEX leads_telegram_username ON leads (telegram_username) WHERE telegram_username IS NOT NULL",
            ],
        )
        .await
    }
}
