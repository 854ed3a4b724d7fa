//! An emergency stop against a resume, at the same time and through the same API: the stop wins (F46,
//! I8).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::{Control, Input};
use runtime::{Handle, Released};
use server::auth::{Auth, Role};
use server::{Server, Settings};
use tokio::runtime::Builder;
use tokio::sync::broadcast::{self, error::TryRecvError};

use crate::client::{Reply, raw};
use crate::trading::{Notary, trading};

const RACES: u64 = 200;
/// One admin may ask for twenty things a second (S7).
const ADMINS: usize = 12;
/// How far apart the two requests of a race are sent at most.
const APART_US: u64 = 3_000;

/// Seeded random numbers (splitmix64): a race that fails prints its number.
fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the journal says of stops and resumes.
struct Protocol {
    from: broadcast::Receiver<Arc<Released>>,
    /// Emergency stops so far.
    stops: u64,
    /// By the sequence of each resume's group: of how many stops its giver knew, and how many there
    /// had been.
    resumes: BTreeMap<u64, (Option<u64>, u64)>,
}

impl Protocol {
    /// Reads on: what was answered has been released before.
    fn read(&mut self) {
        loop {
            let record = match self.from.try_recv() {
                Ok(record) => record,
                Err(TryRecvError::Empty) => return,
                Err(error) => panic!("the records cannot be followed: {error}"),
            };
            let Input::Control(given) = &record.input else { continue };
            match given.control {
                Control::EmergencyStop(_) => self.stops += 1,
                Control::ResumeTrading(_) => {
                    self.resumes.insert(record.end_seq, (given.kills_seen, self.stops));
                }
                _ => {}
            }
        }
    }
}

/// Who takes part.
struct Track {
    protocol: Mutex<Protocol>,
    address: std::net::SocketAddr,
    operator: String,
    admins: Vec<String>,
    handle: Handle,
    notary: Arc<Notary>,
}

impl Track {
    fn post(&self, token: &str, command: &str) -> Reply {
        let body = r#"{"reason":"a race"}"#;
        raw(
            self.address,
            &format!(
                "POST /api/v1/control/{command} HTTP/1.1\r\nHost: {}\r\n\
                 Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                self.address,
                body.len()
            ),
        )
    }

    /// Sends a command after a pause, and returns its answer and when that came.
    fn post_after(&self, pause_us: u64, token: &str, command: &str) -> (Reply, Instant) {
        std::thread::sleep(Duration::from_micros(pause_us));
        (self.post(token, command), Instant::now())
    }

    fn until_it_opens(&self, race: u64) {
        let began = Instant::now();
        while self.notary.opened_since(began).is_empty() {
            let patience = began.elapsed() < Duration::from_secs(20);
            let status = &self.handle.view().status;
            assert!(
                patience,
                "race {race}: nothing is opened: {:?} {:?}",
                status.gate, status.kill
            );
            // A slow reader would miss records.
            self.protocol.lock().unwrap().read();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs one race and returns how it ended.
    fn race(&self, number: u64) -> Ending {
        let admin = |turn: u64| &self.admins[(number * 2 + turn) as usize % ADMINS];
        let (stop_us, resume_us) =
            (random(number * 2) % APART_US, random(number * 2 + 1) % APART_US);
        let ((stop, stopped), (resume, _)) = std::thread::scope(|scope| {
            let resume = scope.spawn(|| self.post_after(resume_us, admin(0), "resume"));
            let stop = self.post_after(stop_us, &self.operator, "emergency-stop");
            (stop, resume.join().unwrap())
        });
        assert!(matches!(stop.status, 200 | 202), "race {number}: {stop:?}");
        assert!(matches!(resume.status, 200 | 409), "race {number}: {resume:?}");
        let seq = |reply: &Reply| reply.body["seq"].as_u64();
        let (stop_seq, resume_seq) = (seq(&stop).unwrap_or(u64::MAX), seq(&resume).unwrap_or(0));
        if resume.status == 200 && resume_seq > stop_seq {
            // It came when the stop was known: then it was no race any more.
            let mut protocol = self.protocol.lock().unwrap();
            protocol.read();
            let (seen, stops) = protocol.resumes[&resume_seq];
            assert!(seen >= Some(stops), "race {number}: it knew of {seen:?} of {stops} stops");
            assert_eq!(self.handle.kill_line(), None, "race {number}");
            return Ending::ResumedAfterwards;
        }
        // Longer than anything that was decided before may be under way.
        std::thread::sleep(Duration::from_millis(30));
        assert!(self.handle.kill_line().is_some(), "race {number}: {stop:?} {resume:?}");
        let opened = self.notary.opened_since(stopped);
        assert!(opened.is_empty(), "race {number}: opened after the answer: {opened:?}");
        let answer = self.post(admin(1), "resume");
        assert_eq!(answer.status, 200, "race {number}: {answer:?}");
        self.protocol.lock().unwrap().read();
        if resume.status == 409 { Ending::Refused } else { Ending::StoppedAfterwards }
    }
}

/// How a race ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Ending {
    /// The resume came first, and the stop after it.
    StoppedAfterwards,
    /// The resume was refused: the stop came that its giver did not know of.
    Refused,
    /// The resume came when the stop was known.
    ResumedAfterwards,
}

/// F46, I8: 200 races; whenever the stop was accepted last, or the resume cannot have known of it,
/// the line is shut and nothing of an opening order leaves after the stop's answer.
#[test]
fn a_stop_wins_against_a_resume() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (running, notary, folder) = {
        let _inside = runtime.enter();
        trading()
    };
    let auth = Arc::new(Auth::open(folder.path()).unwrap());
    let now = runtime::clock::wall();
    let make = |name: &str, role| auth.create(name, role, 1, now).unwrap().expose().to_owned();
    let operator = make("operator", Role::Operator);
    let admins = (0..ADMINS).map(|n| make(&format!("admin{n}"), Role::Admin)).collect();
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        auth: Some(Arc::clone(&auth)),
        live: false,
        read_limits: Arc::new(|limits, _| Ok(limits.clone())),
    };
    let handle = running.handle.clone();
    let server = Server::start(Arc::new(handle.clone()), settings, runtime.handle()).unwrap();
    let protocol = Protocol { from: handle.subscribe(), stops: 0, resumes: BTreeMap::new() };
    let track = Track {
        protocol: Mutex::new(protocol),
        address: server.address(),
        operator,
        admins,
        handle,
        notary,
    };
    let mut endings: BTreeMap<Ending, u64> = BTreeMap::new();
    for number in 0..RACES {
        track.until_it_opens(number);
        *endings.entry(track.race(number)).or_default() += 1;
        track.protocol.lock().unwrap().read();
    }
    println!("{endings:?}");
    assert!(endings.len() > 1, "hardly a race: {endings:?}");
}
