//! Imports of channels.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::access::user::User;
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::{BigInt, DateTime};
use ::service::broadcast::channel_import as service;
use ::service::once::once;
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use domain::id::{ChannelImportId, UploadId};
use domain::role::Permission;
use storage::broadcast::{channel_import, channel_import_error, upload};

/// An import of channels from an uploaded list.
pub struct ChannelImport(channel_import::Model);

impl From<channel_import::Model> for ChannelImport {
    fn from(row: channel_import::Model) -> Self {
        Self(row)
    }
}

/// An import of channels from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[Object]
impl ChannelImport {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
    }

    /// Lines read so far, without empty ones.
    async fn lines(&self) -> i32 {
        int(self.0.lines)
    }

    /// Channels that are new in the catalog.
    async fn inserted(&self) -> i32 {
        int(self.0.inserted)
    }

    /// Lines whose channel was there already, or came in an earlier line.
    async fn duplicates(&self) -> i32 {
        int(self.0.duplicates)
    }

    /// Lines that could not be understood.
    async fn invalid(&self) -> i32 {
        int(self.0.invalid)
    }

    /// The first 1,000 lines that could not be understood, by their number in the file.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<ImportError>> {
        let errors = ctx.loaders().one(ErrorsOf(self.0.id)).await?.unwrap_or_default();
        Ok(errors.into_iter().map(Into::into).collect())
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

impl ChannelImport {
    /// The import `id`.
    pub async fn by_id(ctx: &Context<'_>, id: ChannelImportId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
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

impl From<channel_import_error::Model> for ImportError {
    fn from(row: channel_import_error::Model) -> Self {
        Self::new(row.line, row.message)
    }
}

impl ImportError {
    /// What is wrong with the line of this number.
    pub(crate) fn new(line: i64, message: String) -> Self {
        Self { line: int(line), message }
    }
}

fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Imports by id.
impl Loader<ChannelImportId> for Reader {
    type Value = channel_import::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[ChannelImportId]) -> Result<HashMap<ChannelImportId, Self::Value>, LoadError> {
        let rows = channel_import::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Uploads by id.
impl Loader<UploadId> for Reader {
    type Value = upload::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[UploadId]) -> Result<HashMap<UploadId, upload::Model>, LoadError> {
        let rows = upload::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The errors of an import, by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ErrorsOf(ChannelImportId);

impl Loader<ErrorsOf> for Reader {
    type Value = Vec<channel_import_error::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[ErrorsOf]) -> Result<HashMap<ErrorsOf, Self::Value>, LoadError> {
        let ids: Vec<ChannelImportId> = keys.iter().map(|ErrorsOf(id)| *id).collect();
        let rows = channel_import_error::Entity::of(&ids).all(self.db.reader()).await.map_err(Error::from)?;
        let mut found: HashMap<ErrorsOf, Self::Value> = HashMap::new();
        for row in rows {
            found.entry(ErrorsOf(row.import_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// What is to be imported.
#[derive(InputObject)]
struct ImportChannelsInput {
    /// The list, uploaded by POST /uploads: JSON, one channel a line, such as
    /// `{"category": "новости", "tgstat_url": "https://tgstat.ru/channel/@proofzzz", "username": "proofzzz", "collected_at": "2025-09-29T11:49:45.782893"}`.
    upload_id: ID,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The import that was asked for.
#[derive(SimpleObject)]
struct ImportChannelsPayload {
    /// The import. Watch it by `channelImportProgress`.
    import: ChannelImport,
}

/// Reads imports.
#[derive(Default)]
pub struct ChannelImportQuery;

#[Object]
impl ChannelImportQuery {
    /// The import with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<Option<ChannelImport>> {
        ChannelImport::by_id(ctx, id.argument("id")?).await
    }
}

/// Asks for imports.
#[derive(Default)]
pub struct ChannelImportMutation;

#[Object]
impl ChannelImportMutation {
    /// Imports channels from an uploaded list. Channels that are there already stay as they are; lines that can't be
    /// understood are reported, and the rest goes in. Importing a list twice changes nothing.
    #[graphql(directive = requires::apply(Permission::CreateChannels))]
    async fn import_channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be imported.")] input: ImportChannelsInput,
    ) -> Result<ImportChannelsPayload> {
        let upload = input.upload_id.input("uploadId")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.idempotency_key)?);
        let import = once(on, &actor, service::create(on, &actor, upload)).await?;
        Ok(ImportChannelsPayload { import: import.into() })
    }
}
