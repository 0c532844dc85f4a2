//! What a provider's answer means for the execution, the contact attempt and the enrollment.

use chrono::{DateTime, TimeDelta, Utc};

use super::words::{ContactAttemptStatus, ExecutionReason, ExecutionStatus};

/// After a first failure a step is tried again so much later.
pub const RETRY: TimeDelta = TimeDelta::hours(1);
/// Contacts that may end in a failure before the step is left out.
pub const TRIES: i32 = 2;

/// The outcome of a contact that was leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted,
    /// The provider refused it.
    Refused {
        /// No repetition can help.
        is_permanent: bool,
        /// The provider asked for a pause of this length at least.
        pause: Option<TimeDelta>,
    },
    /// Surely not sent, through no fault of the contact: no attempt is spent.
    Wait(TimeDelta),
    /// Surely never handed over: the lease goes back.
    Untouched,
    /// Perhaps sent.
    Unknown,
}

/// The consequences of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The execution's new status.
    pub execution: ExecutionStatus,
    /// Why, if it is not plain.
    pub reason: Option<ExecutionReason>,
    /// The attempt's new status; None: it has not happened and is forgotten.
    pub attempt: Option<ContactAttemptStatus>,
    /// When it is tried again; None: the next step comes.
    pub again: Option<DateTime<Utc>>,
    /// Whether the execution spent one of its tries.
    pub counts: bool,
}

/// Judges the outcome of a contact at `now`, after `tries` that failed.
pub fn judge(outcome: Outcome, tries: i32, now: DateTime<Utc>) -> Verdict {
    use ContactAttemptStatus as Attempt;
    use ExecutionStatus as Execution;
    let ended =
        |execution, reason, attempt| Verdict { execution, reason, attempt: Some(attempt), again: None, counts: true };
    let later = |again, reason, attempt, counts| Verdict {
        execution: Execution::Scheduled,
        reason,
        attempt,
        again: Some(again),
        counts,
    };
    match outcome {
        Outcome::Accepted => ended(Execution::Sent, None, Attempt::Sent),
        Outcome::Unknown => ended(Execution::Unknown, None, Attempt::Unknown),
        Outcome::Refused { is_permanent: true, .. } => ended(Execution::Failed, None, Attempt::Failed),
        Outcome::Refused { .. } if tries + 1 >= TRIES => {
            ended(Execution::Skipped, Some(ExecutionReason::FailedTwice), Attempt::Failed)
        }
        Outcome::Refused { pause, .. } => {
            let again = now + pause.unwrap_or(RETRY).max(RETRY);
            later(again, Some(ExecutionReason::Retry), Some(Attempt::Failed), true)
        }
        Outcome::Wait(pause) => later(now + pause, Some(ExecutionReason::ProviderBusy), None, false),
        Outcome::Untouched => later(now, None, None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::states::State;

    fn now() -> DateTime<Utc> {
        "2026-03-10T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_first_failure_is_repeated_an_hour_later_and_a_second_leaves_the_step_out() {
        let refused = Outcome::Refused { is_permanent: false, pause: None };
        let first = judge(refused, 0, now());
        assert_eq!((first.execution, first.again), (ExecutionStatus::Scheduled, Some(now() + TimeDelta::hours(1))));
        assert_eq!((first.attempt, first.counts), (Some(ContactAttemptStatus::Failed), true));
        let second = judge(refused, 1, now());
        assert_eq!((second.execution, second.reason), (ExecutionStatus::Skipped, Some(ExecutionReason::FailedTwice)));
        assert_eq!(second.again, None, "the next step comes");
        let day = Outcome::Refused { is_permanent: false, pause: Some(TimeDelta::days(1)) };
        assert_eq!(judge(day, 0, now()).again, Some(now() + TimeDelta::days(1)), "as long as the provider asks for");
    }

    #[test]
    fn what_may_have_been_sent_is_not_repeated_and_what_was_not_costs_nothing() {
        assert_eq!(judge(Outcome::Unknown, 0, now()).again, None);
        for outcome in [Outcome::Wait(TimeDelta::minutes(5)), Outcome::Untouched] {
            let verdict = judge(outcome, 1, now());
            assert_eq!((verdict.counts, verdict.attempt, verdict.execution), (false, None, ExecutionStatus::Scheduled));
        }
        let refused = judge(Outcome::Refused { is_permanent: true, pause: None }, 0, now());
        assert_eq!((refused.execution, refused.again), (ExecutionStatus::Failed, None));
    }

    #[test]
    fn every_verdict_is_in_the_table_of_states() {
        let refused = |is_permanent| Outcome::Refused { is_permanent, pause: None };
        for outcome in [Outcome::Accepted, Outcome::Unknown, refused(true), refused(false)] {
            for tries in 0..2 {
                let verdict = judge(outcome, tries, now());
                if verdict.again.is_none() {
                    assert!(ExecutionStatus::Scheduled.may_become(verdict.execution), "{verdict:?}");
                }
                assert!(ContactAttemptStatus::Pending.may_become(verdict.attempt.unwrap()), "{verdict:?}");
            }
        }
    }
}
