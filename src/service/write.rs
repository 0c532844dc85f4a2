//! A write: one transaction, in whose name it is done, its one instant, its audit lines, and the events that it tells.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DatabaseBackend, DbErr, EntityTrait, ExecResult,
    IntoActiveModel, ModelTrait, QueryResult, Statement,
};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::access::audit;
use super::{Actor, Services, once};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use events::Event;
use storage::{Keyed, Noun, Tx, noun};

/// What a use case writes with: see [`Services::write`]. It is a connection like the transaction itself.
#[derive(Clone)]
pub struct Write {
    tx: Arc<Tx>,
    /// In whose name it is written.
    pub actor: Actor,
    /// The instant of all that is written.
    pub now: DateTime<Utc>,
    collected: Arc<Mutex<Collected>>,
}

/// What waits for the commit.
#[derive(Debug, Default)]
struct Collected {
    /// What is told then, each event once.
    events: Vec<Event>,
    /// Whether the audit log gets a line. That is told last.
    has_line: bool,
    /// What a repetition of the request is answered.
    answer: Option<Json>,
}

impl Services {
    /// Runs a use case's transaction in the name of `actor`, and commits it if it returns `Ok`; see [`storage::Db::write`] for
    /// when it is run again, and why it takes `|w| async move { .. }`. After the commit all hear of the events that it told.
    /// Each repetition has a [`Write`] of its own: what one told that was rolled back, nobody hears. Nothing is run for an input in
    /// which a mistake was noted.
    ///
    /// ```ignore
    /// pub async fn rename(on: &Services, actor: &Actor, id: BatchId, name: String) -> Result<batch::Model> {
    ///     let name = &name;
    ///     on.write(actor, |w| async move {
    ///         let old = w.require(id).await?;
    ///         let new = batch::Model { name: name.clone(), ..old.clone() };
    ///         let new = w.replace(&old, new).await?;
    ///         for campaign in campaign::Entity::of_batch(id).all(&w).await? {
    ///             w.tell(Event::Campaign(campaign.id));
    ///         }
    ///         w.note(Action::BatchUpdated, id, json!({ "name": new.name })).await?;
    ///         Ok(new)
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// A helper takes `w: &Write`; one that is called from a plain transaction too, `&impl ConnectionTrait`.
    pub async fn write<T, F, W>(&self, actor: &Actor, work: F) -> Result<T>
    where
        F: Fn(Write) -> W,
        W: Future<Output = Result<T>>,
    {
        if let Some(mistakes) = &actor.mistakes {
            mistakes.refuse()?;
        }
        let written = self.db.write(|tx| {
            let collected = Arc::<Mutex<Collected>>::default();
            let w = Write { tx, actor: actor.clone(), now: self.now(), collected: collected.clone() };
            // Boxed, because a whole use case lies in it.
            let work = Box::pin(work(w));
            async move { Ok((work.await?, collected)) }
        });
        let (value, collected) = written.await?;
        let collected = std::mem::take(&mut *collected.lock());
        let audit = collected.has_line.then_some(Event::Audit);
        let mut told = HashSet::new();
        for event in collected.events.into_iter().chain(audit).filter(|event| told.insert(*event)) {
            self.tell(event);
        }
        Ok(value)
    }

    /// [`Services::write`] in Herald's own name.
    pub async fn system_write<T, F, W>(&self, work: F) -> Result<T>
    where
        F: Fn(Write) -> W,
        W: Future<Output = Result<T>>,
    {
        self.write(&Actor::system(), work).await
    }
}

impl Write {
    /// The same transaction in the name of somebody else.
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// The services for a part of a larger write, which is not what a repetition of the request must find.
    #[must_use]
    pub fn in_part(&self) -> Self {
        self.by(self.actor.in_part())
    }

    /// The row `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require<I: Keyed>(&self, id: I) -> Result<<I::Noun as EntityTrait>::Model> {
        <I::Noun as Noun>::require(self, id).await
    }

    /// Makes the locked row `old` what `new` says, and returns it as it is then: see [`noun::replace`].
    pub async fn replace<M, A>(&self, old: &M, new: M) -> Result<M>
    where
        M: ModelTrait + IntoActiveModel<A>,
        M::Entity: EntityTrait<Model = M, ActiveModel = A> + Noun,
        A: ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
    {
        noun::replace(self, old, new, self.now).await
    }

    /// Tells all, after the commit, that something changed.
    pub fn tell(&self, event: Event) {
        self.collect(|collected| collected.events.push(event));
    }

    /// Adds a line to the audit log, and notes what was done under the actor's idempotency key. These are the last statements of
    /// their transaction but for the campaign's row: the lock order of R7.
    pub async fn note(&self, action: Action, subject: impl Into<Subject>, metadata: Json) -> Result<()> {
        let subject = subject.into();
        self.claim(subject).await?;
        audit::insert(self, &self.actor, self.now, action, subject, metadata).await?;
        self.collect(|collected| collected.has_line = true);
        Ok(())
    }

    /// [`Write::note`] for a mutation that answers more than the row: a repetition finds it by [`once::Done::answer`].
    pub async fn note_answer(
        &self,
        action: Action,
        subject: impl Into<Subject>,
        metadata: Json,
        answer: &impl Serialize,
    ) -> Result<()> {
        self.answer(answer)?;
        self.note(action, subject, metadata).await
    }

    /// Keeps a new row, before the write is noted, for repetitions of the request that come after its deletion. Rows of people are not
    /// kept: who was erased is in no answer.
    pub fn keep<M: ModelTrait>(&self, row: &M) {
        if self.actor.once.is_some() {
            self.collect(|collected| collected.answer = Some(once::with_row(collected.answer.take(), row)));
        }
    }

    /// Notes what was done under the actor's idempotency key, and what it answers, where the audit log gets no line.
    pub async fn done(&self, subject: impl Into<Subject>, answer: &impl Serialize) -> Result<()> {
        self.answer(answer)?;
        self.claim(subject.into()).await
    }

    fn answer(&self, answer: &impl Serialize) -> Result<()> {
        let answer = serde_json::to_value(answer).map_err(Error::internal)?;
        self.collect(|collected| {
            let all = collected.answer.get_or_insert_with(|| json!({}));
            all[once::ANSWER] = answer;
        });
        Ok(())
    }

    async fn claim(&self, subject: Subject) -> Result<()> {
        let answer = self.collect(|collected| collected.answer.clone());
        once::claim(self, &self.actor, self.now, subject.id(), answer).await
    }

    fn collect<T>(&self, change: impl FnOnce(&mut Collected) -> T) -> T {
        // Each change of it is a single step, so a panic elsewhere leaves it whole.
        change(&mut self.collected.lock())
    }
}

impl Deref for Write {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

#[async_trait]
impl ConnectionTrait for Write {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.tx.query_all_raw(statement).await
    }
}
