//! Rows by key, many in one statement: a key type for each question, and one reader that answers them all.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::dataloader::Loader;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::batching::Batching;
use domain::error::{Error, Result};
use storage::Db;

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
    reader: Reader,
    batching: Batching,
    /// The questions by the type of the key.
    asked: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    remembers: AtomicBool,
    /// Whether loads go on while nobody asks what became of them.
    is_detached: bool,
}

/// An error that many waiters share.
pub type LoadError = Arc<Error>;

/// Keys of a statement at most: `SQLite` takes 32,766 values, and some keys have two.
const KEYS: usize = 10_000;

/// The rows that one statement has found, a map by key. Their types are known to who asks; all that is not about keys is compiled
/// once for all questions.
type Rows = Result<Arc<dyn Any + Send + Sync>, LoadError>;

/// The rows of one statement, when they have come.
type Coming = Shared<BoxFuture<'static, Rows>>;

/// Keys of a statement; None once it has begun.
type Keys<K> = Arc<Mutex<Option<Vec<K>>>>;

/// The questions by keys of one type.
struct Asked<K> {
    /// The answers that are not asked for again.
    known: HashMap<K, Coming>,
    /// The newest statement.
    next: Option<(Keys<K>, Coming)>,
}

impl<K> Default for Asked<K> {
    fn default() -> Self {
        Self { known: HashMap::new(), next: None }
    }
}

/// Loaders for one operation, which load when it is their turn.
pub fn loaders(db: &Db, batching: &Batching) -> Loaders {
    Loaders {
        reader: Reader { db: db.clone() },
        batching: batching.clone(),
        asked: Mutex::default(),
        remembers: true.into(),
        is_detached: false,
    }
}

/// Loaders for a subscription, which lives too long to remember what it read. Its socket may be busy with a client that does not
/// read: that must not keep what a load holds of the database.
pub fn forgetful(db: &Db, batching: &Batching) -> Loaders {
    Loaders { remembers: false.into(), is_detached: true, ..loaders(db, batching) }
}

impl Loaders {
    /// From now on everything is read anew.
    pub fn forget(&self) {
        self.remembers.store(false, Ordering::Relaxed);
        held(&self.asked).clear();
    }

    /// Reads rows that will be asked for one by one, such as those that the nodes of a page lead to: it is cheaper at once.
    pub async fn ahead<K>(&self, keys: impl IntoIterator<Item = K>) -> Result<()>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        if !self.remembers.load(Ordering::Relaxed) {
            return Ok(());
        }
        let coming: Vec<Coming> = keys.into_iter().map(|key| self.ask(key)).collect();
        all_of(coming).await
    }

    /// The statement that reads the row with this key: one that is known, or the next.
    fn ask<K>(&self, key: K) -> Coming
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        // Each change of it is a single step, so a panic elsewhere leaves it whole.
        let mut asked = held(&self.asked);
        let asked = asked.entry(TypeId::of::<K>()).or_insert_with(|| Box::<Asked<K>>::default());
        let asked: &mut Asked<K> = asked.downcast_mut().expect("it is stored under its type");
        let has_begun = asked.next.as_ref().is_none_or(|(keys, _)| held(keys).is_none());
        if has_begun && !self.remembers.load(Ordering::Relaxed) {
            asked.known.clear();
        }
        if let Some(rows) = asked.known.get(&key) {
            return rows.clone();
        }
        // A statement may begin in another thread at any time, unless its keys are held.
        let joined = asked.next.as_ref().and_then(|(keys, rows)| {
            held(keys).as_mut()?.push(key.clone());
            Some(rows.clone())
        });
        let rows = joined.unwrap_or_else(|| {
            let keys: Keys<K> = Arc::new(Mutex::new(Some(vec![key.clone()])));
            let rows = self.begin(statement(self.reader.clone(), keys.clone()));
            asked.next.insert((keys, rows)).1.clone()
        });
        asked.known.insert(key, rows.clone());
        rows
    }

    /// Has a statement made with the next turn.
    fn begin(&self, statement: BoxFuture<'static, Rows>) -> Coming {
        let (sender, rows) = oneshot::channel();
        // Who waited may have gone.
        let load = statement.map(|rows| drop(sender.send(rows)));
        self.batching.add(if self.is_detached { detached(load).boxed() } else { load.boxed() });
        let gone = || Arc::new(Error::internal(anyhow::anyhow!("the operation has ended before its loads")));
        rows.map(move |rows| rows.unwrap_or_else(|_| Err(gone()))).boxed().shared()
    }
}

/// Reads the rows with the keys that were asked for by then.
fn statement<K>(reader: Reader, keys: Keys<K>) -> BoxFuture<'static, Rows>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Reader: Loader<K, Error = LoadError>,
{
    async move {
        let keys = held(&keys).take().unwrap_or_default();
        Ok(Arc::new(reader.all(&keys).await?) as Arc<dyn Any + Send + Sync>)
    }
    .boxed()
}

/// Runs a load in a task of its own, which ends with who waits for it. If it panics, it leaves nothing.
async fn detached(load: impl Future<Output = ()> + Send + 'static) {
    AbortOnDropHandle::new(tokio::spawn(load)).await.ok();
}

async fn all_of(coming: Vec<Coming>) -> Result<()> {
    for rows in coming {
        rows.await.map_err(Error::Shared)?;
    }
    Ok(())
}

/// Values by key, such as the rows that belong to each of many others.
pub fn grouped<K: Eq + Hash, V>(values: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in values {
        groups.entry(key).or_default().push(value);
    }
    groups
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock()
}

/// Rows by key.
pub trait Load {
    /// The row with this key, if it is there.
    fn one<K>(&self, key: K) -> BoxFuture<'_, Result<Option<<Reader as Loader<K>>::Value>>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>;
}

impl Load for Loaders {
    fn one<K>(&self, key: K) -> BoxFuture<'_, Result<Option<<Reader as Loader<K>>::Value>>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        // Boxed, so that whoever waits for it is compiled without what lies in it.
        Box::pin(async move {
            let rows = self.ask(key.clone()).await.map_err(Error::Shared)?;
            let rows: &HashMap<K, <Reader as Loader<K>>::Value> =
                rows.downcast_ref().expect("they are of this key's type");
            Ok(rows.get(&key).cloned())
        })
    }
}

/// Makes a key of one id for a question, and answers it for many ids at once, as a map:
/// `ErrorsOf(ImportId) -> Vec<error::Model> = |db, imports| { … }`.
macro_rules! question {
    ($(#[$about:meta])* $public:vis $key:ident($id:ty) -> $answer:ty = |$db:ident, $ids:ident| $found:expr) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $public struct $key($public $id);

        #[async_trait]
        impl Loader<$key> for Reader {
            type Value = $answer;
            type Error = LoadError;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $answer>, LoadError> {
                let $ids: Vec<$id> = keys.iter().map(|key| key.0).collect();
                let $db = self.db.reader();
                let found: Result<HashMap<$id, $answer>> = async { Ok($found) }.await;
                Ok(found?.into_iter().map(|(id, answer)| ($key(id), answer)).collect())
            }
        }
    };
}

pub(crate) use question;
