//! Herald's database schema: forward only, one change a file, each with an `up` that works on data.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261122_000001_users;
mod m20261122_000002_audit_logs;
mod m20261122_000003_channels;
mod m20261122_000004_batches;
mod m20261122_000005_templates;
mod m20261122_000006_uploads;
mod m20261122_000007_channel_imports;
mod m20261122_000008_broadcast_campaigns;
mod m20261122_000009_jobs;
mod m20261122_000010_senders;
mod m20261122_000011_api_tokens;
mod m20261122_000012_login_throttles;
mod m20261122_000013_sso_subjects;
mod m20261122_000014_audit_archives;
mod m20261122_000021_idempotency_keys;
mod m20261122_000022_telegram_accounts;
mod m20261122_000023_campaign_accounts;
mod m20261122_000024_account_failover;
mod m20261122_000030_account_leases;
mod m20261122_000031_account_peers;
mod m20261122_000032_job_peers;
mod m20261122_000040_leads;
mod m20261122_000041_consents;
mod m20261122_000042_suppressions;
mod m20261122_000043_retention_campaigns;
mod m20261122_000044_campaign_leads;
mod m20261122_000045_scripts;
mod m20261122_000046_retention_sequences;
mod m20261122_000047_sequence_steps;
mod m20261122_000048_sequence_enrollments;
mod m20261122_000049_ab_tests;
mod m20261122_000050_contact_attempts;
mod m20261122_000051_sequence_step_executions;
mod m20261122_000052_conversions;
mod m20261122_000053_conversion_rules;
mod m20261122_000054_integration_configs;
mod m20261122_000055_lead_imports;
mod m20261122_000056_webhook_events;
mod m20261122_000057_attempts_of_scripts;
mod m20261122_000060_execution_channels;
mod m20261122_000061_sequence_progress;
mod m20261122_000062_channel_paces;
mod m20261122_000063_sequence_clock;
mod m20261122_000080_report_columns;
mod m20261122_000081_running_ab_tests;
mod m20261122_000082_lines_about_things;
mod m20261122_000083_conversion_rule_checks;
mod m20261122_000095_channel_posting;
mod m20261122_000096_account_media;
mod m20261122_000097_sent_changes;
mod m20261123_000110_quiet_accounts;
mod m20261123_000120_lead_peers;
mod m20261123_000121_executions_of_steps;
mod m20261123_000122_instantly_blocks;
mod m20261123_000123_suppression_lists;
mod m20261129_000200_installation_keys;
mod m20261129_000201_stops;
mod m20261129_000202_alerts;
mod m20261129_000203_leads_of_claims;
mod m20261129_000210_channel_paces_taken;
mod m20261129_000220_names_of_uploads;
mod m20261129_000221_vacuum_of_hot_tables;
mod m20261129_000222_lines_about_anything;
mod m20261129_000230_folded_texts;
mod m20261129_000231_sso_sessions;
mod m20261129_000240_external_ids;
mod m20261129_000241_natural_keys;
mod m20261129_000250_requests_of_sent_changes;
mod m20261129_000251_kinds_of_peers;
mod m20261129_000252_private_batches;
mod m20261129_000253_doubtful_jobs;
mod m20261129_000255_words_of_telegram;
mod m20261129_000256_failures;
mod m20261129_000257_missed_schedules;
mod m20261129_000260_refusals;
mod m20261129_000261_unused_columns;
mod m20261130_000265_late_senders;
mod m20261130_000270_lives;
mod m20261130_000271_doubted_campaigns;
mod m20261130_000280_rare_jobs;
mod m20261130_000281_trigrams;
mod m20261130_000282_keys_of_callbacks;
mod m20261130_000283_rare_contacts;
mod m20261130_000284_tallies;
mod m20261130_000290_instantly_state;
mod m20261130_000291_sequence_audience;
mod m20261130_000292_spelled_emails;
mod m20261130_000293_step_origins;
mod m20261130_000294_outcomes_of_callbacks;
mod m20261130_000300_tasks;
mod m20261130_000310_time_sums;
mod m20261130_000311_pruned_rows;
mod m20261130_000312_sums_of_jobs;
mod m20261130_000313_quicker_sums_of_jobs;
mod m20261130_000330_worlds_of_sequences;
mod m20261130_000340_click_tracking;
mod m20261130_000341_tracked_links;
mod m20261130_000350_mailboxes;
mod m20261130_000360_deleted_nouns;
mod m20261130_000361_credits;
mod m20261130_000362_removed_jobs;
mod m20261130_000380_ids_of_gone_leads;
mod m20261130_000395_removed_accounts;
mod m20261130_000400_words_of_postbacks;
mod m20261130_000410_conditions_of_lists;
mod m20261130_000420_sessions;
mod m20261130_000421_drained_workers;
mod m20261130_000430_formats_of_scripts;
mod m20261130_000431_orders_of_leads;
mod m20261130_000432_hooks_at_instantly;
mod m20261130_000433_ended_sessions_of_sso;
mod m20261130_000440_letters;
mod m20261130_000441_contacts_of_scripts;
mod m20261130_000450_encodings_of_imports;
mod m20261130_000460_known_letters;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(m20261122_000001_users::Migration),
            Box::new(m20261122_000002_audit_logs::Migration),
            Box::new(m20261122_000003_channels::Migration),
            Box::new(m20261122_000004_batches::Migration),
            Box::new(m20261122_000005_templates::Migration),
            Box::new(m20261122_000006_uploads::Migration),
            Box::new(m20261122_000007_channel_imports::Migration),
            Box::new(m20261122_000008_broadcast_campaigns::Migration),
            Box::new(m20261122_000009_jobs::Migration),
            Box::new(m20261122_000010_senders::Migration),
            Box::new(m20261122_000011_api_tokens::Migration),
            Box::new(m20261122_000012_login_throttles::Migration),
            Box::new(m20261122_000013_sso_subjects::Migration),
            Box::new(m20261122_000014_audit_archives::Migration),
            Box::new(m20261122_000021_idempotency_keys::Migration),
            Box::new(m20261122_000022_telegram_accounts::Migration),
            Box::new(m20261122_000023_campaign_accounts::Migration),
            Box::new(m20261122_000024_account_failover::Migration),
            Box::new(m20261122_000030_account_leases::Migration),
            Box::new(m20261122_000031_account_peers::Migration),
            Box::new(m20261122_000032_job_peers::Migration),
            Box::new(m20261122_000040_leads::Migration),
            Box::new(m20261122_000041_consents::Migration),
            Box::new(m20261122_000042_suppressions::Migration),
            Box::new(m20261122_000043_retention_campaigns::Migration),
            Box::new(m20261122_000044_campaign_leads::Migration),
            Box::new(m20261122_000045_scripts::Migration),
            Box::new(m20261122_000046_retention_sequences::Migration),
            Box::new(m20261122_000047_sequence_steps::Migration),
            Box::new(m20261122_000048_sequence_enrollments::Migration),
            Box::new(m20261122_000049_ab_tests::Migration),
            Box::new(m20261122_000050_contact_attempts::Migration),
            Box::new(m20261122_000051_sequence_step_executions::Migration),
            Box::new(m20261122_000052_conversions::Migration),
            Box::new(m20261122_000053_conversion_rules::Migration),
            Box::new(m20261122_000054_integration_configs::Migration),
            Box::new(m20261122_000055_lead_imports::Migration),
            Box::new(m20261122_000056_webhook_events::Migration),
            Box::new(m20261122_000057_attempts_of_scripts::Migration),
            Box::new(m20261122_000060_execution_channels::Migration),
            Box::new(m20261122_000061_sequence_progress::Migration),
            Box::new(m20261122_000062_channel_paces::Migration),
            Box::new(m20261122_000063_sequence_clock::Migration),
            Box::new(m20261122_000080_report_columns::Migration),
            Box::new(m20261122_000081_running_ab_tests::Migration),
            Box::new(m20261122_000082_lines_about_things::Migration),
            Box::new(m20261122_000083_conversion_rule_checks::Migration),
            Box::new(m20261122_000095_channel_posting::Migration),
            Box::new(m20261122_000096_account_media::Migration),
            Box::new(m20261122_000097_sent_changes::Migration),
        ];
        all.extend(later());
        all.extend(latest());
        all
    }
}

