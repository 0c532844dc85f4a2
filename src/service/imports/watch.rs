//! Live progress of imports, read once for all who watch (R22).

use futures_util::Stream;

use super::Importable;
use crate::Services;
use crate::hub::{Hub, Reader, Seen};
use domain::error::Result;
use domain::id::NounId;
use events::Event;

/// The imports of a kind that are watched in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct Watch<I: Importable>(Hub<ImportReader<I>>);

impl<I: Importable> Watch<I> {
    /// Nothing is watched yet.
    pub fn new(services: &Services) -> Self {
        Self(Hub::new(services.clone()))
    }

    /// The progress of an import: what it is now, what it becomes, and at last how it ended.
    ///
    /// # Errors
    /// There is no such import, or the database is away.
    pub async fn progress(&self, id: I::Id) -> Result<impl Stream<Item = Result<I::Model>> + Send + use<I>> {
        self.0.watch(id).await
    }
}

struct ImportReader<I: Importable>(I::Id);

impl<I: Importable> Reader for ImportReader<I> {
    const KIND: &'static str = <I::Id as NounId>::WORD;
    type Id = I::Id;
    type State = I::Model;

    fn of(id: I::Id) -> Self {
        Self(id)
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<I::Model>>> {
        let row = I::by_ids(&[self.0]).one(on.db.reader()).await?;
        Ok(row.map(|row| {
            let import = I::import(&row);
            Seen { version: import.version, is_last: import.has_ended(), state: row }
        }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == I::event(self.0)
    }
}
