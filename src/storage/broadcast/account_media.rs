//! Media that an account has put at Telegram. It is never shared: an access hash belongs to one account.

use sea_orm::DeleteMany;
use sea_orm::entity::prelude::*;

use domain::id::TelegramAccountId;

/// Media, as one account may name it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_media")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: TelegramAccountId,
    /// The kind of the media, and the upload or the URL that it came from.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    pub is_photo: bool,
    pub media_id: i64,
    pub access_hash: i64,
    /// A permission that ends some day, in base64.
    pub file_reference: String,
    pub stored_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// The copy that an account has of a source.
    pub fn of(account: TelegramAccountId, source: &str) -> Select<Self> {
        Self::find().filter(Column::AccountId.eq(account)).filter(Column::Source.eq(source))
    }

    /// Forgets what an account has of a source.
    pub fn forget(account: TelegramAccountId, source: &str) -> DeleteMany<Self> {
        Self::delete_many().filter(Column::AccountId.eq(account)).filter(Column::Source.eq(source))
    }
}
