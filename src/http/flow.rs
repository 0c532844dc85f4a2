//! The ways of a connection: one whose client does not read its answers, or sends the head of a request too slowly, is closed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use super::bare;
use super::head::Head;
use super::origins::Readers;
use super::pace::{Pace, TooSlow};
use domain::limits::HttpLimits;

/// The head of a request is coming, or will be: a connection begins so.
const HEAD: u8 = 0;
/// A request is being answered.
const BUSY: u8 = 1;
/// The answer has gone, and the next request has not begun.
const IDLE: u8 = 2;
/// How long what a refused client still sends is read: whoever is cut off meanwhile never reads the answer.
const LINGER: Duration = Duration::from_secs(2);

/// So many bytes of a head that is too long are read for the page that it comes from.
const MOST_READ: usize = 1 << 20;

/// What is known of what comes and goes on a connection.
#[derive(Debug)]
pub(super) struct Flow {
    /// Whether the system has taken all that was written.
    is_written: AtomicBool,
    /// Wakes who waits for that.
    emptied: Notify,
    /// Whether somebody else looks at how long reading and writing takes.
    is_let_go: AtomicBool,
    /// What is being waited for: [`HEAD`], [`BUSY`] or [`IDLE`].
    stage: AtomicU8,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            is_written: AtomicBool::new(true),
            emptied: Notify::new(),
            is_let_go: AtomicBool::new(false),
            stage: AtomicU8::new(HEAD),
        }
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

    /// The head of a request is there.
    pub(super) fn is_asked(&self) {
        self.stage.store(BUSY, Ordering::Release);
    }

    /// The answer to it has gone.
    pub(super) fn is_answered(&self) {
        self.stage.store(IDLE, Ordering::Release);
    }

    /// Time is not looked at any more.
    pub(super) fn let_go(&self) {
        self.is_let_go.store(true, Ordering::Release);
    }
}

/// A stream on which each write makes progress in time, and each head comes in time, or it fails.
pub(super) struct Watched<S> {
    stream: S,
    flow: Arc<Flow>,
    patience: Duration,
    /// How fast the client reads.
    pace: Pace,
    /// Runs while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
    /// How long a head may take.
    head: Option<Duration>,
    /// Runs while a head comes.
    head_deadline: Option<Pin<Box<Sleep>>>,
    /// What is known of the head that comes, or came last.
    seen: Head,
    /// Which pages may read an answer.
    readers: Arc<Readers>,
    /// What is written instead of an answer without a body, and how much of it has been.
    instead: Option<(Vec<u8>, usize)>,
    /// Whether the connection ends with such an answer.
    is_refused: bool,
    /// Whether what still comes is being read away.
    is_lingering: bool,
}

impl<S> Watched<S> {
    /// Writes on `stream` wait for as long as `limits` say at most, and are as fast at least.
    pub(super) fn new(stream: S, flow: Arc<Flow>, limits: &HttpLimits, readers: Arc<Readers>) -> Self {
        Self {
            stream,
            flow,
            patience: limits.write_time,
            pace: Pace::new(limits.least_rate, limits.write_window()),
            deadline: None,
            head: None,
            head_deadline: None,
            seen: Head::default(),
            readers,
            instead: None,
            is_refused: false,
            is_lingering: false,
        }
    }

    /// The head of a request may take so long, from its first byte on; the first one from now on.
    pub(super) const fn with_heads_within(mut self, time: Duration) -> Self {
        self.head = Some(time);
        self
    }

    /// The stream itself.
    pub(super) const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// What was written; an error if it has been waiting for too long, or if the client reads too slowly.
    fn at_pace(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let is_slow = match &written {
            _ if self.flow.is_let_go.load(Ordering::Acquire) => false,
            Poll::Ready(Ok(bytes)) => self.pace.moved(*bytes) == Err(TooSlow),
            Poll::Ready(Err(_)) => false,
            Poll::Pending => {
                self.pace.waits();
                false
            }
        };
        if is_slow {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads its answer too slowly")));
        }
        self.in_time(cx, written)
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

impl<S> Watched<S> {
    /// What was read; an error if a head has been coming for too long. `come`: the bytes.
    fn head_in_time(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<()>>,
        come: &[u8],
    ) -> Poll<io::Result<()>> {
        let Some(time) = self.head.filter(|_| !self.flow.is_let_go.load(Ordering::Acquire)) else {
            self.head_deadline = None;
            return polled;
        };
        let begins = || self.flow.stage.compare_exchange(IDLE, HEAD, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !come.is_empty() && begins() {
            (self.head_deadline, self.seen) = (None, Head::default());
        }
        if self.flow.stage.load(Ordering::Acquire) != HEAD {
            self.head_deadline = None;
            return polled;
        }
        self.seen.take(come);
        let deadline = self.head_deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        if deadline.as_mut().poll(cx).is_pending() {
            return polled;
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request takes too long")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        this.head_in_time(cx, polled, &buffer.filled()[before..])
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    /// Reads on to the end of a head that is too long to be read, so that it is known which page may read the answer; not for long.
    fn read_head(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut piece = [0; 4096];
        while !self.seen.is_over() && self.seen.bytes() < MOST_READ {
            let mut buffer = ReadBuf::new(&mut piece);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
            match read {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.seen.take(buffer.filled()),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let deadline = self.head_deadline.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                    return deadline.as_mut().poll(cx);
                }
            }
        }
        Poll::Ready(())
    }

    /// Writes `bytes`, or the answer with a body that belongs in their place.
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            let Some(refusal) = bare::Refusal::read(bytes) else {
                return Pin::new(&mut self.stream).poll_write(cx, bytes);
            };
            if refusal.is_of_length() {
                ready!(self.read_head(cx));
            }
            let instead = refusal.answer(&self.readers.headers(self.seen.origin()));
            (self.instead, self.is_refused) = (Some((instead, 0)), true);
        }
        while let Some((instead, written)) = &mut self.instead {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &instead[*written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => *written += more,
            }
            if *written == instead.len() {
                self.instead = None;
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Reads away what a refused client still sends.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let deadline = self.head_deadline.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut away = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut away);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.flow.is_written.store(false, Ordering::Release);
        let polled = this.write(cx, bytes);
        this.at_pace(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.flow.is_written.store(false, Ordering::Release);
        let first = slices.first().map_or(&[][..], |slice| &**slice);
        let polled = if this.instead.is_some() || bare::Refusal::read(first).is_some() {
            this.write(cx, first)
        } else {
            Pin::new(&mut this.stream).poll_write_vectored(cx, slices)
        };
        this.at_pace(cx, polled)
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
        if this.is_refused && matches!(polled, Poll::Ready(Ok(()))) {
            if !this.is_lingering {
                // Of the head it was the time until now.
                (this.head_deadline, this.is_lingering) = (None, true);
            }
            return this.linger(cx);
        }
        this.in_time(cx, polled)
    }
}

#[cfg(test)]
mod tests;
