//! Merges splits and dividends with those of the store, by the rules for bars.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::exchange::Calendar;
use model::{Date, Symbol};

use super::report::ActionsReport;
use super::rows::{ActionRow, Reason, Rejections};
use crate::store::{Transaction, actions_path, encode_actions};
use crate::{Action, ActionKind, CatalogError, OnConflict, Store};

/// A split or dividend with the file it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActionEntry {
    pub(crate) row: ActionRow,
    pub(crate) file: u32,
}

/// Merges the splits and dividends of an import.
pub(crate) struct Merger<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) on_conflict: OnConflict,
    pub(crate) files: &'a [Arc<str>],
    pub(crate) rejected: &'a mut Rejections,
    pub(crate) report: &'a mut ActionsReport,
}

impl Merger<'_> {
    /// Merges all entries and stages the files that change.
    pub(crate) fn merge_all(
        &mut self,
        entries: Vec<ActionEntry>,
        store: &Store,
        transaction: &mut Transaction,
    ) -> Result<(), CatalogError> {
        let mut by_symbol: BTreeMap<Symbol, BTreeMap<(Date, ActionKind), Vec<ActionEntry>>> =
            BTreeMap::new();
        for entry in entries {
            if self.in_calendar(&entry) {
                let ActionRow { symbol, date, kind, .. } = entry.row;
                by_symbol.entry(symbol).or_default().entry((date, kind)).or_default().push(entry);
            }
        }
        for (symbol, entries) in by_symbol {
            let stored = store.actions(symbol)?;
            let mut merged: BTreeMap<(Date, ActionKind), i64> =
                stored.iter().map(|action| ((action.date, action.kind), action.value)).collect();
            let mut changed = false;
            for (key, same) in entries {
                changed |= self.merge_one(key, &same, &mut merged);
            }
            if changed {
                let actions: Vec<Action> = merged
                    .into_iter()
                    .map(|((date, kind), value)| Action { date, kind, value })
                    .collect();
                let target = actions_path(symbol);
                let bytes = encode_actions(&target, symbol, &actions)?;
                transaction.stage(target, &bytes)?;
            }
        }
        Ok(())
    }

    /// TC9: an ex-date in a year without calendar, or on a day without a session, is refused.
    fn in_calendar(&mut self, entry: &ActionEntry) -> bool {
        let date = entry.row.date;
        let reason = match self.calendar.session(date) {
            Ok(Some(_)) => return true,
            Ok(None) => Reason::OffCalendar,
            Err(_) => Reason::NoCalendar,
        };
        let file = &self.files[entry.file as usize];
        self.rejected.add(file, entry.row.line, reason, || date.to_string());
        false
    }

    /// Merges the entries of one date and kind; true when the store changes.
    fn merge_one(
        &mut self,
        key: (Date, ActionKind),
        same: &[ActionEntry],
        merged: &mut BTreeMap<(Date, ActionKind), i64>,
    ) -> bool {
        let value = same[0].row.value;
        let count = same.len() as u64;
        if same.iter().any(|entry| entry.row.value != value) {
            self.report.conflicts += count;
            for entry in same {
                let file = &self.files[entry.file as usize];
                let others = || {
                    let (date, kind) = key;
                    let values: Vec<_> = same
                        .iter()
                        .map(|entry| {
                            let file = &self.files[entry.file as usize];
                            let value = entry.row.value as f64 / 1e9;
                            format!("{value} at {file}:{}", entry.row.line)
                        })
                        .collect();
                    format!("{} of {date}: {}", kind.name(), values.join(", "))
                };
                self.rejected.list_only(file, entry.row.line, Reason::Conflict, others);
            }
            return false;
        }
        self.report.duplicates += count - 1;
        match merged.get(&key) {
            Some(&stored) if stored == value => {
                self.report.duplicates += 1;
                false
            }
            Some(_) => {
                self.report.conflicts += 1;
                let replace = self.on_conflict == OnConflict::Replace;
                if replace {
                    merged.insert(key, value);
                }
                replace
            }
            None => {
                self.report.stored += 1;
                merged.insert(key, value);
                true
            }
        }
    }
}
