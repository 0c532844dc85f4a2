//! What an A/B test is about, when it has a winner, and what its numbers say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::AbVariant;
use crate::error::Violations;
use crate::statistics::{self, Arm, Thresholds, Verdict};
use crate::words::words;

words! {
    /// What an A/B test hopes that leads do.
    AbTestGoal {
        /// They convert after the contact, and that is not taken back.
        Conversion => "CONVERSION",
        /// They follow a link. Of emails by a mail server and of text messages that is told where the campaign has `trackClicks`.
        Click => "CLICK",
        /// They answer.
        Reply => "REPLY",
    }
    /// What the rule of an A/B test says of its numbers.
    AbTestDecision {
        /// The first script has won.
        WinnerA => "WINNER_A",
        /// The second script has won.
        WinnerB => "WINNER_B",
        /// It is not known yet.
        KeepRunning => "KEEP_RUNNING",
        /// It has run for as long as it may: there is no difference worth waiting for.
        Futile => "FUTILE",
    }
    /// Why an A/B test has no winner.
    AbTestReason {
        /// A variant was not sent to as many leads yet as the rule wants.
        SampleTooSmall => "SAMPLE_TOO_SMALL",
        /// A variant has less than five leads that did what is hoped for, or less than five that did not.
        TooFewEvents => "TOO_FEW_EVENTS",
        /// It has not run for long enough.
        RunTooShort => "RUN_TOO_SHORT",
        /// The leads are not divided as was intended: something is broken, and no number means anything.
        SampleRatioMismatch => "SAMPLE_RATIO_MISMATCH",
        /// Neither the sequential test nor probability and loss are sure enough.
        NotDecisive => "NOT_DECISIVE",
    }
}

impl From<statistics::Reason> for AbTestReason {
    fn from(reason: statistics::Reason) -> Self {
        match reason {
            statistics::Reason::SampleTooSmall => Self::SampleTooSmall,
            statistics::Reason::TooFewEvents => Self::TooFewEvents,
            statistics::Reason::RunTooShort => Self::RunTooShort,
            statistics::Reason::SampleRatioMismatch => Self::SampleRatioMismatch,
            statistics::Reason::NotDecisive => Self::NotDecisive,
        }
    }
}

/// How leads are divided, and when there is a winner. Stated at creation, never changed afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What counts as success.
    pub goal: AbTestGoal,
    /// The shares of A and B, as weights.
    pub split: [u32; 2],
    /// Leads that each variant must have been sent to.
    pub min_sample: u32,
    /// Days that it runs at least: whole weeks are best, as people are others on Sundays.
    pub min_days: u32,
    /// Days after which it is given up.
    pub max_days: u32,
    /// The error rate of the sequential test.
    pub alpha: f64,
    /// The probability of being better that is enough if the loss is small too.
    pub min_probability: f64,
    /// The expected loss, as a share of leads, that nobody cares about.
    pub max_loss: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            goal: AbTestGoal::Conversion,
            split: [50, 50],
            min_sample: 1_000,
            min_days: 7,
            max_days: 60,
            alpha: 0.05,
            min_probability: 0.95,
            max_loss: 0.002,
        }
    }
}

impl Rule {
    /// Notes what is wrong with it.
    pub fn check(&self, wrong: &mut Violations) {
        let [a, b] = self.split;
        wrong.require((1..=99).contains(&a) && a + b == 100, "shareOfA", "must be from 1 to 99 percent");
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        wrong.require((10..=10_000_000).contains(&self.min_sample), "minSample", "must be from 10 to 10,000,000");
        wrong.require(self.min_days <= 365, "minDays", "must be from 0 to 365");
        let ends_after = (self.min_days.max(1)..=730).contains(&self.max_days);
        wrong.require(ends_after, "maxDays", "must be from minDays to 730, and at least 1");
        wrong.require(is_share(self.alpha) && self.alpha <= 0.2, "alpha", "must be above 0 and at most 0.2");
        let is_probable = is_share(self.min_probability) && self.min_probability >= 0.5;
        wrong.require(is_probable, "minProbability", "must be from 0.5 to below 1");
        wrong.require((0.0..=0.1).contains(&self.max_loss), "maxLoss", "must be from 0 to 0.1");
    }

    fn thresholds(&self) -> Thresholds {
        let days = |days: u32| Duration::from_hours(u64::from(days) * 24);
        Thresholds {
            min_sample: self.min_sample.into(),
            min_run: days(self.min_days),
            max_run: days(self.max_days),
            alpha: self.alpha,
            min_probability: self.min_probability,
            max_loss: self.max_loss,
        }
    }
}

/// The leads of one variant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Leads for whom the variant was chosen.
    pub assigned: u64,
    /// Those to whom it went out.
    pub sent: u64,
    /// Leads among them who did what is hoped for.
    pub successes: u64,
}

