//! When a test has a winner: a rule that is stated before, not a look that pleases.

use std::time::Duration;

use super::{
    Arm, Beliefs, Interval, SampleRatio, Sequential, ZTest, beliefs, float, newcombe, sample_ratio, sequential, z_test,
};

/// The conditions under which a winner is declared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Leads that each arm must have.
    pub min_sample: u64,
    /// How long it must have run: whole weeks, as people are others on Sundays.
    pub min_run: Duration,
    /// After this it is given up.
    pub max_run: Duration,
    /// The error rate of the sequential test.
    pub alpha: f64,
    /// The probability of being better that is enough, if the loss is small too.
    pub min_probability: f64,
    /// The expected loss of rate that nobody cares about.
    pub max_loss: f64,
}

/// All that the data say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// The arms.
    pub arms: [Arm; 2],
    /// The plain test.
    pub z_test: ZTest,
    /// Newcombe's interval of B's rate less A's, at 1 - alpha.
    pub difference: Option<Interval>,
    /// The beliefs about both arms.
    pub beliefs: Beliefs,
    /// The test that may be looked at every day.
    pub sequential: Option<Sequential>,
    /// Whether the leads went to the arms as was intended.
    pub sample_ratio: Option<SampleRatio>,
}

/// What the rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The arm at this position has won.
    Winner(usize),
    /// No winner is known yet.
    KeepRunning(Vec<Reason>),
    /// The test has run for long enough: there is no difference worth waiting for.
    Futile(Vec<Reason>),
}

/// Why there is no winner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An arm has not got its leads yet.
    SampleTooSmall,
    /// An arm has less than five successes, or less than five failures.
    TooFewEvents,
    /// The test has not run for long enough.
    RunTooShort,
    /// The numbers of leads do not fit the intended split: something is broken.
    SampleRatioMismatch,
    /// Neither the sequential test nor probability and loss say enough.
    NotDecisive,
}

/// All that the data say of two arms, split by `weights`.
pub fn numbers(a: Arm, b: Arm, weights: [u32; 2], alpha: f64) -> Numbers {
    Numbers {
        arms: [a, b],
        z_test: z_test(a, b),
        difference: newcombe(a, b, 1.0 - alpha),
        beliefs: beliefs(a, b),
        sequential: sequential(a, b, alpha),
        sample_ratio: sample_ratio(&[a.trials, b.trials], &weights),
    }
}

/// A winner only when each arm has its leads and at least five events of both kinds, the test has run for its time, and
/// either the sequential p is below alpha, or it is probable enough and the expected loss is small enough.
/// The plain z-test never decides: who looks at it every day finds a difference where there is none.
pub fn verdict(numbers: &Numbers, rule: &Thresholds, run: Duration) -> Verdict {
    let mut missing = Vec::new();
    let mut require = |holds: bool, reason| {
        if !holds {
            missing.push(reason);
        }
    };
    let has_events = |arm: &Arm| arm.successes.min(arm.trials - arm.successes) >= 5;
    require(numbers.arms.iter().all(|arm| arm.trials >= rule.min_sample.max(1)), Reason::SampleTooSmall);
    require(numbers.arms.iter().all(has_events), Reason::TooFewEvents);
    require(run >= rule.min_run, Reason::RunTooShort);
    require(!numbers.sample_ratio.is_some_and(SampleRatio::is_alarming), Reason::SampleRatioMismatch);
    let winner = decided(numbers, rule);
    require(winner.is_some(), Reason::NotDecisive);
    match winner {
        Some(winner) if missing.is_empty() => Verdict::Winner(winner),
        _ if run >= rule.max_run => Verdict::Futile(missing),
        _ => Verdict::KeepRunning(missing),
    }
}

/// The arm of which the data are sure enough.
fn decided(numbers: &Numbers, rule: &Thresholds) -> Option<usize> {
    let [a, b] = numbers.arms;
    let b_leads = float(b.successes) * float(a.trials) > float(a.successes) * float(b.trials);
    let Beliefs { b_is_better, loss_of_a, loss_of_b } = numbers.beliefs;
    let (probability, loss) = if b_leads { (b_is_better, loss_of_b) } else { (1.0 - b_is_better, loss_of_a) };
    let is_sure = numbers.sequential.is_some_and(|test| test.p < rule.alpha);
    let is_probable = probability >= rule.min_probability && loss <= rule.max_loss;
    (is_sure || is_probable).then_some(usize::from(b_leads))
}
