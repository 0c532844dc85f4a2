//! Imports of leads from uploaded files.

use crate::imports::import_table;
use domain::id::RetentionCampaignId;
use domain::retention::words::LeadImportFormat;

import_table!("lead_imports", "lead_import_errors", LeadImportId {
    format: LeadImportFormat,
    /// Which column holds what, a JSON object.
    mapping: Json,
    /// The campaign that the leads are assigned to.
    campaign_id: Option<RetentionCampaignId>,
    /// Its people must never be contacted.
    is_suppression_list: bool,
    /// The names of columns that had no use.
    unused_columns: Json,
});
