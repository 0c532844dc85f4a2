//! Who reads or sends too slowly is cut off, and who does not is not.

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

fn watched<S>(stream: S, flow: &Arc<Flow>) -> Watched<S> {
    let limits = HttpLimits { write_time: Duration::from_secs(10), least_rate: 1, ..HttpLimits::default() };
    let readers = Readers::new(&["https://a.example".to_owned()], true);
    Watched::new(stream, flow.clone(), &limits, Arc::new(readers))
}

#[tokio::test(start_paused = true)]
async fn who_reads_too_slowly_for_long_is_cut_off() {
    for (bytes, goes_on) in [(2, false), (6, true)] {
        let (near, mut far) = duplex(8);
        let mut near = watched(near, &Arc::default());
        let reading = tokio::spawn(async move {
            let mut read = [0; 6];
            loop {
                sleep(Duration::from_secs(5)).await;
                if far.read_exact(&mut read[..bytes]).await.is_err() {
                    break;
                }
            }
        });
        let written = near.write_all(&[1; 100]).await;
        assert_eq!(written.is_ok(), goes_on, "{bytes} bytes in five seconds");
        drop(near);
        reading.await.unwrap();
    }
}

#[tokio::test]
async fn a_page_may_read_that_its_request_was_too_long() {
    for (page, may) in [("https://a.example", true), ("https://b.example", false)] {
        for first in [20, 70_000] {
            let (near, mut far) = duplex(1 << 20);
            let mut near = watched(near, &Arc::default()).with_heads_within(Duration::from_secs(10));
            let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\nOrigin: {page}\r\n\r\n", "x".repeat(70_000));
            far.write_all(head.as_bytes()).await.unwrap();
            near.read_exact(&mut vec![0; first]).await.unwrap();
            near.write_all(b"HTTP/1.1 414 URI Too Long\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let mut answer = vec![0; 4_096];
            let read = far.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
            assert_eq!(answer.contains(&format!("access-control-allow-origin: {page}\r\n")), may, "{answer}");
            assert_eq!(answer.contains("access-control-allow-credentials: true"), may, "{answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_makes_no_progress_fails_and_one_that_does_goes_on() {
    let (near, mut far) = duplex(8);
    let flow = Arc::<Flow>::default();
    let mut near = watched(near, &flow);
    let reading = tokio::spawn(async move {
        // So slowly that all of it takes longer than one write may.
        let mut read = [0; 8];
        for _ in 0..8 {
            sleep(Duration::from_secs(6)).await;
            far.read_exact(&mut read).await.unwrap();
        }
        far
    });
    near.write_all(&[1; 64]).await.unwrap();
    let _far = reading.await.unwrap();
    let error = near.write_all(&[1; 64]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(flow.written().now_or_never().is_none(), "it has not gone");
    flow.let_go();
    assert!(tokio::time::timeout(Duration::from_hours(1), near.write_all(&[1; 64])).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_and_an_idle_connection_has_none() {
    let (near, mut far) = duplex(64);
    let flow = Arc::<Flow>::default();
    let mut near = watched(near, &flow).with_heads_within(Duration::from_secs(10));
    let mut read = [0; 4];
    // Nothing comes on a new connection: as slow a head as any.
    assert_eq!(near.read(&mut read).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    flow.is_asked();
    sleep(Duration::from_mins(1)).await;
    flow.is_answered();
    assert!(tokio::time::timeout(Duration::from_mins(1), near.read(&mut read)).await.is_err(), "idle");
    far.write_all(b"GET ").await.unwrap();
    near.read_exact(&mut read).await.unwrap();
    assert_eq!(near.read(&mut read).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "a head has begun");
    flow.is_asked();
    assert!(tokio::time::timeout(Duration::from_mins(1), near.read(&mut read)).await.is_err(), "busy");
    flow.let_go();
    far.write_all(b"abcd").await.unwrap();
    near.read_exact(&mut read).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_mins(1), near.read(&mut read)).await.is_err(), "a socket");
}

#[tokio::test]
async fn an_answer_without_a_body_gets_one_however_little_is_taken_at_once() {
    let (near, mut far) = duplex(16);
    let mut near = watched(near, &Arc::default());
    let reading = tokio::spawn(async move {
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        text
    });
    near.write_all(b"HTTP/1.1 414 URI Too Long\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    near.shutdown().await.unwrap();
    drop(near);
    let text = reading.await.unwrap();
    assert!(text.ends_with("}]}") && text.contains("PAYLOAD_TOO_LARGE"), "{text}");
}

#[tokio::test]
async fn whoever_waits_hears_when_all_has_gone() {
    let (near, mut far) = duplex(8);
    let flow = Arc::<Flow>::default();
    let mut near = watched(near, &flow);
    flow.written().await;
    near.write_all(&[1; 8]).await.unwrap();
    let waiting = tokio::spawn(async move { flow.written().await });
    far.read_exact(&mut [0; 8]).await.unwrap();
    near.flush().await.unwrap();
    waiting.await.unwrap();
}
