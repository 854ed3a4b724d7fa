//! Performance metrics and reports (rules TP*)
