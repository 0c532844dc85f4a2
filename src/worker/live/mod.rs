//! Sending for real: accounts that this process leases, each with its one connection and its driver (R15 to R17).
//!
//! ```text
//! fleet ── leases accounts, a fair share each process ──▶ driver of an account
//!                                                          ├ preparer: puts jobs on its trays, looks peers up ahead (R4)
//!                                                          ├ errands: edits and deletes what it has sent
//!                                                          ├ post: letters to leads, which the lanes of sequences hand in
//!                                                          ├ refresher: asks about channels for the catalog
//!                                                          ├ pulse: tells the server that this process lives
//!                                                          └ its own pace × the campaign's pace ─▶ engage ─▶ send ─▶ desk
//! desk of a campaign ── its message, its gate, its settler, shared by the drivers that serve it
//! ```

mod desk;
mod driver;
mod errands;
mod fleet;
mod history;
mod letters;
mod post;
mod preparer;
mod refresher;
mod seat;
mod send;
mod watchdog;

pub use fleet::run;
pub use letters::Letters;
