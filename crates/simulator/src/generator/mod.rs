//! A seeded generator of realistic market days, with history.
//!
//! placeholder
use model::exchange::{Calendar, CalendarError, Session};
use model::{Bar, Date, Halt, Symbol};

mod character;
mod day;
mod profile;
mod promise;
mod script;
mod shape;

use character::{Character, Class};
use day::Day;
use script::Script;

use crate::random::Random;

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
    if !(1..=MOST_SYMBOLS).contains(&config.symbols) {
        return Err(GenerateError::OutOfRange("the number of symbols"));
    }
    if config.days == 0 {
        return Err(GenerateError::OutOfRange("the number of days"));
    }
    let sessions = sessions(config, calendar)?;
    let classes = profile::deal_classes(config.seed, config.symbols);
    let profiles: Vec<Vec<Profile>> =
        (0..config.days).map(|day| profile::deal_profiles(config.seed, &classes, day)).collect();
    let market = classes.iter().enumerate().map(|(index, &class)| {
        let of_days: Vec<Profile> = profiles.iter().map(|day| day[index]).collect();
        generate_symbol(config, index, class, &sessions, &of_days)
    });
    market.collect()
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

fn generate_symbol(
    config: &GeneratorConfig,
    index: usize,
    class: Class,
    sessions: &[Session],
    profiles: &[Profile],
) -> Result<GeneratedSymbol, GenerateError> {
    let stream = (index as u64 + 1) << 32;
    let character = Character::draw(class, &mut Random::new(config.seed, stream));
    let usual = if class == Class::Thin { Profile::Thin } else { Profile::Quiet };
    let mut close = character.base_price;
    let mut generated = GeneratedSymbol {
        symbol: name(index)?,
        profile: profiles.first().copied().unwrap_or(usual),
        days: Vec::with_capacity(profiles.len()),
        bars: Vec::new(),
        halts: Vec::new(),
        float_shares: character.float_shares,
    };
    for (number, session) in sessions.iter().enumerate() {
        let of_day = number.checked_sub(config.history_sessions);
        let profile = of_day.and_then(|day| profiles.get(day)).copied().unwrap_or(usual);
        let stream = stream | ((number as u64 + 1) << 12);
        let drawn = draw_kept(config.seed, stream, &character, profile, session, close);
        let day = drawn.ok_or(GenerateError::PromiseNotKept {
            profile,
            date: session.date,
            seed: config.seed,
        })?;
        if of_day.is_some() {
            generated.days.push((session.date, profile));
        }
        let last = day.bars.iter().rev().find(|bar| bar.start < session.close);
        close = last.map_or(close, |bar| bar.close.to_f64());
        generated.bars.extend_from_slice(&day.bars);
        generated.halts.extend_from_slice(&day.halts);
    }
    Ok(generated)
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

fn name(index: usize) -> Result<Symbol, GenerateError> {
    format!("SYM{index}").parse().map_err(|_| GenerateError::OutOfRange("the number of symbols"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            eprintln!("{profile:?} {class:?} {kept}");
            assert!(kept >= 6, "{profile:?} {class:?}: {kept} of 60 draws");
        }
    }
}
