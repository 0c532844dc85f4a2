//! Live progress of tasks, read once for all who watch (R22).

use futures_util::Stream;

use crate::Services;
use crate::hub::{Hub, Reader, Seen};
use domain::error::Result;
use domain::id::{NounId, TaskId};
use events::Event;
use storage::Noun;
use storage::task::{Entity, Model};

/// The tasks that are watched in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct Watch(Hub<TaskReader>);

impl Watch {
    /// Nothing is watched yet.
    pub fn new(services: &Services) -> Self {
        Self(Hub::new(services.clone()))
    }

    /// The progress of a task: what it is now, what it becomes, and at last how it ended.
    ///
    /// # Errors
    /// There is no such task, or the database is away.
    pub async fn progress(&self, id: TaskId) -> Result<impl Stream<Item = Result<Model>> + Send + use<>> {
        self.0.watch(id).await
    }
}

struct TaskReader(TaskId);

impl Reader for TaskReader {
    const KIND: &'static str = TaskId::WORD;
    type Id = TaskId;
    type State = Model;

    fn of(id: TaskId) -> Self {
        Self(id)
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<Model>>> {
        let row = Entity::by_ids(&[self.0]).one(on.db.reader()).await?;
        Ok(row.map(|row| Seen { version: row.version, is_last: row.status.has_ended(), state: row }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::Task(self.0)
    }
}
