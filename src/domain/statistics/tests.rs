//! The reference numbers (scipy, statsmodels, gbstats), and what must hold of any.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value as Json;
use uuid::Uuid;

use super::sequential::rho;
use super::*;

/// As near as the reference numbers have to be met.
const NEAR: f64 = 1e-9;

#[track_caller]
fn assert_near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= NEAR, "{found} is not {wanted}");
}

fn vectors(file: &str) -> Vec<Json> {
    // Python writes NaN, which JSON does not have.
    serde_json::from_str(&file.replace("NaN", "null")).unwrap()
}

fn arm(case: &Json, name: &str) -> Arm {
    let (successes, trials) = case[name].as_str().unwrap().split_once('/').unwrap();
    Arm::new(successes.parse().unwrap(), trials.parse().unwrap())
}

fn number(case: &Json, name: &str) -> f64 {
    case[name].as_f64().unwrap_or_else(|| panic!("{name} of {case}"))
}

#[track_caller]
fn assert_interval(found: Option<Interval>, case: &Json, name: &str) {
    let found = found.unwrap();
    assert_near(found.low, case[name][0].as_f64().unwrap());
    assert_near(found.high, case[name][1].as_f64().unwrap());
}

#[test]
fn the_reference_numbers_are_met() {
    let cases = vectors(include_str!("../../../tests/vectors/ab_tests.json"));
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let (a, b) = (arm(case, "A"), arm(case, "B"));
        let test = z_test(a, b);
        assert_near(test.p, case["p_two_sided"].as_f64().unwrap_or(1.0));
        match case["z_pooled"].as_f64() {
            Some(z) => assert_near(test.z.unwrap(), z),
            None => assert_eq!(test.z, None),
        }
        assert_interval(wilson(a, 0.95), case, "wilson_a");
        assert_interval(wilson(b, 0.95), case, "wilson_b");
        assert_interval(newcombe(a, b, 0.95), case, "newcomb_ci95_diff");
        let beliefs = beliefs(a, b);
        assert_near(beliefs.b_is_better, number(case, "prob_B_gt_A"));
        assert_near(beliefs.loss_of_b, number(case, "exp_loss_choose_B_closed"));
        assert_near(beliefs.loss_of_a, number(case, "exp_loss_choose_A_closed"));
        let best = probability_best(&[a, b]);
        assert_near(best[1], beliefs.b_is_better);
        assert_near(best[0] + best[1], 1.0);
    }
}

#[test]
fn the_sequential_reference_numbers_are_met() {
    let cases = vectors(include_str!("../../../tests/vectors/ab_tests_sequential.json"));
    assert_eq!(cases.len(), 5);
    for case in &cases {
        let found = sequential(arm(case, "A"), arm(case, "B"), 0.05).unwrap();
        assert_near(found.p, number(case, "seq_p"));
        assert_interval(Some(found.interval), case, "seq_ci");
        assert_near(rho(0.05), number(case, "rho"));
    }
    assert_eq!(sequential(Arm::new(0, 40), Arm::new(0, 60), 0.05), None);
}

#[test]
fn three_arms_a_sample_size_and_a_sample_ratio_are_as_the_reference_has_them() {
    let best = probability_best(&[Arm::new(120, 1_000), Arm::new(150, 1_000), Arm::new(140, 1_000)]);
    for (found, wanted) in best.iter().zip([0.011_001_615_777_156_94, 0.729_923_083_536_971_3, 0.259_075_300_685_870_8])
    {
        assert_near(*found, wanted);
    }
    let size = sample_size(0.12, 0.15, 0.05, 0.8).unwrap();
    assert!((size - 2_035.605).abs() < 0.001, "{size}");
    assert_eq!(sample_size(0.1, 0.1, 0.05, 0.8), None);
    let ratio = sample_ratio(&[5_000, 5_300], &[1, 1]).unwrap();
    assert_near(ratio.chi_squared, 8.737_864_077_669_903);
    assert_near(ratio.p, 0.003_116_693_839_866_867);
    assert!(!ratio.is_alarming());
    assert!(sample_ratio(&[5_000, 5_400], &[1, 1]).unwrap().is_alarming());
    assert!(!sample_ratio(&[3_000, 1_000], &[75, 25]).unwrap().is_alarming());
    assert_eq!(sample_ratio(&[0, 0], &[1, 1]), None);
}

