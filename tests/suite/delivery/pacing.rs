//! The rate is a promise (R1 to R3): under a virtual clock, with stalls, restarts, pauses and several workers.

use std::time::Duration;

use domain::clock::duration_nanos;
use domain::pacing::{ClaimTimes, DEADLINE, Slots, Start, delay, horizon, is_busy_nearby, start};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::Statement;
use storage::broadcast::queue::slots;

use super::fixture::{Office, names};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;

/// A worker of the simulation: it claims, is kept waiting by its database and its machine, and starts what it may.
#[derive(Debug, Clone)]
struct Stalls {
    /// Nanoseconds that each lease takes, in turn.
    leases: Vec<i64>,
    /// Nanoseconds for which the process is frozen between its lease and its first start, in turn.
    freezes: Vec<i64>,
}

fn nanos(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).expect("time passes"))
}

/// All starts of a campaign of rate `rate` over `span`, by workers that share its last slot as the database would.
fn simulate(rate: i64, span: i64, workers: &[Stalls], paused: (i64, i64)) -> Vec<i64> {
    let (mut last_slot, mut starts) = (0, Vec::new());
    // Each worker's next look, and how often it has claimed; and how long its claims took.
    let mut looks: Vec<(i64, usize)> =
        (0..workers.len()).map(|n| (MINUTE + i64::try_from(n).unwrap_or(0), 0)).collect();
    let mut times: Vec<_> = workers.iter().map(|one| ClaimTimes::expecting(nanos(one.leases[0]))).collect();
    let mut mine = vec![0; workers.len()];
    loop {
        let (worker, (now, turn)) = looks.iter().copied().enumerate().min_by_key(|(_, (at, _))| *at).expect("workers");
        if now > MINUTE + span {
            break;
        }
        let is_paused = (paused.0..paused.1).contains(&(now - MINUTE));
        let lead = times[worker].lead();
        let ahead = duration_nanos(lead);
        let is_left = last_slot != mine[worker] && is_busy_nearby(now, now + ahead, last_slot, rate);
        let taken = Slots::take_within(horizon(lead), now + ahead, last_slot, 0, rate, 5_000);
        let Some(taken) = taken.filter(|_| !is_paused && !is_left) else {
            looks[worker].0 = now + 5 * SECOND / 1_000;
            continue;
        };
        last_slot = taken.last;
        mine[worker] = last_slot;
        let stalls = &workers[worker];
        let took = stalls.leases[turn % stalls.leases.len()];
        times[worker].note(nanos(took));
        let ready = now + took;
        let mut at = ready + stalls.freezes[turn % stalls.freezes.len()];
        for slot in taken.iter() {
            at = at.max(slot);
            match start(slot, at, delay(lead), nanos(at - now)) {
                Start::Go => starts.push(at),
                Start::Missed => {}
                Start::Wait(_) => unreachable!("it has waited"),
            }
        }
        looks[worker] = (ready.max(taken.last - ahead - SECOND / 8), turn + 1);
    }
    starts.sort_unstable();
    starts
}

