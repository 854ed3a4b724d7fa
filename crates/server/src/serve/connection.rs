//! One connection: HTTP/1.1 with bounds on heads and times (S7).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt;

/// How long the head of a request may take, and how long a connection may lie idle.
const HEAD: Duration = Duration::from_secs(5);
/// The same where room is short.
const SHORT_HEAD: Duration = Duration::from_secs(1);
/// How long a connection where room is short may take in all; a stop waits for the disk for a
/// second of it (K4).
const SHORT: Duration = Duration::from_secs(4);
/// Most bytes of a head.
const HEAD_BYTES: usize = 16 * 1024;

fn builder(head: Duration) -> Builder {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES);
    builder
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

/// Serves a connection until it ends or the server stops.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let mut connection = pin!(builder(HEAD).serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = super::stopped(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// Serves one request where room is short.
pub(super) async fn serve_once(stream: TcpStream, peer: SocketAddr, router: Router) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let mut builder = builder(SHORT_HEAD);
    builder.keep_alive(false);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(SHORT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection broke"),
        Err(_) => tracing::debug!(%peer, "a connection took too long"),
    }
}