const RULE: Thresholds = Thresholds {
    min_sample: 100,
    min_run: Duration::from_hours(7 * 24),
    max_run: Duration::from_hours(60 * 24),
    alpha: 0.05,
    min_probability: 0.95,
    max_loss: 0.002,
};

fn judged(a: Arm, b: Arm, days: u64) -> Verdict {
    verdict(&numbers(a, b, [50, 50], RULE.alpha), &RULE, Duration::from_hours(days * 24))
}

#[test]
fn a_winner_needs_leads_and_events_and_time_and_certainty() {
    let missing = |a, b, days| match judged(a, b, days) {
        Verdict::KeepRunning(missing) => missing,
        other => panic!("{other:?}"),
    };
    // The sequential test is sure.
    assert_eq!(judged(Arm::new(200, 1_000), Arm::new(300, 1_000), 7), Verdict::Winner(1));
    assert_eq!(judged(Arm::new(300, 1_000), Arm::new(200, 1_000), 7), Verdict::Winner(0));
    // It is not, but probability and loss are.
    assert_eq!(judged(Arm::new(120, 1_000), Arm::new(150, 1_000), 7), Verdict::Winner(1));
    assert_eq!(missing(Arm::new(200, 1_000), Arm::new(300, 1_000), 6), [Reason::RunTooShort]);
    assert_eq!(missing(Arm::new(120, 1_000), Arm::new(130, 1_000), 30), [Reason::NotDecisive]);
    assert_eq!(missing(Arm::new(20, 99), Arm::new(70, 120), 30), [Reason::SampleTooSmall]);
    assert_eq!(missing(Arm::new(0, 1_000), Arm::new(90, 1_000), 30), [Reason::TooFewEvents]);
    assert_eq!(missing(Arm::new(200, 1_000), Arm::new(360, 1_200), 30), [Reason::SampleRatioMismatch]);
    let futile = Verdict::Futile(vec![Reason::NotDecisive]);
    assert_eq!(judged(Arm::new(120, 1_000), Arm::new(121, 1_000), 60), futile);
    let nothing = vec![Reason::SampleTooSmall, Reason::TooFewEvents, Reason::RunTooShort, Reason::NotDecisive];
    assert_eq!(judged(Arm::new(0, 0), Arm::new(0, 0), 0), Verdict::KeepRunning(nothing));
}

#[test]
fn looking_every_day_at_equal_arms_seldom_finds_a_winner() {
    // Two arms with the same rate, looked at after each 50 leads: the plain test is fooled far more often than 5 %.
    let mut random = 42_u64;
    let mut converts = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 32 < (1 << 32) / 10
    };
    let (mut fooled, mut plainly_fooled) = (0, 0);
    for _ in 0..200 {
        let (mut a, mut b) = (0, 0);
        let mut looks = (1..=40).map(|look: u64| {
            a += (0..50).filter(|_| converts()).count() as u64;
            b += (0..50).filter(|_| converts()).count() as u64;
            (Arm::new(a, look * 50), Arm::new(b, look * 50))
        });
        let looks: Vec<(Arm, Arm)> = looks.by_ref().collect();
        fooled += u32::from(looks.iter().any(|(a, b)| sequential(*a, *b, 0.05).is_some_and(|test| test.p < 0.05)));
        plainly_fooled += u32::from(looks.iter().any(|(a, b)| z_test(*a, *b).p < 0.05));
    }
    assert!(fooled <= 10, "{fooled} of 200");
    assert!(plainly_fooled > 30, "{plainly_fooled} of 200");
}

