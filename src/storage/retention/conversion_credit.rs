//! Credit of conversions that was computed anew and is not theirs yet.

use chrono::{DateTime, Utc};
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{ContactAttemptId, ConversionId, LeadId};

/// Rows of one insert: `SQLite` takes 32,766 values.
const TOGETHER: usize = 1_000;

/// The credit that a conversion will have.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversion_credits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversion_id: ConversionId,
    /// The conversion's version that was looked at.
    pub seen_version: i32,
    /// The conversion's lead then.
    pub lead_id: LeadId,
    /// The contact that is credited most.
    pub contact_attempt_id: Option<ContactAttemptId>,
    /// The value of the conversion's `attribution`.
    pub attribution: Json,
}

joins_nothing!();

/// Whether the conversion `c` and the contact `a` are what the credit `s` was computed from.
const IS_AS_SEEN: &str = "c.version = s.seen_version AND c.lead_id IS NOT NULL AND c.lead_id = s.lead_id
    AND (s.contact_attempt_id IS NULL OR a.id IS NOT NULL)";

impl Entity {
    /// Puts credit aside.
    pub async fn put_aside(tx: &Tx, rows: Vec<Model>) -> Result<()> {
        for some in rows.chunks(TOGETHER) {
            let some = some.iter().cloned().map(IntoActiveModel::into_active_model);
            Self::insert_many(some).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    /// The conversions that have changed since their credit was computed, or whose contact is gone, so that they did not get it at `now`: it is
    /// not theirs any more.
    pub async fn outdated(tx: &Tx, now: DateTime<Utc>) -> Result<Vec<ConversionId>> {
        let sql = format!(
            "SELECT c.id AS id FROM conversion_credits s JOIN conversions c ON c.id = s.conversion_id
             LEFT JOIN contact_attempts a ON a.id = s.contact_attempt_id WHERE NOT ({IS_AS_SEEN})
               AND (c.attributed_at IS NULL OR c.attributed_at <> $1)"
        );
        let rows = tx.query_all_raw(Dialect(tx.get_database_backend()).statement(&sql, [now.into()])).await?;
        rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
    }

    /// Gives all conversions that have not changed since the credit that was put aside, in one statement: whoever reads them sees
    /// the old credit of all, or the new one of all. What the contact belongs to is read from it now.
    pub async fn give(tx: &Tx, now: DateTime<Utc>) -> Result<()> {
        let sql = format!(
            "UPDATE conversions AS c SET contact_attempt_id = s.contact_attempt_id, campaign_id = a.campaign_id,
                 step_id = a.step_id, channel = a.channel, attribution = s.attribution, attributed_at = $1,
                 updated_at = $1, version = c.version + 1
             FROM conversion_credits AS s LEFT JOIN contact_attempts AS a ON a.id = s.contact_attempt_id
             WHERE c.id = s.conversion_id AND {IS_AS_SEEN}"
        );
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, [now.into()])).await?;
        Ok(())
    }

    /// Forgets some of what was put aside; returns how much that was.
    pub async fn forget_some(tx: &Tx, most: i64) -> Result<u64> {
        let sql = "DELETE FROM conversion_credits WHERE conversion_id IN
                   (SELECT conversion_id FROM conversion_credits ORDER BY conversion_id LIMIT $1)";
        Ok(tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, [most.into()])).await?.rows_affected())
    }
}
