//! Imports of leads.

use async_graphql::MergedObject;

use crate::imports::{self, ImportError, ImportFields, import_fields, int};
use crate::prelude::*;
use domain::id::LeadImportId;
use domain::retention::words::LeadImportFormat;
use storage::imports::ImportTable;
use storage::retention::lead_import::{Entity, Model};

pub mod list;
pub mod mutations;

/// An import of leads from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[derive(MergedObject)]
pub struct LeadImport(LeadCounts, ImportFields);

/// What was asked for, and what became of the lines.
struct LeadCounts(Model);

node!(LeadImport: LeadImportId, Model, |row| {
    let fields = ImportFields(Entity::import(&row));
    LeadImport(LeadCounts(row), fields)
}, {});

#[Object]
impl LeadCounts {
    /// The id, opaque and unique among all types.
    async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What the file looks like.
    async fn format(&self) -> LeadImportFormat {
        self.0.format
    }

    /// The campaign that the leads are assigned to; null if there is none.
    async fn campaign_id(&self) -> Option<ID> {
        self.0.campaign_id.map(GlobalId::global)
    }

    /// Whether its people must never be contacted. Then `inserted` counts those who were not known as such.
    async fn is_suppression_list(&self) -> bool {
        self.0.is_suppression_list
    }

    /// Columns that nothing was taken from, by their names, at most 100. A column that says who must not be contacted is always obeyed:
    /// `do_not_contact`, `unsubscribed`, `opt_out`, a `status` of `unsubscribed` and the like. Empty where the first line does not look
    /// like names.
    async fn unused_columns(&self) -> Vec<String> {
        let names = self.0.unused_columns.as_array().into_iter().flatten();
        names.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect()
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
        imports::errors(ctx, self.0.id).await
    }
}

impl LeadImport {
    /// The id, as [`Node`](crate::node::Node) asks for it.
    pub(crate) async fn id(&self, ctx: &Context<'_>) -> async_graphql::Result<ID> {
        self.0.id(ctx).await
    }
}

import_fields!(LeadImport);
