//! Why an evaluation led to an order, or to none (I17): the rule in words with the numbers it
//! looked at.

use engine::Fact;
use engine::risk_manager::{RejectCode, SizingTerm};
use engine::strategy_engine::{Decision, Rule, RuleInfo};
use model::{ClientOrderId, OrderKind, Price, Quantity, Symbol, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::run::{Name, Run};

/// A rule in words, with the numbers it looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct Explained {
    /// Rule or control id, such as `TG2` or `C07`.
    pub rule: &'static str,
    /// What the rule asks.
    pub text: &'static str,
    /// The numbers by name.
    pub values: Vec<(&'static str, Value)>,
}

/// Explains a decision of a strategy with these rules.
pub fn explain(rules: &[RuleInfo], decision: &Decision) -> Explained {
    let numbers = decision.values.as_slice();
    match decision.rule {
        Rule::Strategy(index) => {
            let unknown = RuleInfo { id: "?", text: "unknown rule", values: &[] };
            let rule = rules.get(usize::from(index)).copied().unwrap_or(unknown);
            let values = rule.values.iter().copied().zip(numbers.iter().map(|&n| json!(n)));
            Explained { rule: rule.id, text: rule.text, values: values.collect() }
        }
        Rule::Gate(code) => {
            let mut values: Vec<(&'static str, Value)> =
                ["limit", "value"].into_iter().zip(numbers.iter().map(|&n| json!(n))).collect();
            if code == RejectCode::SizeTooSmall
                && let Some(term) = values.pop().and_then(|(_, value)| term_name(&value))
            {
                values.push(("binding_term", json!(term)));
            }
            Explained { rule: code.rule(), text: code.name(), values }
        }
    }
}

/// Returns the name of a sizing term that was recorded as its number (TS4).
fn term_name(number: &Value) -> Option<&'static str> {
    use SizingTerm as T;
    let terms = [
        T::Fixed,
        T::Risk,
        T::Position,
        T::OrderValue,
        T::BuyingPower,
        T::RecentVolume,
        T::Adv,
        T::DailyBudget,
    ];
    let number = number.as_f64()?;
    terms.into_iter().find(|term| f64::from(*term as u8) == number).map(SizingTerm::name)
}

/// A decision, or a run of equal ones in a row: `count` evaluations from `time` to `until` that
/// ended at the same rule, with the numbers of the last.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct DecisionRow {
    /// Ascending within this process: the cursor.
    pub id: u64,
    /// When it was made.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// When the last of the run was made.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// How many there were.
    pub count: u64,
    /// By which strategy.
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
    /// On which symbol.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// `no_trade`, `signal`, `rejected` or `order`.
    pub outcome: &'static str,
    /// Rule or control id.
    pub rule: &'static str,
    /// What the rule asks.
    pub text: &'static str,
    /// The numbers by name.
    #[schema(value_type = Object)]
    pub values: Map<String, Value>,
    /// The order that was sent, replaced or withdrawn.
    pub order: Option<OrderBrief>,
}

impl DecisionRow {
    /// Writes a decision out; `facts` are those of its group, for the order.
    pub(super) fn of(id: u64, decision: &Decision, facts: &[Fact], run: &Run) -> Self {
        let explained = explain(run.rules(decision.strategy), decision);
        let values = explained.values.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self {
            id,
            time: decision.time,
            until: decision.time,
            count: 1,
            strategy: run.strategy(decision.strategy),
            symbol: run.symbol(decision.symbol),
            outcome: decision.outcome.name(),
            rule: explained.rule,
            text: explained.text,
            values: values.collect(),
            order: decision.order.and_then(|number| {
                facts
                    .iter()
                    .find_map(|fact| OrderBrief::of(fact).filter(|o| o.client_id.number == number))
            }),
        }
    }
}

/// The request that followed from a decision.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct OrderBrief {
    /// Our id.
    #[schema(value_type = String)]
    pub client_id: ClientOrderId,
    /// `submit`, `replace` or `cancel`.
    pub request: &'static str,
    /// Shares.
    #[schema(value_type = Option<String>)]
    pub quantity: Option<Quantity>,
    /// Kind of the order.
    pub kind: Option<&'static str>,
    /// Worst price to trade at.
    #[schema(value_type = Option<String>)]
    pub limit_price: Option<Price>,
    /// Price that triggers.
    #[schema(value_type = Option<String>)]
    pub stop_price: Option<Price>,
}

impl OrderBrief {
    fn of(fact: &Fact) -> Option<Self> {
        let with = |client_id, request, kind: OrderKind, quantity| Self {
            client_id,
            request,
            quantity: Some(quantity),
            kind: Some(kind.name()),
            limit_price: kind.limit(),
            stop_price: kind.stop(),
        };
        match fact {
            Fact::Intent(intent) => {
                let order = &intent.order;
                Some(with(order.client_id, "submit", order.kind, order.quantity))
            }
            Fact::Replace(replace) => {
                let to = &replace.request;
                Some(with(to.new_client_id, "replace", to.kind, to.quantity))
            }
            Fact::Cancel(cancel) => Some(Self {
                client_id: cancel.request.client_id,
                request: "cancel",
                quantity: None,
                kind: None,
                limit_price: None,
                stop_price: None,
            }),
            _ => None,
        }
    }
}
