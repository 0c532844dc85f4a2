//! Rows by key, many in one statement: a key type for each question, and one reader that answers them all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};

use super::turns::Turns;
use crate::domain::error::{Error, Result};
use crate::domain::id::UserId;
use crate::storage::Db;
use crate::storage::access::user;

/// Answers the loaders' questions. Each noun's file in `graphql/` adds its own `impl Loader<Key> for Reader`.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The database.
    pub db: Db,
}

/// The loaders of one request.
pub type Loaders = DataLoader<Reader, HashMapCache>;

/// An error that many waiters share.
pub type LoadError = Arc<Error>;

/// Keys that one statement takes. More than an operation may ask for, so that the number of statements does not grow with it.
const KEYS: usize = 10_000;

/// Loaders for one operation, which load when it is their turn.
pub fn loaders(db: &Db, turns: &Turns) -> Loaders {
    let (reader, turns) = (Reader { db: db.clone() }, turns.clone());
    let loaders = DataLoader::with_cache(reader, move |load| turns.spawn(load), HashMapCache::default());
    loaders.delay(Duration::ZERO).max_batch_size(KEYS)
}

/// Loaders for a subscription: it lives too long to remember what it read.
pub fn forgetful(db: &Db) -> Loaders {
    let loaders = DataLoader::with_cache(Reader { db: db.clone() }, tokio::spawn, HashMapCache::default());
    loaders.enable_all_cache(false);
    loaders
}

/// Shorter than `load_one` with its shared error.
pub trait Load {
    /// The row with this key, if it is there.
    fn one<K>(&self, key: K) -> impl Future<Output = Result<Option<<Reader as Loader<K>>::Value>>> + Send
    where
        K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>;
}

impl Load for Loaders {
    async fn one<K>(&self, key: K) -> Result<Option<<Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        self.load_one(key).await.map_err(Error::Shared)
    }
}

/// Users by id, deleted ones too: what they did keeps its author.
impl Loader<UserId> for Reader {
    type Value = user::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, user::Model>, LoadError> {
        let rows = user::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}
