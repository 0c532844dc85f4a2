//! Use cases of retention: by whom leads are reached.

pub mod integration;
pub mod switch;
