//! What leads agreed to, and what they took back.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use domain::id::{ConsentId, LeadId};
use domain::retention::words::{ConsentKind, ContactChannel};

/// A consent, or its withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConsentId,
    pub lead_id: LeadId,
    /// None: every channel.
    pub channel: Option<ContactChannel>,
    pub kind: ConsentKind,
    /// How it came: a form, a call, a STOP, an import.
    pub source: String,
    /// The text that the lead agreed to, word for word, or which version of it.
    pub wording: Option<String>,
    pub given_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// Those of `ids` that are there.
    pub fn by_ids(ids: &[ConsentId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied()))
    }

    /// Consents that some leads gave and took back, oldest first.
    pub fn of(leads: &[LeadId]) -> Select<Self> {
        let found = Self::find().filter(Column::LeadId.is_in(leads.iter().copied()));
        found.order_by_asc(Column::GivenAt).order_by_asc(Column::Id)
    }
}
