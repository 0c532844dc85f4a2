//! Imports of leads.

use std::collections::{BTreeMap, HashMap};

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

use crate::access::user::User;
use crate::broadcast::channel_import::ImportError;
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::{BigInt, DateTime};
use ::service::once::once;
use ::service::retention::lead_import as service;
use ::service::retention::live::LeadImports;
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use domain::id::LeadImportId;
use domain::retention::lead_columns::{Field, Mapping};
use domain::retention::words::LeadImportFormat;
use domain::role::Permission;
use storage::retention::{lead_import, lead_import_error};

/// An import of leads from an uploaded list.
pub struct LeadImport(lead_import::Model);

impl From<lead_import::Model> for LeadImport {
    fn from(row: lead_import::Model) -> Self {
        Self(row)
    }
}

/// An import of leads from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[Object]
impl LeadImport {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
    }

    /// What the file looks like.
    async fn format(&self) -> LeadImportFormat {
        self.0.format
    }

    /// The campaign that the leads are assigned to; null if there is none.
    async fn campaign_id(&self) -> Option<ID> {
        self.0.campaign_id.map(|id| id.global())
    }

    /// Whether its people must never be contacted. Then `inserted` counts those who were not known as such.
    async fn is_suppression_list(&self) -> bool {
        self.0.is_suppression_list
    }

    /// Lines read so far, without empty ones and without the names of columns.
    async fn lines(&self) -> i32 {
        int(self.0.lines)
    }

    /// Leads that are new.
    async fn inserted(&self) -> i32 {
        int(self.0.inserted)
    }

    /// Lines whose person was there already, by email or by phone, or came in an earlier line.
    async fn duplicates(&self) -> i32 {
        int(self.0.duplicates)
    }

    /// Lines that did not go in: not understood, of a person who must not come back, or of two leads at once.
    async fn invalid(&self) -> i32 {
        int(self.0.invalid)
    }

    /// The first 1,000 lines that did not go in, by their number in the file. They quote no more than the field.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<ImportError>> {
        let errors = ctx.loaders().one(ErrorsOf(self.0.id)).await?.unwrap_or_default();
        Ok(errors.into_iter().map(|error| ImportError::new(error.line, error.message)).collect())
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

