//! What Telegram said last of a job, kept apart from what Herald decides; and by which reason a failed one is found.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An error's number is no part of the reason: ALLOW_PAYMENT_REQUIRED_5.
        let name = "rtrim(error_message, '0123456789')";
        let fill = format!(
            "UPDATE jobs SET
                 reason = CASE WHEN {name} LIKE '%!_' ESCAPE '!' AND {name} <> error_message
                               THEN substr({name}, 1, length({name}) - 1) ELSE error_message END,
                 telegram_error = CASE WHEN error_message IN ('ACCOUNT_GONE', 'CHANNEL_INACTIVE', 'CONNECTION_LOST',
                     'DEDUPE_WINDOW_OVER', 'DUPLICATE_RECIPIENT', 'MEDIA_FILE_UNREADABLE', 'NOT_CONNECTED', 'STORAGE_FULL',
                     'STORAGE_UNREADABLE', 'TEMPLATE_FAILED', 'TIMED_OUT') THEN NULL ELSE error_message END
             WHERE failed_at IS NOT NULL AND error_message IS NOT NULL"
        );
        crate::run(
            manager,
            &["ALTER TABLE jobs ADD COLUMN telegram_error text", "ALTER TABLE jobs ADD COLUMN reason text", &fill],
        )
        .await
    }
}