#[test]
fn leads_are_spread_by_the_weights_and_stay_where_they_are() {
    let test = Uuid::from_u128(7);
    let counts = |test: Uuid, weights: &[u32]| {
        let mut counts = vec![0_u64; weights.len()];
        for lead in 0..10_000 {
            counts[assign(test, Uuid::from_u128(lead), weights)] += 1;
        }
        counts
    };
    let even = counts(test, &[50, 50]);
    assert!(!sample_ratio(&even, &[50, 50]).unwrap().is_alarming(), "{even:?}");
    let uneven = counts(test, &[90, 10]);
    assert!(!sample_ratio(&uneven, &[90, 10]).unwrap().is_alarming(), "{uneven:?}");
    assert_eq!(counts(test, &[0, 1]), [0, 10_000]);
    assert_eq!(even, counts(test, &[50, 50]));
    // Another test splits the same leads independently.
    let both = (0..10_000).filter(|lead| {
        let lead = Uuid::from_u128(*lead);
        assign(test, lead, &[1, 1]) == assign(Uuid::from_u128(8), lead, &[1, 1])
    });
    let both = both.count();
    assert!((4_800..5_200).contains(&both), "{both}");
}

#[test]
fn a_threshold_is_missed_only_when_that_is_sure() {
    assert!(rate_is_worse(Arm::new(0, 100), 0.05, 0.95));
    assert!(!rate_is_worse(Arm::new(0, 30), 0.05, 0.95));
    assert!(!rate_is_worse(Arm::new(4, 100), 0.05, 0.95));
    assert!(!rate_is_worse(Arm::new(0, 0), 0.05, 0.95));
    assert!(!rate_is_worse(Arm::new(9, 10), 0.0, 0.95));
    let pairs = |y: &[f64], x: &[f64]| Pairs {
        count: y.len() as u64,
        y: y.iter().sum(),
        yy: y.iter().map(|y| y * y).sum(),
        x: x.iter().sum(),
        xx: x.iter().map(|x| x * x).sum(),
        xy: y.iter().zip(x).map(|(y, x)| y * x).sum(),
    };
    // Each attempt costs 1. One in four earns 8: the return is 2.
    let earned: Vec<f64> = (0..200).map(|n| if n % 4 == 0 { 8.0 } else { 0.0 }).collect();
    let cost = vec![1.0; 200];
    let revenue = pairs(&earned, &cost);
    assert!(!ratio_is_worse(&revenue, Better::Higher, 1.9, 0.95));
    assert!(!ratio_is_worse(&revenue, Better::Higher, 2.2, 0.95));
    assert!(ratio_is_worse(&revenue, Better::Higher, 3.0, 0.95));
    // The cost of a success is 4.
    let successes: Vec<f64> = earned.iter().map(|y| y / 8.0).collect();
    let cost = pairs(&cost, &successes);
    assert!(ratio_is_worse(&cost, Better::Lower, 2.0, 0.95));
    assert!(!ratio_is_worse(&cost, Better::Lower, 3.8, 0.95));
    assert!(ratio_is_worse(&pairs(&[1.0; 50], &[0.0; 50]), Better::Lower, 100.0, 0.95));
}

proptest! {
    #[test]
    fn numbers_of_any_arms_are_in_their_ranges(a in 0..5_000_u64, b in 0..5_000_u64, n in 1..5_000_u64, m in 1..5_000_u64) {
        let (a, b) = (Arm::new(a, n), Arm::new(b, m));
        let numbers = numbers(a, b, [1, 1], 0.05);
        let Beliefs { b_is_better, loss_of_a, loss_of_b } = numbers.beliefs;
        prop_assert!((0.0..=1.0).contains(&b_is_better) && (0.0..=1.0).contains(&loss_of_a));
        prop_assert!((b_is_better + probability_greater(b, a) - 1.0).abs() < NEAR);
        // What is lost by the one less what is lost by the other is the difference of the means.
        let mean = |arm: Arm| float(arm.successes() + 1) / float(arm.trials() + 2);
        prop_assert!((loss_of_a - loss_of_b - (mean(b) - mean(a))).abs() < NEAR);
        let interval = numbers.difference.unwrap();
        prop_assert!(interval.low <= b.rate().unwrap() - a.rate().unwrap() && interval.low >= -1.0 && interval.high <= 1.0);
        prop_assert!((0.0..=1.0).contains(&numbers.z_test.p));
    }
}
