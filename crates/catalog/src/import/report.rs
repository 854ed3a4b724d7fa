//! What an import did, in the shape of contract.md section 4.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lean::Rename;
use super::merge::StoreConflict;
use super::rows::{LIST_MAX, Rejection, Rejections};
use crate::Series;
use crate::store::TickSeries;
use crate::tick::TickKind;

/// A file of which nothing was imported because it could not be read as a whole.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct BrokenFile {
    /// The file.
    pub file: Arc<str>,
    /// Why, in words.
    pub error: String,
}

/// Files that were passed over for one reason.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct SkippedFiles {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: String,
}

/// Columns that were not used.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct IgnoredColumns {
    /// The column's name in the file.
    pub column: String,
    /// In how many files.
    pub files: u64,
}

/// What became of splits and dividends; they are no rows.
#[derive(Clone, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ActionsReport {
    /// Read.
    pub rows: u64,
    /// New in the store.
    pub stored: u64,
    /// Already there, or given twice.
    pub duplicates: u64,
    /// Other values for the same date and kind.
    pub conflicts: u64,
    /// Refused, cut at 1,000.
    pub rejected: Vec<Rejection>,
    /// Refused, by reason.
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
}

/// What an import did: rows = stored + duplicates + conflicts + rejected + skipped.
#[derive(Clone, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ImportReport {
    /// Files that were read or tried.
    pub files: u64,
    /// Rows of the files that could be read as a whole.
    pub rows: u64,
    /// Rows that are new bars, prints or quotes of the store.
    pub stored: u64,
    /// Rows equal to a bar, print or quote of the store or to another row.
    pub duplicates: u64,
    /// Rows with other values than the store has or than another row says.
    pub conflicts: u64,
    /// Rows left out on request: volume 0 under `--skip-empty`.
    pub skipped: u64,
    /// What the store now holds of the symbols of this import.
    pub symbols: Vec<Series>,
    /// What the store now holds of the prints and quotes of this import.
    pub ticks: Vec<TickSeries>,
    /// Refused rows, cut at 1,000: those counted by reason, and with reason `conflict` both rows
    /// of each conflict within the import, which are counted in `conflicts`.
    pub rejected: Vec<Rejection>,
    /// Rejected rows by reason.
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
    /// Conflicts with the store whose bar was replaced (`--on-conflict replace`).
    pub replaced: u64,
    /// Conflicts with the store, cut at 1,000.
    pub store_conflicts: Vec<StoreConflict>,
    /// Prices with more than nine decimal places, rounded half to even.
    pub prices_rounded: u64,
    /// Volumes with a fraction, rounded half to even.
    pub volumes_rounded: u64,
    /// Files of which nothing was stored.
    pub broken_files: Vec<BrokenFile>,
    /// Files that are no bars of a resolution the store keeps.
    pub skipped_files: Vec<SkippedFiles>,
    /// Columns that were not used.
    pub ignored_columns: Vec<IgnoredColumns>,
    /// Splits and cash dividends.
    pub actions: ActionsReport,
    /// Renamings told by map files, for information: bars stay under the ticker of their file.
    pub renames: Vec<Rename>,
    /// True when the import failed as a whole (`--strict` with a rejected row): the store is as it
    /// was, and the counts say what would have been stored.
    pub refused: bool,
    /// Series of ticks that this import has rows of.
    #[serde(skip)]
    pub(crate) ticks_touched: Vec<(model::Symbol, TickKind)>,
    /// Rows in conflict with another row of the import.
    #[serde(skip)]
    pub(crate) conflicts_within: u64,
}

impl ImportReport {
    /// Returns how many rows were rejected, conflicts not counted.
    pub fn rejected_total(&self) -> u64 {
        self.rejected_by_reason.values().sum()
    }

    /// Returns the process exit code: 65 when a file was broken, when `--strict` refused the
    /// import, or when no row was good; else 0 (contract.md section 4).
    pub fn exit_code(&self) -> u8 {
        let refused = self.rejected_total() + self.conflicts_within;
        let good = self.rows.saturating_sub(refused + self.skipped);
        let actions_good = self.actions.stored + self.actions.duplicates + self.actions.conflicts;
        let none_good = good == 0 && self.skipped == 0 && actions_good == 0;
        if self.refused || !self.broken_files.is_empty() || none_good { 65 } else { 0 }
    }

    /// Returns true when a row was refused, which `--strict` does not accept.
    pub(crate) fn has_rejections(&self) -> bool {
        let refused = self.rejected_total() + self.conflicts_within;
        let actions: u64 = self.actions.rejected_by_reason.values().sum();
        refused + actions > 0 || !self.broken_files.is_empty()
    }

    /// Takes over the refused rows of the files and of the merging.
    pub(crate) fn set_rejections(&mut self, rejections: Rejections) {
        self.rejected = rejections.list;
        self.rejected_by_reason = rejections.counts;
    }

    /// Adds conflicts with the store while the list has room.
    pub(crate) fn add_store_conflicts(&mut self, conflicts: Vec<StoreConflict>) {
        let room = LIST_MAX - self.store_conflicts.len();
        self.store_conflicts.extend(conflicts.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// contract.md section 4: 65 for broken files, strict refusals and when no row was good.
    #[test]
    fn exit_code_follows_the_contract() {
        let good = ImportReport { rows: 3, stored: 2, ..ImportReport::default() };
        let with_rejection =
            ImportReport { rejected_by_reason: [("bad_time", 1)].into(), ..good.clone() };
        assert_eq!(with_rejection.exit_code(), 0);
        assert_eq!(ImportReport { refused: true, ..with_rejection }.exit_code(), 65);
        let all_bad = ImportReport {
            rows: 3,
            rejected_by_reason: [("bad_time", 3)].into(),
            ..ImportReport::default()
        };
        assert_eq!(all_bad.exit_code(), 65);
        let all_known = ImportReport { rows: 3, duplicates: 3, ..ImportReport::default() };
        assert_eq!(all_known.exit_code(), 0);
        let broken = BrokenFile { file: "x".into(), error: "y".into() };
        assert_eq!(ImportReport { broken_files: vec![broken], ..good }.exit_code(), 65);
        let all_conflict =
            ImportReport { rows: 2, conflicts: 2, conflicts_within: 2, ..ImportReport::default() };
        assert_eq!(all_conflict.exit_code(), 65);
    }
}
