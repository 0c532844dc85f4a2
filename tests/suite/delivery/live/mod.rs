//! Sending for real: the worker speaks MTProto to a Telegram that the test plays.

mod accounts;
mod answers;
mod beyond;
mod budgets;
mod cut_off;
pub mod field;
pub mod processes;
mod ready;
mod recalled;
mod recalls;
mod recipients;
mod searches;
mod waits;
