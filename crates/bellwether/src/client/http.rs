//! One request, one answer, over a connection of its own.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::auth::Secret;
use tokio::net::TcpStream;

use crate::exit::{Exit, Failure};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take: longer than the system waits for its disk.
const ANSWER: Duration = Duration::from_secs(15);
/// Most bytes of an answer.
const MOST: usize = 64 << 20;

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a Value>,
    /// Idempotency key.
    pub(crate) key: Option<&'a str>,
}

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The document; null when there is none.
    pub(crate) body: Value,
}

impl Reply {
    /// Returns the document of a success; a refusal is exit 1 with the system's own words.
    pub(crate) fn document(self) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = |key: &str| self.body.get(key).and_then(Value::as_str).map(str::to_owned);
        let title = text("title").unwrap_or_else(|| format!("HTTP status {}", self.status));
        let failure = match text("detail") {
            Some(detail) => Failure::refused(format_args!("{title}: {detail}")),
            None => Failure::refused(title),
        };
        Err(match self.status {
            403 => failure.hint(
                "resume, raising limits and corrections take a token with the role admin: \
                 `bellwether tokens create NAME --role admin`, then --token-file",
            ),
            _ => failure,
        })
    }
}

/// Sends a request and waits for its answer.
pub(super) fn send(
    address: &str,
    token: Option<&Secret>,
    request: &Request<'_>,
) -> Result<Reply, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start a runtime for the request", error))?;
    runtime.block_on(exchange(address, token, request))
}

fn unavailable(address: &str, why: impl std::fmt::Display) -> Failure {
    Failure::unavailable(format_args!("no system answers at {address}: {why}")).hint(
        "is `bellwether run` running, and is this its server.listen? --url names another address",
    )
}

async fn exchange(
    address: &str,
    token: Option<&Secret>,
    request: &Request<'_>,
) -> Result<Reply, Failure> {
    let failed = |why: &dyn std::fmt::Display| unavailable(address, why);
    let stream = match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(failed(&error)),
        Err(_) => return Err(failed(&"the connection takes too long")),
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    // It ends with the answer; an error of it is the answer's error as well.
    tokio::spawn(async move { connection.await.ok() });
    let body = request.body.map(ToString::to_string);
    let mut building = hyper::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header(header::HOST, address)
        .header(header::USER_AGENT, "bellwether-cli");
    if let Some(token) = token {
        building = building.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    if let Some(key) = request.key {
        building = building.header("idempotency-key", key);
    }
    if body.is_some() {
        building = building.header(header::CONTENT_TYPE, "application/json");
    }
    let built = building
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let answering = async {
        let response = sender.send_request(built).await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        let bytes = body.map_err(|error| failed(&error))?.to_bytes();
        Ok(Reply { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    };
    match tokio::time::timeout(ANSWER, answering).await {
        Ok(reply) => reply,
        Err(_) => Err(unavailable(address, "it takes the request and does not answer")),
    }
}
