//! `venue`: local stand-ins for what is outside; today the paper broker as a process of its own
//! (journal.md 18).
//!
//! It has its own feed, its own clock and its own folder, and goes on after a kill as a broker
//! would: its orders fill while nobody is connected, and what happened while it was down is worked
//! off before it serves. Two addresses are printed as one line of JSON on stdout once it does.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use backtest::actions_before;
use model::exchange::{Calendar, Session, settlement_date};
use model::{Date, Symbol, Timestamp};
use paper::feed::{Day, DaySource, Feed};
use paper::{Admin, Book, Clock, Desk, FAULTS, FaultFile, Faults, Server};
use playback::{Anchor, Days};
use serde_json::json;
use simulator::Night;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::cli::Context;
use crate::days::{self, Wanted};
use crate::exit::{Exit, Failure};
use crate::run;
use crate::run::tables::Tables;
use crate::terminal;

/// Flags of `venue`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether venue --paper 127.0.0.1:9100 --seed 7 --speed 60\n  bellwether venue --list-faults"
)]
pub(crate) struct Args {
    /// Serve the paper broker at this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", required_unless_present = "list_faults")]
    paper: Option<String>,
    /// Folder of the broker's book and clock [default: venue/paper in the data folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Recorded days of a store or a LEAN folder instead of generated ones
    #[arg(long, value_name = "DIR", conflicts_with = "seed")]
    data: Option<PathBuf>,
    /// Seed of the generated days
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// First day [default: 2026-11-24 of generated days, the last one of recorded days]
    #[arg(long)]
    date: Option<Date>,
    /// Only these symbols
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    symbols: Vec<Symbol>,
    /// How many times faster than the clock on the wall its days pass
    #[arg(long, default_value_t = 1, value_name = "X", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Begin at the open of the first day instead of its first minute before the market
    #[arg(long)]
    at_open: bool,
    /// Faults to make, as JSON
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Serve the truth, the requests and faults on request at this address
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// List the faults with where they may happen, and end
    #[arg(long)]
    list_faults: bool,
}

/// Runs `venue`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    if args.list_faults {
        return list_faults();
    }
    let effective = context.configure(&context.layers())?;
    let config = &effective.config;
    let tables = Tables::load(config)?;
    let calendar = Arc::clone(&tables.calendar);
    let wanted = Wanted {
        source: args.data.as_deref(),
        seed: args.seed,
        date: args.date,
        symbols: &args.symbols,
    };
    let days = days::find(&wanted, &calendar)?;
    let faults = args.faults.as_deref().map(read_faults).transpose()?.unwrap_or_default();
    let dir = args.dir.clone().unwrap_or_else(|| context.global.data_dir.join("venue/paper"));
    crate::files::make_folder(&dir)?;
    let _lock = journal::Lock::acquire(&dir).map_err(locked)?;
    let settings = paper::Settings {
        exchange: run::exchange(config, &tables)?,
        symbols: days.symbols().to_vec(),
        cash: config.paper_cash(),
    };
    let book = Book::open(&dir, &settings).map_err(Failure::of_book)?;
    let clock = clock(&dir, args, &*days, &calendar)?;
    let venue = Venue { args, book, clock, symbols: settings.symbols, days, calendar, faults };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the threads", error))?;
    runtime.block_on(venue.serve())
}

fn list_faults() -> Result<Exit, Failure> {
    let rows = FAULTS
        .iter()
        .map(|(_, name, places, text)| json!({ "do": name, "on": places, "text": text }));
    terminal::json(&json!({ "paper": rows.collect::<Vec<_>>() }))?;
    Ok(Exit::Done)
}

fn read_faults(path: &Path) -> Result<FaultFile, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::missing(format_args!("{}: {error}", path.display())))?;
    let refused = |error: &dyn fmt::Display| {
        Failure::usage(format_args!("{}: {error}", path.display()))
            .hint("`bellwether venue --list-faults` says what there is")
    };
    let file: FaultFile = serde_json::from_str(&text).map_err(|error| refused(&error))?;
    Faults::default().add(file.clone()).map_err(|error| refused(&error))?;
    Ok(file)
}

