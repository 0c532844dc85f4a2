//! Addresses of erased people, as keyed hashes.

use std::collections::HashMap;

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use domain::error::Result;
use domain::secret_key::{Lasting, LastingUse};

/// Hashes that one statement looks for.
const CHUNK: usize = 500;

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

    /// What its hash is made for.
    const fn of(self) -> LastingUse {
        match self {
            Self::Email => LastingUse::RefusedEmails,
            Self::Phone => LastingUse::RefusedPhones,
        }
    }
}

/// The keyed hash of a normalised address: who has only the database can't try out whose it is.
pub fn hash(key: &Lasting, kind: Kind, address: &str) -> String {
    key.fingerprint(kind.of(), address.as_bytes())
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
        key: &Lasting,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<bool> {
        for (kind, address) in [(Kind::Email, email), (Kind::Phone, phone)] {
            let Some(address) = address else { continue };
            let bytes = address.as_bytes();
            let hashes = std::iter::once(hash(key, kind, address)).chain(key.earlier_fingerprints(kind.of(), bytes));
            if !Self::known(db, kind, hashes.collect()).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those of the addresses that were kept under an earlier key, and the hash by which each is known.
    pub async fn kept_earlier(
        db: &impl ConnectionTrait,
        key: &Lasting,
        kind: Kind,
        addresses: &[&str],
    ) -> Result<HashMap<String, String>> {
        let hashes = addresses.iter().flat_map(|address| {
            key.earlier_fingerprints(kind.of(), address.as_bytes()).map(|hash| (hash, (*address).to_owned()))
        });
        let hashes: HashMap<String, String> = hashes.collect();
        let mut kept = HashMap::new();
        let all: Vec<String> = hashes.keys().cloned().collect();
        for chunk in all.chunks(CHUNK) {
            for hash in Self::known(db, kind, chunk.to_vec()).await? {
                kept.extend(hashes.get(&hash).map(|address| (address.clone(), hash)));
            }
        }
        Ok(kept)
    }

    async fn known(db: &impl ConnectionTrait, kind: Kind, hashes: Vec<String>) -> Result<Vec<String>> {
        let found = Self::find().filter(Column::Kind.eq(kind.as_str())).filter(Column::Hash.is_in(hashes)).all(db);
        Ok(found.await?.into_iter().map(|row| row.hash).collect())
    }
}
