//! Historical data of a run, in memory.

use indicators::reference::DailyBar;
use model::{Bar, Cash, Date, Halt, Quote, Symbol, Trade};

/// A split or a dividend at its ex-date.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Action {
    /// Ex-date.
    pub date: Date,
    /// New shares per old share; 1 without a split.
    pub split_ratio: f64,
    /// Cash dividend per share.
    pub cash_dividend: Cash,
}

/// All data of one symbol.
#[derive(Clone, PartialEq, Debug)]
pub struct SymbolData {
    /// The ticker.
    pub symbol: Symbol,
    /// Minute bars, ascending, with the sessions before the run that reference data needs.
    pub bars: Vec<Bar>,
    /// Prints, ascending, instead of bars: the engine builds the minutes (TB1). Empty where there
    /// are bars.
    pub trades: Vec<Trade>,
    /// Quotes beside prints, ascending (TF13).
    pub quotes: Vec<Quote>,
    /// Official daily bars, ascending.
    pub daily: Vec<DailyBar>,
    /// Halts and their ends, ascending.
    pub halts: Vec<Halt>,
    /// Splits and dividends, ascending.
    pub actions: Vec<Action>,
    /// Shares in public hands.
    pub float_shares: Option<f64>,
}

impl SymbolData {
    /// Makes a symbol without any data.
    pub const fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            bars: Vec::new(),
            trades: Vec::new(),
            quotes: Vec::new(),
            daily: Vec::new(),
            halts: Vec::new(),
            actions: Vec::new(),
            float_shares: None,
        }
    }
}

/// Why data cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Two entries have the same ticker.
    #[error("symbol {0} is there twice")]
    Duplicate(Symbol),
    /// Both bars and prints: the engine would see every minute twice.
    #[error("{0} has both bars and trades; a run takes one of them")]
    BarsAndTrades(Symbol),
    /// Bars, prints, quotes, daily bars, halts or actions are not in ascending order.
    #[error("{what} of {symbol} are not in ascending order at index {index}")]
    Order {
        /// The symbol.
        symbol: Symbol,
        /// What is not in order.
        what: &'static str,
        /// The first element that is not later than the one before.
        index: usize,
    },
}

/// The data of a run, in order of tickers: symbol ids are places in it (TF1).
#[derive(Clone, PartialEq, Debug)]
pub struct MarketData {
    symbols: Vec<SymbolData>,
}

impl MarketData {
    /// Sorts by ticker and checks that everything is in order of time.
    pub fn new(mut symbols: Vec<SymbolData>) -> Result<Self, DataError> {
        symbols.sort_by_key(|data| data.symbol);
        for pair in symbols.windows(2) {
            if let [a, b] = pair
                && a.symbol == b.symbol
            {
                return Err(DataError::Duplicate(a.symbol));
            }
        }
        for data in &symbols {
            let order = |what, index: Option<usize>| match index {
                Some(index) => Err(DataError::Order { symbol: data.symbol, what, index }),
                None => Ok(()),
            };
            order("bars", descent(&data.bars, |bar| bar.start, true))?;
            order("trades", descent(&data.trades, |trade| trade.time, false))?;
            order("quotes", descent(&data.quotes, |quote| quote.time, false))?;
            if !data.bars.is_empty() && !data.trades.is_empty() {
                return Err(DataError::BarsAndTrades(data.symbol));
            }
            order("daily bars", descent(&data.daily, |bar| bar.date, true))?;
            order("halts", descent(&data.halts, |halt| halt.time, false))?;
            order("actions", descent(&data.actions, |action| action.date, false))?;
        }
        Ok(Self { symbols })
    }

    /// Returns the symbols' data in order of tickers.
    pub fn symbols(&self) -> &[SymbolData] {
        &self.symbols
    }
}

/// Returns the first index whose key is not above (or, when not strict, below) the one before.
fn descent<T, K: PartialOrd>(items: &[T], key: impl Fn(&T) -> K, strict: bool) -> Option<usize> {
    let wrong = |pair: &[T]| match pair {
        [a, b] if strict => key(b) <= key(a),
        [a, b] => key(b) < key(a),
        _ => false,
    };
    items.windows(2).position(wrong).map(|index| index + 1)
}
