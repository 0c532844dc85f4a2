//! What a Telegram user's account had done when it was removed, for as long as it matters to Telegram.

use sea_orm::entity::prelude::*;

/// An account that is not there any more.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removed_telegram_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub telegram_user_id: i64,
    pub removed_at: DateTimeUtc,
    /// The day of which the counts are.
    pub day: i32,
    pub sends_today: i32,
    pub new_peers_today: i32,
    pub resolves_today: i32,
    pub send_not_before: Option<DateTimeUtc>,
    pub resolve_not_before: Option<DateTimeUtc>,
    pub read_not_before: Option<DateTimeUtc>,
}

joins_nothing!();
