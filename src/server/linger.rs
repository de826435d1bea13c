//! *Lingering*: a connection is closed in two steps, so that its client gets the answer.
//!
//! A call may be answered before its body has ended: 401, 413, or 507 in the middle of a
//! file. If the connection were closed then, the kernel would reset it for the bytes that
//! are still on their way, and the client, which is busy sending, would never read the
//! answer. So the server first says that it sends no more, and then reads and drops what
//! comes until the client closes as well.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::places::Place;

/// How long a client may go on sending after the answer.
const LONGEST: Duration = Duration::from_secs(30);
/// How long it may send nothing and not close either.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The same when the service ends: idle clients may keep their connections open.
const LONGEST_PAUSE_AT_END: Duration = Duration::from_secs(1);
/// How many bytes are dropped at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// A connection that lingers when it is shut down, and that ends when it has given its
/// place up.
#[derive(Debug)]
pub struct Lingering<Stream> {
    stream: Stream,
    place: Arc<Place>,
    given_up: Pin<Box<WaitForCancellationFutureOwned>>,
    ending: CancellationToken,
    farewell: Option<Farewell>,
}

/// The time that is left once the answer is out.
#[derive(Debug)]
struct Farewell {
    end: Pin<Box<Sleep>>,
    pause: Pin<Box<Sleep>>,
    longest_pause: Duration,
}

impl<Stream> Lingering<Stream> {
    /// A connection of a service that ends when the token is cancelled.
    pub fn new(stream: Stream, place: Arc<Place>, ending: CancellationToken) -> Self {
        let given_up = Box::pin(place.given_up());
        Lingering { stream, place, given_up, ending, farewell: None }
    }
}

impl Farewell {
    fn new(longest_pause: Duration) -> Self {
        Farewell { end: Box::pin(sleep(LONGEST)), pause: Box::pin(sleep(longest_pause)), longest_pause }
    }

    /// Drops what comes. Ready when the client has closed, or its time is over.
    fn poll<Stream: AsyncRead + Unpin>(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        while self.end.as_mut().poll(context).is_pending() {
            let mut bytes = [MaybeUninit::uninit(); BUFFER_BYTES];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.pause.as_mut().reset(Instant::now() + self.longest_pause);
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.pause.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Lingering<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.place.is_silent() && self.given_up.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<Stream: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Lingering { stream, ending, farewell, .. } = self.get_mut();
        let farewell = match farewell {
            Some(farewell) => farewell,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
                let is_ending = ending.is_cancelled();
                farewell.insert(Farewell::new(if is_ending { LONGEST_PAUSE_AT_END } else { LONGEST_PAUSE }))
            }
        };
        farewell.poll(stream, context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::Places;
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn place() -> Arc<Place> {
        Places::new(1).take().expect("it is free")
    }

    #[tokio::test]
    async fn a_client_that_stays_is_left_after_a_while() {
        let (server, mut client) = tokio::io::duplex(64);
        let ending = CancellationToken::new();
        ending.cancel();
        let mut server = Lingering::new(server, place(), ending);
        let lingering = tokio::spawn(async move { server.shutdown().await });
        assert_eq!(client.read(&mut [0]).await.expect("it can be read"), 0, "nothing more is sent");
        // More than is buffered on the way, so it is read.
        client.write_all(&[0; 10_000]).await.expect("it can be written");
        lingering.await.expect("it comes to an end").expect("nothing fails");
        client.write_all(&[0; 10_000]).await.expect_err("the connection is closed");
    }

    #[tokio::test]
    async fn a_client_that_closes_is_left_at_once() {
        let (server, client) = tokio::io::duplex(64);
        drop(client);
        Lingering::new(server, place(), CancellationToken::new()).shutdown().await.expect("nothing fails");
    }
}
