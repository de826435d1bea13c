//! *Connections*: how many there may be, how long they may take, TLS, and the end.

use std::future::{Future, Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::ServerError;
use super::linger::Lingering;
use super::places::{Place, Places};

/// How long the head of a request, or the next request, may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection may take until its first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long calls in progress may take when the service ends.
const GRACE: Duration = Duration::from_secs(5);
/// The memory of a connection for what was received and not yet taken.
const BUFFER_BYTES: usize = 128 * 1024;

/// What all addresses of the service have in common.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How many connections may be open at each.
    pub connections: usize,
    /// The certificate and its key; none for plain HTTP.
    pub tls: Option<RustlsConfig>,
}

/// A server that listens at an address.
#[derive(Debug)]
pub struct Listening {
    /// The address, with the port that the system chose if none was set.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Listening {
    /// Starts to listen, on the current runtime, until the token is cancelled.
    pub fn start(
        address: SocketAddr,
        terms: &Terms,
        router: Router,
        cancel: &CancellationToken,
    ) -> Result<Self, ServerError> {
        let bind = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let mut server = axum_server::from_tcp(listener).map_err(bind)?.http1_only();
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(BUFFER_BYTES);
        let handle = axum_server::Handle::new();
        let places = Places::new(terms.connections);
        let server = server
            .handle(handle.clone())
            .first_request_timeout(FIRST_REQUEST_TIMEOUT)
            .acceptor(Bounded { places, ending: cancel.clone() });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = match terms.tls.clone() {
            None => tokio::spawn(async move { report(server.serve(service).await) }),
            Some(config) => {
                let server = server.map(|bounded| {
                    RustlsAcceptor::new(config).handshake_timeout(HANDSHAKE_TIMEOUT).acceptor(bounded)
                });
                tokio::spawn(async move { report(server.serve(service).await) })
            }
        };
        let cancel = cancel.clone();
        tokio::spawn(async move {
            cancel.cancelled().await;
            handle.graceful_shutdown(Some(GRACE));
        });
        Ok(Listening { address, serving })
    }

    /// Waits until the calls in progress have ended, or their time is over.
    pub async fn ended(self) {
        if tokio::time::timeout(GRACE + Duration::from_secs(1), self.serving).await.is_err() {
            warn!("calls in progress were cut off");
        }
    }
}

fn report(ended: io::Result<()>) {
    if let Err(failure) = ended {
        error!("the HTTP server has ended: {failure}");
    }
}

/// Refuses connections beyond a number.
#[derive(Clone)]
struct Bounded {
    places: Places,
    ending: CancellationToken,
}

impl<Service> Accept<TcpStream, Service> for Bounded {
    type Stream = Lingering<TcpStream>;
    type Service = Held<Service>;
    type Future = Ready<io::Result<(Lingering<TcpStream>, Held<Service>)>>;

    fn accept(&self, stream: TcpStream, service: Service) -> Self::Future {
        let accepted = match self.places.take() {
            Some(place) => {
                // Answers are short; failing to send them at once does not matter.
                let _ = stream.set_nodelay(true);
                let stream = Lingering::new(stream, Arc::clone(&place), self.ending.clone());
                Ok((stream, Held { service, place }))
            }
            None => Err(io::Error::other("too many connections")),
        };
        ready(accepted)
    }
}

/// The service of a connection, which counts as open while this lives.
#[derive(Clone)]
struct Held<Service> {
    service: Service,
    place: Arc<Place>,
}

impl<Service, Request> tower::Service<Request> for Held<Service>
where
    Service: tower::Service<Request>,
    Service::Future: Future,
{
    type Response = Service::Response;
    type Error = Service::Error;
    type Future = Service::Future;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.place.note_call();
        self.service.call(request)
    }
}

/// Lets the process have as many files open as the system allows: connections are files.
pub fn raise_file_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
