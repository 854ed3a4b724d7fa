//! A market-data provider that plays recorded or generated days back.
