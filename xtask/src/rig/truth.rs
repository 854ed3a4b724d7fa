//! The broker's own books, as the judge folds them.
//!
//! The judge reads orders and executions and adds up the positions itself. Invariant: what is not
//! understood is an error, never nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde_json::Value;

/// An execution, by everything that must be equal on both sides.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Execution {
    /// The broker's id of it.
    pub(crate) id: String,
    /// The order.
    pub(crate) client_id: String,
    /// What was traded.
    pub(crate) symbol: String,
    /// `buy` or `sell`.
    pub(crate) side: String,
    /// Shares.
    pub(crate) quantity: u64,
    /// Price, in the text that the program prints.
    pub(crate) price: String,
}

/// An order at the broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    /// Our id.
    pub(crate) client_id: String,
    /// Its state in words.
    pub(crate) state: String,
}

/// What a broker holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Truth {
    /// All orders, in the order in which they came.
    pub(crate) orders: Vec<Order>,
    /// All executions, in the order in which they happened.
    pub(crate) executions: Vec<Execution>,
    /// Shares by symbol, without those that are flat.
    pub(crate) positions: BTreeMap<String, i64>,
}

/// States in which an order no longer does anything.
const DONE: [&str; 6] = ["filled", "cancelled", "expired", "rejected", "replaced", "closed"];

impl Truth {
    /// Reads what the broker's process says of itself.
    pub(crate) fn read(state: &Value) -> anyhow::Result<Self> {
        let mut truth = Self::default();
        for row in rows(state, "orders")? {
            let (client_id, state) = (text(row, "client_id")?, text(row, "state")?);
            truth.orders.push(Order { client_id, state });
        }
        for row in rows(state, "fills")? {
            truth.executions.push(execution(row)?);
        }
        for row in rows(state, "positions")? {
            let shares: i64 = shares(row, "quantity")?;
            if shares != 0 {
                truth.positions.insert(text(row, "symbol")?, shares);
            }
        }
        Ok(truth)
    }

    /// Returns how many orders still work.
    pub(crate) fn working(&self) -> usize {
        self.orders.iter().filter(|order| !DONE.contains(&order.state.as_str())).count()
    }

    /// Returns the ids of the orders that still work.
    pub(crate) fn into_working(self) -> Vec<String> {
        let working = |order: &Order| !DONE.contains(&order.state.as_str());
        self.orders.into_iter().filter(working).map(|order| order.client_id).collect()
    }

    /// Finds intents with more than one accepted id (I1): the number of an order is unique within
    /// its epoch, another attempt is another id, and a replacement takes the place of the order
    /// that it replaces.
    pub(crate) fn twice_accepted(&self) -> Vec<String> {
        let mut by_intent: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for order in &self.orders {
            let Some(intent) = intent(&order.client_id) else {
                found.push(format!(
                    "the broker holds an order that is not ours: {}",
                    order.client_id
                ));
                continue;
            };
            if !seen.insert(&order.client_id) {
                found.push(format!("the id {} was accepted twice", order.client_id));
            }
            if !matches!(order.state.as_str(), "rejected" | "replaced") {
                by_intent.entry(intent).or_default().push(&order.client_id);
            }
        }
        for ((epoch, number), ids) in by_intent {
            if ids.len() > 1 {
                let ids = ids.join(", ");
                found.push(format!("intent {number} of epoch {epoch} was accepted as {ids}"));
            }
        }
        found
    }

    /// Adds up the executions: no symbol's position may ever be anything but 0 or `quantity`, and
    /// the sums are the positions that the broker states.
    pub(crate) fn wrong_positions(&self, quantity: i64) -> Vec<String> {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for execution in &self.executions {
            if !seen.insert(&execution.id) {
                found.push(format!("the execution {} is there twice", execution.id));
            }
            let sign = if execution.side == "buy" { 1 } else { -1 };
            let shares = i64::try_from(execution.quantity).unwrap_or(i64::MAX);
            let sum = sums.entry(&execution.symbol).or_default();
            *sum += sign * shares;
            if *sum != 0 && *sum != quantity {
                found.push(format!(
                    "{} of {} shares leads to a position of {sum}, neither 0 nor {quantity}",
                    execution.client_id, execution.symbol
                ));
            }
        }
        sums.retain(|_, sum| *sum != 0);
        let stated: BTreeMap<&str, i64> =
            self.positions.iter().map(|(symbol, shares)| (symbol.as_str(), *shares)).collect();
        if sums != stated {
            found.push(format!("executions add up to {sums:?}, the broker states {stated:?}"));
        }
        found
    }
}

