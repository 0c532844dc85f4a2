//! Who uses what is to be deleted.

use sea_orm::{PaginatorTrait, QueryOrder, Select};

use domain::error::{Error, Result};
use storage::Tx;
use storage::broadcast::campaign;

/// Refuses if there are such campaigns, and says how many and one by name. `what` is as in "the batch is used by".
pub(super) async fn refuse(tx: &Tx, campaigns: Select<campaign::Entity>, what: &str) -> Result<()> {
    let Some(first) = campaigns.clone().order_by_asc(campaign::Column::Id).one(tx).await? else { return Ok(()) };
    let name = &first.name;
    Err(Error::Precondition(match campaigns.count(tx).await? {
        0 | 1 => format!("{what} the campaign \"{name}\""),
        count => format!("{what} {count} campaigns, such as \"{name}\""),
    }))
}
