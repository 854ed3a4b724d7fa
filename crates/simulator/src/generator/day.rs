//! One day of one stock, minute by minute: the script's course, noise around it, trading pauses.
//!
//! Each minute moves the price by a multiplicative step, so that no logarithm or exponential is
//! needed. Steps are nearly normal with a heavy-tailed mixture and a slow wave of volatility.
//!
//! Invariant: bars are valid ([`Bar::check`]), ascending, on the tick and of whole shares; in a
//! pause no minute has a bar.

use model::exchange::Session;
use model::{Bar, Halt, MINUTE_NS, Price, Rounding, SCALE, SECOND_NS, Timestamp, Volume};

use super::character::Character;
use super::script::{Reference, Script};
use super::shape;
use crate::random::Random;

/// How long a pause lasts (C21).
const PAUSE_NS: i64 = 5 * MINUTE_NS;
/// Bars per minute of the reference price of the price bands (C21).
const BAND_MINUTES: usize = 5;
/// A heavy step is this much larger, and this often; together they give the kurtosis of returns.
const HEAVY: (f64, f64) = (2.3, 0.04);

/// No step is wider than this many standard deviations of a calm minute.
const WIDEST_STEP: f64 = 4.5;

/// A generated day.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    pub(super) bars: Vec<Bar>,
    pub(super) halts: Vec<Halt>,
}

/// Draws one day.
pub(super) fn draw(
    character: &Character,
    script: &Script,
    session: &Session,
    prev_close: f64,
    random: &mut Random,
) -> Day {
    let mut tape = Tape::new(character, script, session, prev_close, random);
    let open = session.open.since(session.pre_open) / MINUTE_NS;
    let last = (session.post_close.since(session.close) / MINUTE_NS).min(240);
    for minute in -open..tape.length + last {
        tape.minute(minute);
    }
    tape.day
}

/// What a minute is made of.
#[derive(Clone, Copy)]
struct Plan {
    /// Chance that the minute has a trade.
    presence: f64,
    /// Mean volume when it has one.
    volume: f64,
    /// Standard deviation of the step.
    sigma: f64,
    /// Where the script is at the beginning and at the end of the minute, in dollars.
    guide: (f64, f64),
}

struct Tape<'a> {
    character: &'a Character,
    script: &'a Script,
    session: &'a Session,
    random: &'a mut Random,
    day: Day,
    /// Length of the regular session in minutes.
    length: i64,
    prev_close: f64,
    /// What the regular course is measured in, in dollars.
    reference: f64,
    price: f64,
    pre_high: f64,
    /// Slow wave of volatility around 1.
    wave: f64,
    /// Standard deviation of an average regular minute.
    sigma: f64,
    /// Weight of an average regular minute in the volume.
    mean_weight: f64,
    /// Root of the mean square of the volatility's shape.
    mean_sigma: f64,
    /// Sums of price times volume, and of volume, of the regular session.
    vwap: (f64, f64),
    recent: Vec<f64>,
    paused_until: Option<Timestamp>,
}

impl<'a> Tape<'a> {
    fn new(
        character: &'a Character,
        script: &'a Script,
        session: &'a Session,
        prev_close: f64,
        random: &'a mut Random,
    ) -> Self {
        let length = session.minutes();
        let (mean_weight, _) = shape::means(length, shape::rth_volume);
        let (_, mean_square) = shape::means(length, shape::rth_sigma);
        let sigma = 0.85 * character.daily_sigma * script.sigma / (length.max(1) as f64).sqrt();
        Self {
            character,
            script,
            session,
            random,
            day: Day::default(),
            length,
            prev_close,
            reference: prev_close,
            price: prev_close,
            pre_high: 0.0,
            wave: 0.0,
            sigma,
            mean_weight,
            mean_sigma: mean_square.sqrt(),
            vwap: (0.0, 0.0),
            recent: Vec::with_capacity(BAND_MINUTES),
            paused_until: None,
        }
    }