/// Compares the executions of both sides.
pub(crate) fn unequal(ours: &BTreeSet<Execution>, theirs: &[Execution]) -> Vec<String> {
    let theirs: BTreeSet<Execution> = theirs.iter().cloned().collect();
    let only_theirs = theirs.difference(ours).map(|e| format!("our journal lacks {e:?}"));
    let only_ours = ours.difference(&theirs).map(|e| format!("the broker does not know {e:?}"));
    only_theirs.chain(only_ours).collect()
}

/// What our journal holds of the broker's world: the ids that we meant, the executions that we heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Journalled {
    /// Client order ids of all intents and replacements.
    pub(crate) intents: BTreeSet<String>,
    /// Executions, from reports and from answers.
    pub(crate) executions: BTreeSet<Execution>,
}

impl Journalled {
    /// Reads the list that `journal dump --json` prints; `symbols` are in the order of their ids.
    pub(crate) fn read(dump: &Value, symbols: &[String]) -> anyhow::Result<Self> {
        let mut found = Self::default();
        for record in dump.as_array().context("the dump is no list")? {
            if matches!(record["kind"].as_str(), Some("intent" | "replace")) {
                found.intents.extend(ids(record["content"].as_str().unwrap_or_default()));
            }
            for row in rows(record, "executions")? {
                let symbol = row["symbol_id"].as_u64().and_then(|id| usize::try_from(id).ok());
                let symbol = symbol.and_then(|id| symbols.get(id));
                let mut row = row.clone();
                row["symbol"] = symbol.cloned().into();
                found.executions.insert(execution(&row)?);
            }
        }
        Ok(found)
    }
}

/// Finds all client order ids `<tag>-<epoch>-<number>-<attempt><E|X>` of our tag in a text.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("BW-") {
        let rest = &text[at..];
        let is_part = |c: char| c == '-' || c.is_ascii_alphanumeric();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        // In the journal the next bytes may be letters as well: the id ends at its E or X.
        let Some(last) = rest[3..end].find(['E', 'X']).map(|last| last + 4) else { continue };
        let id = &rest[..last];
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = id[3..last - 1].split('-').collect();
        if parts.len() == 3 && parts.iter().all(|part| digits(part)) {
            found.push(id.to_owned());
        }
    }
    found
}

/// Reads an execution from a row of a list.
pub(crate) fn execution(row: &Value) -> anyhow::Result<Execution> {
    Ok(Execution {
        id: text(row, "execution_id")?,
        client_id: text(row, "client_id")?,
        symbol: text(row, "symbol")?,
        side: text(row, "side")?,
        quantity: shares(row, "quantity")?,
        price: text(row, "price")?,
    })
}

/// Takes epoch and number from `<tag>-<epoch>-<number>-<attempt><E|X>`.
fn intent(client_id: &str) -> Option<(String, String)> {
    let mut parts = client_id.rsplit('-');
    let last = parts.next()?;
    let (number, epoch) = (parts.next()?, parts.next()?);
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let attempt = last.strip_suffix(['E', 'X'])?;
    parts.next()?;
    [number, epoch, attempt].iter().all(|part| whole(part)).then(|| (epoch.into(), number.into()))
}

fn rows<'a>(state: &'a Value, list: &str) -> anyhow::Result<&'a Vec<Value>> {
    state[list].as_array().with_context(|| format!("the state has no list `{list}`"))
}

fn text(row: &Value, name: &str) -> anyhow::Result<String> {
    let text = row[name].as_str();
    Ok(text.with_context(|| format!("`{name}` is not in {row}"))?.to_owned())
}

