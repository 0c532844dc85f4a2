//! The promises of delivery, each with an attempt to break it.

mod answers;
mod chaos;
mod clocks;
mod conformance;
mod controls;
pub mod crashes;
mod cut_off;
mod distance;
pub mod fixture;
mod freeze;
mod holding;
mod kept_jobs;
mod large_retries;
mod large_starts;
mod leases;
pub mod live;
mod locks;
mod outages;
mod pacing;
mod pooler;
mod scripted;
mod stop;
mod streaks;
mod timing;
