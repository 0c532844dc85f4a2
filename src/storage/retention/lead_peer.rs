//! What a Telegram account has learned of a lead by looking its username up.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Value};

use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::Result;
use domain::id::{LeadId, TelegramAccountId};

/// A lead, as one account may name it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lead_peers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: TelegramAccountId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub lead_id: LeadId,
    /// The name by which it was found: who has another one now is looked up anew.
    pub username: String,
    pub peer_id: i64,
    pub access_hash: i64,
    pub resolved_at: DateTimeUtc,
    /// When the account began to write to it first.
    pub written_at: Option<DateTimeUtc>,
}

joins_nothing!();

impl Entity {
    /// The accounts that know a lead; the one that knows it for longest comes first.
    pub fn of(lead: LeadId) -> Select<Self> {
        Self::find().filter(Column::LeadId.eq(lead)).order_by_asc(Column::ResolvedAt).order_by_asc(Column::AccountId)
    }

    /// Writes down what an account has found. Another person than before has not been written to.
    pub async fn know(db: &Db, found: &Model) -> Result<()> {
        let sql = "INSERT INTO lead_peers (account_id, lead_id, username, peer_id, access_hash, resolved_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (account_id, lead_id) DO UPDATE SET
                       username = excluded.username, peer_id = excluded.peer_id, access_hash = excluded.access_hash,
                       resolved_at = excluded.resolved_at,
                       written_at = CASE WHEN lead_peers.peer_id = excluded.peer_id THEN lead_peers.written_at END";
        let values: [Value; 6] = [
            found.account_id.into(),
            found.lead_id.into(),
            found.username.clone().into(),
            found.peer_id.into(),
            found.access_hash.into(),
            found.resolved_at.into(),
        ];
        db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
    }

    /// Forgets what an account knew: it is of no use any more.
    pub async fn forget(db: &Db, account: TelegramAccountId, lead: LeadId) -> Result<()> {
        let sql = "DELETE FROM lead_peers WHERE account_id = $1 AND lead_id = $2";
        let values: [Value; 2] = [account.into(), lead.into()];
        db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
    }

    /// Notes that the account writes to the lead for the first time.
    pub async fn written(tx: &Tx, account: TelegramAccountId, lead: LeadId, now: DateTimeUtc) -> Result<()> {
        let sql = "UPDATE lead_peers SET written_at = $3 WHERE account_id = $1 AND lead_id = $2 AND written_at IS NULL";
        let values: [Value; 3] = [account.into(), lead.into(), now.into()];
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
        Ok(())
    }
}
