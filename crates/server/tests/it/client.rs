//! A server on a free port with a small core, and the plainest HTTP client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use server::auth::{Auth, Role};
use server::{Server, Settings};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::core::Core;

pub(crate) struct Site {
    pub(crate) core: Arc<Core>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) address: SocketAddr,
    viewer: String,
    operator: String,
    admin: String,
    _server: Server,
    _runtime: Runtime,
    _dir: TempDir,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let auth = Arc::new(Auth::open(dir.path()).unwrap());
        let now = runtime::clock::wall();
        let make = |role: Role| auth.create(role.name(), role, 1, now).unwrap().expose().to_owned();
        let (viewer, operator, admin) =
            (make(Role::Viewer), make(Role::Operator), make(Role::Admin));
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let core = Core::new();
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            auth: Some(Arc::clone(&auth)),
            live: false,
            read_limits: Arc::new(|limits, wanted| match wanted.get("max_positions") {
                Some(Value::Number(n)) => {
                    let max_positions = n.as_u64().and_then(|n| u32::try_from(n).ok());
                    Ok(engine::risk_manager::Limits { max_positions, ..limits.clone() })
                }
                _ => Err("unknown limit; there is max_positions".to_owned()),
            }),
        };
        let server = Server::start(Arc::<Core>::clone(&core), settings, runtime.handle()).unwrap();
        let address = server.address();
        Self {
            core,
            auth,
            address,
            viewer,
            operator,
            admin,
            _server: server,
            _runtime: runtime,
            _dir: dir,
        }
    }

    pub(crate) fn token(&self, role: Role) -> &str {
        match role {
            Role::Viewer => &self.viewer,
            Role::Operator => &self.operator,
            Role::Admin => &self.admin,
        }
    }

    /// Asks as a role, with a JSON body unless it is empty.
    pub(crate) fn ask(&self, role: Option<Role>, method: &str, path: &str, body: &str) -> Reply {
        let token = role.map(|role| format!("Authorization: Bearer {}\r\n", self.token(role)));
        self.send(method, path, &token.unwrap_or_default(), body)
    }

    pub(crate) fn get(&self, role: Role, path: &str) -> Reply {
        self.ask(Some(role), "GET", path, "")
    }

    pub(crate) fn post(&self, role: Role, path: &str, body: &str) -> Reply {
        self.ask(Some(role), "POST", path, body)
    }

    /// Sends a request with header lines of the test's own.
    pub(crate) fn send(&self, method: &str, path: &str, lines: &str, body: &str) -> Reply {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let host = self.address;
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}{kind}Content-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Sends bytes and reads the answer to its end.
    pub(crate) fn raw(&self, request: &str) -> Reply {
        raw(self.address, request)
    }
}

/// Sends bytes to a server and reads the answer to its end.
pub(crate) fn raw(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    Reply { status, head: head.to_lowercase(), body }
}
