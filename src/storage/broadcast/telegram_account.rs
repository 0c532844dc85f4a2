//! Telegram accounts: who sends, under which limits, and what Telegram thinks of it.

use chrono::Datelike;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder};

use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::{Noun, noun};
use domain::broadcast::AccountStatus;
use domain::error::Result;
use domain::id::{TelegramAccountId, UserId};
use domain::sealed::{Sealed, SecretPlace};

/// The table's name: what is sealed in it is bound to it.
pub const TABLE: &str = "telegram_accounts";

/// A Telegram account that sends. Its `day` counters hold for that day only: see [`Model::today`].
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "telegram_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TelegramAccountId,
    pub label: String,
    pub status: AccountStatus,
    /// Why it is not ACTIVE, or what went wrong last.
    pub last_error: Option<String>,
    /// None until it was asked who it is.
    pub telegram_user_id: Option<i64>,
    pub name: Option<String>,
    pub username: Option<String>,
    /// The last digits of its telephone number.
    pub phone_end: Option<String>,
    /// The data centre that knows its key, 1 to 5.
    pub dc: i32,
    pub auth_key: Sealed,
    /// A keyed hash of the key: two rows never have one session (R17).
    pub auth_key_hash: String,
    pub api_id: i32,
    pub api_hash: Option<Sealed>,
    pub messages_per_minute: i32,
    /// Channels that it writes to for the first time, a day.
    pub new_peers_per_day: i32,
    /// Usernames that it looks up, a day.
    pub resolves_per_day: i32,
    /// The day that the counters are of, in days since 1970 in UTC.
    pub day: i32,
    pub sends_today: i32,
    pub new_peers_today: i32,
    pub resolves_today: i32,
    /// R18: Telegram's waits, a column a class of methods: a flood of look-ups does not stop sends.
    pub send_not_before: Option<DateTimeUtc>,
    pub resolve_not_before: Option<DateTimeUtc>,
    pub read_not_before: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// None: it was added at the command line.
    pub created_by_id: Option<UserId>,
    pub version: i32,
    /// The label as it is searched and sorted.
    pub label_fold: Folded,
}

joins_nothing!();

noun!(TelegramAccountId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::LabelFold, &[Column::Label])];

    // A row that Telegram has not told the owner of is the claim of somebody who is just adding it.
    fn all() -> Select<Self> {
        Self::find().filter(Column::TelegramUserId.is_not_null())
    }
});

impl Entity {
    /// All accounts, the oldest first.
    pub fn all_by_age() -> Select<Self> {
        Self::all().order_by_asc(Column::Id)
    }

    /// The account `id`.
    pub fn introduced(id: TelegramAccountId) -> Select<Self> {
        Self::all().filter(Column::Id.eq(id))
    }

    /// Accounts in one of the states, the oldest first.
    pub fn in_status(statuses: impl IntoIterator<Item = AccountStatus>) -> Select<Self> {
        Self::all_by_age().filter(Column::Status.is_in(statuses))
    }

    /// The account with this session, by the hash of its key.
    pub fn with_key(hash: &str) -> Select<Self> {
        Self::find().filter(Column::AuthKeyHash.eq(hash))
    }

    /// The account of a Telegram user.
    pub fn of_user(user: i64) -> Select<Self> {
        Self::find().filter(Column::TelegramUserId.eq(user))
    }
}

/// The deeds of an account on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Today {
    pub sends: i32,
    pub new_peers: i32,
    pub resolves: i32,
}

impl Model {
    /// The deeds of the account on the day of `now`.
    pub fn today(&self, now: DateTimeUtc) -> Today {
        if self.day != day(now) {
            return Today::default();
        }
        Today { sends: self.sends_today, new_peers: self.new_peers_today, resolves: self.resolves_today }
    }

    /// Where its key lies.
    pub fn auth_key_place(id: TelegramAccountId) -> SecretPlace {
        SecretPlace { table: TABLE, column: "auth_key", row: id.0 }
    }

    /// Where its API hash lies.
    pub fn api_hash_place(id: TelegramAccountId) -> SecretPlace {
        SecretPlace { table: TABLE, column: "api_hash", row: id.0 }
    }
}

/// The number of the day of `at`, in UTC, since 1970.
pub fn day(at: DateTimeUtc) -> i32 {
    const EPOCH: i32 = 719_163;
    at.date_naive().num_days_from_ce() - EPOCH
}

impl Model {
    /// The status as it is shown at `now`: an account that works is `FLOOD_WAIT` for as long as Telegram lets it send nothing, and
    /// `ACTIVE` otherwise, whatever was last written down.
    pub fn status_at(&self, now: DateTimeUtc) -> AccountStatus {
        match self.status {
            AccountStatus::Active | AccountStatus::FloodWait
                if self.send_not_before.is_some_and(|until| until > now) =>
            {
                AccountStatus::FloodWait
            }
            AccountStatus::FloodWait => AccountStatus::Active,
            other => other,
        }
    }
}

/// Accounts whose [`Model::status_at`] is one of these.
fn shown_in(statuses: &[AccountStatus], now: DateTimeUtc) -> Condition {
    let (working, parked): (Vec<_>, Vec<_>) =
        statuses.iter().partition(|status| matches!(status, AccountStatus::Active | AccountStatus::FloodWait));
    let waits = Column::SendNotBefore.gt(now);
    let mut shown = Condition::any().add(Column::Status.is_in(parked));
    for status in working {
        let works = Condition::all().add(Column::Status.is_in([AccountStatus::Active, AccountStatus::FloodWait]));
        shown = shown.add(match status {
            AccountStatus::FloodWait => works.add(waits.clone()),
            _ => works.add(Condition::any().add(Column::SendNotBefore.is_null()).add(Column::SendNotBefore.lte(now))),
        });
    }
    shown
}

crate::filter::filter! {
    /// Which accounts are wanted.
    TelegramAccountFilter of Entity {
        statuses: (Vec<AccountStatus>, DateTimeUtc) => |(statuses, now)| shown_in(&statuses, now),
        label_contains: String => |part: String| folded::has(Column::LabelFold, &part),
    }
}
