//! Use cases of retention: who is reached, by whom, in which steps, with what success.

pub mod ab_test;
pub mod blocked;
pub mod callback;
pub mod campaign;
pub mod consent;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_rule;
pub mod conversion_rule_check;
pub mod delivery;
pub mod effects;
pub mod endings;
pub mod enrollment;
pub mod enrollment_updates;
pub mod instantly_keep;
pub mod instantly_sync;
pub mod integration;
pub mod lead;
pub mod lead_erase;
pub mod lead_export;
pub mod lead_merge;
pub mod mail_tag;
pub mod mailbox;
pub mod members;
pub mod meta;
pub mod refusal;
pub mod reliance;
pub(crate) mod removal;
pub mod report;
pub mod schedule;
pub mod script;
pub mod sequence;
pub mod sequence_live;
pub mod switch;
pub mod tracking;
pub mod trigger;
pub mod unsubscribe;

/// What `old` becomes where undefined leaves it, and null removes it.
fn changed_to<T>(old: Option<T>, new: async_graphql::MaybeUndefined<T>) -> Option<T> {
    if new.is_undefined() { old } else { new.take() }
}
