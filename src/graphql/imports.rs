//! What imports of channels and of leads have in common.

use async_graphql::Interface;
use async_graphql::resolver_utils::ContainerType;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, ModelTrait, QueryFilter};

use crate::engine::guard;
use crate::engine::id;
use crate::prelude::*;
use ::service::imports::cancel;
use domain::broadcast::ImportStatus;
use domain::encoding::FileEncoding;
use domain::id::{ChannelImportId, LeadImportId, NounId};
use domain::retention::lead_columns::{without_columns, without_words};
use storage::Keyed;
use storage::broadcast::channel_import;
use storage::imports::{self, Import as Row, ImportTable, LineError};
use storage::retention::lead_import;

/// The fields that all imports have.
pub(crate) struct ImportFields(pub Row);

#[Object]
impl ImportFields {
    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
    }

    /// Bytes of the file read so far.
    async fn bytes_read(&self, ctx: &Context<'_>) -> Result<BigInt> {
        if self.0.encoding.is_none_or(|encoding| encoding == FileEncoding::Utf8) {
            return Ok(self.0.bytes_read.into());
        }
        // Counted in UTF-8, of which other encodings have more or fewer for a letter.
        let total = ctx.loaders().one(self.0.upload_id).await?.map_or(self.0.bytes_read, |file| file.bytes);
        let is_whole = self.0.status == ImportStatus::Completed;
        Ok(if is_whole { total } else { self.0.bytes_read.min(total) }.into())
    }

    /// In which encoding the file is read: as was said, or as it says itself; null before the import has begun.
    async fn encoding(&self) -> Option<FileEncoding> {
        self.0.encoding
    }

    /// The size of the file in bytes; null if it is not known any more.
    async fn bytes_total(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
        Ok(ctx.loaders().one(self.0.upload_id).await?.map(|file| file.bytes.into()))
    }

    /// Why it FAILED; null otherwise. The names of a list's columns are told to who may see contacts.
    async fn error_message(&self, ctx: &Context<'_>) -> Option<&str> {
        let reason = self.0.error_message.as_deref();
        if ctx.viewer().role.may(Permission::ReadContacts) { reason } else { reason.map(without_columns) }
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

/// An import of a list, of channels or of leads.
#[derive(Interface)]
#[expect(clippy::duplicated_attributes, reason = "each field has a name and a type")]
#[graphql(
    field(name = "id", ty = "ID", desc = "The id, opaque and unique among all types."),
    field(name = "status", ty = "ImportStatus", desc = "How far it is."),
    field(name = "lines", ty = "i32", desc = "Lines read so far, without empty ones."),
    field(name = "inserted", ty = "i32", desc = "What is new."),
    field(
        name = "duplicates",
        ty = "i32",
        desc = "Lines whose channel or person was there already, or came in an earlier line."
    ),
    field(name = "invalid", ty = "i32", desc = "Lines that did not go in.")
)]
pub(crate) enum Import {
    /// Of channels.
    ChannelImport(ChannelImport),
    /// Of leads.
    LeadImport(LeadImport),
}

/// The fields of [`Import`] that a type of import has, as the interface asks for them.
macro_rules! import_fields {
    ($type:ident) => {
        impl $type {
            /// How far it is.
            pub(crate) async fn status(
                &self,
                _: &Context<'_>,
            ) -> async_graphql::Result<domain::broadcast::ImportStatus> {
                Ok(self.1.0.status)
            }

            /// Lines read so far.
            pub(crate) async fn lines(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
                self.0.lines(ctx).await
            }

            /// What is new.
            pub(crate) async fn inserted(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
                self.0.inserted(ctx).await
            }

            /// What was there.
            pub(crate) async fn duplicates(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
                self.0.duplicates(ctx).await
            }

            /// What did not go in.
            pub(crate) async fn invalid(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
                self.0.invalid(ctx).await
            }
        }
    };
}

pub(crate) use import_fields;

/// Which imports are wanted.
#[derive(InputObject, Default)]
pub(crate) struct ImportFilter {
    /// In one of these states.
    statuses: Option<Vec<ImportStatus>>,
}

/// Imports of a kind, the latest first.
pub(crate) fn list<'a, T, N>(
    ctx: &'a Context<'_>,
    args: &'a PageArgs,
    filter: Option<ImportFilter>,
) -> BoxFuture<'a, Result<Connection<N>>>
where
    T: ImportTable<Model: storage::rows::Row + ModelTrait<Entity = T> + Send>,
    N: ContainerType + From<T::Model> + 'a,
{
    let all = match filter.unwrap_or_default().statuses.map(each) {
        Some(statuses) => T::all().filter(T::STATUS.is_in(statuses)),
        None => T::all(),
    };
    Connection::read(ctx, all, Sort::by_id().descending(true), args)
}

/// Which import is to be cancelled.
#[derive(InputObject)]
struct CancelImportInput {
    /// The import, of channels or of leads.
    id: ID,
}

/// The import that was cancelled.
#[derive(SimpleObject)]
struct CancelImportPayload {
    /// The import, which is CANCELLED now.
    import: Import,
}

/// Ends imports.
#[derive(Default)]
pub(crate) struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Cancels an import for good, of channels or of leads: no line goes in after the answer. What had gone in stays.
    #[graphql(directive = requires::apply(Permission::CreateChannels))]
    async fn cancel_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] input: CancelImportInput,
    ) -> Result<CancelImportPayload> {
        let (on, actor) = (ctx.services(), ctx.actor());
        let is_of = |name: &str| id::decode(&input.id).is_some_and(|(known, _)| known == name);
        let import = if is_of(LeadImportId::NAME) {
            guard::require(ctx, Permission::WriteRetention)?;
            let id = input.id.input("id")?;
            Import::LeadImport(cancel::<lead_import::Entity>(on, &actor, id).await?.into())
        } else {
            let id: ChannelImportId = input.id.input("id")?;
            Import::ChannelImport(cancel::<channel_import::Entity>(on, &actor, id).await?.into())
        };
        Ok(CancelImportPayload { import })
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

/// A count as the API shows it.
pub(crate) fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The errors of an import, by line.
pub(crate) async fn errors<I: Keyed<Noun: ImportTable>>(ctx: &Context<'_>, import: I) -> Result<Vec<ImportError>> {
    let errors = ctx.loaders().one(ErrorsOf(import)).await?.unwrap_or_default();
    let may_see = ctx.viewer().role.may(Permission::ReadContacts);
    let shown = |error: LineError| {
        let message = if may_see { error.message } else { without_words(&error.message) };
        ImportError { line: int(error.line), message }
    };
    Ok(errors.into_iter().map(shown).collect())
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
