//! What tests and benchmarks stand on: services over a database of their own, and rows to put into it.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::access::denial::Denials;
use super::access::known::Known;
use super::coalesce::Coalesce;
use super::imports::upload::Tallies;
use super::once::Repeats;
use super::{Rules, Services};
use domain::broadcast::{AccountStatus, CanPost, ParseMode};
use domain::clock::{Clock, SystemClock};
use domain::id::{BatchId, ChannelId, NodeId, TelegramAccountId, TemplateId, UserId};
use domain::role::Role;
use domain::sealed::Vault;
use domain::secret_key::{Keys, Lasting, SecretKey, ShortLived};
use events::local::LocalEvents;
use storage::access::user;
use storage::broadcast::{batch, channel, telegram_account, template};
use storage::files::Files;
use storage::{Db, Folded};

/// The secret key of all tests and benchmarks.
pub const KEY: [u8; 32] = [7; 32];

/// Services over a migrated SQLite. The folder lives as long as this does.
pub struct Fixture {
    /// The services that the tests work on.
    pub services: Services,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// A database of its own, with progress told `progress_hz` times a second at most.
    pub async fn new(progress_hz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let db = Db::sqlite(&folder.path().join("herald.db")).await.expect("SQLite opens");
        db.migrate().await.expect("an empty database is migrated");
        let mut services = Services::testing(db, Arc::new(SystemClock::new()), folder.path());
        services.rules = Arc::new(Rules { progress_hz, ..(*services.rules).clone() });
        Self { services, _folder: folder }
    }
}

impl Services {
    /// Services as without any setting, but that nothing is sent; events stay in the process.
    pub fn testing(db: Db, clock: Arc<dyn Clock>, data_dir: &Path) -> Self {
        let mut rules = Rules { is_simulated: true, data_dir: data_dir.into(), ..Rules::default() };
        rules.endpoints.is_simulated = true;
        let key = SecretKey::new(KEY);
        let events = LocalEvents::new();
        Self {
            db,
            clock,
            known: Known::by(&events),
            events: Arc::new(events),
            vault: Vault::new(&key),
            keys: Keys { short_lived: ShortLived::of(&key), lasting: Lasting::new(key, Vec::new()) },
            rules: Arc::new(rules),
            node: NodeId::generate(),
            files: Files::within(data_dir),
            sessions: Coalesce::default(),
            denials: Denials::default(),
            repeats: Repeats::default(),
            uploads: Tallies::default(),
            health: Arc::default(),
        }
    }
}

/// An admin who can't sign in.
pub fn user(now: DateTime<Utc>) -> user::Model {
    let id = UserId::generate();
    user::Model {
        id,
        username: format!("admin-{id}"),
        password_hash: String::new(),
        role: Role::Admin,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        deleted_at: None,
        version: 1,
        sso_subject: None,
        sso_issued_at: None,
        sso_ended_at: None,
    }
}

/// A channel of which nothing is known but its name.
pub fn channel(username: &str, now: DateTime<Utc>) -> channel::Model {
    channel::Model {
        id: ChannelId::generate(),
        username: username.into(),
        category: "tests".into(),
        tgstat_url: None,
        collected_at: now,
        created_at: now,
        updated_at: now,
        title: None,
        description: None,
        member_count: None,
        is_verified: false,
        last_checked: None,
        is_active: true,
        error_count: 0,
        last_error: None,
        version: 1,
        can_post: CanPost::Unknown,
        slow_mode_seconds: None,
        message_price: None,
        refresh_requested_at: None,
        refresh_not_before: None,
        category_fold: Folded::of("tests"),
        kind: None,
    }
}

/// An account of the Telegram user `user_id` at data centre 2, signed in by `key`, that no limit of Herald's slows down.
pub fn account(label: &str, user_id: i64, key: &[u8], vault: &Vault, now: DateTime<Utc>) -> telegram_account::Model {
    let id = TelegramAccountId::generate();
    telegram_account::Model {
        id,
        label: label.into(),
        status: AccountStatus::Active,
        last_error: None,
        telegram_user_id: Some(user_id),
        name: None,
        username: None,
        phone_end: None,
        dc: 2,
        auth_key: vault.seal(telegram_account::Model::auth_key_place(id), key),
        auth_key_hash: id.to_string(),
        api_id: 1,
        api_hash: None,
        messages_per_minute: 6_000,
        new_peers_per_day: 100_000,
        resolves_per_day: 100_000,
        day: 0,
        sends_today: 0,
        new_peers_today: 0,
        resolves_today: 0,
        send_not_before: None,
        resolve_not_before: None,
        read_not_before: None,
        created_at: now,
        updated_at: now,
        created_by_id: None,
        version: 1,
        label_fold: Folded::of(label),
    }
}

/// A batch that has, or is to have, so many channels.
pub fn batch(by: UserId, channels: usize, now: DateTime<Utc>) -> batch::Model {
    batch::Model {
        id: BatchId::generate(),
        name: "All".into(),
        description: None,
        created_at: now,
        updated_at: now,
        created_by_id: by,
        channel_count: i32::try_from(channels).expect("not that many"),
        version: 1,
        name_fold: Folded::of("All"),
        allow_private: false,
    }
}

/// A template of plain text.
pub fn template(content: &str, now: DateTime<Utc>) -> template::Model {
    template::Model {
        id: TemplateId::generate(),
        name: "Hello".into(),
        content: content.into(),
        description: None,
        parse_mode: ParseMode::Plain,
        media_type: None,
        media_url: None,
        media_upload_id: None,
        usage_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::of("Hello"),
    }
}
