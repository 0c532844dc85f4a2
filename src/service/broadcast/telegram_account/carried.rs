//! What an account had done today, and how long Telegram lets it wait, beyond its removal: added anew it goes on from there. Telegram
//! counts by the user, not by Herald's rows.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::Write;
use domain::audit::Action;
use domain::error::Result;
use storage::access::audit_log::{Column, Entity};
use storage::broadcast::telegram_account::{ActiveModel, Model};

/// For so long a removal is looked for: no wait of Telegram's is longer.
const KNOWN_FOR: TimeDelta = TimeDelta::days(7);
/// Removals that are looked at.
const MOST: u64 = 500;

/// What goes along. It stands in the line of the audit log that tells of the removal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Carried {
    telegram_user_id: Option<String>,
    day: i32,
    sends: i32,
    new_peers: i32,
    resolves: i32,
    send_not_before: Option<DateTime<Utc>>,
    resolve_not_before: Option<DateTime<Utc>>,
    read_not_before: Option<DateTime<Utc>>,
}

impl Carried {
    fn of(account: &Model) -> Self {
        Self {
            telegram_user_id: account.telegram_user_id.map(|id| id.to_string()),
            day: account.day,
            sends: account.sends_today,
            new_peers: account.new_peers_today,
            resolves: account.resolves_today,
            send_not_before: account.send_not_before,
            resolve_not_before: account.resolve_not_before,
            read_not_before: account.read_not_before,
        }
    }

    /// Gives it to the account that is added anew.
    pub(super) fn onto(self, row: &mut ActiveModel) {
        row.day = Set(self.day);
        row.sends_today = Set(self.sends);
        row.new_peers_today = Set(self.new_peers);
        row.resolves_today = Set(self.resolves);
        row.send_not_before = Set(self.send_not_before);
        row.resolve_not_before = Set(self.resolve_not_before);
        row.read_not_before = Set(self.read_not_before);
    }
}

/// What the audit log says of an account that is removed.
pub(super) fn told(account: &Model) -> Json {
    let mut told = json!(Carried::of(account));
    told["label"] = json!(account.label);
    told
}

/// What the account of this Telegram user had done when it was removed, if that was lately.
pub(super) async fn of_user(w: &Write, user: i64) -> Result<Option<Carried>> {
    let lines: Vec<Option<Json>> = Entity::find()
        .select_only()
        .column(Column::Metadata)
        .filter(Column::Action.eq(Action::TelegramAccountRemoved))
        .filter(Column::Timestamp.gte(w.now - KNOWN_FOR))
        .order_by_desc(Column::Id)
        .limit(MOST)
        .into_tuple()
        .all(w)
        .await?;
    let user = Some(user.to_string());
    let read = lines.into_iter().flatten().filter_map(|line| serde_json::from_value::<Carried>(line).ok());
    Ok(read.into_iter().find(|carried| carried.telegram_user_id == user))
}
