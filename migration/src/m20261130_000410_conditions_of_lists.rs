//! Indexes for the conditions of lists that had none, such as the channels that were added within some time and the few that Telegram has
//! verified: whatever was asked for, the whole table was read.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "CREATE INDEX channels_created_at ON channels (created_at, id)",
            "CREATE INDEX channels_verified ON channels (username, id) WHERE is_verified",
            "CREATE INDEX channel_imports_status ON channel_imports (status, id)",
            "CREATE INDEX lead_imports_status ON lead_imports (status, id)",
            "CREATE INDEX tasks_kind ON tasks (kind, id)",
            "CREATE INDEX tasks_status ON tasks (status, id)",
            "CREATE INDEX refusals_channel ON refusals (channel, created_at, id)",
            "CREATE INDEX refusals_created_at ON refusals (created_at, id)",
            "CREATE INDEX conversions_channel ON conversions (channel, created_at, id)",
            "CREATE INDEX conversions_revenue ON conversions (revenue_micros, id)",
        ];
        crate::run(manager, &indexes).await
    }
}
