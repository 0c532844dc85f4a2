//! Sums over time of what became of messages: how many were sent and how many failed, of which campaign, when, and why.

use sea_orm_migration::prelude::*;

use crate::m20261130_000310_time_sums::{NONE, Summed};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A job is made queued, so that no insert is looked at.
const JOBS: Summed = Summed {
    table: "jobs",
    at: "CASE {row}status WHEN 'SENT' THEN {row}sent_at WHEN 'FAILED' THEN {row}failed_at END",
    owner: "{row}campaign_id",
    status: "{row}status",
    detail: "COALESCE({row}reason, '')",
    ..NONE
};

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = crate::is_postgres(manager);
        let mut statements = if is_postgres { JOBS.postgres() } else { JOBS.sqlite() };
        statements.retain(|statement| !statement.contains("TRIGGER jobs_sums_insert"));
        statements.extend(JOBS.fill(is_postgres));
        crate::run(manager, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}
