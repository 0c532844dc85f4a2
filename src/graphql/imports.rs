//! What imports of channels and of leads have in common.

use crate::prelude::*;
use domain::broadcast::ImportStatus;
use storage::Keyed;
use storage::imports::{self, Import, ImportTable, LineError};

/// The fields that all imports have.
pub(crate) struct ImportFields(pub Import);

#[Object]
impl ImportFields {
    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
    }

    /// Bytes of the file read so far.
    async fn bytes_read(&self) -> BigInt {
        self.0.bytes_read.into()
    }

    /// The size of the file in bytes; null if it is not known any more.
    async fn bytes_total(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
        Ok(ctx.loaders().one(self.0.upload_id).await?.map(|file| file.bytes.into()))
    }

    /// Why it FAILED; null otherwise.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// The upload that is imported.
    async fn upload_id(&self) -> ID {
        self.0.upload_id.global()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it began; null if it waits.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended; null if it has not.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// Who asked for it; null if your role may not see users.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let viewer = ctx.viewer();
        if viewer.id != self.0.created_by_id && !viewer.role.may(Permission::ReadUsers) {
            return Ok(None);
        }
        User::by_id(ctx, self.0.created_by_id).await
    }

    /// Rises with each change, so that an old state can be told from a new one.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A line that could not be imported.
#[derive(SimpleObject)]
pub(crate) struct ImportError {
    /// Its number in the file, from 1; empty lines count here.
    line: i32,
    /// What is wrong with it.
    message: String,
}

impl From<LineError> for ImportError {
    fn from(error: LineError) -> Self {
        Self { line: int(error.line), message: error.message }
    }
}

/// A count as the API shows it.
pub(crate) fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The errors of an import, by line.
pub(crate) async fn errors<I: Keyed<Noun: ImportTable>>(ctx: &Context<'_>, import: I) -> Result<Vec<ImportError>> {
    let errors = ctx.loaders().one(ErrorsOf(import)).await?.unwrap_or_default();
    Ok(errors.into_iter().map(Into::into).collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ErrorsOf<I>(I);

#[async_trait]
impl<I: Keyed<Noun: ImportTable>> Loader<ErrorsOf<I>> for Reader {
    type Value = Vec<LineError>;
    type Error = LoadError;

    async fn load(&self, keys: &[ErrorsOf<I>]) -> Result<HashMap<ErrorsOf<I>, Self::Value>, LoadError> {
        let ids: Vec<I> = keys.iter().map(|ErrorsOf(id)| *id).collect();
        let mut found: HashMap<ErrorsOf<I>, Self::Value> = HashMap::new();
        for error in imports::errors::<I::Noun>(self.db.reader(), &ids).await? {
            found.entry(ErrorsOf(I::from_uuid(error.import_id))).or_default().push(error);
        }
        Ok(found)
    }
}
