//! The rules of delivery on each line to a messenger: the simulated one, and MTProto over TCP.
//!
//! | rule | here, on each line | beside it |
//! |---|---|---|
//! | R1, R2, R3 | [`rules::starts_keep_the_rate`] | `timing`, `pacing` |
//! | R4 | a simulated line has nobody to look up | `live::ready`, `live::budgets` |
//! | R5 | [`rules::nothing_starts_after_a_pause_has_answered`] | `controls`, `crashes` |
//! | R6 | [`rules::a_cancellation_answers_at_once_and_ends_what_was_queued`] | `controls` |
//! | R7 | the database's: no line has a part in it | `locks`, `chaos` |
//! | R8 | [`rules::the_log_tells_each_change_in_order`] | `live` of the suite |
//! | R9 | [`rules::what_was_sent_stays_sent_whatever_came_between`] | `leases` |
//! | R10, R24 | [`rules::a_worker_that_stops_leaves_the_rest_to_the_next`] | `outages`, `crashes`, `stop` |
//! | R11 | [`rules::what_may_have_been_sent_never_fails`] | `live::answers`, `leases` |
//! | R12, R13 | [`rules::a_message_keeps_its_number_until_it_is_sent_anew`] | `live::processes` |
//! | R14 | a simulated line knows recipients by their names only | `live::answers` |
//! | R15, R16, R17 | leases of accounts: a simulated line has none | `live::accounts`, `live::processes`, `accounts` |
//! | R18 | [`rules::a_wait_is_kept_to_the_second`] | `live::waits` |
//! | R19 | [`rules::a_slot_far_ahead_is_a_fault_of_the_clock`] | `clocks` |
//! | R20 | [`rules::failures_in_a_row_pause`] | `streaks` |
//! | R21 | [`rules::texts_are_those_of_the_start`] | `freeze` |
//! | R22 | told after the commit, by no line | `live` of the suite |
//! | R23, R25 | the database's | `locks`, `cut_off`, `outages` |

mod line;
mod rules;

use std::time::Duration;

use self::line::{Live, Simulated, Stage};
use crate::harness::{Postgres, only_on};

/// How long the way to a far database and back takes.
const FAR: Duration = Duration::from_millis(30);

/// Each rule is a test on each line, with the database at hand and, where it is a server, far away.
macro_rules! on_each_line {
    ($($rule:ident),* $(,)?) => {
        on_line!(simulated, Simulated, $($rule),*);
        on_line!(live, Live, $($rule),*);
    };
}

macro_rules! on_line {
    ($name:ident, $line:ty, $($rule:ident),*) => {
        mod $name {
            use super::*;

            $(#[tokio::test]
            async fn $rule() {
                rules::$rule(Stage::<$line>::open(None).await).await;
            })*

            mod far {
                use super::*;

                $(#[tokio::test]
                async fn $rule() {
                    if only_on(Postgres, "SQLite is a file: there is no way to it that could be long") {
                        rules::$rule(Stage::<$line>::open(Some(FAR)).await).await;
                    }
                })*
            }
        }
    };
}

on_each_line!(
    starts_keep_the_rate,
    nothing_starts_after_a_pause_has_answered,
    a_cancellation_answers_at_once_and_ends_what_was_queued,
    the_log_tells_each_change_in_order,
    what_was_sent_stays_sent_whatever_came_between,
    a_worker_that_stops_leaves_the_rest_to_the_next,
    what_may_have_been_sent_never_fails,
    a_message_keeps_its_number_until_it_is_sent_anew,
    a_wait_is_kept_to_the_second,
    a_slot_far_ahead_is_a_fault_of_the_clock,
    failures_in_a_row_pause,
    texts_are_those_of_the_start,
);
