//! Imports of channels from uploaded files.

use crate::imports::import_table;

import_table!("channel_imports", "channel_import_errors", ChannelImportId {});
