//! Whether a step that is due is done now: the one place where contact hours, limits, wishes and conditions meet.

use chrono::{DateTime, Utc};

use super::frequency::{Limits, Touch};
use super::words::{ContactChannel, EnrollmentStatus, ExecutionReason};

/// The facts of a step that is due, read in the transaction that decides.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub struct Case<'a> {
    /// The enrollment's status.
    pub enrollment: EnrollmentStatus,
    /// By which channel the step goes.
    pub channel: ContactChannel,
    /// Whether the lead must not be contacted on it.
    pub is_refused: bool,
    /// Whether the campaign contacts leads by other channels only.
    pub is_channel_off: bool,
    /// Whether the lead has an address for it.
    pub has_address: bool,
    /// Whether the lead agreed to it, where that is needed.
    pub is_agreed: bool,
    /// Whether the step's conditions hold.
    pub conditions_hold: bool,
    /// Whether there is something to say.
    pub has_script: bool,
    /// Whether a conversion rule speaks against the channel.
    pub is_ruled_out: bool,
    /// The limits that govern contacts to the lead.
    pub limits: Limits,
    /// The lead's last contacts.
    pub touches: &'a [Touch],
}

/// What becomes of a step that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The step is done now.
    Send,
    /// The step waits until an instant, and is decided again then.
    Defer(DateTime<Utc>),
    /// The step is left out, and the next step comes.
    Skip(ExecutionReason),
    /// Nothing happens: the enrollment is paused.
    Leave,
    /// The enrollment has ended: so has the step.
    Cancel,
}

impl Case<'_> {
    /// Decides at `now`. What leaves the step out comes before what puts it off: nobody waits for a morning to be skipped.
    pub fn decide(&self, now: DateTime<Utc>) -> Decision {
        match self.enrollment {
            EnrollmentStatus::Active => {}
            EnrollmentStatus::Paused => return Decision::Leave,
            EnrollmentStatus::Completed | EnrollmentStatus::Cancelled | EnrollmentStatus::Converted => {
                return Decision::Cancel;
            }
        }
        let hindrances = [
            (self.is_refused, ExecutionReason::DoNotContact),
            (self.is_channel_off, ExecutionReason::Channel),
            (!self.has_address, ExecutionReason::NoAddress),
            (!self.is_agreed, ExecutionReason::NoConsent),
            (!self.conditions_hold, ExecutionReason::Conditions),
            (!self.has_script, ExecutionReason::NoScript),
            (self.is_ruled_out, ExecutionReason::Rule),
        ];
        if let Some((_, reason)) = hindrances.into_iter().find(|(hinders, _)| *hinders) {
            return Decision::Skip(reason);
        }
        let allowed = self.limits.allowed_at(now, self.channel, self.touches);
        if allowed > now { Decision::Defer(allowed) } else { Decision::Send }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Tz;

    use super::*;
    use crate::retention::window::Window;

    #[test]
    fn wishes_come_before_hours_and_an_ended_enrollment_before_all() {
        let window = Window::new(9 * 60, 18 * 60, &[], Tz::UTC);
        let limits = Limits { window, per_day: None, between_channels: TimeDelta::zero() };
        let case = Case {
            enrollment: EnrollmentStatus::Active,
            channel: ContactChannel::Sms,
            is_refused: false,
            is_channel_off: false,
            has_address: true,
            is_agreed: true,
            conditions_hold: true,
            has_script: true,
            is_ruled_out: false,
            limits,
            touches: &[],
        };
        let (noon, night) = ("2026-03-10T12:00:00Z".parse().unwrap(), "2026-03-10T03:00:00Z".parse().unwrap());
        assert_eq!(case.decide(noon), Decision::Send);
        assert_eq!(case.decide(night), Decision::Defer("2026-03-10T09:00:00Z".parse().unwrap()));
        let refused = Case { is_refused: true, has_address: false, ..case };
        assert_eq!(refused.decide(night), Decision::Skip(ExecutionReason::DoNotContact));
        assert_eq!(Case { has_address: false, ..case }.decide(noon), Decision::Skip(ExecutionReason::NoAddress));
        assert_eq!(Case { is_channel_off: true, ..case }.decide(night), Decision::Skip(ExecutionReason::Channel));
        assert_eq!(Case { is_ruled_out: true, ..case }.decide(noon), Decision::Skip(ExecutionReason::Rule));
        assert_eq!(Case { enrollment: EnrollmentStatus::Paused, ..refused }.decide(noon), Decision::Leave);
        assert_eq!(Case { enrollment: EnrollmentStatus::Converted, ..refused }.decide(noon), Decision::Cancel);
    }
}
