//! The one table of what may become of what in retention. A transition that is not in it is refused.

use std::fmt::Display;

use super::words::{
    AbTestStatus, CampaignLeadStatus, ContactAttemptStatus, ConversionStatus, EnrollmentStatus, ExecutionStatus,
    LeadStatus, RetentionCampaignStatus, RetentionSequenceStatus, WebhookEventStatus,
};
use crate::error::{Error, Result};

/// The state of something that goes from state to state.
pub trait State: Copy + PartialEq + Display + 'static {
    /// The noun that has this state, for a sentence.
    const NOUN: &'static str;

    /// The states that may follow this one.
    fn next(self) -> &'static [Self];

    /// Whether `to` may follow this one.
    fn may_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }

    /// Refuses with `PRECONDITION_FAILED`, saying from where to where, unless `to` may follow this one.
    ///
    /// # Errors
    /// There is no such transition.
    fn require(self, to: Self) -> Result<()> {
        if self.may_become(to) { Ok(()) } else { Err(Error::transition(Self::NOUN, self, to)) }
    }

    /// The states that `to` may follow: the condition of a statement that moves many rows at once.
    fn before(to: Self) -> Vec<Self>
    where
        Self: sea_orm::Iterable,
    {
        Self::iter().filter(|from| from.may_become(to)).collect()
    }

    /// Whether nothing follows.
    fn is_terminal(self) -> bool {
        self.next().is_empty()
    }
}

macro_rules! states {
    ($($state:ident = $noun:literal { $($from:ident -> [$($to:ident),*]),+ $(,)? })+) => {$(
        impl State for $state {
            const NOUN: &'static str = $noun;

            fn next(self) -> &'static [Self] {
                match self { $(Self::$from => &[$(Self::$to),*]),+ }
            }
        }
    )+};
}

