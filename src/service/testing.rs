//! What the unit tests of services stand on: an empty database in a folder of its own.

use std::sync::Arc;
use std::time::Duration;

use super::coalesce::Coalesce;
use super::{Rules, Services};
use crate::broadcast::telegram_account::Application;
use domain::clock::SystemClock;
use domain::id::NodeId;
use domain::limits::Limits;
use domain::retention::attribution::Rule;
use domain::retention::endpoints::Endpoints;
use domain::sealed::Vault;
use domain::secret_key::SecretKey;
use events::local::LocalEvents;
use storage::Db;

/// Services over a migrated SQLite. The folder lives as long as this does.
pub struct Fixture {
    /// What they work on.
    pub services: Services,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// A database of its own, with progress told `progress_hz` times a second at most.
    pub async fn new(progress_hz: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("herald.db")).await.unwrap();
        db.migrate().await.unwrap();
        let rules = Rules {
            is_simulated: true,
            data_dir: folder.path().into(),
            upload_max_bytes: 1 << 20,
            late_limit: Duration::from_hours(1),
            pause_after_failures: 20,
            channel_errors: 3,
            dedupe_window: Duration::from_mins(5),
            progress_hz,
            sso: None,
            endpoints: Endpoints::default(),
            attribution: Rule::default(),
            limits: Limits::default(),
            telegram: Application::default(),
        };
        let services = Services {
            db,
            clock: Arc::new(SystemClock::new()),
            events: Arc::new(LocalEvents::new()),
            key: SecretKey::new([7; 32]),
            vault: Vault::new(&SecretKey::new([7; 32])),
            rules: Arc::new(rules),
            node: NodeId::generate(),
            sessions: Coalesce::default(),
        };
        Self { services, _folder: folder }
    }
}
