//! The head of the audit log's chain: one row, locked by whoever seals.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;

use domain::error::{Error, Result};

/// The last sealed line.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_heads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub seq: i64,
    pub hash: String,
}

joins_nothing!();

impl Entity {
    /// The head.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Model> {
        there(Self::find_by_id(1).one(db).await?)
    }

    /// The head, locked until the transaction ends.
    pub async fn lock(tx: &impl ConnectionTrait) -> Result<Model> {
        there(Self::find_by_id(1).lock_exclusive().one(tx).await?)
    }
}

fn there(row: Option<Model>) -> Result<Model> {
    row.ok_or_else(|| Error::internal(anyhow::anyhow!("the audit log has no head")))
}
