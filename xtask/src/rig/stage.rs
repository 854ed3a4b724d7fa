//! A broker, a proxy and the place of a system that trades the storm there.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::{
    proxy::Proxy,
    system::Site,
    truth::Truth,
    venue::{Market, Venue},
};
use crate::{context::Context, release};

/// The file of a data directory that keeps the clock of a playback.
const CLOCK: &str = "playback.anchor";

/// Shares of an order of the storm.
pub(crate) const QUANTITY: i64 = 1;

/// How the storm trades.
#[derive(Clone, Debug)]
pub(crate) struct Storm {
    /// Seed of the market.
    pub(crate) seed: u64,
    /// How many times faster than the wall clock the day passes.
    pub(crate) speed: u32,
    /// Between two intents of a symbol, in milliseconds of the wall clock; 0: no intents at all.
    pub(crate) every_ms: u32,
    /// How many symbols.
    pub(crate) symbols: u32,
    /// Length of a segment of the journal.
    pub(crate) segment_mib: u32,
    /// The market's time at the beginning; at the first open when it is not said.
    pub(crate) begin: Option<String>,
}

impl Default for Storm {
    fn default() -> Self {
        Self { seed: 1, speed: 60, every_ms: 50, symbols: 8, segment_mib: 4, begin: None }
    }
}

impl Storm {
    /// Returns a storm whose orders work for some seconds before they fill.
    pub(crate) fn slow() -> Self {
        Self { speed: 1, ..Self::default() }
    }
}

/// A broker that runs, a proxy before it, and where the system lives.
pub(crate) struct Stage<'a> {
    /// Where the system lives.
    pub(crate) site: Site<'a>,
    /// The broker.
    pub(crate) venue: Venue,
    /// What lies between the two.
    pub(crate) proxy: Proxy,
}

impl<'a> Stage<'a> {
    /// Starts broker and proxy in `folder`. `profile` is `release` or `debug`.
    pub(crate) fn new(
        context: &'a Context,
        profile: &str,
        folder: &Path,
        storm: &Storm,
    ) -> anyhow::Result<Self> {
        let symbols: Vec<String> =
            (0..storm.symbols).map(|number| format!("SYM{number}")).collect();
        let market = Market { seed: storm.seed, symbols: symbols.clone(), speed: storm.speed };
        let binary = release::binary(context, profile);
        let venue = Venue::start(binary, folder.join("venue"), market)?;
        let proxy = Proxy::start(venue.listen())?;
        let config = storm.configuration(&symbols, &proxy);
        let site = Site::new(context, profile, folder.join("system"), &config)?;
        let stage = Self { site, venue, proxy };
        stage.set_clock(storm.begin.as_deref())?;
        Ok(stage)
    }

    /// Lets the system play by the clock of the broker, or begin at another time of the market.
    fn set_clock(&self, begin: Option<&str>) -> anyhow::Result<()> {
        let kept = self.venue.clock()?;
        let kept = match (begin, kept.split_once('\n')) {
            (Some(begin), Some((_, rest))) => format!("feed {begin}\n{rest}"),
            _ => kept,
        };
        let path = self.site.data_dir().join(CLOCK);
        fs::create_dir_all(self.site.data_dir()).context("create the data directory")?;
        fs::write(&path, kept).with_context(|| format!("write {}", path.display()))
    }

    /// Returns what the broker holds.
    pub(crate) fn truth(&self) -> anyhow::Result<Truth> {
        Truth::read(&self.venue.state()?)
    }
}

impl Storm {
    fn configuration(&self, symbols: &[String], proxy: &Proxy) -> String {
        let Self { seed, speed, segment_mib, .. } = self;
        let symbols = symbols.join("\", \"");
        // The strategy's milliseconds are the day's.
        let every_ms = self.every_ms * speed;
        format!(
            "[system]\nactive_strategies = [\"storm\"]\ncrash_loop_starts = 0\n\n\
             [risk]\nceilings = \"test\"\nmax_positions = 10\n\n\
             [brokers]\nprimary = \"paper\"\n\n\
             [brokers.paper]\ntransport = \"tcp://{}\"\n\n\
             [data.playback]\nseed = {seed}\nspeed = {speed}\nsymbols = [\"{symbols}\"]\n\n\
             [journal]\nsegment_mib = {segment_mib}\n\n\
             [server]\nlisten = \"127.0.0.1:0\"\n\n\
             [strategies.storm]\nevery_bars = 0\nevery_ms = {every_ms}\nquantity = {QUANTITY}\n",
            proxy.address(),
        )
    }
}
