//! Addresses of erased people, as keyed hashes.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use domain::error::Result;
use domain::secret_key::SecretKey;

/// The kinds of addresses of a person that are kept as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Email,
    Phone,
}

impl Kind {
    /// The word in the column `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
        }
    }
}

/// The keyed hash of a normalised address: who has only the database can't try out whose it is.
pub fn hash(key: &SecretKey, kind: Kind, address: &str) -> String {
    let purpose = match kind {
        Kind::Email => "suppressed email",
        Kind::Phone => "suppressed phone",
    };
    key.fingerprint(purpose, address.as_bytes())
}

/// An address that must not come back.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suppressions")]
pub struct Model {
    /// `EMAIL` or `PHONE`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// A keyed hash of the address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub reason: String,
    pub created_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// Keeps the hash of an address, if it is not there yet.
    pub async fn keep(
        tx: &impl ConnectionTrait,
        kind: Kind,
        hash: String,
        reason: &str,
        now: DateTimeUtc,
    ) -> Result<()> {
        let row = Model { kind: kind.as_str().to_owned(), hash, reason: reason.to_owned(), created_at: now };
        let known = OnConflict::columns([Column::Kind, Column::Hash]).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        Ok(())
    }

    /// Whether one of these addresses must not come back.
    pub async fn has(
        db: &impl ConnectionTrait,
        key: &SecretKey,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<bool> {
        for (kind, address) in [(Kind::Email, email), (Kind::Phone, phone)] {
            let Some(address) = address else { continue };
            let id = (kind.as_str().to_owned(), hash(key, kind, address));
            if Self::find_by_id(id).one(db).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