fn locked(error: journal::LockError) -> Failure {
    match error {
        held @ journal::LockError::Held { .. } => Failure::new(Exit::Locked, held),
        other => Failure::new(Exit::Io, other),
    }
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Returns the venue's clock: it goes on while the process is down.
fn clock(dir: &Path, args: &Args, days: &dyn Days, calendar: &Calendar) -> Result<Clock, Failure> {
    let first = calendar.session(days.first()).map_err(Failure::missing)?;
    let first = first.ok_or_else(|| Failure::missing("the first day has no session"))?;
    let begin = if args.at_open { first.open } else { first.pre_open };
    let anchor = Anchor::keep(&dir.join("clock"), begin, wall(), args.speed);
    let anchor = anchor.map_err(|error| Failure::new(Exit::Io, error))?;
    Ok(Arc::new(move || anchor.at(wall())))
}

/// A venue that is about to serve.
struct Venue<'a> {
    args: &'a Args,
    book: Book,
    clock: Clock,
    symbols: Vec<Symbol>,
    days: Arc<dyn Days>,
    calendar: Arc<Calendar>,
    faults: FaultFile,
}

impl Venue<'_> {
    /// Catches up, serves until a signal comes.
    async fn serve(self) -> Result<Exit, Failure> {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(no_signal)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(no_signal)?;
        let desk = Desk::start(self.book, Arc::clone(&self.clock));
        let desk = desk.map_err(|error| Failure::io("start the book's thread", error))?;
        let source = source(Arc::clone(&self.days), Arc::clone(&self.calendar));
        let feed = Feed::new(desk.clone(), self.clock, self.args.speed, source);
        let (ready, caught_up) = tokio::sync::oneshot::channel();
        let feeding = tokio::spawn(async move {
            let tell = move || {
                // The receiver waits until the feed has caught up.
                let _ = ready.send(());
            };
            if let Err(error) = feed.run(tell).await {
                error!(%error, "the feed has ended");
            }
        });
        if caught_up.await.is_err() {
            return Err(Failure::new(Exit::Io, anyhow::anyhow!("the paper book has failed")));
        }
        let address = self.args.paper.as_deref().unwrap_or("127.0.0.1:0");
        let server = Server::bind(address, desk.clone(), &self.symbols).await;
        let server = Arc::new(server.map_err(|error| cannot_listen(address, error))?);
        server.faults().add(self.faults).map_err(Failure::usage)?;
        let mut admin = None;
        if let Some(address) = &self.args.admin {
            let bound = Admin::bind(address, Arc::clone(&server)).await;
            admin = Some(bound.map_err(|error| cannot_listen(address, error))?);
        }
        let pages = admin.as_ref().map(|admin| admin.address().to_string());
        terminal::json(&json!({ "paper": server.address().to_string(), "admin": pages }))?;
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        info!("the venue stops");
        feeding.abort();
        drop((admin, server));
        let synced = desk.with(|book| book.sync()).await;
        match synced {
            Ok(Ok(())) => Ok(Exit::Done),
            Ok(Err(error)) => Err(Failure::new(Exit::Io, error)),
            Err(error) => Err(Failure::new(Exit::Io, error)),
        }
    }
}

fn cannot_listen(address: &str, error: std::io::Error) -> Failure {
    Failure::io(format_args!("listen at {address}"), error)
        .hint("name a free port of an address of this machine; port 0 takes a free one")
}

fn no_signal(error: std::io::Error) -> Failure {
    Failure::io("listen to signals", error)
}

/// Returns the days from the ones that are played.
fn source(days: Arc<dyn Days>, calendar: Arc<Calendar>) -> DaySource {
    Box::new(move |after| {
        let session = session_after(&*days, &calendar, after)?;
        match days.load(session.date, session.date) {
            Ok(data) => {
                let symbols = data.symbols().iter().map(|symbol| {
                    let holds = |time| (session.pre_open..session.post_close).contains(&time);
                    let bars = symbol.bars.iter().filter(|bar| holds(bar.start)).copied();
                    let halts = symbol.halts.iter().filter(|halt| holds(halt.time)).copied();
                    (bars.collect(), halts.collect())
                });
                let symbols = symbols.collect();
                let actions = actions_before(&data, &calendar, &session);
                Some(Day { session, night: night(&calendar, &session), symbols, actions })
            }
            Err(error) => {
                error!(%error, "no more days");
                None
            }
        }
    })
}

/// Returns the first session of the days whose regular hours end after a time.
fn session_after(days: &dyn Days, calendar: &Calendar, after: Timestamp) -> Option<Session> {
    let mut session = calendar.session(days.first()).ok().flatten()?;
    while session.close <= after {
        session = calendar.next_session(session.date)?;
    }
    days.last().is_none_or(|last| session.date <= last).then_some(session)
}

fn night(calendar: &Calendar, session: &Session) -> Night {
    let next = calendar.next_session(session.date);
    let days = next.map_or(1, |next| next.date.days() - session.date.days());
    Night {
        session: session.date,
        settles: settlement_date(calendar, session.date),
        days: u32::try_from(days).unwrap_or(1),
    }
}
