//! What an account had done today, and how long Telegram lets it wait, beyond its removal: added anew it goes on from there. Telegram
//! counts by the user, not by Herald's rows.

use chrono::TimeDelta;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::Write;
use domain::error::Result;
use storage::broadcast::removed_account::{Column, Entity, Model};
use storage::broadcast::telegram_account::{self, ActiveModel};

/// For so long a removal is known: no wait of Telegram's is longer.
const KNOWN_FOR: TimeDelta = TimeDelta::days(7);

/// Keeps what goes along with an account that is removed, and forgets what is old.
pub(super) async fn keep(w: &Write, account: &telegram_account::Model) -> Result<()> {
    Entity::delete_many().filter(Column::RemovedAt.lt(w.now - KNOWN_FOR)).exec(w).await?;
    let Some(user) = account.telegram_user_id else { return Ok(()) };
    let row = Model {
        telegram_user_id: user,
        removed_at: w.now,
        day: account.day,
        sends_today: account.sends_today,
        new_peers_today: account.new_peers_today,
        resolves_today: account.resolves_today,
        send_not_before: account.send_not_before,
        resolve_not_before: account.resolve_not_before,
        read_not_before: account.read_not_before,
    };
    Entity::delete_by_id(user).exec(w).await?;
    Ok(Entity::insert(row.into_active_model()).exec_without_returning(w).await.map(drop)?)
}

/// Gives an account that is added what its Telegram user had done when one of his was removed, if that was lately.
pub(super) async fn give(w: &Write, user: i64, row: &mut ActiveModel) -> Result<()> {
    let known = Entity::find_by_id(user).filter(Column::RemovedAt.gte(w.now - KNOWN_FOR)).one(w).await?;
    let Some(known) = known else { return Ok(()) };
    row.day = Set(known.day);
    row.sends_today = Set(known.sends_today);
    row.new_peers_today = Set(known.new_peers_today);
    row.resolves_today = Set(known.resolves_today);
    row.send_not_before = Set(known.send_not_before);
    row.resolve_not_before = Set(known.resolve_not_before);
    row.read_not_before = Set(known.read_not_before);
    Entity::delete_by_id(user).exec(w).await?;
    Ok(())
}
