//! The server at its addresses, until it is told to end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{fs, io};

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::config::Tls;
use super::connections::incoming;
use super::{ServeError, Server, operations, reflection, tell};

/// How often a connection that is silent is asked whether it is there, and how long it may take to say so.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Bytes of headers that a call may have: drivers send the parameters of their URLs as headers.
const HEADER_BYTES: u32 = 64 << 10;
/// Bytes of a message that clients may send.
const MESSAGE_BYTES: usize = 64 << 20;
/// How often sessions that are over are looked for.
const SWEEP: Duration = Duration::from_secs(10);

impl Server {
    /// Serves until it is told to end, and for as long as queries then may go on.
    ///
    /// # Errors
    ///
    /// When an address cannot be listened on, or the files of TLS cannot be used.
    pub(super) async fn listen(self, address: SocketAddr) -> Result<(), ServeError> {
        let (listener, bound) = listener(address).await?;
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<FlightServiceServer<Self>>().await;
        let mut builder = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
            .http2_max_header_list_size(HEADER_BYTES);
        if let Some(tls) = &self.config.tls {
            builder = builder
                .tls_config(tls_config(tls)?)
                .map_err(|error| ServeError::Usage(format!("tls cannot be used: {error}")))?;
        }
        let server = Arc::new(self);
        let mut beside = JoinSet::new();
        if let Some(address) = server.config.operations.listen {
            let (listener, bound) = self::listener(address).await?;
            tell(&format!("metrics at http://{bound}/metrics"));
            let router = operations::router(Arc::clone(&server));
            beside.spawn(async move {
                let _ = axum::serve(listener, router).await;
            });
        }
        let sessions = Arc::clone(&server.sessions);
        beside.spawn(async move {
            let mut clock = tokio::time::interval(SWEEP);
            loop {
                clock.tick().await;
                sessions.sweep();
            }
        });
        let (ends, mut ended) = tokio::sync::watch::channel(false);
        let told = {
            let server = Arc::clone(&server);
            async move {
                told_to_end().await;
                server.is_ending.store(true, Ordering::Relaxed);
                health.set_not_serving::<FlightServiceServer<Self>>().await;
                let seconds = server.config.operations.drain_seconds;
                tell(&format!("ending; queries that run have {seconds} s to finish"));
                let _ = ends.send(true);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
        };
        tell(&format!("listening on {bound}"));
        let incoming = incoming(listener, Arc::clone(&server.sessions));
        let service = FlightServiceServer::from_arc(server).max_decoding_message_size(MESSAGE_BYTES);
        let failed = |error| ServeError::Failed(format!("reflection cannot be served: {error}"));
        let described = || {
            tonic_reflection::server::Builder::configure()
                .register_file_descriptor_set(reflection::descriptors())
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Many tools still ask by the version before the first.
        let (new, old) =
            (described().build_v1().map_err(failed)?, described().build_v1alpha().map_err(failed)?);
        let router =
            builder.add_service(health_service).add_service(new).add_service(old).add_service(service);
        let served = router.serve_with_incoming_shutdown(incoming, async move {
            let _ = ended.wait_for(|is_ending| *is_ending).await;
        });
        tokio::select! {
            served = served => {
                served.map_err(|error| ServeError::Failed(format!("the server ended: {error}")))
            }
            () = told => {
                tell("queries that still run are ended");
                Ok(())
            }
        }
    }
}

async fn listener(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let cannot = |error: io::Error| ServeError::Failed(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}

fn tls_config(tls: &Tls) -> Result<ServerTlsConfig, ServeError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error| ServeError::Usage(format!("cannot read {}: {error}", path.display())))
    };
    let identity = Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?);
    let config = ServerTlsConfig::new().identity(identity);
    Ok(match &tls.client_ca {
        Some(path) => config.client_ca_root(Certificate::from_pem(read(path)?)),
        None => config,
    })
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        // Without the signal only Ctrl-C ends the server.
        Err(_) => return tokio::signal::ctrl_c().await.unwrap_or(()),
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = tokio::signal::ctrl_c() => (),
    }
}
