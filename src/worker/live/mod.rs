//! Sending for real: accounts that this process leases, each with its one connection and its driver (R15 to R17).
//!
//! ```text
//! fleet ── leases accounts, a fair share each process ──▶ driver of an account
//!                                                          ├ prefetcher: reserves jobs, looks peers up ahead (R4)
//!                                                          ├ sent changes: edits, deletes and finds what it has sent
//!                                                          ├ letter queue: letters to leads, from the producers of steps
//!                                                          ├ refresher: asks about channels for the catalog
//!                                                          ├ pulse: tells the server that this process lives
//!                                                          └ its own pace × the campaign's pace ─▶ engage ─▶ executor
//! pipeline of a campaign ── its message, its gate, its completer, shared by the drivers that serve it
//! ```

mod driver;
mod executor;
mod fleet;
mod history;
mod letter_queue;
mod letters;
mod pipelines;
mod prefetcher;
mod pulse;
mod refresher;
mod sent_changes;
mod state;
mod watchdog;

pub use fleet::run;
pub use letters::Letters;
