//! The gate in moments that market data rarely bring about, with a strategy that always wants in.

use backtest::{MarketData, Sink, run};
use engine::data_manager::Needs;
use engine::strategy_engine::{Context, Event, Finding, Plan, RuleInfo, Size, Strategy};
use engine::{Engine, Fact, Instance};
use model::record::{DecodeError, Reader, Writer};
use model::{Cash, Halt, MINUTE_NS, OrderKind, OrderRole, Ppm, Price, Quantity, Timestamp};

use crate::support::*;

/// Wants to buy 1,000 shares at a stop; from a time on at another one.
#[derive(Debug)]
struct Buyer {
    from: Timestamp,
    stop: Price,
    then: Option<(Timestamp, Price)>,
}

impl Strategy for Buyer {
    fn rules(&self) -> &'static [RuleInfo] {
        &[RuleInfo { id: "T1", text: "told so", values: &[] }]
    }

    fn needs(&self) -> Needs {
        Needs::NONE
    }

    fn prepare(&mut self, _symbols: usize) {}

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        let Event::Bar { symbol, .. } = event else { return };
        if ctx.now() < self.from {
            return;
        }
        let stop = match self.then {
            Some((time, stop)) if ctx.now() >= time => stop,
            _ => self.stop,
        };
        let plan = Plan {
            entry: OrderKind::StopLimit { stop, limit: stop },
            reference: stop,
            stop: Some(price("8.00")),
            size: Size::Fixed(Quantity::from_shares(1_000).unwrap()),
            ..Plan::default()
        };
        ctx.enter(symbol, plan, Finding::new(0, &[]));
    }

    fn save(&self, _writer: &mut Writer) {}

    fn load(&mut self, _reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Notes the most that the working entries could have cost, and when.
#[derive(Default)]
struct Most(Cash);

impl Sink for Most {
    fn fact(&mut self, engine: &Engine, _: &Fact) {
        let books = engine.books();
        let orders = books.active().iter().filter_map(|&key| books.working_entry(key));
        let worst = |order: &engine::order_manager::Order| {
            let cost = |kind: OrderKind, quantity| kind.limit().unwrap().notional(quantity);
            let now = cost(order.request.kind, order.request.quantity).unwrap();
            let pending = order.replace_pending.as_deref();
            now.max(pending.map_or(Cash::ZERO, |r| cost(r.kind, r.quantity).unwrap()))
        };
        self.0 = self.0.max(orders.map(worst).sum());
    }
}

/// R9, I5: while a replacement is under way, both the order as it works and the order as it will
/// be are counted, at the worse of both. A raises its entry of 1,000 shares from 10 to 12 at the very bar at which B wants 1,000 at 10:
/// 22,000 are more than the 21,000 that one symbol may hold.
#[test]
fn a_raised_entry_reserves_its_new_price() {
    let day = date("2026-06-01");
    let bars = ["10:00", "10:01", "10:02", "10:03"]
        .map(|clock| bar(day, clock, ["9.00", "9.00", "9.00", "9.00"], 1_000_000));
    let second = at(day, "10:02");
    let raised = Buyer {
        from: at(day, "10:01"),
        stop: price("10.00"),
        then: Some((second, price("12.00"))),
    };
    let late = Buyer { from: second, stop: price("10.00"), then: None };
    let strategies: [(&str, Box<dyn Strategy>); 2] =
        [("raised", Box::new(raised)), ("late", Box::new(late))];
    let strategies = strategies.map(|(name, strategy)| Instance { name: name.into(), strategy });
    let mut config = config(day, day);
    config.limits.exclusive_symbols = false;
    config.limits.max_order_value_pct = None;
    config.limits.max_position_size_pct = Some(Ppm(210_000));
    config.limits.max_daily_loss_pct = None;
    let market = MarketData::new(vec![symbol_data("AAA", bars.into())]).unwrap();
    let mut most = Most::default();
    let result = run(&market, strategies.into(), &config, &mut most).unwrap();
    assert_eq!(result.orders, 2, "both buy, the later one what is left");
    let limit = config.cash.times_ppm(210_000);
    assert!(most.0 <= limit, "I5, R9: entries worth {} work, the limit of C06 is {limit}", most.0);
}

/// Notes when entries were sent.
#[derive(Default)]
struct Entries(Vec<Timestamp>);

impl Sink for Entries {
    fn fact(&mut self, _: &Engine, fact: &Fact) {
        if let Fact::Intent(intent) = fact
            && intent.order.role == OrderRole::Entry
        {
            self.0.push(intent.time);
        }
    }
}

/// I12, C21: a halt withdraws the entry, and none is sent before 60 s after the re-open, although
/// the halted minute's bar and the first one after it let the strategy ask again.
#[test]
fn nothing_opens_in_a_halt() {
    let day = date("2026-06-01");
    let flat = ["9.00", "9.00", "9.00", "9.00"];
    let clocks = ["10:00", "10:01", "10:10", "10:11", "10:12"];
    let mut data = symbol_data("AAA", clocks.map(|clock| bar(day, clock, flat, 1_000_000)).into());
    let half = MINUTE_NS / 2;
    data.halts = vec![
        Halt { time: at(day, "10:01").plus_nanos(half), halted: true },
        Halt { time: at(day, "10:10").plus_nanos(half), halted: false },
    ];
    let buyer = Buyer { from: at(day, "10:01"), stop: price("10.00"), then: None };
    let buyer = Instance { name: "buyer".into(), strategy: Box::new(buyer) };
    let market = MarketData::new(vec![data]).unwrap();
    let mut entries = Entries::default();
    run(&market, vec![buyer], &config(day, day), &mut entries).unwrap();
    assert_eq!(entries.0, [at(day, "10:01"), at(day, "10:12")], "C21: when entries were sent");
}