fn shares<T: std::str::FromStr>(row: &Value, name: &str) -> anyhow::Result<T> {
    let text = text(row, name)?;
    text.parse().ok().with_context(|| format!("`{name}` is no number of shares: {text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(id: &str, order: &str, side: &str) -> Value {
        json!({"execution_id": id, "client_id": order, "symbol": "SYM0", "side": side,
               "quantity": "1", "price": "10.5"})
    }

    fn truth(orders: Value, fills: Value, positions: Value) -> Truth {
        Truth::read(&json!({"orders": orders, "fills": fills, "positions": positions})).unwrap()
    }

    /// I1: the judge sees a second id of an intent, and lets rejections and replacements pass.
    #[test]
    fn one_accepted_id_per_intent() {
        let order = |id: &str, state: &str| json!({"client_id": id, "state": state});
        let fine = json!([
            order("BW-7-1-0E", "rejected"),
            order("BW-7-1-1E", "filled"),
            order("BW-7-2-0X", "replaced"),
            order("BW-7-2-1X", "working"),
            order("BW-8-1-0E", "filled"),
        ]);
        let good = truth(fine, json!([]), json!([]));
        assert_eq!((good.twice_accepted(), good.working()), (Vec::new(), 1));
        let twice = json!([order("BW-7-1-0E", "filled"), order("BW-7-1-1E", "cancelled")]);
        let found = truth(twice, json!([]), json!([])).twice_accepted();
        assert_eq!(found, ["intent 1 of epoch 7 was accepted as BW-7-1-0E, BW-7-1-1E"]);
        let foreign = json!([order("somebody-else", "working")]);
        assert_eq!(truth(foreign, json!([]), json!([])).twice_accepted().len(), 1);
    }

    /// I3: the judge sees a share too many at the moment at which it was bought.
    #[test]
    fn positions_are_flat_or_whole() {
        let round = json!([fill("1", "BW-7-1-0E", "buy"), fill("2", "BW-7-2-0X", "sell")]);
        assert!(truth(json!([]), round, json!([])).wrong_positions(1).is_empty());
        let more = json!([fill("1", "BW-7-1-0E", "buy"), fill("2", "BW-7-2-0E", "buy")]);
        let held = json!([{"symbol": "SYM0", "quantity": "2"}]);
        assert_eq!(truth(json!([]), more, held).wrong_positions(1).len(), 1);
        let short = json!([fill("1", "BW-7-1-0X", "sell")]);
        assert_eq!(truth(json!([]), short, json!([])).wrong_positions(1).len(), 2);
    }

    #[test]
    fn ids_end_at_their_letter() {
        let text = r#""BW-5-1-0EX\0BW-5-12-1XBW-x-1-0E BW-5-2-0""#;
        assert_eq!(ids(text), ["BW-5-1-0E", "BW-5-12-1X"]);
    }

    #[test]
    fn the_journal_is_read_for_ids_and_executions() {
        let dump = json!([
            {"kind": "intent", "content": "Intent(Intent { client_id: BW-7-1-0E, .. })",
             "executions": []},
            {"kind": "broker", "content": "BW-7-9-0E", "executions": [
                {"execution_id": "1", "client_id": "BW-7-1-0E", "symbol_id": 0, "side": "buy",
                 "quantity": "1", "price": "10.5"}]},
        ]);
        let found = Journalled::read(&dump, &["SYM0".to_owned()]).unwrap();
        assert_eq!(found.intents, BTreeSet::from(["BW-7-1-0E".to_owned()]));
        let theirs = execution(&fill("1", "BW-7-1-0E", "buy")).unwrap();
        assert_eq!(found.executions, BTreeSet::from([theirs]));
    }

    #[test]
    fn executions_are_compared_both_ways() {
        let rows = [fill("1", "BW-7-1-0E", "buy"), fill("2", "BW-7-2-0X", "sell")];
        let both: Vec<_> = rows.iter().map(|row| execution(row).unwrap()).collect();
        let ours = BTreeSet::from([both[0].clone()]);
        assert!(unequal(&ours, &both[..1]).is_empty());
        assert_eq!(unequal(&ours, &both).len(), 1);
        assert_eq!(unequal(&ours, &[]).len(), 1);
    }
}
