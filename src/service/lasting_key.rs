//! The key of what outlives every replacement of the installation's key: made once, sealed in the database, opened at each start.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use sea_orm::{EntityTrait, PaginatorTrait};
use secrecy::ExposeSecret;

use domain::error::{Error, Result};
use domain::sealed::Vault;
use domain::secret_key::{Lasting, SecretKey};
use storage::access::installation_key::{Entity, MAKES, Model};
use storage::access::user;
use storage::retention::{lead, refusal};
use storage::shelf::SHELVES;
use storage::{Db, Tx};

/// What is said to who opens a database with another key than its own.
const OTHER_KEY: &str = "HERALD_SECRET_KEY: this database belongs to another key, under which its secrets, its refusals and the \
    links in sent mails were made. Start with that key; to replace it, give the new one as HERALD_SECRET_KEY and the one until \
    now as HERALD_SECRET_KEY_BEFORE, and run herald secrets rotate. Without the variable, the key is the file secret.key in \
    the data folder that has been used with this database";

/// The installation's key, and the one before, while it is being replaced.
#[derive(Debug, Clone)]
pub struct Given {
    /// The present one.
    pub key: SecretKey,
    /// The one before.
    pub before: Option<SecretKey>,
}

/// Opens the lasting key of the database. At the first start it is made; where an earlier version has worked, it is the present
/// key of the installation, under which that version has made everything.
///
/// `HERALD_SECRET_KEY_BEFORE` of such an installation is recognised as well, so that it can bring back what a rotation under an
/// earlier version has lost.
///
/// # Errors
/// [`Error::Precondition`] with a sentence, if the database belongs to another key.
pub async fn open(db: &Db, vault: &Vault, given: &Given, now: DateTime<Utc>) -> Result<Lasting> {
    let mut rows = Entity::everything(db.reader()).await?;
    if !rows.iter().any(|row| row.id == MAKES) {
        // Of processes that start at once the first is right; the others read what it has kept.
        db.write(|tx| async move { make(&tx, vault, given, now).await }).await?;
        rows = Entity::everything(db.reader()).await?;
    }
    let makes = opened(vault, &rows, MAKES)?;
    if let Some(before) = &given.before
        && makes.is_same(&given.key)
        && !before.is_same(&makes)
        && !rows.iter().any(|row| row.id == before.id())
    {
        db.write(|tx| async move { Entity::keep(&*tx, sealed(vault, before.id(), before, now)).await }).await?;
        rows = Entity::everything(db.reader()).await?;
    }
    let others = rows.iter().filter(|row| row.id != MAKES);
    let earlier = others.map(|row| opened(vault, &rows, row.id)).collect::<Result<_>>()?;
    Ok(Lasting::new(makes, earlier))
}

/// Whether `vault` opens the lasting key of the database, if it has one already; nothing is written.
///
/// # Errors
/// [`Error::Precondition`] with a sentence, if the database belongs to another key.
pub async fn examine(db: &Db, vault: &Vault) -> Result<()> {
    let rows = Entity::everything(db.reader()).await?;
    if rows.is_empty() {
        return Ok(());
    }
    opened(vault, &rows, MAKES).map(drop)
}

async fn make(tx: &Tx, vault: &Vault, given: &Given, now: DateTime<Utc>) -> Result<()> {
    let mut secrets = Vec::new();
    for shelf in SHELVES {
        secrets.extend(shelf.all(tx).await?);
    }
    if !secrets.is_empty() && !secrets.iter().any(|sealed| vault.has_key_of(sealed)) {
        return Err(Error::Precondition(OTHER_KEY.to_owned()));
    }
    let is_new = user::Entity::find().count(tx).await? == 0
        && lead::Entity::find().count(tx).await? == 0
        && refusal::Entity::find().count(tx).await? == 0;
    let key = if is_new { SecretKey::made_up() } else { given.key.clone() };
    Entity::keep(tx, sealed(vault, MAKES, &key, now)).await
}

fn sealed(vault: &Vault, id: Uuid, key: &SecretKey, now: DateTime<Utc>) -> Model {
    Model { id, sealed: vault.seal(Model::place(id), key.bytes()), created_at: now }
}

fn opened(vault: &Vault, rows: &[Model], id: Uuid) -> Result<SecretKey> {
    let row =
        rows.iter().find(|row| row.id == id).ok_or_else(|| Error::internal(anyhow::anyhow!("there is no key")))?;
    if !vault.has_key_of(&row.sealed) {
        return Err(Error::Precondition(OTHER_KEY.to_owned()));
    }
    let bytes = vault.open(Model::place(id), &row.sealed).map_err(Error::internal)?;
    let bytes: [u8; 32] = bytes.expose_secret().try_into().map_err(Error::internal)?;
    Ok(SecretKey::new(bytes))
}
