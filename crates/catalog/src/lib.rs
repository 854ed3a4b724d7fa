//! Market data on disk: importers, the Parquet store, checks
