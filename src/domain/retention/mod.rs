//! The rules of retention: its words, and the transitions that there are.

pub mod address;
pub mod hours;
pub mod placeholders;
pub mod states;
pub mod words;
