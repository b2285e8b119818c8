//! Connections that write the answers of many calls at once. A batch that has come into the log ends a hundred calls in the
//! same moment, each in a task of its own, and HTTP/2 would write when the first of these has handed over its answer, whatever
//! the others are about to: more system calls and packets, here and at the caller's.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// A connection that lets every other task that is ready go before it writes, once each time that it has something to write:
/// what these hand over goes with it. It takes a turn of the scheduler, no timer, so an idle server writes as soon as ever.
#[derive(Debug)]
pub(super) struct Gathered<C> {
    connection: C,
    gives_way: bool,
}

impl<C> Gathered<C> {
    pub(super) const fn new(connection: C) -> Self {
        Self {
            connection,
            gives_way: true,
        }
    }

    /// Pending the first time, and awake again at the end of the scheduler's queue.
    fn after_others(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.gives_way {
            self.gives_way = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Gathered<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.after_others(context));
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.after_others(context));
        Pin::new(&mut self.connection).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    /// HTTP/2 flushes when all that it had is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.gives_way = true;
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Gathered<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<C: Connected> Connected for Gathered<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.connection.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{Arc, Mutex},
    };

    use tokio::io::{AsyncWriteExt as _, DuplexStream};

    use super::*;

    /// Writes what has been handed over when it comes to that, as HTTP/2 does.
    async fn write(
        connection: &mut Gathered<DuplexStream>,
        handed_over: &Mutex<Vec<u8>>,
    ) -> Vec<u8> {
        poll_fn(|context| {
            let mut bytes = handed_over.lock().unwrap();
            let written = ready!(Pin::new(&mut *connection).poll_write(context, &bytes));
            Poll::Ready(bytes.drain(..written.unwrap()).collect())
        })
        .await
    }

    #[tokio::test]
    async fn what_others_are_about_to_hand_over_goes_with_it() {
        let (near, _far) = tokio::io::duplex(64);
        let mut connection = Gathered::new(near);
        let handed_over = Arc::new(Mutex::new(Vec::new()));
        for round in 1..=3 {
            handed_over.lock().unwrap().push(b'a');
            for _ in 0..10 {
                let handed_over = Arc::clone(&handed_over);
                tokio::spawn(async move { handed_over.lock().unwrap().push(b'b') });
            }
            let written = write(&mut connection, &handed_over).await;
            assert_eq!(written, b"abbbbbbbbbb", "round {round}");
            connection.flush().await.unwrap();
        }
    }

    #[tokio::test]
    async fn it_gives_way_once_however_much_there_is_to_write() {
        let (near, _far) = tokio::io::duplex(64);
        let mut connection = Gathered::new(near);
        let mut pending = 0;
        for _ in 0..4 {
            poll_fn(|context| {
                let written = Pin::new(&mut connection).poll_write(context, b"piece");
                pending += usize::from(written.is_pending());
                written
            })
            .await
            .unwrap();
        }
        assert_eq!(pending, 1);
    }
}
