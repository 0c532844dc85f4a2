//! Rows by key, many in one statement: a key type for each question, and one reader that answers them all.

use std::any::{Any, TypeId};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    asked: Mutex<Questions>,
    remembers: AtomicBool,
}

/// An error that many waiters share.
pub type LoadError = Arc<Error>;

/// Tables of [`Answer`] by key.
type Questions = HashMap<TypeId, Box<dyn Any + Send>>;

/// What becomes of a question, for all who ask it.
#[derive(Clone)]
enum Answer<V: Clone> {
    /// It was read ahead.
    Known(Option<V>),
    Coming(Coming<V>),
}

type Coming<V> = Shared<BoxFuture<'static, Result<Option<V>, LoadError>>>;

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

    /// Reads rows that will be asked for one by one, such as those that the nodes of a page lead to: it is cheaper at once.
    pub async fn ahead<K>(&self, keys: impl IntoIterator<Item = K>) -> Result<()>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        if !self.remembers.load(Ordering::Relaxed) {
            return Ok(());
        }
        let keys: HashSet<K> = keys.into_iter().collect();
        let mut found = self.many(keys.iter().cloned()).await?;
        let mut questions = self.questions();
        let answers = answers(&mut questions);
        for key in keys {
            let row = found.remove(&key);
            answers.entry(key).or_insert(Answer::Known(row));
        }
        Ok(())
    }

    fn answer<K>(&self, key: K) -> Answer<<Reader as Loader<K>>::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = LoadError>,
    {
        let mut questions = self.questions();
        match answers(&mut questions).entry(key) {
            Entry::Occupied(answer) => answer.get().clone(),
            Entry::Vacant(place) => {
                let (loader, key) = (self.loader.clone(), place.key().clone());
                let coming = async move { loader.load_one(key).await }.boxed().shared();
                place.insert(Answer::Coming(coming)).clone()
            }
        }
    }

    /// Each change of it is a single step, so a panic elsewhere leaves it whole.
    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was asked by keys of one type.
fn answers<K>(questions: &mut Questions) -> &mut HashMap<K, Answer<<Reader as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Reader: Loader<K, Error = LoadError>,
{
    let answers = questions.entry(TypeId::of::<K>());
    let answers = answers.or_insert_with(|| Box::<HashMap<K, Answer<<Reader as Loader<K>>::Value>>>::default());
    answers.downcast_mut().expect("it is stored under its type")
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
            match self.answer(key) {
                Answer::Known(row) => Ok(row),
                Answer::Coming(row) => row.await,
            }
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
