//! Floor 1: the rows, their named selects, and the few statements that sea-orm can't say.

pub mod access;
pub mod archive;
pub mod broadcast;
pub mod db;
pub mod filter;
pub mod noun;
pub mod page;
pub mod retention;
pub mod rows;
pub mod shelf;
pub mod sql;
pub use domain::violation;

pub use db::{Db, Tx};
pub use noun::{Keyed, Noun};
