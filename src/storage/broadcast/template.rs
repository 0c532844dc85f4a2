//! Templates of messages.

use sea_orm::entity::prelude::*;

use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::noun;
use domain::broadcast::{MediaType, ParseMode};
use domain::error::Result;
use domain::id::{TemplateId, UploadId};

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "templates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateId,
    pub name: String,
    pub content: String,
    pub description: Option<String>,
    pub parse_mode: ParseMode,
    pub media_type: Option<MediaType>,
    pub media_url: Option<String>,
    pub media_upload_id: Option<UploadId>,
    /// Campaigns created with it.
    pub usage_count: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
}

crate::rows::row!(
    id, name, content, parse_mode, usage_count, created_at, updated_at, version, name_fold;
    description, media_type, media_url, media_upload_id,
);

joins_nothing!();

noun!(TemplateId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NameFold, &[Column::Name])];
});

impl Entity {
    /// The templates of this name.
    pub fn named(name: &str) -> Select<Self> {
        Self::find().filter(Column::NameFold.eq(Folded::of(name))).filter(Column::Name.eq(name))
    }
}

impl Model {}

crate::filter::filter! {
    /// Which templates are wanted.
    TemplateFilter of Entity {
        name_contains: String => |part: String| folded::has(Column::NameFold, &part),
        media_types: Vec<MediaType> => |types| Column::MediaType.is_in(types),
    }
}
