//! Subscribers that come, go, are slow, or come at the last moment; and a thing that is read as seldom as promised.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};

use futures_util::StreamExt;
use tokio::time::{Instant, sleep};

use super::*;
use crate::testing::Fixture;

/// A thing that is watched: a version, which is the last one when it is negative or `last` is set.
struct Thing {
    version: AtomicI32,
    is_last: AtomicBool,
    is_there: AtomicBool,
    is_away: AtomicBool,
    reads: AtomicUsize,
}

/// By number, so that tests that run in one process do not meet.
static THINGS: [Thing; 8] = [const { Thing::new() }; 8];

impl Thing {
    const fn new() -> Self {
        Self {
            version: AtomicI32::new(1),
            is_last: AtomicBool::new(false),
            is_there: AtomicBool::new(true),
            is_away: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        }
    }
}

struct ThingReader(usize);

impl Reader for ThingReader {
    const KIND: &'static str = "thing";
    type Id = usize;
    type State = i32;

    fn of(id: usize) -> Self {
        Self(id)
    }

    async fn read(&mut self, _: &Services) -> Result<Option<Seen<i32>>> {
        let thing = &THINGS[self.0];
        thing.reads.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(5)).await;
        if thing.is_away.load(SeqCst) {
            return Err(Error::Unavailable(anyhow::anyhow!("away")));
        }
        let version = thing.version.load(SeqCst);
        let seen = Seen { state: version, version, is_last: thing.is_last.load(SeqCst) };
        Ok(thing.is_there.load(SeqCst).then_some(seen))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::Audit
    }
}

struct World {
    hub: Hub<ThingReader>,
    fixture: Fixture,
}

async fn world(progress_hz: u32) -> World {
    let fixture = Fixture::new(progress_hz).await;
    World { hub: Hub::new(fixture.services.clone()), fixture }
}

impl World {
    fn change(&self, thing: usize, version: i32) {
        THINGS[thing].version.store(version, SeqCst);
        self.fixture.services.tell(Event::Audit);
    }
}

#[tokio::test]
async fn a_snapshot_comes_first_then_what_changes_and_the_last_for_all() {
    let world = world(100).await;
    let mut quick = std::pin::pin!(world.hub.watch(0).await.unwrap());
    let mut slow = std::pin::pin!(world.hub.watch(0).await.unwrap());
    assert_eq!(quick.next().await.unwrap().unwrap(), 1);
    for version in 2..5 {
        world.change(0, version);
        assert_eq!(quick.next().await.unwrap().unwrap(), version);
    }
    THINGS[0].is_last.store(true, SeqCst);
    world.change(0, 5);
    assert_eq!(quick.next().await.unwrap().unwrap(), 5);
    assert!(quick.next().await.is_none());
    assert_eq!(slow.next().await.unwrap().unwrap(), 5, "it slept through all the rest");
    assert!(slow.next().await.is_none());
    assert_eq!(world.hub.len(), 0);
    let late: Vec<i32> = world.hub.watch(0).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(late, [5], "of an ended one: its state, and that is all");
}

#[tokio::test]
async fn many_subscribers_and_many_events_are_few_reads() {
    let world = world(10).await;
    let hub = &world.hub;
    let joining = (0..200).map(async |_| Box::pin(hub.watch(1).await.unwrap()));
    let mut streams = futures_util::future::join_all(joining).await;
    let (begun, before) = (Instant::now(), THINGS[1].reads.load(SeqCst));
    for version in 2..102 {
        world.change(1, version);
        sleep(Duration::from_millis(5)).await;
    }
    for stream in &mut streams {
        while stream.next().await.unwrap().unwrap() < 101 {}
    }
    let most = begun.elapsed().as_millis() / 100 + 2;
    let reads = THINGS[1].reads.load(SeqCst) - before;
    assert!(reads as u128 <= most, "{reads} reads in {:?}", begun.elapsed());
}

#[tokio::test]
async fn without_events_it_is_seen_all_the_same_and_a_database_that_is_away_is_waited_for() {
    let world = world(50).await;
    let mut stream = std::pin::pin!(world.hub.watch(2).await.unwrap());
    assert_eq!(stream.next().await.unwrap().unwrap(), 1);
    THINGS[2].version.store(2, SeqCst);
    assert_eq!(stream.next().await.unwrap().unwrap(), 2, "no event said so");
    THINGS[2].is_away.store(true, SeqCst);
    world.change(2, 3);
    let waited = tokio::time::timeout(Duration::from_millis(1_500), stream.next()).await;
    assert!(waited.is_err(), "no error, no state");
    THINGS[2].is_away.store(false, SeqCst);
    assert_eq!(stream.next().await.unwrap().unwrap(), 3);
}

#[tokio::test]
async fn nothing_is_read_for_nobody() {
    let world = world(50).await;
    let stream = world.hub.watch(3).await.unwrap();
    assert_eq!(world.hub.len(), 1);
    drop(stream);
    for _ in 0..100 {
        if world.hub.len() == 0 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.hub.len(), 0);
    let reads = THINGS[3].reads.load(SeqCst);
    world.change(3, 2);
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(THINGS[3].reads.load(SeqCst), reads);
    let mut back = std::pin::pin!(world.hub.watch(3).await.unwrap());
    assert_eq!(back.next().await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn what_is_not_there_is_an_error_and_what_vanishes_is_an_end() {
    let world = world(50).await;
    THINGS[4].is_there.store(false, SeqCst);
    assert!(matches!(world.hub.watch(4).await.err(), Some(Error::NotFound("thing"))));
    THINGS[4].is_there.store(true, SeqCst);
    let mut stream = std::pin::pin!(world.hub.watch(4).await.unwrap());
    assert_eq!(stream.next().await.unwrap().unwrap(), 1);
    THINGS[4].is_there.store(false, SeqCst);
    world.change(4, 2);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn who_comes_after_a_change_never_sees_what_was_before_it() {
    let world = world(20).await;
    let hub = &world.hub;
    let _first = hub.watch(5).await.unwrap();
    for version in 2..12 {
        // No event: the watcher does not know yet.
        THINGS[5].version.store(version, SeqCst);
        let mut late = std::pin::pin!(hub.watch(5).await.unwrap());
        assert_eq!(late.next().await.unwrap().unwrap(), version);
    }
}

#[tokio::test]
async fn who_comes_while_it_ends_sees_the_end() {
    let world = world(200).await;
    for round in 0..50 {
        THINGS[6].is_last.store(false, SeqCst);
        world.change(6, 2 * round + 1);
        let first = world.hub.watch(6).await.unwrap();
        THINGS[6].is_last.store(true, SeqCst);
        world.change(6, 2 * round + 2);
        let hub = &world.hub;
        let many = (0..20).map(async |n| {
            sleep(Duration::from_micros(n * 700)).await;
            hub.watch(6).await.unwrap().map(Result::unwrap).collect::<Vec<_>>().await
        });
        let (first, many) = tokio::join!(first.collect::<Vec<_>>(), futures_util::future::join_all(many));
        assert_eq!(first.last().unwrap().as_ref().unwrap(), &(2 * round + 2));
        for seen in many {
            assert_eq!(seen, [2 * round + 2]);
        }
    }
}
