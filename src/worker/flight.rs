//! The hand-over of what was leased, be it a job, a step or a letter: at its slot or not at all (R1), and what its answer closes
//! before anything else happens (R18).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};

use crate::gate::Gate;
use crate::holder::Holder;
use domain::clock::{self, Clock};
use domain::delivery::Effect;
use domain::pacing::{Start, start};

/// When something is to start.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The instant, in nanoseconds since 1970.
    pub at: i64,
    /// When its claim began, on the monotonic clock, later by what its lead adds to D: see [`domain::pacing::delay`].
    pub claimed: Duration,
}

/// Waits for the slot; false if nothing may start any more: it is missed, this process' lease has run out, or `may_start`, which
/// is asked with the time in nanoseconds since 1970, says so. The last check before the hand-over (R1).
pub async fn wait_for(clock: &dyn Clock, holder: &Holder, slot: Slot, may_start: impl Fn(i64) -> bool) -> bool {
    loop {
        let (now, elapsed) = (clock.nanos(), clock.monotonic());
        if !may_start(now) || !holder.is_valid(elapsed) {
            return false;
        }
        match start(slot.at, now, slot.claimed, elapsed) {
            Start::Go => {
                holder.punctuality.starts();
                return true;
            }
            Start::Missed => {
                holder.punctuality.is_late();
                return false;
            }
            Start::Wait(nanos) => clock.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))).await,
        }
    }
}

/// Hands over by the first poll of `call`. What is not answered at once is to be awaited elsewhere, so that it delays no other:
/// the rest returns None if there is no answer within `limit`.
pub async fn hand_over<R>(
    clock: &Arc<dyn Clock>,
    mut call: BoxFuture<'static, R>,
    limit: Duration,
) -> Either<R, impl Future<Output = Option<R>> + use<R>> {
    if let std::task::Poll::Ready(reply) = futures_util::poll!(&mut call) {
        return Either::Left(reply);
    }
    let clock = clock.clone();
    Either::Right(async move {
        match select(call, pin!(clock.sleep(limit))).await {
            Either::Left((reply, _)) => Some(reply),
            Either::Right(_) => None,
        }
    })
}

/// Closes what an answer closes, before anything else happens (R18): the settlement makes it known to all.
pub fn obey(effect: &Effect, account: &Gate, campaign: &Gate) {
    match effect {
        Effect::Wait { until, .. } => account.hold(clock::nanos(*until)),
        Effect::AccountRefused(_) => account.close(),
        Effect::ContentRefused => campaign.close(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use futures_util::FutureExt;

    use super::*;
    use domain::broadcast::AccountStatus;
    use domain::clock::VirtualClock;

    const MS: i64 = 1_000_000;

    fn slot(at: i64, claimed: u64) -> Slot {
        Slot { at: at * MS, claimed: Duration::from_millis(claimed) }
    }

    #[tokio::test]
    async fn nothing_starts_late_or_after_the_lease_or_behind_a_closed_gate() {
        // Milliseconds: when it is asked, when the slot is, when its claim began; whether the gate is open, and what follows.
        for (now, at, claimed, is_open, starts) in [
            (0, 0, 0, true, true),
            (250, 0, 0, true, true),
            (251, 0, 0, true, false),
            (0, 0, 0, false, false),
            (400, 600, 0, true, false),
            (17_999, 17_999, 17_999, true, true),
            (18_000, 18_000, 18_000, true, false),
        ] {
            let (clock, holder) = (VirtualClock::at(DateTime::UNIX_EPOCH), Holder::testing());
            clock.advance(Duration::from_millis(now));
            let started = wait_for(&clock, &holder, slot(at, claimed), |_| is_open).now_or_never();
            assert_eq!(started, Some(starts), "at {now} for a slot at {at} claimed at {claimed}");
        }
    }

    #[tokio::test]
    async fn whatever_waits_for_its_slot_is_checked_once_more_when_that_comes() {
        let (clock, holder, gate) = (VirtualClock::at(DateTime::UNIX_EPOCH), Holder::testing(), Gate::default());
        let wait = || wait_for(&clock, &holder, slot(100, 0), |now| gate.is_open(now));
        let (mut first, mut second) = (pin!(wait()), pin!(wait()));
        assert_eq!((first.as_mut().now_or_never(), second.as_mut().now_or_never()), (None, None));
        clock.advance(Duration::from_millis(100));
        assert_eq!(first.now_or_never(), Some(true));
        gate.close();
        assert_eq!(second.now_or_never(), Some(false));
    }

    #[tokio::test]
    async fn a_call_is_made_at_once_and_given_up_in_time() {
        let virtual_clock = Arc::new(VirtualClock::at(DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = virtual_clock.clone();
        let limit = Duration::from_secs(10);
        assert!(matches!(hand_over(&clock, Box::pin(async { 1 }), limit).await, Either::Left(1)));
        let Either::Right(rest) = hand_over(&clock, Box::pin(std::future::pending::<i32>()), limit).await else {
            panic!("it is not answered");
        };
        let mut rest = pin!(rest);
        assert_eq!(rest.as_mut().now_or_never(), None);
        virtual_clock.advance(limit);
        assert_eq!(rest.now_or_never(), Some(None));
    }

    #[test]
    fn an_answer_closes_the_gate_of_whom_it_is_about() {
        let until = DateTime::UNIX_EPOCH + TimeDelta::seconds(31);
        // Whether anything may start by the account and for the campaign: before the wait is over, and after it.
        for (effect, account, campaign) in [
            (Effect::Delivered, [true, true], [true, true]),
            (Effect::Wait { seconds: 30, until }, [false, true], [true, true]),
            (Effect::AccountRefused(AccountStatus::Banned), [false, false], [true, true]),
            (Effect::ContentRefused, [true, true], [false, false]),
        ] {
            let (by_account, for_campaign) = (Gate::default(), Gate::default());
            obey(&effect, &by_account, &for_campaign);
            let is_open = |gate: &Gate| [30_000 * MS, 31_000 * MS].map(|now| gate.is_open(now));
            assert_eq!((is_open(&by_account), is_open(&for_campaign)), (account, campaign), "{effect:?}");
        }
    }
}
