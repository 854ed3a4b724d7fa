//! A generated market that goes on day by day from where it stands.
//!
//! A day begins at the close of the day before and depends on nothing else that went before it, so
//! the next one costs the same whenever it is asked for. Invariant: the days are those of
//! [`generate`](super::generate).

use model::Symbol;
use model::exchange::{Calendar, Session};

use super::character::{Character, Class};
use super::profile::{self, Profile};
use super::{GenerateError, GeneratedSymbol, GeneratorConfig, MOST_SYMBOLS, draw_kept, sessions};
use crate::random::Random;

/// Where the stocks of a market stand.
#[derive(Clone, Debug)]
pub struct Market {
    seed: u64,
    classes: Vec<Class>,
    stocks: Vec<Stock>,
    /// Sessions of the history.
    history: usize,
    /// Sessions that are over, the history included.
    over: usize,
}

/// One stock between two sessions.
#[derive(Clone, Debug)]
struct Stock {
    index: usize,
    character: Character,
    close: f64,
}

impl Market {
    /// Generates the history of the `wanted` stocks and stands before the first day, in which
    /// [`go_on`](Self::go_on) continues what is returned.
    ///
    /// # Errors
    /// As [`generate`](super::generate).
    pub fn begin(
        config: &GeneratorConfig,
        calendar: &Calendar,
        wanted: impl Fn(Symbol) -> bool,
    ) -> Result<(Self, Vec<GeneratedSymbol>), GenerateError> {
        if !(1..=MOST_SYMBOLS).contains(&config.symbols) {
            return Err(GenerateError::OutOfRange("the number of symbols"));
        }
        let classes = profile::deal_classes(config.seed, config.symbols);
        let (mut stocks, mut generated) = (Vec::new(), Vec::new());
        for (index, &class) in classes.iter().enumerate() {
            let symbol = name(index)?;
            if !wanted(symbol) {
                continue;
            }
            let character = Character::draw(class, &mut Random::new(config.seed, stream(index)));
            generated.push(GeneratedSymbol {
                symbol,
                profile: usual(class),
                days: Vec::new(),
                bars: Vec::new(),
                halts: Vec::new(),
                float_shares: character.float_shares,
            });
            stocks.push(Stock { index, close: character.base_price, character });
        }
        let history = config.history_sessions;
        let mut market = Self { seed: config.seed, classes, stocks, history, over: 0 };
        let sessions = sessions(&GeneratorConfig { days: 1, ..*config }, calendar)?;
        for session in sessions.iter().take(history) {
            let quiet: Vec<Profile> = market.classes.iter().map(|&class| usual(class)).collect();
            market.session(session, &quiet, &mut generated)?;
        }
        Ok((market, generated))
    }

    /// Generates the session that follows and appends it to what was generated before.
    ///
    /// # Errors
    /// No drawn day showed what its profile promises.
    pub fn go_on(
        &mut self,
        session: &Session,
        generated: &mut [GeneratedSymbol],
    ) -> Result<(), GenerateError> {
        let day = self.over - self.history;
        let profiles = profile::deal_profiles(self.seed, &self.classes, day);
        self.session(session, &profiles, generated)?;
        for (stock, generated) in self.stocks.iter().zip(generated) {
            let Some(&profile) = profiles.get(stock.index) else { continue };
            if day == 0 {
                generated.profile = profile;
            }
            generated.days.push((session.date, profile));
        }
        Ok(())
    }

    fn session(
        &mut self,
        session: &Session,
        profiles: &[Profile],
        generated: &mut [GeneratedSymbol],
    ) -> Result<(), GenerateError> {
        for (stock, generated) in self.stocks.iter_mut().zip(generated) {
            let Some(&profile) = profiles.get(stock.index) else { continue };
            let stream = stream(stock.index) | ((self.over as u64 + 1) << 12);
            let drawn =
                draw_kept(self.seed, stream, &stock.character, profile, session, stock.close);
            let day = drawn.ok_or(GenerateError::PromiseNotKept {
                profile,
                date: session.date,
                seed: self.seed,
            })?;
            let last = day.bars.iter().rev().find(|bar| bar.start < session.close);
            stock.close = last.map_or(stock.close, |bar| bar.close.to_f64());
            generated.bars.extend_from_slice(&day.bars);
            generated.halts.extend_from_slice(&day.halts);
        }
        self.over += 1;
        Ok(())
    }
}

/// Returns the first random stream of a stock.
fn stream(index: usize) -> u64 {
    (index as u64 + 1) << 32
}

/// Returns what a stock's days are like without news.
fn usual(class: Class) -> Profile {
    if class == Class::Thin { Profile::Thin } else { Profile::Quiet }
}

fn name(index: usize) -> Result<Symbol, GenerateError> {
    format!("SYM{index}").parse().map_err(|_| GenerateError::OutOfRange("the number of symbols"))
}
