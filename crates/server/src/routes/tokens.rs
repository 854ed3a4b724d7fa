//! API tokens of a running system: made, listed and revoked by an admin (S4).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::auth::{Auth, AuthError, DEFAULT_DAYS, Role, TokenRow};
use crate::body::Body;
use crate::guard::Caller;
use crate::problem::Problem;

/// A token to be made.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its name.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// Days for which it is valid, at most 90 [30].
    days: Option<u16>,
}

/// A token that was made: the one time that its text is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Made {
    /// Its name.
    name: String,
    /// What it may do.
    role: &'static str,
    /// Its text.
    token: String,
}

/// Runs what touches the file off the threads that serve.
async fn on_disk<T: Send + 'static>(
    api: &Arc<Api>,
    work: impl FnOnce(&Auth) -> Result<T, AuthError> + Send + 'static,
) -> Result<T, Problem> {
    let Some(auth) = api.auth.clone() else {
        return Err(Problem::refused("server.auth is off: there are no tokens"));
    };
    match tokio::task::spawn_blocking(move || work(&auth)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(explain(&error)),
        Err(error) => {
            tracing::error!(%error, "a change of the tokens ended early");
            Err(Problem::internal())
        }
    }
}

fn explain(error: &AuthError) -> Problem {
    match error {
        AuthError::NameTaken(_) => Problem::refused(error.to_string()),
        AuthError::NoSuchToken(_) => Problem::not_found(error.to_string()),
        AuthError::BadName(_) | AuthError::BadDays(_) => Problem::invalid(error.to_string()),
        AuthError::File { .. }
        | AuthError::Database { .. }
        | AuthError::Version { .. }
        | AuthError::NoRandom => {
            tracing::error!(%error, "the tokens could not be changed");
            Problem::internal()
        }
    }
}

/// All tokens, without their texts
#[utoipa::path(get, path = "/api/v1/tokens", responses((status = 200, body = Vec<TokenRow>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Vec<TokenRow>>, Problem> {
    on_disk(&api, Auth::list).await.map(Json)
}

/// Make a token; its text is shown this one time
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    request_body = Wanted,
    responses((status = 201, body = Made), (status = 409, body = Problem))
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let role: Role = wanted
        .role
        .parse()
        .map_err(|error: crate::auth::UnknownRole| Problem::invalid(error.to_string()))?;
    let days = wanted.days.unwrap_or(DEFAULT_DAYS);
    let (name, now) = (wanted.name.clone(), runtime::clock::wall());
    let secret = on_disk(&api, move |auth| auth.create(&name, role, days, now)).await?;
    let (actor, from, name) = (caller.who.name, caller.from, wanted.name);
    tracing::info!(audit = true, %actor, %from, %name, %role, days, "a token was made");
    let made = Made { name, role: role.name(), token: secret.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Revoke a token
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{name}",
    params(("name" = String, Path, description = "the token's name")),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let (of, now) = (name.clone(), runtime::clock::wall());
    on_disk(&api, move |auth| auth.revoke(&of, now)).await?;
    let (actor, from) = (caller.who.name, caller.from);
    tracing::info!(audit = true, %actor, %from, %name, "a token was revoked");
    Ok(StatusCode::NO_CONTENT)
}
