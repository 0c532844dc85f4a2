//! The way of answers to their client: a connection whose client does not read is closed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

/// What is known of the writing on a connection.
#[derive(Debug)]
pub(super) struct Flow {
    /// Whether the system has taken all that was written.
    is_written: AtomicBool,
    /// Wakes who waits for that.
    emptied: Notify,
    /// Whether somebody else looks at how long writing takes.
    is_let_go: AtomicBool,
}

impl Default for Flow {
    fn default() -> Self {
        Self { is_written: AtomicBool::new(true), emptied: Notify::new(), is_let_go: AtomicBool::new(false) }
    }
}

impl Flow {
    /// Returns when the answers until now have gone to the system.
    pub(super) async fn written(&self) {
        while !self.is_written.load(Ordering::Acquire) {
            // Made before the second look, so that it hears what comes after it.
            let emptied = self.emptied.notified();
            if self.is_written.load(Ordering::Acquire) {
                return;
            }
            emptied.await;
        }
    }

    /// Time is not looked at any more.
    pub(super) fn let_go(&self) {
        self.is_let_go.store(true, Ordering::Release);
    }
}

/// A stream on which each write makes progress in time, or fails.
pub(super) struct Watched<S> {
    stream: S,
    flow: std::sync::Arc<Flow>,
    patience: Duration,
    /// Runs while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// Writes on `stream` wait for `patience` at most.
    pub(super) const fn new(stream: S, flow: std::sync::Arc<Flow>, patience: Duration) -> Self {
        Self { stream, flow, patience, deadline: None }
    }

    /// The stream itself.
    pub(super) const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// What was polled; an error if it has been waiting for too long.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() || self.flow.is_let_go.load(Ordering::Acquire) {
            self.deadline = None;
            return polled;
        }
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        if deadline.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.flow.is_written.store(false, Ordering::Release);
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.in_time(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.flow.is_written.store(false, Ordering::Release);
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.in_time(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        if matches!(polled, Poll::Ready(Ok(()))) && !this.flow.is_written.swap(true, Ordering::AcqRel) {
            this.flow.emptied.notify_waiters();
        }
        this.in_time(cx, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.in_time(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_makes_no_progress_fails_and_one_that_does_goes_on() {
        let (near, mut far) = duplex(8);
        let flow = Arc::<Flow>::default();
        let mut near = Watched::new(near, flow.clone(), Duration::from_secs(10));
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

    #[tokio::test]
    async fn whoever_waits_hears_when_all_has_gone() {
        let (near, mut far) = duplex(8);
        let flow = Arc::<Flow>::default();
        let mut near = Watched::new(near, flow.clone(), Duration::from_secs(10));
        flow.written().await;
        near.write_all(&[1; 8]).await.unwrap();
        let waiting = tokio::spawn(async move { flow.written().await });
        far.read_exact(&mut [0; 8]).await.unwrap();
        near.flush().await.unwrap();
        waiting.await.unwrap();
    }
}
