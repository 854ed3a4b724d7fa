//! Errors as RFC 9457 problem documents.
//!
//! Invariant: a problem says what was asked and what to do; nothing of the inside (no causes, no
//! paths, no traces; API8).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request was not done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:bellwether:problem:NAME`.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is the matter with this request, and what to do.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:bellwether:problem:{name}");
        Self { kind, title, status: status.as_u16(), detail: detail.into() }
    }

    /// The request cannot be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request is not well-formed", detail)
    }

    /// Nobody showed who they are.
    pub(crate) fn unauthorized() -> Self {
        let detail = "send a valid token in the header Authorization, as a bearer's; \
                      `bellwether tokens create` makes one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No valid token", detail)
    }

    /// Whoever asks may not do that.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The path takes another method.
    pub(crate) fn method() -> Self {
        let detail = "GET /api/v1/openapi.json lists every path with its methods";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method-not-allowed", "The path does not take this method", detail)
    }

    /// The state of the system does not allow it, in the core's words.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", "Refused by the system", detail)
    }

    /// The body is not JSON by its content type.
    pub(crate) fn media_type() -> Self {
        let detail = "send the body as `Content-Type: application/json` (S6)";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "media-type", "The body is not JSON", detail)
    }

    /// The body is too large.
    pub(crate) fn too_large() -> Self {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "too-large", "The body is too large", "at most 64 KiB (S7)")
    }

    /// The body came too slowly.
    pub(crate) fn too_slow() -> Self {
        let status = StatusCode::REQUEST_TIMEOUT;
        Self::new(status, "too-slow", "The body came too slowly", "within 10 s (S7)")
    }

    /// The request names a host that is not this one.
    pub(crate) fn misdirected() -> Self {
        let detail = "the Host header must name the address that the server listens on (S6)";
        let status = StatusCode::MISDIRECTED_REQUEST;
        Self::new(status, "misdirected", "The host is not this one", detail)
    }

    /// A value has the right form and no meaning here.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "invalid", "A value is not usable", detail)
    }

    /// Too many requests.
    pub(crate) fn too_many() -> Self {
        let detail = "at most 20 requests a second for each token (S7); an emergency stop is never \
                      counted";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail)
    }

    /// There is no room or nobody to do it now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "unavailable", "Not available now", detail)
    }

    /// What became of an instruction is not known yet.
    pub(crate) fn not_known() -> Self {
        let detail = "the instruction was handed to the core and is not durable yet: look at \
                      `status`, and give it again with the same Idempotency-Key";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "not-known", "Not known yet", detail)
    }

    /// A fault of this program.
    pub(crate) fn internal() -> Self {
        let detail = "the log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "An internal fault", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let challenge = status == StatusCode::UNAUTHORIZED;
        let retry = status == StatusCode::TOO_MANY_REQUESTS;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
