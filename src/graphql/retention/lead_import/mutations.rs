//! Asking for imports of leads.

use crate::prelude::*;
use crate::retention::lead::fields::{ByField, by_field};
use ::service::imports::leads as service;
use domain::encoding::FileEncoding;
use domain::retention::lead_columns::Mapping;
use domain::retention::words::LeadImportFormat;

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
    /// The column of the IANA time zone; where it is empty, it is that of the phone's country, if that has only one.
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
        let columns: ByField<Option<String>> = by_field!(input);
        let fields = columns.into_iter().filter_map(|(field, column)| Some((field, column?))).collect();
        Self { fields, meta: input.meta.unwrap_or_default() }
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
    /// In which encoding the file is, where that is neither UTF-8 nor UTF-16 with its mark: no file of a code page says which it is.
    encoding: Option<FileEncoding>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The import that was asked for.
#[derive(SimpleObject)]
struct ImportLeadsPayload {
    /// The import. Watch it by `leadImportProgress`.
    import: LeadImport,
}

/// Asks for imports of leads.
#[derive(Default)]
pub struct LeadImportMutation;

#[Object]
impl LeadImportMutation {
    /// Imports leads from an uploaded list. A line needs an email or a phone. Who is there already, by either of them, stays
    /// as he is, and gets those of email, phone, externalId and Telegram name that he lacks and nobody has; lines that can't go in are
    /// reported, and the rest does. Importing a list twice changes nothing.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn import_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be imported.")] input: ImportLeadsInput,
    ) -> Result<ImportLeadsPayload> {
        let ImportLeadsInput { upload_id, format, mapping, campaign_id, is_suppression_list, encoding, repeat } = input;
        let new = service::New {
            upload: upload_id.input("uploadId")?,
            format,
            mapping: mapping.unwrap_or_default().into(),
            campaign: campaign_id.input("campaignId")?,
            is_suppression_list,
            encoding,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let import = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(ImportLeadsPayload { import: import.into() })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType, Name, Value};
    use domain::retention::lead_field::Field;

    use super::*;

    #[test]
    fn a_mapping_names_the_column_of_each_field() {
        let columns = Field::ALL.map(|field| (Name::new(field.name()), Value::from(field.name())));
        let input = LeadImportMappingInput::parse(Some(Value::Object(columns.into_iter().collect())));
        let mapping = Mapping::from(input.map_err(|_| "each field is in the input").unwrap());
        assert_eq!(mapping.fields, Field::ALL.map(|field| (field, field.name().to_owned())).into());
    }
}
