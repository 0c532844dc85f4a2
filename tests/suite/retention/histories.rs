//! Random histories on a clock that is played: whoever said no is left alone, and nobody is contacted when that is not allowed.
//!
//! `HERALD_TEST_HISTORIES` says how many are played. What fails is shown as the shortest history that does.

mod happenings;
mod oracle;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::world::World;

/// People of a history: addresses of each kind.
const PEOPLE: u8 = 4;
/// Campaigns of a history, each with a sequence; one more sequence has none.
const CAMPAIGNS: u8 = 2;

/// One thing that happens. A number that names nothing names something by its rest.
#[derive(Debug, Clone)]
pub enum Op {
    /// A lead is made, by hand.
    Create {
        email: Option<u8>,
        phone: Option<u8>,
        zone: u8,
    },
    /// A list comes: of people, of people with a column that says no, or of people who must not be contacted.
    Import {
        lines: Vec<(Option<u8>, Option<u8>)>,
        kind: u8,
    },
    Merge {
        keep: u8,
        duplicate: u8,
        takes_addresses: bool,
    },
    Change {
        lead: u8,
        email: Option<u8>,
        phone: Option<u8>,
        zone: u8,
        is_closed: bool,
    },
    Delete(u8),
    Erase(u8),
    /// Somebody writes a text message: words that stop, or that start.
    Text {
        phone: u8,
        words: u8,
    },
    /// A click on the link of one of the emails that went out.
    Unsubscribe(u8),
    /// A word of a lead, as somebody notes it.
    Word {
        lead: u8,
        about: u8,
        is_refusal: bool,
    },
    /// A refusal is lifted by address.
    Lift {
        person: u8,
        is_email: bool,
        about: u8,
    },
    Enroll {
        lead: u8,
        sequence: u8,
    },
    /// A contact that was made beside Herald.
    ByHand {
        lead: u8,
        is_email: bool,
    },
    Campaign {
        which: u8,
        change: u8,
    },
    Sequence {
        which: u8,
        is_pause: bool,
    },
    /// Time passes, and what is due is done.
    Pass(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let person = || prop::option::weighted(0.7, 0..PEOPLE);
    let line = (person(), person());
    prop_oneof![
        4 => (person(), person(), 0..4_u8).prop_map(|(email, phone, zone)| Op::Create { email, phone, zone }),
        2 => (prop::collection::vec(line, 1..4), 0..5_u8).prop_map(|(lines, kind)| Op::Import { lines, kind }),
        3 => (any::<u8>(), any::<u8>(), any::<bool>())
            .prop_map(|(keep, duplicate, takes_addresses)| Op::Merge { keep, duplicate, takes_addresses }),
        3 => (any::<u8>(), person(), person(), 0..4_u8, prop::bool::weighted(0.1))
            .prop_map(|(lead, email, phone, zone, is_closed)| Op::Change { lead, email, phone, zone, is_closed }),
        1 => any::<u8>().prop_map(Op::Delete),
        1 => any::<u8>().prop_map(Op::Erase),
        3 => (0..PEOPLE, any::<u8>()).prop_map(|(phone, words)| Op::Text { phone, words }),
        2 => any::<u8>().prop_map(Op::Unsubscribe),
        3 => (any::<u8>(), any::<u8>(), prop::bool::weighted(0.6))
            .prop_map(|(lead, about, is_refusal)| Op::Word { lead, about, is_refusal }),
        2 => (0..PEOPLE, any::<bool>(), any::<u8>())
            .prop_map(|(person, is_email, about)| Op::Lift { person, is_email, about }),
        9 => (any::<u8>(), 0..=CAMPAIGNS).prop_map(|(lead, sequence)| Op::Enroll { lead, sequence }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(lead, is_email)| Op::ByHand { lead, is_email }),
        3 => (0..CAMPAIGNS, any::<u8>()).prop_map(|(which, change)| Op::Campaign { which, change }),
        1 => (0..=CAMPAIGNS, any::<bool>()).prop_map(|(which, is_pause)| Op::Sequence { which, is_pause }),
        9 => prop_oneof![Just(30_u16), Just(240), Just(1_440), 1..3_000_u16].prop_map(Op::Pass),
    ]
}

#[test]
fn in_any_history_who_said_no_is_left_alone_and_hours_caps_and_campaigns_are_kept() {
    let histories = std::env::var("HERALD_TEST_HISTORIES").map_or(12, |text| text.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // What is dropped at the end may want it.
    let _entered = runtime.enter();
    let world = runtime.block_on(World::open());
    let (played, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let config = Config { cases: histories, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(op(), 20..60), |ops| {
        let number = played.fetch_add(1, Ordering::SeqCst);
        let contacts = runtime.block_on(world.play(number, &ops)).map_err(TestCaseError::fail)?;
        made.fetch_add(contacts, Ordering::SeqCst);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let (played, made) = (played.load(Ordering::SeqCst), made.load(Ordering::SeqCst));
    // Most make one or more, and a few of them none: how many is chance.
    assert!(made * 4 >= played, "these histories say little: {made} contacts in {played}");
}