impl LeadImport {
    /// The import `id`.
    pub async fn by_id(ctx: &Context<'_>, id: LeadImportId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Imports by id.
impl Loader<LeadImportId> for Reader {
    type Value = lead_import::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[LeadImportId]) -> Result<HashMap<LeadImportId, Self::Value>, LoadError> {
        let rows = lead_import::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The errors of an import, by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ErrorsOf(LeadImportId);

impl Loader<ErrorsOf> for Reader {
    type Value = Vec<lead_import_error::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[ErrorsOf]) -> Result<HashMap<ErrorsOf, Self::Value>, LoadError> {
        let ids: Vec<LeadImportId> = keys.iter().map(|ErrorsOf(id)| *id).collect();
        let rows = lead_import_error::Entity::of(&ids).all(self.db.reader()).await.map_err(Error::from)?;
        let mut found: HashMap<ErrorsOf, Self::Value> = HashMap::new();
        for row in rows {
            found.entry(ErrorsOf(row.import_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// Which column of the file, by its name in the first line, or which key of each JSON object holds what. Capitals don't count.
#[derive(InputObject, Default)]
struct LeadImportMappingInput {
    /// The column of the email address.
    email: Option<String>,
    /// The column of the phone number, with its country: `+49...` or `0049...`.
    phone: Option<String>,
    /// The column of the given name.
    first_name: Option<String>,
    /// The column of the family name.
    last_name: Option<String>,
    /// The column of the id in another system.
    external_id: Option<String>,
    /// The column of the name at Telegram.
    telegram_username: Option<String>,
    /// The column of the IANA time zone.
    time_zone: Option<String>,
    /// The column of the BCP 47 language tag.
    language: Option<String>,
    /// The column that says where the lead came from; UPLOAD where it is empty.
    source: Option<String>,
    /// The column of the notes.
    notes: Option<String>,
    /// Columns that become custom fields under their own names, at most 100.
    meta: Option<Vec<String>>,
}

impl From<LeadImportMappingInput> for Mapping {
    fn from(input: LeadImportMappingInput) -> Self {
        let LeadImportMappingInput {
            email,
            phone,
            first_name,
            last_name,
            external_id,
            telegram_username,
            time_zone,
            language,
            source,
            notes,
            meta,
        } = input;
        let columns = [
            (Field::Email, email),
            (Field::Phone, phone),
            (Field::FirstName, first_name),
            (Field::LastName, last_name),
            (Field::ExternalId, external_id),
            (Field::TelegramUsername, telegram_username),
            (Field::TimeZone, time_zone),
            (Field::Language, language),
            (Field::Source, source),
            (Field::Notes, notes),
        ];
        let fields: BTreeMap<Field, String> =
            columns.into_iter().filter_map(|(field, column)| Some((field, column?))).collect();
        Self { fields, meta: meta.unwrap_or_default() }
    }
}

/// What is to be imported.
#[derive(InputObject)]
struct ImportLeadsInput {
    /// The list, uploaded by POST /uploads.
    upload_id: ID,
    /// What it looks like. In CSV the first line names the columns, fields are separated by commas, semicolons or tabs.
    #[graphql(default_with = "LeadImportFormat::Csv")]
    format: LeadImportFormat,
    /// Which column holds what. Without it columns of the usual names are understood, such as `email`, `Phone number` or
    /// `first_name`; in JSON an object `meta` has the custom fields.
    mapping: Option<LeadImportMappingInput>,
    /// The campaign that the leads are assigned to, those too that were there already.
    campaign_id: Option<ID>,
    /// Whether these are people who must never be contacted: no lead is made of them, by this list or any later one, and those who
    /// are leads become `DO_NOT_CONTACT`. Of their addresses keyed hashes are kept.
    #[graphql(default)]
    is_suppression_list: bool,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The import that was asked for.
#[derive(SimpleObject)]
struct ImportLeadsPayload {
    /// The import. Watch it by `leadImportProgress`.
    import: LeadImport,
}

/// Reads imports of leads.
#[derive(Default)]
pub struct LeadImportQuery;

#[Object]
impl LeadImportQuery {
    /// The import of leads with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<Option<LeadImport>> {
        LeadImport::by_id(ctx, id.argument("id")?).await
    }
}

/// Asks for imports of leads.
#[derive(Default)]
pub struct LeadImportMutation;

#[Object]
impl LeadImportMutation {
    /// Imports leads from an uploaded list. A line needs an email or a phone. Who is there already, by either of them, stays
    /// as he is; lines that can't go in are reported, and the rest does. Importing a list twice changes nothing.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn import_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be imported.")] input: ImportLeadsInput,
    ) -> Result<ImportLeadsPayload> {
        let ImportLeadsInput { upload_id, format, mapping, campaign_id, is_suppression_list, idempotency_key } = input;
        let new = service::New {
            upload: upload_id.input("uploadId")?,
            format,
            mapping: mapping.unwrap_or_default().into(),
            campaign: campaign_id.map(|id| id.input("campaignId")).transpose()?,
            is_suppression_list,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(idempotency_key)?);
        let import = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(ImportLeadsPayload { import: import.into() })
    }
}

/// Watches imports of leads.
#[derive(Default)]
pub struct LeadImportSubscription;

#[Subscription]
impl LeadImportSubscription {
    /// How far an import of leads is: at first as it is now, then each change, at last how it ended; then complete.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<LeadImport>> + use<>> {
        let progress = ctx.data_unchecked::<LeadImports>().progress(id.argument("id")?).await?;
        Ok(progress.map(|import| Ok(import?.into())))
    }
}
