//! A broker, a proxy and the place of a system that trades the storm there.

use std::path::Path;

use super::{
    clock::FeedClock,
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
    /// The market's time at the beginning; generated days begin on 2026-11-24.
    pub(crate) begin: &'static str,
}

impl Default for Storm {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 60,
            every_ms: 50,
            symbols: 8,
            segment_mib: 4,
            begin: "2026-11-24T14:31:00Z",
        }
    }
}

impl Storm {
    /// Returns a storm whose orders work for some seconds before they fill.
    pub(crate) fn slow() -> Self {
        // It begins with a bar: the first one ends soon after the start.
        Self { speed: 1, begin: "2026-11-24T14:30:52Z", ..Self::default() }
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
    clock: FeedClock,
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
        let clock = FeedClock::now(storm.begin, storm.speed);
        let market = Market { seed: storm.seed, symbols: symbols.clone(), clock: clock.clone() };
        let binary = release::binary(context, profile);
        let venue = Venue::start(binary, folder.join("venue"), market)?;
        let proxy = Proxy::start(venue.listen())?;
        let config = storm.configuration(&symbols, &proxy);
        let site = Site::new(context, profile, folder.join("system"), &config)?;
        let stage = Self { site, venue, proxy, clock };
        stage.write_clock()?;
        Ok(stage)
    }

    /// Lets the system play by the broker's clock: for a data directory that is new.
    pub(crate) fn write_clock(&self) -> anyhow::Result<()> {
        self.clock.write(&self.site.data_dir().join(CLOCK))
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
             [brokers.paper]\ntransport = \"tcp://{}\"\n\n\
             [data.playback]\nseed = {seed}\nspeed = {speed}\nsymbols = [\"{symbols}\"]\n\n\
             [journal]\nsegment_mib = {segment_mib}\n\n\
             [server]\nlisten = \"127.0.0.1:0\"\n\n\
             [strategies.storm]\nevery_bars = 0\nevery_ms = {every_ms}\nquantity = {QUANTITY}\n",
            proxy.address(),
        )
    }
}
