//! Keys that outlive each replacement of the installation's key: sealed under it, and sealed anew with everything else.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use domain::error::Result;
use domain::sealed::{Sealed, SecretPlace};

/// The id of the key with which things are made. Any other row has one that is only recognised.
pub const MAKES: Uuid = Uuid::from_u128(1);

/// A key that lasts.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sealed: Sealed,
    pub created_at: DateTimeUtc,
}

joins_nothing!();

impl Model {
    /// Where the key of row `id` lies.
    pub const fn place(id: Uuid) -> SecretPlace {
        SecretPlace { table: "installation_keys", column: "sealed", row: id }
    }
}

impl Entity {
    /// All of them.
    pub async fn everything(db: &impl ConnectionTrait) -> Result<Vec<Model>> {
        Ok(Self::find().all(db).await?)
    }

    /// Keeps a key, unless there is one under its id.
    pub async fn keep(tx: &impl ConnectionTrait, row: Model) -> Result<()> {
        let known = OnConflict::column(Column::Id).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        Ok(())
    }
}
