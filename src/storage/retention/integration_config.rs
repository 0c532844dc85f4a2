//! How providers are reached.

use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::error::Result;
use domain::id::IntegrationConfigId;
use domain::retention::credentials::Provider;

/// The configuration of a provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "integration_configs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IntegrationConfigId,
    /// In small letters; no two have the same.
    pub provider: String,
    /// The purpose of the integration: email, sms, call, tracking.
    #[sea_orm(column_name = "type")]
    pub kind: String,
    /// Encrypted.
    pub config: String,
    /// The parts that may be shown: fields, and the last characters of secrets.
    pub hints: Json,
    pub is_active: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
}

joins_nothing!();

noun!(IntegrationConfigId);

impl Entity {
    /// The one of a provider.
    pub fn of(provider: Provider) -> Select<Self> {
        Self::find().filter(Column::Provider.eq(provider.name()))
    }

    /// Integrations that are used.
    pub fn active() -> Select<Self> {
        Self::find().filter(Column::IsActive.eq(true))
    }
}

crate::filter::filter! {
    /// Which integrations are wanted.
    IntegrationConfigFilter of Entity {
        providers: Vec<&'static str> => |names| Column::Provider.is_in(names),
        is_active: bool => |is_active| Column::IsActive.eq(is_active),
    }
}