/// All numbers of a test at one instant, as they are kept when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When they were counted.
    pub at: DateTime<Utc>,
    /// The leads of A.
    pub a: Counts,
    /// The leads of B.
    pub b: Counts,
    /// The pooled z statistic; positive if B does better.
    pub z: Option<f64>,
    /// Its two-sided p-value.
    pub p: f64,
    /// B's rate less A's, from and to.
    pub difference: Option<(f64, f64)>,
    /// The probability that B does better.
    pub b_is_better: f64,
    /// The expected loss of choosing A, and that of choosing B.
    pub loss: (f64, f64),
    /// The p-value that holds at every look.
    pub sequential_p: Option<f64>,
    /// B's rate less A's, from and to, at all looks together.
    pub sequential_difference: Option<(f64, f64)>,
    /// How likely the division of the leads is by chance.
    pub sample_ratio_p: Option<f64>,
    /// What the rule says.
    pub decision: AbTestDecision,
    /// Why there is no winner.
    pub reasons: Vec<AbTestReason>,
}

impl Snapshot {
    /// The numbers of two variants after a test has run for so long.
    pub fn of(rule: &Rule, a: Counts, b: Counts, run: Duration, at: DateTime<Utc>) -> Self {
        let arm = |counts: Counts| Arm::new(counts.successes, counts.sent);
        let mut numbers = statistics::numbers(arm(a), arm(b), rule.split, rule.alpha);
        // Whom a variant reached may depend on it; for whom it was chosen may not.
        numbers.sample_ratio = statistics::sample_ratio(&[a.assigned, b.assigned], &rule.split);
        let (decision, reasons) = match statistics::verdict(&numbers, &rule.thresholds(), run) {
            Verdict::Winner(0) => (AbTestDecision::WinnerA, Vec::new()),
            Verdict::Winner(_) => (AbTestDecision::WinnerB, Vec::new()),
            Verdict::KeepRunning(reasons) => (AbTestDecision::KeepRunning, reasons),
            Verdict::Futile(reasons) => (AbTestDecision::Futile, reasons),
        };
        Self {
            at,
            a,
            b,
            z: numbers.z_test.z,
            p: numbers.z_test.p,
            difference: numbers.difference.map(|range| (range.low, range.high)),
            b_is_better: numbers.beliefs.b_is_better,
            loss: (numbers.beliefs.loss_of_a, numbers.beliefs.loss_of_b),
            sequential_p: numbers.sequential.map(|test| test.p),
            sequential_difference: numbers.sequential.map(|test| (test.interval.low, test.interval.high)),
            sample_ratio_p: numbers.sample_ratio.map(|ratio| ratio.p),
            decision,
            reasons: reasons.into_iter().map(Into::into).collect(),
        }
    }

    /// The variant that has won, if one has.
    pub fn winner(&self) -> Option<AbVariant> {
        match self.decision {
            AbTestDecision::WinnerA => Some(AbVariant::A),
            AbTestDecision::WinnerB => Some(AbVariant::B),
            AbTestDecision::KeepRunning | AbTestDecision::Futile => None,
        }
    }

    /// Why there is no winner, in numbers.
    pub fn refusal(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        let sequential = self.sequential_p.map_or_else(|| "undefined".into(), |p| format!("{p:.6}"));
        format!(
            "the test has no winner yet ({}): A {}/{}, B {}/{}, sequential p {sequential}, probability that B is better \
             {:.6}, expected loss of A {:.6} and of B {:.6}",
            reasons.join(", "),
            self.a.successes,
            self.a.sent,
            self.b.successes,
            self.b.sent,
            self.b_is_better,
            self.loss.0,
            self.loss.1,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_a_new_test_is_sound_and_a_wild_one_is_refused() {
        let mut wrong = Violations::default();
        Rule::default().check(&mut wrong);
        assert!(wrong.is_empty());
        let wild = Rule {
            split: [100, 0],
            min_sample: 0,
            min_days: 9,
            max_days: 3,
            alpha: 0.0,
            min_probability: 1.0,
            max_loss: f64::NAN,
            ..Rule::default()
        };
        wild.check(&mut wrong);
        assert_eq!(wrong.len(), 6);
    }

    #[test]
    fn numbers_say_who_won_or_why_nobody_has() {
        let counts = |sent, successes| Counts { assigned: sent, sent, successes };
        let week = Duration::from_hours(7 * 24);
        let snapshot = |a, b| Snapshot::of(&Rule::default(), a, b, week, DateTime::UNIX_EPOCH);
        let won = snapshot(counts(1_000, 200), counts(1_000, 300));
        assert_eq!((won.winner(), won.reasons.len()), (Some(AbVariant::B), 0));
        let open = snapshot(counts(900, 100), counts(900, 101));
        assert_eq!(open.winner(), None);
        assert!(open.refusal().contains("SAMPLE_TOO_SMALL, NOT_DECISIVE"), "{}", open.refusal());
        // As many were reached, but far more were chosen for A: something is broken.
        let broken = snapshot(Counts { assigned: 2_000, ..counts(1_000, 200) }, counts(1_000, 300));
        assert_eq!(broken.reasons, [AbTestReason::SampleRatioMismatch]);
        let kept: Snapshot = serde_json::from_value(serde_json::to_value(&won).unwrap()).unwrap();
        assert_eq!(kept, won);
    }
}
