//! What the simulated Telegram remembers: through crashes, on a full disk, and across processes.

use std::collections::HashSet;
use std::io::Write;

use super::*;

#[tokio::test]
async fn a_torn_last_line_was_never_accepted() {
    let host = Host::new();
    assert_eq!(host.open("a").send(to("news", 1)).await, Ok(accepted(1)));
    let torn = r#"{"at":"2023-11-14T22:13:20.123Z","username":"news","randomId":"2","text":"#;
    fs::File::options().append(true).open(host.path("a")).expect("a ledger").write_all(torn.as_bytes()).expect("room");
    let telegram = host.open("a");
    assert_eq!(host.lines("a").len(), 1);
    assert_eq!(telegram.send(to("news", 1)).await, DUPLICATE);
    assert_eq!(telegram.send(to("news", 2)).await, Ok(accepted(2)));
    assert_eq!(host.lines("a").len(), 2);
}

#[tokio::test]
async fn strange_lines_are_left_alone() {
    let host = Host::new();
    fs::write(host.path("a"), "\nnonsense\n{\"randomId\":\"x\"}\n{\"randomId\":\"5\"}\n").expect("room");
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("news", 5)).await, DUPLICATE);
    assert_eq!(telegram.send(to("news", 6)).await, Ok(accepted(2)));
}

#[tokio::test]
async fn processes_that_read_each_other_are_one_telegram() {
    let host = Host::new();
    let a = host.open("a");
    a.also_read(host.path("b"));
    a.also_read(host.path("a"));
    assert_eq!(a.send(to("news", 1)).await, Ok(accepted(1)), "the other need not be there");
    let b = host.open("b");
    b.also_read(host.path("a"));
    b.also_read(host.path("a"));
    assert_eq!(b.send(to("news", 1)).await, DUPLICATE, "accepted before it started");
    assert_eq!(b.send(to("news", 2)).await, Ok(accepted(2)));
    assert_eq!(a.send(to("news", 2)).await, DUPLICATE);
    assert_eq!(a.send(to("news_dropafter", 3)).await, Err(Fault::ConnectionLost));
    assert_eq!(b.send(to("news_dropafter", 3)).await, DUPLICATE, "accepted since the last look");
    assert_eq!((host.lines("a").len(), host.lines("b").len()), (2, 1));
}

#[tokio::test]
async fn the_others_torn_line_is_not_theirs_yet() {
    let host = Host::new();
    let a = host.open("a");
    a.also_read(host.path("b"));
    let mut other = fs::File::create(host.path("b")).expect("room");
    other.write_all(br#"{"randomId":"1"#).expect("room");
    assert_eq!(a.send(to("news", 2)).await, Ok(accepted(1)));
    other.write_all(b"\"}\n").expect("room");
    assert_eq!(a.send(to("news", 1)).await, DUPLICATE);
}

#[tokio::test]
async fn one_file_under_two_names_is_no_deadlock() {
    let host = Host::new();
    let a = host.open("a");
    std::os::unix::fs::symlink(host.path("a"), host.path("b")).expect("a link");
    a.also_read(host.path("b"));
    assert_eq!(a.send(to("news", 1)).await, Ok(accepted(1)));
    let shared = host.open("b");
    assert_eq!(shared.send(to("news", 2)).await, Ok(accepted(2)));
    assert_eq!(a.send(to("news", 2)).await, DUPLICATE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_send_at_once_one_is_accepted() {
    const IDS: i64 = 500;
    let host = Host::new();
    let names = ["a", "b", "c"];
    let processes = names.map(|name| Arc::new(host.open(name)));
    for process in &processes {
        for name in names {
            process.also_read(host.path(name));
        }
    }
    let mut tasks = Vec::new();
    for process in processes.iter().chain(&processes) {
        let process = process.clone();
        tasks.push(tokio::spawn(async move {
            let mut accepted = 0;
            for id in 1..=IDS {
                match process.send(to("news", id)).await {
                    Ok(Receipt::Accepted { .. }) => accepted += 1,
                    reply => assert_eq!(reply, DUPLICATE),
                }
            }
            accepted
        }));
    }
    let mut accepted = 0;
    for task in tasks {
        accepted += task.await.expect("no panic");
    }
    let lines: Vec<_> = names.iter().flat_map(|name| host.lines(name)).collect();
    let ids: HashSet<_> = lines.iter().map(|line| line["randomId"].to_string()).collect();
    assert_eq!((accepted, lines.len(), ids.len()), (IDS, 500, 500));
}

#[tokio::test(start_paused = true)]
async fn while_a_stopped_process_holds_the_ledgers_nothing_is_accepted() {
    let host = Host::new();
    let a = host.open("a");
    let stopped = fs::File::open(host.path("a")).expect("a ledger");
    stopped.lock().expect("a lock");
    assert_eq!(a.send(to("news", 1)).await, Err(Fault::TimedOut));
    assert!(host.lines("a").is_empty());
    drop(stopped);
    assert_eq!(a.send(to("news", 1)).await, Ok(accepted(1)));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_accepts_nothing_until_there_is_room() {
    let host = Host::new();
    std::os::unix::fs::symlink("/dev/full", host.path("a")).expect("a link");
    let a = host.open("a");
    for _ in 0..2 {
        assert_eq!(a.send(to("news", 1)).await, Err(Fault::rpc(500, "STORAGE_FULL")));
    }
}

#[tokio::test]
async fn a_removed_ledger_is_begun_anew_and_not_forgotten() {
    let host = Host::new();
    let (a, b) = (host.open("a"), host.open("b"));
    b.also_read(host.path("a"));
    assert_eq!(a.send(to("news", 1)).await, Ok(accepted(1)));
    fs::remove_file(host.path("a")).expect("it was there");
    assert_eq!(a.send(to("news", 2)).await, Ok(accepted(2)));
    assert_eq!(a.send(to("news", 1)).await, DUPLICATE);
    assert_eq!(host.lines("a").len(), 1);
    for id in [2, 1] {
        assert_eq!(b.send(to("news", id)).await, DUPLICATE);
    }
}

#[tokio::test]
async fn without_a_folder_it_does_not_open() {
    let host = Host::new();
    let missing = host.folder.path().join("missing").join(LEDGER);
    assert!(Simulated::open(&missing, host.clock.clone()).is_err());
}