    /// Plays one minute, counted from the open.
    fn minute(&mut self, minute: i64) {
        if minute == 0 {
            self.reference = match self.script.reference {
                Reference::PreHigh => self.pre_high.max(self.price),
                Reference::LastPrice => self.price,
            };
        }
        let start = self.session.open.plus_nanos(minute * MINUTE_NS);
        let regular = (0..self.length).contains(&minute);
        let mut plan = self.plan(minute);
        let z = self.step();
        let (from, to) = plan.guide;
        let led = self.script.pull * (from / self.price - 1.0);
        let mut drift = to / from - 1.0 + if minute < self.length { led } else { 0.0 };
        let before = self.price;
        let mut push = 0.0;
        if self.script.reclaim_at == Some(minute) && self.vwap.1 > 0.0 {
            let goal = self.vwap.0 / self.vwap.1 * 1.0025;
            drift = goal / before - 1.0;
            push = 1.0;
            plan.volume *= 2.2;
            // The rest of the course begins where the price is now.
            self.reference *= goal / to;
        }
        let noise = plan.sigma * z * (1.0 - 0.8 * push);
        self.price = (before * (1.0 + drift + noise)).max(0.02);
        if self.is_paused(start) || !(push > 0.0 || self.random.chance(plan.presence)) {
            return;
        }
        let band = if regular && minute < self.length - 10 { self.band() } else { None };
        if let Some((low, high)) = band
            && !(low < self.price && self.price < high)
        {
            self.price = self.price.clamp(low, high);
            self.pause(start);
        }
        let volume = plan.volume * self.busy(z);
        self.print(start, before, plan.sigma * (1.0 - 0.7 * push), volume, band);
    }

    /// Draws a step of variance 1, and moves the wave of volatility on.
    fn step(&mut self) -> f64 {
        self.wave = (0.96 * self.wave + 0.07 * self.random.normal()).clamp(-0.5, 1.0);
        let (size, often) = HEAVY;
        let heavy = if self.random.chance(often) { size } else { 1.0 };
        let variance = 1.0 + often * (size * size - 1.0);
        let z = self.random.normal() * heavy / variance.sqrt();
        z.clamp(-WIDEST_STEP, WIDEST_STEP) * (1.0 + self.wave)
    }

    fn plan(&self, minute: i64) -> Plan {
        if minute < 0 {
            self.plan_pre(minute)
        } else if minute < self.length {
            self.plan_rth(minute)
        } else {
            self.plan_post(minute - self.length)
        }
    }

    fn plan_pre(&self, minute: i64) -> Plan {
        let open = self.session.open.since(self.session.pre_open) / MINUTE_NS;
        let (mut share, presence) = shape::pre(minute + open);
        let mut presence = (presence * self.character.extended_presence).min(0.995);
        let mut sigma = 0.7 * self.sigma;
        if let Some(news) = self.script.news_at {
            let busy = minute as f64 >= news;
            share = if busy { 0.95 / -news } else { share * 0.05 };
            if busy {
                presence = presence.max(0.95);
                sigma = 0.9 * self.sigma;
            }
        }
        let total = self.day_volume() * self.script.pre_share;
        let at = |minute: i64| self.prev_close * self.script.pre.at(minute as f64);
        Plan {
            presence,
            volume: total * share / presence,
            sigma,
            guide: (at(minute), at(minute + 1)),
        }
    }

    fn plan_rth(&self, minute: i64) -> Plan {
        let character = self.character;
        let rest = 1.0 - self.script.pre_share - character.auction_share - character.post_share;
        let busy = self.script.volume > 2.0;
        let presence = if busy { 1.0 } else { character.rth_presence };
        let share = shape::rth_volume(minute, self.length) / self.mean_weight;
        let mean = self.day_volume() * rest / self.length as f64;
        let at = |minute: i64| self.reference * self.script.rth.at(minute as f64);
        Plan {
            presence,
            volume: mean * share / presence,
            sigma: self.sigma * shape::rth_sigma(minute, self.length) / self.mean_sigma,
            guide: (at(minute), at(minute + 1)),
        }
    }

