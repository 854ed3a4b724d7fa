//! What every request passes before its handler: host, origin, who, role, rate (S4-S7).
//!
//! Invariant: deny by default; a state-changing request comes from no foreign page.

mod host;
mod rate;
mod refusals;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::{self, Access};
use crate::api::Api;
use crate::auth::{Principal, Role};
use crate::problem::Problem;

pub(crate) use host::Hosts;
pub(crate) use rate::Rates;
pub(crate) use refusals::Refusals;

/// Who gives a command and from where, for the audit trail (S8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) who: Principal,
    /// The other end of the connection.
    pub(crate) from: String,
}

/// Lets a request through to its handler, or answers it.
pub(crate) async fn check(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let verdict = admit(&api, peer, path.as_ref().map(MatchedPath::as_str), &request);
    let mut response = match verdict {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => {
            if request.method() != Method::GET && request.method() != Method::HEAD {
                // S8: a failed attempt at a command is on record.
                tracing::warn!(
                    audit = true,
                    from = %peer,
                    method = %request.method(),
                    path = request.uri().path(),
                    status = problem.status,
                    "a command was refused at the door"
                );
            }
            problem.into_response()
        }
    };
    protect(response.headers_mut());
    response
}

/// Checks a request; returns its caller, `None` for an open route.
fn admit(
    api: &Api,
    peer: SocketAddr,
    path: Option<&str>,
    request: &Request,
) -> Result<Option<Caller>, Problem> {
    let headers = request.headers();
    // S8: what was tried and refused is in the journal and becomes an alert.
    let record = |why: &str| {
        let asked: String = request.uri().path().chars().take(80).collect();
        let what = format!("{} {asked}: {why}", request.method());
        api.refusals.note(&api.system, peer, &what);
    };
    api.hosts.check(headers).inspect_err(|_| record("another host's name"))?;
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let kill = path == Some(access::KILL);
    if changes {
        api.hosts.check_origin(headers).inspect_err(|_| record("a foreign page"))?;
        // A stop needs no body, and no form is a reason not to stop.
        if !kill {
            check_content(request)?;
        }
    }
    let access = path.and_then(|path| access::access(request.method().as_str(), path));
    if access == Some(Access::Open) {
        return api.rates.take_open(peer.ip()).then_some(None).ok_or_else(Problem::too_many);
    }
    let Some(who) = principal(api, headers) else {
        // Whoever only looks, and shows no token at all, has not tried anything.
        if changes || headers.contains_key(header::AUTHORIZATION) {
            record("no valid token");
        }
        // A flood of wrong tokens is not worth an answer that costs more.
        let room = kill || api.rates.take_failed(peer.ip());
        return Err(if room { Problem::unauthorized() } else { Problem::too_many() });
    };
    if !kill && !api.rates.take(&who.name) {
        return Err(Problem::too_many());
    }
    let Some(Access::Role(role)) = access else {
        // What is served is told only to those who may know it.
        return Err(match path {
            Some(_) => Problem::method(),
            None => {
                let shown: String = request.uri().path().chars().take(80).collect();
                Problem::not_found(format!("there is no {shown}"))
            }
        });
    };
    if who.role < role {
        let Principal { name, role: has } = who;
        let detail = format!("this takes the role {role}, the token {name:?} has {has}");
        record(&detail);
        return Err(Problem::forbidden(detail));
    }
    Ok(Some(Caller { who, from: peer.to_string() }))
}

/// Returns who bears the request's token.
fn principal(api: &Api, headers: &HeaderMap) -> Option<Principal> {
    let Some(auth) = &api.auth else {
        // `server.auth = off`: on loopback only, never with money (S1).
        return Some(Principal { name: "local".to_owned(), role: Role::Admin });
    };
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))?;
    auth.verify(token.trim(), runtime::clock::wall())
}

/// A body is JSON by its content type: a form of a foreign page cannot say that (S6).
fn check_content(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && !headers.contains_key(header::TRANSFER_ENCODING);
    if empty && request.method() == Method::DELETE {
        return Ok(());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let json = kind.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if json { Ok(()) } else { Err(Problem::media_type()) }
}

/// Headers that keep a browser from doing anything with what is served (S6).
fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