states! {
    // A lead only goes forward, over as many states as it likes. What leads out of DO_NOT_CONTACT is the explicit act of
    // lifting it, which restores the state before.
    LeadStatus = "lead" {
        New -> [InProgress, Contacted, Converted, DoNotContact],
        InProgress -> [Contacted, Converted, DoNotContact],
        Contacted -> [Converted, DoNotContact],
        Converted -> [DoNotContact],
        DoNotContact -> [],
    }
    RetentionCampaignStatus = "retention campaign" {
        Draft -> [Active],
        Active -> [Paused, Completed],
        Paused -> [Active, Completed],
        Completed -> [],
    }
    CampaignLeadStatus = "lead of the campaign" {
        Pending -> [Contacted],
        Contacted -> [Completed],
        Completed -> [],
    }
    // A provider's callbacks come late and in any order: none moves an attempt backwards.
    ContactAttemptStatus = "contact attempt" {
        Pending -> [Sent, Delivered, Success, Failed, Bounced, Unknown],
        Unknown -> [Sent, Delivered, Success, Failed, Bounced],
        Sent -> [Delivered, Success, Failed, Bounced],
        Delivered -> [Success, Bounced],
        Success -> [],
        Failed -> [],
        Bounced -> [],
    }
    ConversionStatus = "conversion" {
        Lead -> [Signup, Trial, Sale, Rejected],
        Signup -> [Trial, Sale, Rejected],
        Trial -> [Sale, Rejected],
        Sale -> [Rejected],
        Rejected -> [],
    }
    RetentionSequenceStatus = "retention sequence" {
        Draft -> [Active],
        Active -> [Paused, Archived],
        Paused -> [Active, Archived],
        Archived -> [],
    }
    EnrollmentStatus = "enrollment" {
        Active -> [Paused, Completed, Cancelled, Converted],
        Paused -> [Active, Cancelled, Converted],
        Completed -> [],
        Cancelled -> [],
        Converted -> [],
    }
    // A refusal that may pass goes from FAILED back to SCHEDULED in one step; from SENT a callback may still bring a failure.
    ExecutionStatus = "step execution" {
        Pending -> [Scheduled, Skipped, Cancelled],
        Scheduled -> [Sent, Delivered, Failed, Skipped, Cancelled, Unknown],
        Failed -> [Scheduled, Skipped, Cancelled],
        Unknown -> [Sent, Delivered, Failed],
        Sent -> [Delivered, Failed],
        Delivered -> [],
        Skipped -> [],
        Cancelled -> [],
    }
    AbTestStatus = "A/B test" {
        Draft -> [Running],
        Running -> [Completed],
        Completed -> [],
    }
    WebhookEventStatus = "webhook event" {
        Received -> [Processed, Unmatched, Failed],
        Unmatched -> [Processed, Failed],
        Processed -> [],
        // Somebody has it tried once more.
        Failed -> [Received],
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use sea_orm::Iterable;

    use super::*;
    use crate::error::Code;

    /// The promises of every table: no state follows itself, none is listed twice, a refusal says from where to where,
    /// and
    /// `before` is the table read the other way round.
    fn is_sound<S: State + Iterable + Debug>() {
        for from in S::iter() {
            let next = from.next();
            assert!(!next.contains(&from), "{from} follows itself");
            assert!(next.iter().enumerate().all(|(index, to)| !next[..index].contains(to)), "{from} lists one twice");
            assert_eq!(from.is_terminal(), S::iter().all(|to| !from.may_become(to)));
            for to in S::iter() {
                assert_eq!(S::before(to).contains(&from), next.contains(&to));
                match from.require(to) {
                    Ok(()) => assert!(next.contains(&to)),
                    Err(error) => {
                        assert!(!next.contains(&to));
                        assert_eq!(error.code(), Code::PreconditionFailed);
                        let sentence = format!("the {} cannot go from {from} to {to}", S::NOUN);
                        assert_eq!(error.to_string(), sentence);
                    }
                }
            }
        }
    }

    /// All states that can be reached from `from`.
    fn reach<S: State>(from: S) -> Vec<S> {
        let mut found: Vec<S> = from.next().to_vec();
        let mut index = 0;
        while index < found.len() {
            let more: Vec<S> = found[index].next().iter().copied().filter(|to| !found.contains(to)).collect();
            found.extend(more);
            index += 1;
        }
        found
    }

    #[test]
    fn each_table_is_sound() {
        is_sound::<LeadStatus>();
        is_sound::<RetentionCampaignStatus>();
        is_sound::<CampaignLeadStatus>();
        is_sound::<ContactAttemptStatus>();
        is_sound::<ConversionStatus>();
        is_sound::<RetentionSequenceStatus>();
        is_sound::<EnrollmentStatus>();
        is_sound::<ExecutionStatus>();
        is_sound::<AbTestStatus>();
        is_sound::<WebhookEventStatus>();
    }

    #[test]
    fn the_first_state_leads_to_all_others() {
        fn all_but_itself<S: State + Iterable + Debug>(first: S) {
            for state in S::iter().filter(|state| *state != first) {
                assert!(reach(first).contains(&state), "{state} can't be reached from {first}");
            }
        }
        all_but_itself(LeadStatus::New);
        all_but_itself(RetentionCampaignStatus::Draft);
        all_but_itself(CampaignLeadStatus::Pending);
        all_but_itself(ContactAttemptStatus::Pending);
        all_but_itself(ConversionStatus::Lead);
        all_but_itself(RetentionSequenceStatus::Draft);
        all_but_itself(EnrollmentStatus::Active);
        all_but_itself(ExecutionStatus::Pending);
        all_but_itself(AbTestStatus::Draft);
        all_but_itself(WebhookEventStatus::Received);
    }

    #[test]
    fn leads_attempts_and_conversions_never_go_back() {
        fn never_returns<S: State + Iterable + Debug>() {
            for state in S::iter() {
                assert!(!reach(state).contains(&state), "there is a way from {state} back to it");
            }
        }
        never_returns::<LeadStatus>();
        never_returns::<CampaignLeadStatus>();
        never_returns::<ContactAttemptStatus>();
        never_returns::<ConversionStatus>();
        never_returns::<AbTestStatus>();
    }

    #[test]
    fn every_lead_can_be_set_to_do_not_contact() {
        assert_eq!(LeadStatus::before(LeadStatus::DoNotContact).len(), LeadStatus::iter().count() - 1);
    }

    #[test]
    fn campaigns_and_sequences_end_only_after_they_were_active() {
        assert_eq!(RetentionCampaignStatus::Draft.next(), [RetentionCampaignStatus::Active]);
        assert_eq!(RetentionSequenceStatus::Draft.next(), [RetentionSequenceStatus::Active]);
        assert!(RetentionCampaignStatus::Completed.is_terminal());
        assert!(RetentionSequenceStatus::Archived.is_terminal());
    }
}
