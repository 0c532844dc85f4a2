//! The machinery that answers GraphQL operations: everything in this floor that is no noun.

pub mod batching;
mod budget;
pub mod connection;
pub mod context;
pub mod document;
pub mod error;
pub mod execution;
pub mod guard;
pub mod id;
pub mod loaders;
pub(crate) mod lookup;
pub(crate) mod mistakes;
pub mod nested;
pub(crate) mod nodes;
mod null_propagation;
mod observe;
pub mod order;
mod refusals;
pub mod same_request;
pub mod scalar;
pub mod shared_frames;
mod shares;
