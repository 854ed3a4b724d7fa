//! What a tracer saw: which client order ids were written to the journal, synced and sent, in which
//! order.
//!
//! Read line by line from `strace -f -y -o FILE -e trace=...`. A call that was interrupted by
//! another thread's comes in two parts; what it was given stands in the first, and it has happened
//! with the second. Invariant: an id counts as durable only from the end of a sync on that began
//! after the write of it had ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::rig::truth::ids;

/// What is known of one client order id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Durability {
    /// Its bytes are in the file.
    Written,
    /// A sync that began after that is under way.
    Syncing,
    /// The sync has ended well.
    Durable,
}

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Verdict {
    /// Different ids that were sent.
    pub(super) sent: usize,
    /// Syncs of the journal.
    pub(super) syncs: usize,
    /// Ids that were sent before they were durable, each with its line of the trace.
    pub(super) violations: Vec<String>,
}

/// A call that has not ended.
enum Open {
    Write(Vec<String>),
    Sync,
    Other,
}

/// Reads a trace.
#[derive(Default)]
pub(super) struct Trace {
    ids: BTreeMap<String, Durability>,
    sent: BTreeSet<String>,
    open: HashMap<String, Open>,
    line: usize,
    verdict: Verdict,
}

impl Trace {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        self.line += 1;
        let Some((thread, call)) = line.split_once(' ') else { return };
        let call = call.trim_start();
        if call.starts_with("<... ") {
            if let Some(open) = self.open.remove(thread) {
                self.end(open, call);
            }
            return;
        }
        let open = self.begin(call);
        if call.ends_with("<unfinished ...>") {
            self.open.insert(thread.to_owned(), open);
        } else {
            self.end(open, call);
        }
    }

    /// Returns what came out of all lines.
    pub(super) fn verdict(mut self) -> Verdict {
        self.verdict.sent = self.sent.len();
        self.verdict
    }

    fn begin(&mut self, call: &str) -> Open {
        let Some((name, rest)) = call.split_once('(') else { return Open::Other };
        let target = rest.split([',', ')']).next().unwrap_or_default();
        let journal = target.contains("/journal/");
        match name {
            "pwrite64" | "write" | "writev" if journal => Open::Write(ids(rest)),
            "fdatasync" if journal => {
                for state in self.ids.values_mut().filter(|state| **state == Durability::Written) {
                    *state = Durability::Syncing;
                }
                Open::Sync
            }
            // A socket or a pipe: `3<TCP:[...]>`, `3<socket:[...]>`.
            "sendto" | "sendmsg" | "write" | "writev" if is_socket(target) => {
                self.send(rest);
                Open::Other
            }
            _ => Open::Other,
        }
    }

    fn end(&mut self, open: Open, call: &str) {
        let failed = call.contains(" = -1 ");
        match open {
            Open::Write(ids) if !failed => {
                for id in ids {
                    self.ids.entry(id).or_insert(Durability::Written);
                }
            }
            Open::Sync => {
                self.verdict.syncs += 1;
                let after = if failed { Durability::Written } else { Durability::Durable };
                for state in self.ids.values_mut().filter(|state| **state == Durability::Syncing) {
                    *state = after;
                }
            }
            Open::Write(_) | Open::Other => {}
        }
    }

    /// The bytes leave when the call begins.
    fn send(&mut self, rest: &str) {
        for id in ids(rest) {
            if self.sent.contains(&id) {
                continue;
            }
            let state = self.ids.get(&id);
            if state != Some(&Durability::Durable) {
                let line = self.line;
                let said = state.map_or("not written".to_owned(), |state| format!("{state:?}"));
                self.verdict.violations.push(format!("line {line}: {id} was sent, it was {said}"));
            }
            self.sent.insert(id);
        }
    }
}

fn is_socket(target: &str) -> bool {
    target.contains("<TCP:") || target.contains("<socket:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(lines: &[&str]) -> Verdict {
        let mut trace = Trace::default();
        lines.iter().for_each(|line| trace.read(line));
        trace.verdict()
    }

    const WRITE: &str = r#"7 pwrite64(9</d/journal/1.seg>, "\1\0BW-5-1-0E\22", 12, 64) = 12"#;
    const SYNC: &str = "7 fdatasync(9</d/journal/1.seg>) = 0";
    const SEND: &str =
        r#"8 sendto(11<TCP:[1->2]>, "{\"client_id\":\"BW-5-1-0E\"}", 9, 0, NULL, 0) = 9"#;

    #[test]
    fn written_synced_sent_is_right() {
        let verdict = judge(&[WRITE, SYNC, SEND, SEND]);
        assert_eq!(verdict, Verdict { sent: 1, syncs: 1, violations: Vec::new() });
    }

    #[test]
    fn sent_before_the_end_of_the_sync_is_seen() {
        assert_eq!(judge(&[WRITE, SEND, SYNC]).violations.len(), 1);
        assert_eq!(judge(&[SEND]).violations.len(), 1);
        let begun = "7 fdatasync(9</d/journal/1.seg> <unfinished ...>";
        let ended = "7 <... fdatasync resumed>) = 0";
        assert_eq!(judge(&[WRITE, begun, SEND, ended]).violations.len(), 1);
        assert_eq!(judge(&[WRITE, begun, ended, SEND]).violations.len(), 0);
        let failed = "7 <... fdatasync resumed>) = -1 EIO (Input/output error)";
        assert_eq!(judge(&[WRITE, begun, failed, SEND]).violations.len(), 1);
        // A write that ends while the sync is under way is not covered by it.
        let [begin, end] = [
            r#"6 pwrite64(9</d/journal/1.seg>, "BW-5-1-0E", 9, 64 <unfinished ...>"#,
            "6 <... pwrite64 resumed>) = 9",
        ];
        assert_eq!(judge(&[begin, begun, end, ended, SEND]).violations.len(), 1);
        // Another file's sync says nothing.
        let other = "7 fdatasync(9</d/paper/book.log>) = 0";
        assert_eq!(judge(&[WRITE, other, SEND]).violations.len(), 1);
    }
}
