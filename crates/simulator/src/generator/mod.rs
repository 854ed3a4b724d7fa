//! A seeded generator of realistic market days, with enough quiet history before them that
//! reference data (ADV, ATR, RVOL baselines) can be computed.
//!
//! [`profile`](Profile) says what kinds of day there are and deals them out, `character` draws
//! the stocks, `script` leads the price of a day, `day` plays it minute by minute, `shape` holds
//! the usual course of volume and volatility, `promise` checks that a day shows what its profile
//! says; a day that does not is drawn again. Strategies, files and time are left to others.
//!
//! Invariant: a market depends on its [`GeneratorConfig`] and the calendar alone. Floats are only
//! added, multiplied, divided and rooted, which IEEE 754 rounds the same everywhere.
//!
//! # How it was calibrated
//!
//! On recorded one-minute bars with premarket: 26 days of SPY (2011), AAPL, GOOGL and TSLA (2023).
//! The columns are lowest, median and highest recorded day, then the median of 200 to 300
//! generated days of liquid stocks; `tests/it/generator.rs` checks the figures that matter most:
//!
//! | figure | SPY | AAPL, GOOGL, TSLA | generated |
//! |---|---|---|---|
//! | premarket minutes with a trade | 0.43, 0.52, 0.92 | 0.46 to 0.90 | 0.56 |
//! | post-market minutes with a trade | 0.53, 0.68, 0.99 | 0.36 to 0.96 | 0.65 |
//! | premarket share of the day's volume | 0.014, 0.034, 0.092 | 0.006 to 0.023 | 0.022 |
//! | bar of 16:00 (closing auction), share of volume | 0.007, 0.016, 0.066 | 0.027 to 0.195 | 0.079 |
//! | volume per minute, first half hour / noon | 1.0, 2.8, 5.2 | 2.4 to 3.7 | 2.7 |
//! | volume per minute, last half hour / noon | 1.2, 2.9, 5.4 | 1.1 to 3.2 | 2.2 |
//! | first bar's share of regular volume | 0.003, 0.009, 0.020 | 0.013 to 0.063 | 0.015 |
//! | one-minute sigma, basis points | 1.9, 3.2, 8.3 | 4.4 to 10.7 | 5.9 |
//! | kurtosis of one-minute returns | 2.9, 4.5, 7.9 | 5.0 to 11.2 | 5.3 |
//! | mean range of a minute / sigma | 1.32, 1.41, 1.58 | 1.34 to 1.51 | 1.39 |
//! | autocorrelation of returns | -0.11, -0.03, 0.04 | -0.06 to 0.08 | -0.01 |
//! | autocorrelation of absolute returns | -0.04, 0.09, 0.24 | 0.05 to 0.15 | 0.11 |
//! | sigma, first half hour / noon | 0.9, 1.8, 3.1 | 2.1 to 2.6 | 1.8 |
//! | sigma, last half hour / noon | 0.7, 1.2, 2.1 | 0.8 to 1.3 | 1.1 |
//! | log volume around its course, standard deviation | 0.48, 0.59, 0.68 | 0.33 to 0.39 | 0.48 |
//! | correlation of that with the absolute return | 0.24, 0.34, 0.41 | 0.18 to 0.32 | 0.40 |
//! | mean distance of an open from the close before / sigma | 0.05, 0.10, 0.16 | 0.05 to 0.07 | 0.09 |
//! | crossings of the VWAP | 2, 12, 35 | 5 to 20 | 18 |
//!
//! No recorded minute data with a clear licence shows a low-priced stock that gaps up, so the news
//! days follow the filters of gap_and_go (TG2-TG11) and the bands of trading pauses (C21) instead.
//!
//! ```
//! use model::exchange::Calendar;
//! use simulator::generator::{GeneratorConfig, Profile, generate};
//!
//! let date = "2026-11-24".parse().unwrap();
//! let config = GeneratorConfig { symbols: 2, history_sessions: 1, ..GeneratorConfig::new(7, date) };
//! let market = generate(&config, &Calendar::nyse()).unwrap();
//! assert!(market.iter().any(|stock| stock.profile == Profile::GapAndGo));
//! ```

use model::exchange::{Calendar, CalendarError, Session};
use model::{Bar, Date, Halt, Symbol};

mod character;
mod day;
mod market;
mod profile;
mod promise;
mod script;
mod shape;

use character::Character;
use day::Day;
use script::Script;

use crate::random::Random;

pub use market::Market;
pub use profile::Profile;

/// Most symbols of one generated market.
const MOST_SYMBOLS: usize = 100_000;
/// Draws of a day before the promise of its profile is given up. The least likely profile keeps
/// its promise in about every third draw.
const MOST_DRAWS: u64 = 400;

/// What is to be generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GeneratorConfig {
    /// Seed: equal seeds give equal markets.
    pub seed: u64,
    /// The day, or the first of several; must have a session.
    pub date: Date,
    /// Sessions from `date` on; at least 1.
    pub days: usize,
    /// Stocks; every profile needs [`Profile::PROMISED`] of them.
    pub symbols: usize,
    /// Quiet sessions before the day, so that reference data can be computed (TB7).
    pub history_sessions: usize,
}