/// Those since the 23rd of November 2026, in order.
fn later() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m20261123_000110_quiet_accounts::Migration),
        Box::new(m20261123_000120_lead_peers::Migration),
        Box::new(m20261123_000121_executions_of_steps::Migration),
        Box::new(m20261123_000122_instantly_blocks::Migration),
        Box::new(m20261123_000123_suppression_lists::Migration),
        Box::new(m20261129_000200_installation_keys::Migration),
        Box::new(m20261129_000201_stops::Migration),
        Box::new(m20261129_000202_alerts::Migration),
        Box::new(m20261129_000203_leads_of_claims::Migration),
        Box::new(m20261129_000210_channel_paces_taken::Migration),
        Box::new(m20261129_000220_names_of_uploads::Migration),
        Box::new(m20261129_000221_vacuum_of_hot_tables::Migration),
        Box::new(m20261129_000222_lines_about_anything::Migration),
        Box::new(m20261129_000230_folded_texts::Migration),
        Box::new(m20261129_000231_sso_sessions::Migration),
        Box::new(m20261129_000255_words_of_telegram::Migration),
        Box::new(m20261129_000256_failures::Migration),
        Box::new(m20261129_000257_missed_schedules::Migration),
        Box::new(m20261129_000250_requests_of_sent_changes::Migration),
        Box::new(m20261129_000251_kinds_of_peers::Migration),
        Box::new(m20261129_000252_private_batches::Migration),
        Box::new(m20261129_000253_doubtful_jobs::Migration),
        Box::new(m20261129_000240_external_ids::Migration),
        Box::new(m20261129_000241_natural_keys::Migration),
        Box::new(m20261129_000260_refusals::Migration),
        Box::new(m20261129_000261_unused_columns::Migration),
    ]
}