    fn plan_post(&self, minute: i64) -> Plan {
        let (share, presence) = shape::post(minute);
        let character = self.character;
        let mut presence = (presence * character.extended_presence).min(0.995);
        if self.script.news_at.is_some() {
            presence = presence.max(0.45);
        }
        let mut volume = self.day_volume() * character.post_share * share / presence;
        // The closing auction prints in the first minute after the close.
        if minute == 0 {
            volume += self.day_volume() * character.auction_share;
            presence = 1.0;
        }
        let sigma = if minute == 0 { 0.3 * self.sigma } else { 0.5 * self.sigma };
        Plan { presence, volume, sigma, guide: (self.price, self.price) }
    }

    fn day_volume(&self) -> f64 {
        self.character.daily_volume * self.script.volume
    }

    /// Draws the factor by which a minute's volume differs from its mean; wild minutes are busy.
    fn busy(&mut self, z: f64) -> f64 {
        let first = self.random.between(0.5, 1.5);
        let second = self.random.between(0.5, 1.5);
        first * second * (0.70 + 0.38 * z.abs().min(4.0))
    }

    /// Returns the price band around the mean of the last five minutes (C21).
    fn band(&self) -> Option<(f64, f64)> {
        if self.recent.is_empty() {
            return None;
        }
        let mean = self.recent.iter().sum::<f64>() / self.recent.len() as f64;
        let width = mean * self.character.pause_band(self.prev_close);
        Some((mean - width, mean + width))
    }

    fn pause(&mut self, start: Timestamp) {
        let second = 5 + i64::try_from(self.random.below(50)).unwrap_or(0);
        let stop = start.plus_nanos(second * SECOND_NS);
        let again = stop.plus_nanos(PAUSE_NS);
        self.day.halts.push(Halt { time: stop, halted: true });
        self.day.halts.push(Halt { time: again, halted: false });
        self.paused_until = Some(again);
        self.recent.clear();
    }

    /// Returns true while no trade can happen in the minute that begins at `start`; the minute in
    /// which trading starts again has a bar.
    fn is_paused(&mut self, start: Timestamp) -> bool {
        let Some(until) = self.paused_until else { return false };
        if until < start.plus_nanos(MINUTE_NS) {
            self.paused_until = None;
            return false;
        }
        // The minute of the pause itself was printed before it was set.
        true
    }

    /// Prints the bar of a minute that went from `before` to the present price.
    fn print(
        &mut self,
        start: Timestamp,
        before: f64,
        sigma: f64,
        volume: f64,
        band: Option<(f64, f64)>,
    ) {
        let open = before * (1.0 + 0.12 * sigma * self.random.normal());
        let above = 0.42 * sigma * self.random.normal().abs();
        let below = 0.42 * sigma * self.random.normal().abs();
        let (lowest, highest) = band.unwrap_or((0.0, f64::MAX));
        let open = open.clamp(lowest, highest);
        let high = (open.max(self.price) * (1.0 + above)).clamp(lowest, highest);
        let low = (open.min(self.price) * (1.0 - below)).clamp(lowest, highest);
        let (open, close) = (on_tick(open), on_tick(self.price));
        let bar = Bar {
            start,
            open,
            high: on_tick(high).max(open).max(close),
            low: on_tick(low).min(open).min(close),
            close,
            volume: Volume((volume as u64).max(1)),
        };
        self.note(&bar);
        self.day.bars.push(bar);
    }

    /// Keeps what later minutes read: the premarket high, the VWAP, the reference of the bands.
    fn note(&mut self, bar: &Bar) {
        if bar.start < self.session.open {
            self.pre_high = self.pre_high.max(bar.high.to_f64());
        } else if bar.start < self.session.close {
            let volume = bar.volume.0 as f64;
            self.vwap.0 += bar.typical() * volume;
            self.vwap.1 += volume;
            if self.recent.len() == BAND_MINUTES {
                self.recent.remove(0);
            }
            self.recent.push(bar.close.to_f64());
        }
    }
}

/// Rounds to the tick: a cent, a hundredth of it below one dollar.
fn on_tick(price: f64) -> Price {
    let tick = if price < 1.0 { SCALE / 10_000 } else { SCALE / 100 };
    let tick = Price::from_raw(tick);
    Price::from_f64(price).unwrap_or(tick).round_to(tick, Rounding::HalfEven).max(tick)
}
