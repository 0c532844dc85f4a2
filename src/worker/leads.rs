//! The leads of this process' claims, as others know of them: a pause waits for the longest (R5).
//!
//! A lead is known to all before a claim has it, and stays known for longer than what was claimed with it may start.

use std::time::Duration;

use parking_lot::Mutex;

use domain::pacing::{LONGEST_LEAD, delay};
use service::Services;
use storage::Db;
use storage::broadcast::queue::senders;
use storage::broadcast::sender;

/// The leads that claims of this process have.
#[derive(Debug, Default)]
pub struct Leads {
    known: Mutex<Known>,
    /// One change of what others know at a time, in the order in which they were decided.
    telling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// The longest that claims may have: others know of it.
    most: Duration,
    /// The longest that a claim had since the last sign of life, and between the two before.
    now: Duration,
    before: Duration,
}

impl Leads {
    /// The lead that a claim may have that wants `wanted`: as long, once others know of it; else the longest that they know of.
    pub async fn of_claim(&self, on: &Services, me: &sender::Model, wanted: Duration) -> Duration {
        let wanted = wanted.min(LONGEST_LEAD);
        if let Some(lead) = self.granted(wanted) {
            return lead;
        }
        let _turn = self.telling.lock().await;
        if let Some(lead) = self.granted(wanted) {
            return lead;
        }
        match senders::raise_lead(&on.db, me.id, me.epoch, millis(delay(wanted))).await {
            Ok(Some(_)) => self.known.lock().most = wanted,
            // The claim will be refused.
            Ok(None) => {}
            Err(error) => tracing::warn!(?error, "a longer lead can't be made known: claims may come too late"),
        }
        let mut known = self.known.lock();
        let lead = wanted.min(known.most);
        known.now = known.now.max(lead);
        lead
    }

    fn granted(&self, wanted: Duration) -> Option<Duration> {
        let mut known = self.known.lock();
        (wanted <= known.most).then(|| {
            known.now = known.now.max(wanted);
            wanted
        })
    }

    /// After the sign of life `beat`: leads that no claim had between the last ones are forgotten. Signs of life are further apart
    /// than the longest time for which anything may start after its claim.
    pub async fn forget(&self, beats: &Db, me: &sender::Model, beat: i64) {
        let _turn = self.telling.lock().await;
        let Some(most) = self.known.lock().turn() else { return };
        if let Err(error) = senders::lower_lead(beats, me.id, beat, millis(delay(most))).await {
            // Should it take effect later than the next rise, that would have counted as a sign of life: see there.
            tracing::debug!(?error, "a shorter lead can't be made known");
        }
    }
}

impl Known {
    /// The longest lead of late, if that is less than what others know of.
    fn turn(&mut self) -> Option<Duration> {
        let most = self.now.max(self.before);
        self.before = std::mem::take(&mut self.now);
        let known = self.most;
        self.most = most.min(known);
        (most < known).then_some(most)
    }
}

fn millis(lead: Duration) -> i32 {
    i32::try_from(lead.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_stays_known_until_two_signs_of_life_after_its_last_claim() {
        let ms = Duration::from_millis;
        let leads = Leads::default();
        assert_eq!((leads.granted(ms(0)), leads.granted(ms(50))), (Some(ms(0)), None));
        leads.known.lock().most = ms(200);
        assert_eq!(leads.granted(ms(150)), Some(ms(150)));
        let turn = || leads.known.lock().turn();
        assert_eq!(turn(), Some(ms(150)), "nobody had more");
        assert_eq!(turn(), None);
        assert_eq!(leads.granted(ms(150)), Some(ms(150)));
        assert_eq!((turn(), turn()), (None, None));
        assert_eq!(turn(), Some(ms(0)));
        assert_eq!(leads.granted(ms(50)), None, "others would not wait for it any more");
    }
}
