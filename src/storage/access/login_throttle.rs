//! Failed logins of the last minutes: a row for each name that was tried, for each address that it was tried from, and for each
//! pair of them. And from which networks who has signed in lately.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, QueryOrder, QuerySelect};

use domain::error::Result;

/// The failures of one name, address or pair, or a pair that is known. It is of no use after `until`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "login_throttles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Instants in milliseconds since 1970, oldest first.
    pub failures: Json,
    pub until: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// All rows.
    pub fn any() -> Select<Self> {
        Self::find()
    }

    /// The rows of these keys, as far as there are any.
    pub fn of(keys: &[String]) -> Select<Self> {
        Self::find().filter(Column::Key.is_in(keys.iter().cloned())).order_by_asc(Column::Key)
    }

    /// The rows of these sorted keys, made if need be, locked until the transaction ends, always in the same order.
    pub async fn lock(tx: &impl ConnectionTrait, keys: &[String], now: DateTimeUtc) -> Result<Vec<Model>> {
        let blank = |key: &String| ActiveModel {
            key: ActiveValue::Set(key.clone()),
            failures: ActiveValue::Set(Json::Array(Vec::new())),
            until: ActiveValue::Set(now),
        };
        let or_nothing = OnConflict::column(Column::Key).do_nothing().to_owned();
        Self::insert_many(keys.iter().map(blank)).on_conflict(or_nothing).exec_without_returning(tx).await?;
        Ok(Self::of(keys).lock_exclusive().all(tx).await?)
    }

    /// Remembers `key` until then.
    pub async fn know(tx: &impl ConnectionTrait, key: &str, until: DateTimeUtc) -> Result<()> {
        let row = ActiveModel {
            key: ActiveValue::Set(key.to_owned()),
            failures: ActiveValue::Set(Json::Array(Vec::new())),
            until: ActiveValue::Set(until),
        };
        let or_longer = OnConflict::column(Column::Key).update_column(Column::Until).to_owned();
        Self::insert(row).on_conflict(or_longer).exec_without_returning(tx).await?;
        Ok(())
    }

    /// Forgets rows that are of no use any more.
    pub fn forget(now: DateTimeUtc) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::Until.lte(now))
    }
}