impl GeneratorConfig {
    /// Makes the default market of a day: 12 stocks, 20 sessions of history.
    pub fn new(seed: u64, date: Date) -> Self {
        Self { seed, date, days: 1, symbols: 12, history_sessions: 20 }
    }
}

/// One stock of a generated market.
#[derive(Clone, PartialEq, Debug)]
pub struct GeneratedSymbol {
    /// `SYM0`, `SYM1` and so on.
    pub symbol: Symbol,
    /// What kind of day the stock has on the first day.
    pub profile: Profile,
    /// The same of every day, history left out.
    pub days: Vec<(Date, Profile)>,
    /// One-minute bars of the history and the days, ascending, 04:00 to 20:00 in New York; a
    /// minute without a trade has none (TB4).
    pub bars: Vec<Bar>,
    /// Trading pauses, ascending: each has its beginning and its end.
    pub halts: Vec<Halt>,
    /// Shares in public hands, for TG8.
    pub float_shares: f64,
}

/// Why no market was generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The calendar does not know a date (TC9).
    #[error("generate a market")]
    Calendar(#[from] CalendarError),
    /// The date has no session.
    #[error("generate a market: {0} has no session")]
    NoSession(Date),
    /// The calendar ends before enough sessions were found.
    #[error("generate a market: the calendar does not hold {0} sessions around {1}")]
    TooFewSessions(usize, Date),
    /// The number of symbols or days is out of range.
    #[error("generate a market: {0} is out of range")]
    OutOfRange(&'static str),
    /// No drawn day showed what its profile promises.
    #[error("generate a market: no {} day on {date} with seed {seed}", profile.name())]
    PromiseNotKept {
        /// The profile.
        profile: Profile,
        /// The day.
        date: Date,
        /// The seed.
        seed: u64,
    },
}

/// Generates a market.
pub fn generate(
    config: &GeneratorConfig,
    calendar: &Calendar,
) -> Result<Vec<GeneratedSymbol>, GenerateError> {
    if config.days == 0 {
        return Err(GenerateError::OutOfRange("the number of days"));
    }
    let sessions = sessions(config, calendar)?;
    let (mut market, mut generated) = Market::begin(config, calendar, |_| true)?;
    for session in sessions.iter().skip(config.history_sessions) {
        market.go_on(session, &mut generated)?;
    }
    Ok(generated)
}

/// Returns the sessions of the history and the days, ascending.
fn sessions(config: &GeneratorConfig, calendar: &Calendar) -> Result<Vec<Session>, GenerateError> {
    let first = calendar.session(config.date)?.ok_or(GenerateError::NoSession(config.date))?;
    let wanted = config.history_sessions.saturating_add(config.days);
    let missing = || GenerateError::TooFewSessions(wanted, config.date);
    let mut sessions = Vec::new();
    let mut at = first;
    for _ in 0..config.history_sessions {
        at = calendar.previous_session(at.date).ok_or_else(missing)?;
        sessions.push(at);
    }
    sessions.reverse();
    sessions.push(first);
    let mut at = first;
    for _ in 1..config.days {
        at = calendar.next_session(at.date).ok_or_else(missing)?;
        sessions.push(at);
    }
    Ok(sessions)
}

/// Draws days until one keeps the promise of its profile.
fn draw_kept(
    seed: u64,
    stream: u64,
    character: &Character,
    profile: Profile,
    session: &Session,
    prev_close: f64,
) -> Option<Day> {
    let away = prev_close / character.base_price - 1.0;
    (0..MOST_DRAWS).find_map(|draw| {
        let mut random = Random::new(seed, stream | draw);
        let script = Script::write(profile, character, away, &mut random);
        let day = day::draw(character, &script, session, prev_close, &mut random);
        promise::kept(profile, &day, session, prev_close).then_some(day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use character::Class;

    /// Each profile keeps its promise often enough that a day is always found.
    #[test]
    fn draws_needed() {
        let calendar = Calendar::nyse();
        let date = "2026-11-24".parse().unwrap();
        let session = calendar.session(date).unwrap().unwrap();
        let all = [
            (Profile::GapAndGo, Class::Small),
            (Profile::GapFade, Class::Small),
            (Profile::GapHalt, Class::Small),
            (Profile::Quiet, Class::Small),
            (Profile::VwapReclaim, Class::Liquid),
            (Profile::GapDown, Class::Liquid),
            (Profile::Trend, Class::Liquid),
            (Profile::Choppy, Class::Liquid),
            (Profile::Quiet, Class::Liquid),
            (Profile::Thin, Class::Thin),
        ];
        for (profile, class) in all {
            let mut kept = 0;
            for seed in 0..60 {
                let mut random = Random::new(seed, 9);
                let character = Character::draw(class, &mut random);
                let close = character.base_price * random.between(0.85, 1.3);
                let away = close / character.base_price - 1.0;
                let script = Script::write(profile, &character, away, &mut random);
                let day = day::draw(&character, &script, &session, close, &mut random);
                kept += usize::from(promise::kept(profile, &day, &session, close));
            }
            assert!(kept >= 6, "{profile:?} {class:?}: {kept} of 60 draws");
        }
    }
}
