//! The records of a journal one by one, with what they mean.

use std::collections::VecDeque;
use std::path::Path;

use engine::{BrokerEvent, Input};
use journal::{Flags, Kind, ReadError, ReadOptions, Reader};
use model::{ClientOrderId, ExecType, ExecutionReport, Fill, SymbolId, Timestamp};
use runtime::codec::{self, Entry};
use serde_json::{Value, json};

use super::disk;

/// A record, taken out of its group.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    version: u8,
    flags: Flags,
    pub(super) time: Timestamp,
    payload: Vec<u8>,
}

impl Row {
    /// Returns the record's meaning in words; why it has none for this build otherwise.
    pub(super) fn content(&self) -> Result<String, String> {
        if self.kind == Kind::CUT {
            return journal::Cut::decode(&self.payload)
                .map(|cut| format!("{cut:?}"))
                .map_err(|error| error.to_string());
        }
        match self.entry()? {
            Entry::Input(input) => Ok(format!("{input:?}")),
            Entry::Fact(fact) => Ok(format!("{fact:?}")),
            Entry::Mark(mark) => Ok(mark.to_string()),
        }
    }

    fn entry(&self) -> Result<Entry, String> {
        let may_skip = self.flags.has(Flags::NON_CRITICAL);
        match codec::decode(self.kind, self.version, may_skip, &self.payload) {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err("a kind that this build skips".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns the executions that a broker told in this record, in a report or as rows of a page.
    fn executions(&self) -> Vec<Value> {
        let Ok(Entry::Input(Input::Broker { broker, event })) = self.entry() else {
            return Vec::new();
        };
        let row = |client_id: Option<ClientOrderId>, symbol: Option<SymbolId>, fill: &Fill| {
            json!({
                "execution_id": fill.exec_id.as_str(),
                "client_id": client_id.map(|id| id.to_string()),
                "broker": broker.0,
                "symbol_id": symbol.map(|symbol| symbol.0),
                "side": fill.side.name(),
                "quantity": fill.quantity,
                "price": fill.price,
                "fee": fill.fee,
            })
        };
        match event {
            BrokerEvent::Report(ExecutionReport {
                client_id,
                symbol,
                exec: ExecType::Trade(fill),
                ..
            }) => vec![row(Some(client_id), Some(symbol), &fill)],
            BrokerEvent::Page(page) => match &page.rows {
                model::Rows::Executions(rows) => {
                    rows.iter().map(|e| row(e.client_id, e.symbol, &e.fill)).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Returns the name of its kind.
    pub(super) fn kind_name(&self) -> &'static str {
        if self.kind == Kind::CUT { "cut" } else { codec::kind_name(self.kind) }
    }

    /// Returns the record for a program.
    pub(super) fn document(&self) -> Value {
        let (content, error) = match self.content() {
            Ok(content) => (Some(content), None),
            Err(error) => (None, Some(error)),
        };
        json!({
            "seq": self.seq,
            "time": self.time,
            "kind": self.kind_name(),
            "kind_number": self.kind.0,
            "version": self.version,
            "end_of_group": self.flags.has(Flags::END),
            "before_input": self.flags.has(Flags::BEFORE_INPUT),
            "bytes": self.payload.len(),
            "content": content,
            "executions": self.executions(),
            "error": error,
        })
    }

    /// Returns the record on one line.
    pub(super) fn line(&self) -> String {
        let content = self.content().unwrap_or_else(|error| format!("({error})"));
        format!("{} {} {}: {content}", self.seq, self.time, self.kind_name())
    }
}

/// The records of a journal in order.
pub(super) struct Rows {
    reader: Reader,
    group: VecDeque<Row>,
}

impl Rows {
    /// Opens a journal at a sequence.
    pub(super) fn open(folder: &Path, from: u64) -> Result<Self, ReadError> {
        let options = ReadOptions { from, ..ReadOptions::default() };
        Ok(Self { reader: Reader::open(disk(), folder, options)?, group: VecDeque::new() })
    }

    /// Returns the next record, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, ReadError> {
        if self.group.is_empty()
            && let Some(group) = self.reader.next_group()?
        {
            self.group.extend(group.records().map(|record| Row {
                seq: record.seq,
                kind: record.kind,
                version: record.version,
                flags: record.flags,
                time: record.time,
                payload: record.payload.to_vec(),
            }));
        }
        Ok(self.group.pop_front())
    }
}
