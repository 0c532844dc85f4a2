//! Rows by key, many in one statement: a key type for each question, and one reader that answers them all.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

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

/// The loaders of one operation.
pub struct Loaders {
    loader: Arc<DataLoader<Reader>>,
    /// What was asked for, by the type of the key: answered or still on its way, it is not asked for again.
    asked: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    remembers: AtomicBool,
}

/// An error that many waiters share.
pub type LoadError = Arc<Error>;

/// What becomes of a question, for all who ask it.
type Answer<V> = Shared<BoxFuture<'static, Result<Option<V>, LoadError>>>;

/// Keys that one statement takes. More than an operation may ask for, so that the number of statements does not grow with it.
const KEYS: usize = 10_000;

/// Loaders for one operation, which load when it is their turn.
pub fn loaders(db: &Db, turns: &Turns) -> Loaders {
    let turns = turns.clone();
    let loader = DataLoader::new(Reader { db: db.clone() }, move |load| turns.spawn(load)).delay(Duration::ZERO);
    Loaders::new(loader.max_batch_size(KEYS), true)
}

/// Loaders for a subscription: it lives too long to remember what it read.
pub fn forgetful(db: &Db) -> Loaders {
    Loaders::new(DataLoader::new(Reader { db: db.clone() }, tokio::spawn), false)
}

impl Loaders {
    fn new(loader: DataLoader<Reader>, remembers: bool) -> Self {
        Self { loader: Arc::new(loader), asked: Mutex::default(), remembers: remembers.into() }
    }

    /// From now on everything is read anew.
    pub fn forget(&self) {
        self.remembers.store(false, Ordering::Relaxed);
    }

    /// The rows with these keys that are there.
    pub async fn many<K>(&self, keys: impl IntoIterator<Item = K>) -> Result<HashMap<K, <Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        self.loader.load_many(keys).await.map_err(Error::Shared)
    }

    fn answer<K>(&self, key: K) -> Answer<<Reader as Loader<K>>::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        // Each change of it is a single step, so a panic elsewhere leaves it whole.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = asked
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Box::<HashMap<K, Answer<<Reader as Loader<K>>::Value>>>::default());
        let answers: &mut HashMap<K, Answer<_>> = answers.downcast_mut().expect("it is stored under its type");
        let ask = |loader: Arc<DataLoader<Reader>>, key| async move { loader.load_one(key).await }.boxed().shared();
        answers.entry(key.clone()).or_insert_with(|| ask(self.loader.clone(), key)).clone()
    }
}

/// Rows by key.
pub trait Load {
    /// The row with this key, if it is there.
    fn one<K>(&self, key: K) -> impl Future<Output = Result<Option<<Reader as Loader<K>>::Value>>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>;
}

impl Load for Loaders {
    async fn one<K>(&self, key: K) -> Result<Option<<Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        let found = if self.remembers.load(Ordering::Relaxed) {
            self.answer(key).await
        } else {
            self.loader.load_one(key).await
        };
        found.map_err(Error::Shared)
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
