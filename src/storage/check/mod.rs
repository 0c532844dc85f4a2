//! What contradicts itself in a database: rows whose owner is gone, and counters that their rows belie.
//!
//! Each look is one statement, which sees one state of the database: what others write meanwhile belies nothing. Each mending asks
//! again under the locks that writers take.

pub mod counters;
pub mod letters;
pub mod references;
pub mod strays;
pub mod tallies;