/// Those since the 30th of November 2026, in order.
fn latest() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m20261130_000265_late_senders::Migration),
        Box::new(m20261130_000270_lives::Migration),
        Box::new(m20261130_000271_doubted_campaigns::Migration),
        Box::new(m20261130_000280_rare_jobs::Migration),
        Box::new(m20261130_000281_trigrams::Migration),
        Box::new(m20261130_000282_keys_of_callbacks::Migration),
        Box::new(m20261130_000283_rare_contacts::Migration),
        Box::new(m20261130_000284_tallies::Migration),
        Box::new(m20261130_000290_instantly_state::Migration),
        Box::new(m20261130_000291_sequence_audience::Migration),
        Box::new(m20261130_000292_spelled_emails::Migration),
        Box::new(m20261130_000293_step_origins::Migration),
        Box::new(m20261130_000294_outcomes_of_callbacks::Migration),
        Box::new(m20261130_000300_tasks::Migration),
        Box::new(m20261130_000310_time_sums::Migration),
        Box::new(m20261130_000311_pruned_rows::Migration),
        Box::new(m20261130_000312_sums_of_jobs::Migration),
        Box::new(m20261130_000313_quicker_sums_of_jobs::Migration),
        Box::new(m20261130_000330_worlds_of_sequences::Migration),
        Box::new(m20261130_000340_click_tracking::Migration),
        Box::new(m20261130_000341_tracked_links::Migration),
        Box::new(m20261130_000350_mailboxes::Migration),
        Box::new(m20261130_000360_deleted_nouns::Migration),
        Box::new(m20261130_000361_credits::Migration),
        Box::new(m20261130_000362_removed_jobs::Migration),
        Box::new(m20261130_000380_ids_of_gone_leads::Migration),
        Box::new(m20261130_000395_removed_accounts::Migration),
        Box::new(m20261130_000400_words_of_postbacks::Migration),
        Box::new(m20261130_000410_conditions_of_lists::Migration),
        Box::new(m20261130_000420_sessions::Migration),
        Box::new(m20261130_000421_drained_workers::Migration),
        Box::new(m20261130_000430_formats_of_scripts::Migration),
        Box::new(m20261130_000431_orders_of_leads::Migration),
        Box::new(m20261130_000432_hooks_at_instantly::Migration),
        Box::new(m20261130_000433_ended_sessions_of_sso::Migration),
        Box::new(m20261130_000440_letters::Migration),
        Box::new(m20261130_000441_contacts_of_scripts::Migration),
        Box::new(m20261130_000450_encodings_of_imports::Migration),
        Box::new(m20261130_000460_known_letters::Migration),
    ]
}

/// Runs statements one by one. The text is SQL that PostgreSQL and SQLite both read, with two words that differ:
/// `{uuid}` and `{instant}` are the column types of ids and instants.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let (uuid, instant, json) = match manager.get_database_backend() {
        sea_orm::DatabaseBackend::Postgres => ("uuid", "timestamptz", "jsonb"),
        // What sqlx writes for an id is a blob of 16 bytes; for an instant and for JSON it is text.
        _ => ("blob", "text", "text"),
    };
    for statement in statements {
        let statement = statement.replace("{uuid}", uuid).replace("{instant}", instant).replace("{json}", json);
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Whether the database is PostgreSQL, for what only it has.
pub(crate) fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == sea_orm::DatabaseBackend::Postgres
}
