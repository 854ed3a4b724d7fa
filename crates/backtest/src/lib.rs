//! The driver that feeds engine and simulator with historical data
