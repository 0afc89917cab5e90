//! Connections as clients open them, and word when one is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

use super::sessions::Sessions;

/// How long to wait when the system has no room for a connection.
const BREATH: Duration = Duration::from_millis(50);

/// Tells connections apart, also those that come from one address after each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(u64);

impl ConnectionId {
    /// A connection that no other is.
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A connection; when it closes, sessions that nobody else can come back to end.
pub(super) struct Connection {
    stream: TcpStream,
    id: ConnectionId,
    sessions: Arc<Sessions>,
}

/// The connections that come.
pub(super) fn incoming(
    listener: TcpListener,
    sessions: Arc<Sessions>,
) -> impl Stream<Item = io::Result<Connection>> {
    stream::unfold((listener, sessions), |(listener, sessions)| async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Without it small answers wait for each other.
                    let _ = stream.set_nodelay(true);
                    let connection =
                        Connection { stream, id: ConnectionId::next(), sessions: Arc::clone(&sessions) };
                    return Some((Ok(connection), (listener, sessions)));
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    })
}

impl Connected for Connection {
    type ConnectInfo = ConnectionId;

    fn connect_info(&self) -> ConnectionId {
        self.id
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.sessions.leave(self.id);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
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
}