/// The most starts in any closed window of a minute.
fn busiest(starts: &[i64]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in starts.iter().enumerate() {
        while starts[first] < at - MINUTE {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

fn stalls() -> impl Strategy<Value = Stalls> {
    let lease = prop_oneof![9 => 1_000_000..80_000_000i64, 1 => 80_000_000..900_000_000i64];
    let freeze = prop_oneof![16 => Just(0i64), 3 => SECOND / 5..SECOND * 3 / 5, 1 => 0..10 * SECOND];
    (prop::collection::vec(lease, 1..40), prop::collection::vec(freeze, 1..40))
        .prop_map(|(leases, freezes)| Stalls { leases, freezes })
}

#[test]
fn no_minute_holds_more_than_the_rate_whatever_happens() {
    let rates = prop_oneof![1..60i64, 60..6_000i64, Just(60_000i64)];
    let input = (rates, prop::collection::vec(stalls(), 1..5), 0..90 * SECOND, 0..20 * SECOND);
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    runner
        .run(&input, |(rate, workers, pause, length)| {
            let starts = simulate(rate, 150 * SECOND, &workers, (pause, pause + length));
            let most = busiest(&starts);
            prop_assert!(most <= usize::try_from(rate).unwrap_or(0), "{most} starts in a minute at a rate of {rate}");
            Ok(())
        })
        .expect("the rate is kept");
}

#[test]
fn with_work_ready_at_least_99_percent_of_the_rate_is_used() {
    // Databases that are near, and that are far away.
    let lease = (0..900_000_000i64, prop::collection::vec(1_000_000..80_000_000i64, 1..40));
    let calm = lease.prop_map(|(way, leases)| Stalls {
        leases: leases.into_iter().map(|lease| way + lease).collect(),
        freezes: vec![0],
    });
    let input = (prop_oneof![60..6_000i64, Just(60_000i64)], prop::collection::vec(calm, 1..4));
    let mut runner = TestRunner::new(Config { cases: 32, ..Config::default() });
    runner
        .run(&input, |(rate, workers)| {
            let starts = simulate(rate, 10 * MINUTE, &workers, (0, 0));
            let promised = usize::try_from(10 * rate).expect("positive");
            prop_assert!(starts.len() * 100 >= promised * 99, "{} of {promised}", starts.len());
            Ok(())
        })
        .expect("the rate is used");
}

#[test]
fn a_start_long_after_its_claim_is_forfeited() {
    let late = DEADLINE + Duration::from_nanos(1);
    assert_eq!(start(0, 0, Duration::ZERO, late), Start::Missed);
}

/// Who is far away leaves slots to the nearer ones by the same rule in the statement and in the domain.
#[tokio::test]
async fn the_statement_leaves_to_the_nearer_what_the_rule_says() {
    let office = Office::open().await;
    let id = office.campaign(&names("near", 2), 60_000).await;
    office.start(id).await;
    let now = 1_800_000_000 * SECOND;
    for lead in [0, 50_000_000, 400_000_000, SECOND] {
        for offset in [-SECOND, -126_000_000, -125_000_000, 0, 200_000_000, 275_000_000, 280_000_000, 2 * SECOND] {
            for mine in [0, now + offset] {
                let set = format!("UPDATE broadcast_campaign_progress SET last_slot = {} RETURNING run", now + offset);
                office.on.db.write_alone(Statement::from_string(office.on.db.backend(), set)).await.expect("writes");
                let (span, last) = ((now, now + lead), now + offset);
                let taken = slots::take_ahead(&office.on.db, id, span, 5, Some(mine)).await.expect("asks");
                let is_left = mine != last && is_busy_nearby(now, now + lead, last, 60_000);
                let rule = Slots::take_within(horizon(nanos(lead)), now + lead, last, 0, 60_000, 5);
                let rule = rule.filter(|_| !is_left);
                assert_eq!(taken.map(|taken| taken.slots), rule, "lead {lead}, offset {offset}, mine {mine}");
            }
        }
    }
}

/// The database takes the very slots that the rule says.
#[tokio::test]
async fn the_statement_and_the_rule_agree() {
    let office = Office::open().await;
    let id = office.campaign(&names("slots", 2), 20).await;
    office.start(id).await;
    let now = 1_800_000_000 * SECOND;
    let offsets = [-3_600 * SECOND, -SECOND, -200_000_000, -125_000_000, -124_999_999, -1, 0, 1, 249_000_000, SECOND];
    for rate in [1i64, 7, 20, 59_999, 1_000_000] {
        for offset in offsets {
            for (not_before, wanted) in [(0, 1), (now + 100_000_000, 3), (0, 5_000), (now + SECOND, 9)] {
                let set = format!(
                    "UPDATE broadcast_campaign_progress SET delivery_rate = {rate}, last_slot = {}, not_before = {not_before} RETURNING run",
                    now + offset
                );
                office.on.db.write_alone(Statement::from_string(office.on.db.backend(), set)).await.expect("writes");
                let taken = slots::take(&office.on.db, id, now, wanted).await.expect("asks").map(|taken| taken.slots);
                let rule = Slots::take(now, now + offset, not_before, rate, wanted);
                assert_eq!(taken, rule, "rate {rate}, offset {offset}, not before {not_before}, wanted {wanted}");
                let last = office.progress(id).await.last_slot;
                assert_eq!(last, rule.map_or(now + offset, |slots| slots.last));
            }
        }
    }
}
