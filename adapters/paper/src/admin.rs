//! The stand-in's back door for tests: the truth, the requests that came, and faults on request
//! (contract.md 3 `venue`).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::faults::FaultFile;
use crate::server::Server;

/// The admin pages of a server.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Admin {
    /// Listens at an address: `GET /state`, `GET /requests`, `POST /faults`.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub async fn bind(address: &str, server: Arc<Server>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let pages = Router::new()
            .route("/state", get(state))
            .route("/requests", get(requests))
            .route("/faults", post(faults).delete(no_faults))
            .with_state(server);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, pages).await {
                tracing::warn!(%error, "the admin pages have ended");
            }
        });
        Ok(Self { address, serving })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn state(State(server): State<Arc<Server>>) -> impl IntoResponse {
    server.state().await.map(Json).map_err(|e| (StatusCode::SERVICE_UNAVAILABLE, e.to_string()))
}

async fn requests(State(server): State<Arc<Server>>) -> impl IntoResponse {
    Json(server.requests())
}

async fn faults(
    State(server): State<Arc<Server>>,
    Json(file): Json<FaultFile>,
) -> Result<StatusCode, (StatusCode, String)> {
    let added = server.faults().add(file);
    added.map(|()| StatusCode::NO_CONTENT).map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))
}

async fn no_faults(State(server): State<Arc<Server>>) -> StatusCode {
    server.faults().clear();
    StatusCode::NO_CONTENT
}
