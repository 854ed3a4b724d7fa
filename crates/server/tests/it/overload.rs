//! The core while the API is overloaded: a command is answered as fast as ever (F47, I15).

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::risk_manager::Scope;
use engine::{Control, Instruction};
use runtime::Handle;
use server::auth::{Auth, Role};
use server::{Server, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::client::raw;
use crate::trading::trading;

/// Commands of one round.
const SAMPLES: usize = 200;
/// Quiet and flooded rounds take turns; the best flooded one is judged against the worst quiet one:
/// a disk that was slow for a moment is nobody's fault.
const ROUNDS: usize = 3;
/// Threads that hand a command over to one another: each may be woken as late as the machine is.
const HANDS: u32 = 3;
/// F47: the core is slower by a tenth at most ...
const TENTH: u32 = 10;
/// ... where the difference is more than what the disk of a shared machine does by itself (decision
/// 0112).
const NOISE: Duration = Duration::from_millis(50);

/// One round: how long commands took, and how late the machine itself was.
#[derive(Clone, Copy, Debug)]
struct Round {
    median: Duration,
    p99: Duration,
    lateness: Duration,
}

/// Gives commands one after the other, each until it is durable.
fn round(runtime: &Runtime, handle: &Handle) -> Round {
    const PAUSE: Duration = Duration::from_millis(2);
    let (mut took, mut lateness) = (Vec::new(), Duration::ZERO);
    for _ in 0..SAMPLES {
        let began = Instant::now();
        std::thread::sleep(PAUSE);
        lateness = lateness.max(began.elapsed().saturating_sub(PAUSE));
        let given = Instruction {
            control: Control::ResumeTrading(Scope::All),
            actor: "tester".to_owned(),
            from: "test".to_owned(),
            reason: "a test".to_owned(),
            ..Instruction::default()
        };
        let began = Instant::now();
        let receipt = runtime.block_on(handle.instruct(given)).unwrap();
        assert!(receipt.durable, "{receipt:?}");
        took.push(began.elapsed());
    }
    took.sort();
    Round { median: took[SAMPLES / 2], p99: took[SAMPLES * 99 / 100], lateness }
}

/// A dashboard that asks all the time, clients that read and write slowly, and huge bodies.
fn flood(address: SocketAddr, token: &str, over: &AtomicBool, asked: &AtomicU64) {
    let head = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
    let huge = "x".repeat(1 << 20);
    let mut slow: Vec<TcpStream> = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for path in ["status", "orders", "positions", "alerts"] {
            raw(
                address,
                &format!("GET /api/v1/{path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n"),
            );
        }
        let length = huge.len();
        raw(
            address,
            &format!(
                "POST /api/v1/control/pause HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{huge}"
            ),
        );
        if slow.len() < 40
            && let Ok(mut stream) = TcpStream::connect(address)
        {
            // It asks, and never reads the answer.
            let _ =
                stream.write_all(format!("GET /api/v1/orders HTTP/1.1\r\n{head}\r\n").as_bytes());
            slow.push(stream);
        }
        asked.fetch_add(6, Ordering::Relaxed);
        // As fast as a few dashboards, not as a processor that does nothing else.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// F47: commands are made durable under a flood as fast as without one, but for what the machine is
/// late by itself.
#[test]
fn a_flooded_api_holds_no_command_back() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (running, _notary, folder) = {
        let _inside = runtime.enter();
        trading()
    };
    let auth = Arc::new(Auth::open(folder.path()).unwrap());
    let now = runtime::clock::wall();
    let tokens: Vec<String> = (0..4)
        .map(|n| auth.create(&format!("viewer{n}"), Role::Viewer, 1, now).unwrap())
        .map(|token| token.expose().to_owned())
        .collect();
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        auth: Some(auth),
        live: false,
        read_limits: Arc::new(|limits, _| Ok(limits.clone())),
    };
    let handle = running.handle.clone();
    let server = Server::start(Arc::new(handle.clone()), settings, runtime.handle()).unwrap();
    round(&runtime, &handle);
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    let asked = AtomicU64::new(0);
    for _ in 0..ROUNDS {
        quiet.push(round(&runtime, &handle));
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for token in &tokens {
                let (over, asked) = (&over, &asked);
                scope.spawn(|| flood(server.address(), token, over, asked));
            }
            flooded.push(round(&runtime, &handle));
            over.store(true, Ordering::Relaxed);
        });
    }
    let asked = asked.load(Ordering::Relaxed);
    println!("{asked} requests");
    for (name, round) in
        quiet.iter().map(|round| ("quiet", round)).chain(flooded.iter().map(|r| ("flooded", r)))
    {
        let Round { median, p99, lateness } = round;
        println!("{name}: median {median:?}, p99 {p99:?}, the machine late by {lateness:?}");
    }
    assert!(asked > 100, "there was no flood: {asked} requests");
    let worst = quiet.iter().map(|round| round.p99).max().unwrap();
    let best = flooded.iter().min_by_key(|round| round.p99.saturating_sub(round.lateness)).unwrap();
    let limit = (worst + worst / TENTH).max(NOISE) + best.lateness * HANDS;
    assert!(best.p99 <= limit, "{best:?} against {worst:?}");
}
