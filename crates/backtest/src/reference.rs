//! Reference data of every session, computed as the run goes (design.md 6, TB7).

use engine::data_manager::Needs;
use indicators::reference::{Corporate, ReferenceBuilder, ReferenceOptions, SessionSummary};
use model::exchange::{Calendar, Session};
use model::{Bar, Date, SymbolDay, SymbolId};

use crate::data::{Action, MarketData};
use crate::tick_feed::minute_bars;

/// One builder per symbol, and what it could not answer.
#[derive(Debug)]
pub(crate) struct References {
    needs: Needs,
    symbols: Vec<SymbolReference>,
}

#[derive(Debug)]
struct SymbolReference {
    name: model::Symbol,
    builder: ReferenceBuilder,
    actions: Vec<Action>,
    float_shares: Option<f64>,
    days: u64,
    missing: [u64; TERMS.len()],
}

/// Whatever is computed from earlier sessions.
const ANY: Needs = Needs::FACTS.and(Needs::ADV).and(Needs::BASELINE).and(Needs::TREND);

/// Terms that are skipped when their value is missing, where they are used, and by whose need.
const TERMS: [(&str, &str, Needs); 6] = [
    ("prev_close", "TG2, TV4 gap", Needs::FACTS),
    ("adv20", "TS3 liquidity, TV2", Needs::ADV),
    ("atr14", "TV3", Needs::FACTS),
    ("sma50", "TV5", Needs::TREND),
    ("volume_baseline", "TG6, TG16, TV4 relative volume", Needs::BASELINE),
    ("float_shares", "TG8", Needs::FACTS),
];

/// Returns the facts of all symbols before a session, from the sessions before it that the data
/// holds (TB7): what a live feed is told before each session.
pub fn symbol_days(data: &MarketData, calendar: &Calendar, session: &Session) -> Vec<SymbolDay> {
    let mut references = References::new(data, ANY);
    for (index, symbol) in data.symbols().iter().enumerate() {
        let bars = symbol.bars.partition_point(|bar| bar.start < session.pre_open);
        references.warm_up(index, symbol.bars.get(..bars).unwrap_or_default(), calendar);
        let trades = symbol.trades.partition_point(|trade| trade.time < session.pre_open);
        let built = minute_bars(symbol.trades.get(..trades).unwrap_or_default());
        references.warm_up(index, &built, calendar);
    }
    let previous = calendar.previous_session(session.date).map(|before| before.date);
    let count = u32::try_from(data.symbols().len()).unwrap_or(u32::MAX);
    (0..count).map(|id| references.symbol_day(SymbolId(id), session, previous)).collect()
}

impl References {
    /// `needs` says which facts anybody reads; nothing else is computed.
    pub(crate) fn new(data: &MarketData, needs: Needs) -> Self {
        let options = ReferenceOptions {
            volume_baseline: needs.contains(Needs::BASELINE),
            ..ReferenceOptions::default()
        };
        let symbols = data.symbols().iter().map(|data| {
            let mut builder = ReferenceBuilder::new(options);
            data.daily.iter().for_each(|&bar| builder.push_daily(bar));
            data.actions.iter().for_each(|a| builder.push_split(a.date, a.split_ratio));
            SymbolReference {
                name: data.symbol,
                builder,
                actions: data.actions.clone(),
                float_shares: data.float_shares,
                days: 0,
                missing: [0; TERMS.len()],
            }
        });
        Self { needs, symbols: symbols.collect() }
    }

    /// Takes the bars of the sessions before the run in.
    pub(crate) fn warm_up(&mut self, index: usize, bars: &[Bar], calendar: &Calendar) {
        let mut rest = bars;
        while let Some(first) = rest.first() {
            let Some(session) = calendar.session_at(first.start) else {
                rest = &rest[1..];
                continue;
            };
            let end = rest.partition_point(|bar| bar.start < session.post_close);
            self.push_session(index, &session, &rest[..end]);
            rest = &rest[end..];
        }
    }

    /// Takes a completed session in.
    pub(crate) fn push_session(&mut self, index: usize, session: &Session, bars: &[Bar]) {
        let needed = self.needs.meets(ANY);
        if let Some(reference) = self.symbols.get_mut(index).filter(|_| needed) {
            let summary = SessionSummary::from_bars(session, bars);
            reference.builder.push_session(summary);
        }
    }

    /// Returns the facts of a symbol before a session.
    pub(crate) fn symbol_day(
        &mut self,
        symbol: SymbolId,
        session: &Session,
        previous: Option<Date>,
    ) -> SymbolDay {
        let needed = self.needs.meets(ANY);
        let Some(reference) = self.symbols.get_mut(symbol.index()).filter(|_| needed) else {
            return SymbolDay::unknown(symbol, session.date);
        };
        let mut corporate = Corporate::default();
        for action in reference.actions.iter().filter(|action| action.date == session.date) {
            corporate.split_ratio *= action.split_ratio;
            corporate.cash_dividend = corporate.cash_dividend.plus(action.cash_dividend);
        }
        let minutes = session.minutes() as u16;
        let float = reference.float_shares;
        let day = reference.builder.symbol_day(
            symbol,
            (session.date, previous),
            minutes,
            corporate,
            float,
        );
        let present = [
            day.prev_close.is_some(),
            day.adv20.is_some(),
            day.atr14.is_some(),
            day.sma50.is_some(),
            day.volume_baseline.is_some(),
            day.float_shares.is_some(),
        ];
        reference.days += 1;
        for (count, present) in reference.missing.iter_mut().zip(present) {
            *count += u64::from(!present);
        }
        day
    }

    /// Lists the terms that were skipped, by symbol.
    pub(crate) fn not_checked(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for reference in &self.symbols {
            for ((term, rules, need), &count) in TERMS.iter().zip(&reference.missing) {
                if count > 0 && self.needs.contains(*need) {
                    let (name, days) = (reference.name, reference.days);
                    lines.push(format!(
                        "{name}: {term} missing in {count} of {days} sessions ({rules})"
                    ));
                }
            }
        }
        lines
    }
}
