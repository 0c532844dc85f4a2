//! Whether what is here is meant for real, or was made where messages and contacts go nowhere.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::Services;
use domain::error::Result;
use storage::broadcast::campaign;
use storage::retention::sequence;

/// Whether there are campaigns or sequences that are meant for real.
///
/// # Errors
/// The database is away.
pub async fn has_real(on: &Services) -> Result<bool> {
    let campaigns = campaign::Entity::find().filter(campaign::Column::IsSimulated.eq(false));
    let sequences = sequence::Entity::find().filter(sequence::Column::IsSimulated.eq(false));
    Ok(campaigns.count(on.db.reader()).await? + sequences.count(on.db.reader()).await? > 0)
}
