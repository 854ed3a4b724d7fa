//! The exchange's day as dated data: sessions, ticks, fees, settlement (design.md decision 5).
