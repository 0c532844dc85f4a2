//! The rules of retention: its words, and the transitions that there are.

pub mod states;
pub mod words;
