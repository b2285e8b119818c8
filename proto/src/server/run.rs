//! Running a gRPC server as people expect it: health, reflection, keep-alive, and an end that always comes.

use std::{convert::Infallible, io, time::Duration};

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    server::NamedService,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::server::HealthReporter;
use tower::Service;

use super::{Direct, gathered::Gathered};
use crate::FILE_DESCRIPTOR_SET;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// How many calls one connection may have open; tonic's own default is no limit.
    pub streams_per_connection: u32,
    /// How many bytes a caller may send ahead in one call, in a stream that is not read at the moment say. With small
    /// commands these are many frames, and h2 closes connections with too many of them unread: see
    /// [`connection_window`](Self::connection_window).
    pub stream_window: u32,
    /// How many bytes a caller may send ahead over one connection. h2 counts what each unread frame has less than 256 bytes, and
    /// closes a connection, all its calls with it, when that comes to half of this window (0.4.19 and later, against floods of
    /// tiny frames). So it is far more than what `streams_per_connection` calls of one small frame come to, or some thirty
    /// streams that are full and not read.
    pub connection_window: u32,
    /// How long an idle connection is left alone before it is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// How long the sign of life may take.
    pub keepalive_timeout: Duration,
    /// How long the server, asked to stop, still answers: health says `NOT_SERVING` and new commands are refused as
    /// DRAINING, so that load balancers turn away before connections close.
    pub drain_notice: Duration,
    /// How long calls may take to end after connections began to close.
    pub shutdown_grace: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            streams_per_connection: 4_096,
            stream_window: 64 * 1024,
            connection_window: 8 * 1024 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(15),
            drain_notice: Duration::from_millis(250),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// Reflection, v1 for tools of today and v1alpha for grpcurl before 1.8.8, and the health service.
///
/// # Errors
/// When the compiled contract cannot be read, which a test rules out.
pub fn infrastructure(
    health: tonic_health::pb::health_server::HealthServer<
        impl tonic_health::pb::health_server::Health,
    >,
) -> Result<Routes, tonic_reflection::server::Error> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut routes = Routes::new(health);
    routes = routes
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?);
    Ok(routes)
}

/// Serves `services` on `listener` until `stop` is cancelled; then says so for the time of the drain notice, closes
/// connections, and lets running calls end within the grace time.
///
/// Whoever watches `stop` also ends the streams that he feeds: tonic waits for every open one. Whatever still runs after
/// the grace time is cut off, with a warning.
///
/// # Errors
/// When the listener fails.
pub async fn run<S>(
    listener: TcpListener,
    services: Direct<S>,
    health: HealthReporter,
    limits: ServerLimits,
    stop: CancellationToken,
) -> io::Result<()>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let incoming = incoming.map(|connection| connection.map(Gathered::new));
    let close = CancellationToken::new();
    let closed = close.clone();
    let serving = Server::builder()
        .layer(super::errors::ReasonLayer)
        .max_concurrent_streams(limits.streams_per_connection)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        // Clients that cancel many calls at once are impatient, not hostile: at h2's default of 20 the whole connection
        // would be closed, with every other call on it.
        .http2_max_pending_accept_reset_streams(usize::try_from(limits.streams_per_connection).ok())
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .serve_with_incoming_shutdown(services, incoming, async move { closed.cancelled().await });
    tokio::pin!(serving);

    tokio::select! {
        ended = &mut serving => return ended.map_err(io::Error::other),
        () = draining(&stop, &health, limits.drain_notice) => close.cancel(),
    }
    match tokio::time::timeout(limits.shutdown_grace, serving).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_elapsed) => {
            tracing::warn!(
                grace_ms = limits.shutdown_grace.as_millis(),
                "calls were still open when the grace time ended; they are cut off"
            );
            Ok(())
        }
    }
}

async fn draining(stop: &CancellationToken, health: &HealthReporter, notice: Duration) {
    stop.cancelled().await;
    health
        .set_service_status("", tonic_health::ServingStatus::NotServing)
        .await;
    tokio::time::sleep(notice).await;
}
