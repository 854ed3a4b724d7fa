//! Trades US equities intraday, safely, on a real account
