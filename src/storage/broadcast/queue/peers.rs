//! What an account has learned of a channel by looking it up.

use chrono::{DateTime, Utc};
use sea_orm::Value;

use crate::Db;
use crate::sql::Dialect;
use domain::broadcast::PeerKind;
use domain::error::Result;
use domain::id::{ChannelId, TelegramAccountId};

/// A peer, as one account may name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Telegram's number of it.
    pub peer_id: i64,
    /// The account's permission to name it.
    pub access_hash: i64,
    /// Its sort.
    pub kind: PeerKind,
}

/// Writes it down; what else the account knows of the channel stays. Its sort is the same for all accounts, and is there before
/// any of them could write to it.
pub async fn know(
    db: &Db,
    (account, channel): (TelegramAccountId, ChannelId),
    found: Found,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE channels SET kind = $2 WHERE id = $1 AND (kind IS NULL OR kind <> $2) RETURNING id";
    let values: [Value; 2] = [channel.into(), found.kind.to_string().into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await?;
    let sql = "INSERT INTO account_peers (account_id, channel_id, peer_id, access_hash, is_user, resolved_at)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (account_id, channel_id) DO UPDATE SET
                   peer_id = excluded.peer_id, access_hash = excluded.access_hash, is_user = excluded.is_user,
                   resolved_at = excluded.resolved_at,
                   written_at = CASE WHEN account_peers.peer_id = excluded.peer_id THEN account_peers.written_at END";
    let values: [Value; 6] = [
        account.into(),
        channel.into(),
        found.peer_id.into(),
        found.access_hash.into(),
        found.kind.is_private().into(),
        now.into(),
    ];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}
