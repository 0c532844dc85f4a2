//! Floor 1: the rows, their named selects, and the few statements that sea-orm can't say.

/// The ends of an entity whose rows sea-orm joins to nothing: loaders follow their ids.
macro_rules! joins_nothing {
    () => {
        /// Rows join nothing: loaders follow their ids.
        #[derive(Copy, Clone, Debug, sea_orm::EnumIter, sea_orm::DeriveRelation)]
        pub enum Relation {}

        impl sea_orm::ActiveModelBehavior for ActiveModel {}
    };
}

pub mod access;
pub mod agenda;
pub mod archive;
pub mod broadcast;
pub mod check;
pub mod db;
pub mod files;
pub mod filter;
pub mod folded;
pub mod gauges;
pub mod imports;
pub mod letters;
pub mod life;
pub mod noun;
pub mod page;
pub mod place;
pub mod prune;
pub mod retention;
pub mod rows;
pub mod shelf;
pub mod sql;
pub mod stop;
pub mod sums;
pub mod tallies;
pub mod task;
pub mod together;
mod url;
pub use domain::violation;

pub use db::{Db, Tx};
pub use folded::Folded;
pub use noun::{Keyed, Noun};
pub use url::can_read_url;
