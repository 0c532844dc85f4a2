//! Live progress of campaigns and imports, read once for all who watch (R22).

mod eta;
mod imports;
mod progress;

use futures_util::Stream;

use self::imports::ImportReader;
pub use self::progress::Progress;
use self::progress::ProgressReader;
use crate::Services;
use crate::hub::Hub;
use domain::error::Result;
use domain::id::{BroadcastCampaignId, ChannelImportId};
use storage::broadcast::channel_import;

/// The states that are watched in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct Live {
    campaigns: Hub<ProgressReader>,
    imports: Hub<ImportReader>,
}

impl Live {
    /// Nothing is watched yet.
    pub fn new(services: &Services) -> Self {
        Self { campaigns: Hub::new(services.clone()), imports: Hub::new(services.clone()) }
    }

    /// The progress of a campaign: what it is now, what it becomes, and at last how it ended.
    ///
    /// # Errors
    /// There is no such campaign, or the database is away.
    pub async fn progress(
        &self,
        campaign: BroadcastCampaignId,
    ) -> Result<impl Stream<Item = Result<Progress>> + Send + use<>> {
        self.campaigns.watch(campaign).await
    }

    /// The progress of an import of channels: what it is now, what it becomes, and at last how it ended.
    ///
    /// # Errors
    /// There is no such import, or the database is away.
    pub async fn import_progress(
        &self,
        import: ChannelImportId,
    ) -> Result<impl Stream<Item = Result<channel_import::Model>> + Send + use<>> {
        self.imports.watch(import).await
    }
}
