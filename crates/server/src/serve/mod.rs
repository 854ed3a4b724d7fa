//! Listening: connections within bounds, and room that is kept for an emergency stop (S1, S7).
//!
//! One thread of its own accepts connections and hands them to the tokio runtime of the process
//! while there is room. Beyond that it serves them itself, for a short time each, and only an
//! emergency stop and the question for health: a flood of the API can use up everything but that.
//!
//! Invariant: whatever is going on at the API, the next connection with an emergency stop is
//! answered.

mod connection;

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use crate::api::{Api, ReadLimits, reserved, router};
use crate::auth::Auth;
use crate::guard::{Hosts, Rates, Refusals};
use crate::system::System;

/// Most connections that are served at the same time (S7).
const MOST: usize = 256;
/// Connections beyond these that wait for an emergency stop.
const RESERVED: usize = 32;
/// How long such a connection is left alone before a newer one may take its place.
const GRACE: Duration = Duration::from_millis(50);
/// How long connections may go on after the end of listening.
const FAREWELL: Duration = Duration::from_secs(1);

/// How to listen.
pub struct Settings {
    /// Where.
    pub listen: SocketAddr,
    /// The tokens; `None` switches authentication off (`server.auth = off`).
    pub auth: Option<Arc<Auth>>,
    /// Money is at stake: nothing is served without authentication.
    pub live: bool,
    /// Reads limits by their names in the configuration.
    pub read_limits: ReadLimits,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it without being encrypted (S1).
    #[error(
        "server.listen = {0} can be reached from outside, and this build has no TLS: listen on \
         127.0.0.1 and put a proxy with TLS before it (S1)"
    )]
    Exposed(SocketAddr),
    /// Anybody on this machine could command it.
    #[error("server.auth = off is not allowed in live mode (S1)")]
    OpenInLive,
    /// The address is not to be had.
    #[error("listen on {listen}: is another program, or another instance, using it?")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A thread of the server.
    #[error("start the threads of the API")]
    Thread(#[source] io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    door: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens and serves; the requests run on the tokio runtime `on`.
    ///
    /// # Errors
    /// The settings are not safe, or the address is not to be had.
    pub fn start(
        system: Arc<dyn System>,
        settings: Settings,
        on: &Handle,
    ) -> Result<Self, ServeError> {
        let Settings { listen, auth, live, read_limits } = settings;
        if !listen.ip().is_loopback() {
            return Err(ServeError::Exposed(listen));
        }
        if auth.is_none() && live {
            return Err(ServeError::OpenInLive);
        }
        if let Some(auth) = &auth {
            auth.watch().map_err(ServeError::Thread)?;
        }
        let failed = |source| ServeError::Bind { listen, source };
        let listener = StdListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (hosts, rates) = (Hosts::of(address), Rates::default());
        let (refusals, kills) = (Refusals::default(), AtomicU64::new(0));
        let api = Arc::new(Api { system, auth, read_limits, hosts, rates, refusals, kills });
        let (stop, stopped) = watch::channel(false);
        let door = Door {
            all: router(&api),
            some: reserved(&api),
            on: on.clone(),
            room: Arc::new(Semaphore::new(MOST)),
            stopped,
            waiting: VecDeque::new(),
        };
        let thread = std::thread::Builder::new().name("door".to_owned());
        let door = thread.spawn(move || door.open(listener)).map_err(ServeError::Thread)?;
        tracing::info!(%address, "the API is served");
        Ok(Self { address, stop, door: Some(door) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends listening, lets answers that are under way go out, for a second at most.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.stop.send_replace(true);
        if let Some(door) = self.door.take()
            && door.join().is_err()
        {
            tracing::error!("the thread that accepts connections panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// Waits until the server is to stop.
async fn stopped(signal: &mut watch::Receiver<bool>) {
    // A server that is gone has stopped, too.
    let _ = signal.wait_for(|stopped| *stopped).await;
}

/// Where connections come in.
struct Door {
    all: Router,
    some: Router,
    on: Handle,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
    /// Connections that are served here, the oldest first.
    waiting: VecDeque<(Instant, AbortHandle)>,
}

impl Door {
    fn open(mut self, listener: StdListener) {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "the API is not served");
                return;
            }
        };
        runtime.block_on(async {
            let listener = match TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::error!(%error, "the API is not served");
                    return;
                }
            };
            self.accept(listener).await;
        });
    }

    async fn accept(&mut self, listener: TcpListener) {
        let mut stopped = self.stopped.clone();
        loop {
            let accepted = tokio::select! {
                () = self::stopped(&mut stopped) => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer).await,
                Err(error) => {
                    // Too many open files (F38): the next try may find room.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        let all = self.room.acquire_many(u32::try_from(MOST).unwrap_or(u32::MAX));
        // Whoever has not finished by then is cut off.
        let _ = tokio::time::timeout(FAREWELL, all).await;
    }

    async fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => match stream.into_std() {
                Ok(stream) => self.hand_over(stream, peer, permit),
                Err(error) => tracing::debug!(%error, "a connection went away"),
            },
            Err(_) => self.keep(stream, peer).await,
        }
    }

    fn hand_over(
        &self,
        stream: StdStream,
        peer: SocketAddr,
        permit: tokio::sync::OwnedSemaphorePermit,
    ) {
        let (router, stopped) = (self.all.clone(), self.stopped.clone());
        self.on.spawn(async move {
            let _permit = permit;
            match TcpStream::from_std(stream) {
                Ok(stream) => connection::serve(stream, peer, router, stopped).await,
                Err(error) => tracing::debug!(%error, "a connection went away"),
            }
        });
    }

    /// Serves a connection here, for an emergency stop; the oldest one makes way when it had time
    /// enough.
    async fn keep(&mut self, stream: TcpStream, peer: SocketAddr) {
        loop {
            self.waiting.retain(|(_, task)| !task.is_finished());
            if self.waiting.len() < RESERVED {
                break;
            }
            match self.waiting.front() {
                Some((since, task)) if since.elapsed() >= GRACE => {
                    task.abort();
                    self.waiting.pop_front();
                }
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        let router = self.some.clone();
        let task = tokio::spawn(connection::serve_once(stream, peer, router));
        self.waiting.push_back((Instant::now(), task.abort_handle()));
    }
}
