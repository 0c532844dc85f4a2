//! Rows by key, many in one statement: a key type for each question, and one reader that answers them all.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::dataloader::{DataLoader, Loader};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use super::batching::Batching;
use domain::error::{Error, Result};
use domain::id::UserId;
use storage::Db;
use storage::access::user;

/// Answers the loaders' questions. Each noun's file in `graphql/` adds its own `impl Loader<Key> for Reader`.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The database.
    pub db: Db,
}

impl Reader {
    /// The rows with these keys: one statement, of more keys than an operation may ask for by default.
    async fn all<K>(&self, keys: &[K]) -> Result<HashMap<K, <Self as Loader<K>>::Value>, LoadError>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Self: Loader<K, Error = LoadError>,
    {
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(KEYS) {
            found.extend(self.load(keys).await?);
        }
        Ok(found)
    }
}

/// The loaders of one operation, or of one subscription.
pub struct Loaders {
    loader: DataLoader<Reader>,
    /// When an operation's loaders load. A subscription's load when the library lets them, and it lives too long to remember
    /// what it read.
    batching: Option<Batching>,
    /// What was asked, by the type of the key.
    asked: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    remembers: AtomicBool,
}

/// An error that many waiters share.
pub type LoadError = Arc<Error>;

/// Keys of a statement at most: SQLite takes 32,766 values, and some keys have two.
const KEYS: usize = 10_000;

/// The rows that one statement has found.
type Rows<K> = Result<Arc<HashMap<K, <Reader as Loader<K>>::Value>>, LoadError>;

/// The rows of one statement, when they have come.
type Coming<K> = Shared<BoxFuture<'static, Rows<K>>>;

/// What was asked by keys of one type.
struct Asked<K: Send + Sync + Hash + Eq + Clone + 'static>
where
    Reader: Loader<K, Error = LoadError>,
{
    /// What is not asked for again.
    known: HashMap<K, Coming<K>>,
    /// What is asked for by the next statement.
    next: Option<Next<K>>,
}

/// A statement that has not begun.
struct Next<K: Send + Sync + Hash + Eq + Clone + 'static>
where
    Reader: Loader<K, Error = LoadError>,
{
    /// Its keys; None once it has begun.
    keys: Arc<Mutex<Option<HashSet<K>>>>,
    rows: Coming<K>,
}

/// Loaders for one operation, which load when it is their turn.
pub fn loaders(db: &Db, batching: &Batching) -> Loaders {
    Loaders::new(db, Some(batching.clone()))
}

/// Loaders for a subscription.
pub fn forgetful(db: &Db) -> Loaders {
    Loaders::new(db, None)
}

impl Loaders {
    fn new(db: &Db, batching: Option<Batching>) -> Self {
        let loader = DataLoader::new(Reader { db: db.clone() }, tokio::spawn);
        Self { loader, batching, asked: Mutex::default(), remembers: true.into() }
    }

    /// From now on everything is read anew.
    pub fn forget(&self) {
        self.remembers.store(false, Ordering::Relaxed);
    }

    /// Reads rows that will be asked for one by one, such as those that the nodes of a page lead to: it is cheaper at once.
    pub async fn ahead<K>(&self, keys: impl IntoIterator<Item = K>) -> Result<()>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        let Some(batching) = self.batching.as_ref().filter(|_| self.remembers.load(Ordering::Relaxed)) else {
            return Ok(());
        };
        let coming: Vec<Coming<K>> = keys.into_iter().map(|key| self.ask(batching, key)).collect();
        for rows in coming {
            rows.await.map_err(Error::Shared)?;
        }
        Ok(())
    }

    /// The statement that reads the row with this key: one that is known, or the next.
    fn ask<K>(&self, batching: &Batching, key: K) -> Coming<K>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        // Each change of it is a single step, so a panic elsewhere leaves it whole.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = asked.entry(TypeId::of::<K>()).or_insert_with(|| Box::<Asked<K>>::default());
        let asked: &mut Asked<K> = asked.downcast_mut().expect("it is stored under its type");
        let remembers = self.remembers.load(Ordering::Relaxed);
        if let Some(rows) = asked.known.get(&key).filter(|_| remembers) {
            return rows.clone();
        }
        let next = match asked.next.take().filter(|next| next.takes(key.clone())) {
            Some(next) => asked.next.insert(next),
            None => asked.next.insert(Next::begin(self.loader.loader(), batching, key.clone())),
        };
        if remembers {
            asked.known.insert(key, next.rows.clone());
        }
        next.rows.clone()
    }
}

impl<K: Send + Sync + Hash + Eq + Clone + 'static> Default for Asked<K>
where
    Reader: Loader<K, Error = LoadError>,
{
    fn default() -> Self {
        Self { known: HashMap::new(), next: None }
    }
}

impl<K: Send + Sync + Hash + Eq + Clone + 'static> Next<K>
where
    Reader: Loader<K, Error = LoadError>,
{
    /// A statement for this key and those to come, until its turn.
    fn begin(reader: &Reader, batching: &Batching, key: K) -> Self {
        let keys = Arc::new(Mutex::new(Some(HashSet::from([key]))));
        let (sender, rows) = oneshot::channel();
        let (wanted, reader) = (keys.clone(), reader.clone());
        let load = async move {
            let keys: Vec<K> = held(&wanted).take().unwrap_or_default().into_iter().collect();
            // Who waited may have gone.
            drop(sender.send(reader.all(&keys).await.map(Arc::new)));
        };
        batching.add(load.boxed());
        let gone = || Arc::new(Error::internal(anyhow::anyhow!("the operation has ended before its loads")));
        let rows = rows.map(move |rows| rows.unwrap_or_else(|_| Err(gone())));
        Self { keys, rows: rows.boxed().shared() }
    }

    /// Adds a key, unless the statement has begun.
    fn takes(&self, key: K) -> bool {
        held(&self.keys).as_mut().map(|keys| keys.insert(key)).is_some()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
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
        match &self.batching {
            Some(batching) => {
                let rows = self.ask(batching, key.clone()).await.map_err(Error::Shared)?;
                Ok(rows.get(&key).cloned())
            }
            None => self.loader.load_one(key).await.map_err(Error::Shared),
        }
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
