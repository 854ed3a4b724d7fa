//! Properties of the exchange under random orders, bars and answers: what must hold whatever the
//! market does (I4, C16, TF3-TF10, TK4). A failing case prints its seed.

use std::collections::BTreeMap;

use model::exchange::{CommissionPlan, OrderCommission};
use model::{
    Bar, BrokerId, CancelRequest, Cash, ClientOrderId, ExecType, ExecutionReport, GroupId,
    MINUTE_NS, NewOrder, OrderKind, OrderRole, Price, Quantity, ReplaceRequest, Side, SymbolId,
    TimeInForce, Volume,
};
use proptest::prelude::*;
use simulator::{Exchange, ExchangeConfig, FillMode};

use crate::support::{id, shares, start};

/// A small generator for scenarios; its quality does not matter.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        i64::try_from((self.0 >> 33) % n).unwrap()
    }
}

/// What the tester knows of an order from requests and reports alone.
#[derive(Clone)]
struct Known {
    order: NewOrder,
    kind: OrderKind,
    earlier_kind: OrderKind,
    /// What a replacement that is not confirmed yet asks for.
    asked: Option<(OrderKind, Quantity)>,
    order_qty: Quantity,
    cum_qty: Quantity,
    value: Cash,
    fee: Cash,
    over: bool,
}

/// The tester's own books.
struct Tester {
    exchange: Exchange,
    dice: Dice,
    known: BTreeMap<u64, Known>,
    group_fills: BTreeMap<GroupId, Quantity>,
    group_most: BTreeMap<GroupId, Quantity>,
    positions: [Quantity; 2],
    cash: Cash,
    fees: Cash,
    executions: u64,
    reports: Vec<ExecutionReport>,
}

const SYMBOLS: u64 = 2;
const CENT: i64 = model::SCALE / 100;

impl Tester {
    fn new(seed: u64, mode: FillMode) -> Self {
        let mut exchange = Exchange::new(ExchangeConfig::new(mode, CommissionPlan::IbkrFixed), 2);
        exchange.keep_executions();
        Self {
            exchange,
            dice: Dice(seed),
            known: BTreeMap::new(),
            group_fills: BTreeMap::new(),
            group_most: BTreeMap::new(),
            positions: [Quantity::ZERO; 2],
            cash: Cash::ZERO,
            fees: Cash::ZERO,
            executions: 0,
            reports: Vec::new(),
        }
    }

    fn price(&mut self) -> Price {
        Price::from_raw((1000 + self.dice.roll(60) - 30) * CENT)
    }

    fn kind(&mut self) -> OrderKind {
        let (stop, limit) = (self.price(), self.price());
        match self.dice.roll(4) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit { limit },
            2 => OrderKind::Stop { stop },
            _ => OrderKind::StopLimit { stop, limit },
        }
    }

    fn submit(&mut self, symbol: SymbolId, now: model::Timestamp) {
        use OrderRole::{Close, Entry, Stop, Target};
        let number = self.known.len() as u64;
        let role = [Entry, Entry, Stop, Target, Close][self.dice.roll(5) as usize];
        // The members of a group close the same position: they share its side.
        let group = role.is_exit().then(|| GroupId(symbol.0.into()));
        let side = match (group, self.dice.roll(3)) {
            (Some(_), _) | (None, 0) => Side::Sell,
            (None, 1) => Side::SellShort,
            _ => Side::Buy,
        };
        let quantity = shares(1 + self.dice.roll(200));
        let time_in_force = match self.dice.roll(10) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            2 => TimeInForce::Cls,
            _ => TimeInForce::Day,
        };
        let kind = self.kind();
        let order = NewOrder {
            client_id: id(number, 0, role.is_exit()),
            broker: BrokerId(0),
            symbol,
            side,
            kind,
            quantity,
            time_in_force,
            role,
            group,
        };
        self.known.insert(
            number,
            Known {
                order,
                kind,
                earlier_kind: kind,
                asked: None,
                order_qty: quantity,
                cum_qty: Quantity::ZERO,
                value: Cash::ZERO,
                fee: Cash::ZERO,
                over: false,
            },
        );
        if let Some(group) = group {
            // A member that joins later may close as much again as it asks for.
            let most = self.group_most.entry(group).or_default();
            *most = most.plus(quantity);
        }
        self.exchange.submit(&order, now);
    }

    fn amend(&mut self, now: model::Timestamp) {
        if self.known.is_empty() {
            return;
        }
        let number = self.dice.roll(self.known.len() as u64) as u64;
        let kind = self.kind();
        let known = &self.known[&number];
        let client_id = known.order.client_id;
        let (broker, symbol) = (BrokerId(0), known.order.symbol);
        if self.dice.roll(2) == 0 {
            self.exchange.cancel(&CancelRequest { client_id, broker, symbol }, now);
            return;
        }
        let new_client_id = ClientOrderId { attempt: client_id.attempt + 1, ..client_id };
        let quantity = shares(1 + self.dice.roll(200));
        let request = ReplaceRequest { client_id, new_client_id, broker, symbol, kind, quantity };
        self.exchange.replace(&request, now);
        if self.exchange.order(new_client_id).is_some() {
            let known = self.known.get_mut(&number).unwrap();
            known.order.client_id = new_client_id;
            known.asked = Some((kind, quantity));
        }
    }

    /// Books a confirmed replacement.
    fn take_replacement(&mut self, number: u64) {
        let known = self.known.get_mut(&number).unwrap();
        let (kind, quantity) = known.asked.take().unwrap();
        if let Some(group) = known.order.group {
            let more = quantity.minus(known.order_qty).max(Quantity::ZERO);
            let most = self.group_most.get_mut(&group).unwrap();
            *most = most.plus(more);
        }
        known.earlier_kind = known.kind;
        known.kind = kind;
        known.order_qty = quantity;
    }

    fn bar(&mut self, start: model::Timestamp) -> Bar {
        let mut prices = [self.price(), self.price(), self.price(), self.price()];
        prices.sort();
        let [low, a, b, high] = prices;
        let (open, close) = if self.dice.roll(2) == 0 { (a, b) } else { (b, a) };
        let volume = Volume([0, 90, 1000, 100_000][self.dice.roll(4) as usize]);
        Bar { start, open, high, low, close, volume }
    }

    /// Books a report and checks what must hold of it; `bar` is the bar in progress.
    fn take(&mut self, report: ExecutionReport, bar: Option<&Bar>) {
        self.reports.push(report);
        let number = report.client_id.number.0;
        match report.exec {
            ExecType::Trade(fill) => self.take_fill(number, &report, fill, bar),
            ExecType::Restated { order_qty } => {
                let known = self.known.get_mut(&number).unwrap();
                assert!(known.cum_qty < order_qty && order_qty < known.order_qty, "{report:?}");
                known.order_qty = order_qty;
            }
            ExecType::Cancelled | ExecType::Expired | ExecType::Rejected(_) => {
                let known = self.known.get_mut(&number).unwrap();
                assert!(!known.over, "over twice: {report:?}");
                known.over = true;
            }
            ExecType::Replaced => self.take_replacement(number),
            _ => {}
        }
    }

    fn take_fill(
        &mut self,
        number: u64,
        report: &ExecutionReport,
        fill: model::Fill,
        bar: Option<&Bar>,
    ) {
        assert_eq!(fill.exec_id.as_str(), format!("S-{}", self.executions), "I4");
        self.executions += 1;
        let known = self.known.get_mut(&number).unwrap();
        assert!(!known.over && fill.quantity.is_positive(), "a fill after the end: {report:?}");
        known.cum_qty = known.cum_qty.plus(fill.quantity);
        assert!(known.cum_qty <= known.order_qty, "over-fill: {report:?}");
        known.over = known.cum_qty == known.order_qty;
        let value = fill.price.notional(fill.quantity).unwrap();
        known.value = known.value.plus(value);
        known.fee = known.fee.plus(fill.fee);
        let limits = [known.kind.limit(), known.earlier_kind.limit()];
        if let (Some(limit), Some(earlier)) = (limits[0], limits[1]) {
            // An amendment is in force from the next bar, so either limit may have held.
            let (low, high) = (limit.min(earlier), limit.max(earlier));
            let kept = if fill.side.is_buy() { fill.price <= high } else { fill.price >= low };
            assert!(kept, "beyond the limit: {report:?}");
        }
        if let Some(bar) = bar {
            let slipped = bar.high.offset(Price::from_raw(CENT), 1);
            let worst_buy = limits.iter().flatten().fold(slipped, |worst, &limit| worst.max(limit));
            let slipped = bar.low.offset(Price::from_raw(CENT), -1);
            let worst_sell =
                limits.iter().flatten().fold(slipped, |worst, &limit| worst.min(limit));
            let allowed = if fill.side.is_buy() {
                bar.low <= fill.price && fill.price <= worst_buy
            } else {
                worst_sell <= fill.price && fill.price <= bar.high
            };
            assert!(allowed, "outside the bar: {report:?} {bar:?}");
            let at_open_or_end = report.time == bar.start || report.time == bar.end();
            assert!(at_open_or_end, "{report:?}");
        }
        if let Some(group) = known.order.group {
            let filled = self.group_fills.entry(group).or_default();
            *filled = filled.plus(fill.quantity);
        }
        let sign = fill.side.sign();
        let position = &mut self.positions[report.symbol.index()];
        *position = Quantity::from_raw(position.raw() + sign * fill.quantity.raw());
        self.cash = Cash::from_raw(self.cash.raw() - sign * value.raw() - fill.fee.raw());
        self.fees = self.fees.plus(fill.fee);
    }

    fn drain(&mut self, bar: Option<&Bar>) -> i64 {
        let mut filled = 0;
        while let Some(report) = self.exchange.next_report() {
            if let ExecType::Trade(fill) = report.exec {
                filled += fill.quantity.shares();
            }
            self.take(report, bar);
            if bar.is_some() && matches!(report.exec, ExecType::Trade(_)) && self.dice.roll(3) == 0
            {
                let now = report.time;
                self.submit(report.symbol, now);
                self.amend(now);
            }
        }
        filled
    }

    fn play(&mut self) {
        let mut now = start();
        for _ in 0..30 {
            for symbol in 0..SYMBOLS {
                let symbol = SymbolId(u32::try_from(symbol).unwrap());
                if self.dice.roll(4) == 0 {
                    continue; // A minute without a trade.
                }
                let bar = self.bar(now);
                self.exchange.begin_bar(symbol, &bar, true);
                let filled = self.drain(Some(&bar));
                self.exchange.end_bar();
                self.drain(None);
                let most = bar.volume.part_ppm(100_000);
                let limited = !self.exchange.config().mode.is_comparison();
                assert!(!limited || filled <= most, "TF10: {filled} of {most}");
            }
            now = now.plus_nanos(MINUTE_NS);
            for _ in 0..self.dice.roll(3) {
                let symbol = SymbolId(u32::try_from(self.dice.roll(SYMBOLS)).unwrap());
                self.submit(symbol, now);
            }
            if self.dice.roll(3) == 0 {
                self.amend(now);
            }
            if self.dice.roll(12) == 0 {
                self.exchange.halt(SymbolId(0), true);
                self.exchange.halt(SymbolId(0), false);
            }
            self.drain(None);
        }
        self.exchange.close_session(now.plus_nanos(1));
        self.drain(None);
    }

    /// What must hold at the end of the day.
    fn check(&self) {
        assert_eq!(self.exchange.orders().count(), 0, "day orders end with the session");
        assert!(self.known.values().all(|known| known.over), "every order has an end");
        for (symbol, position) in self.positions.iter().enumerate() {
            let symbol = SymbolId(u32::try_from(symbol).unwrap());
            assert_eq!(self.exchange.position(symbol), *position);
        }
        // I11: cash moves by the signed value of the fills and the fees, exactly.
        let mut cash = Cash::ZERO.minus(self.fees);
        for known in self.known.values() {
            let value = known.value;
            cash = if known.order.side.is_buy() { cash.minus(value) } else { cash.plus(value) };
            self.check_commission(known);
        }
        assert_eq!(cash, self.cash);
        for (group, filled) in &self.group_fills {
            assert!(filled <= &self.group_most[group], "C16: group {group:?} closed {filled}");
        }
    }

    /// TK4: the order pays what one fill of all its shares would pay, and regulatory fees.
    fn check_commission(&self, known: &Known) {
        if known.cum_qty.is_zero() {
            return;
        }
        let average = known.value.per_share(known.cum_qty).unwrap();
        let mut whole = OrderCommission::new();
        let plan = CommissionPlan::IbkrFixed;
        let commission = whole.add(plan, Quantity::ZERO, known.cum_qty, average);
        let rest = known.fee.minus(commission).raw();
        // SEC and TAF of at most 6 cents on 4,000 dollars and 400 shares, CAT far below.
        let most = if known.order.side.is_buy() { CENT / 10 } else { 20 * CENT };
        assert!((-2..=most).contains(&rest), "commission {commission}, fees {}", known.fee);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    /// The invariants of the exchange hold in every mode, and equal calls give equal reports.
    #[test]
    fn invariants_hold(seed in any::<u64>(), mode in 0_usize..6) {
        let mode = FillMode::ALL[mode];
        let mut tester = Tester::new(seed, mode);
        tester.play();
        tester.check();
        let mut again = Tester::new(seed, mode);
        again.play();
        prop_assert_eq!(&tester.reports, &again.reports);
        let log = tester.exchange.executions();
        let trades: Vec<_> =
            tester.reports.iter().filter(|r| matches!(r.exec, ExecType::Trade(_))).collect();
        prop_assert_eq!(log.iter().collect::<Vec<_>>(), trades);
    }

    /// C16: the members of a group that exist from the start never close more than the largest of
    /// them holds, whatever fills first and however little volume there is.
    #[test]
    fn a_group_never_closes_more_than_its_largest_member(
        seed in any::<u64>(), mode in 0_usize..3, held in 1_i64..500,
    ) {
        let mut tester = Tester::new(seed, FillMode::ALL[mode]);
        let price = |cents: i64| Price::from_raw(cents * CENT);
        let half = (held / 2).max(1);
        let members = [
            (OrderRole::Stop, OrderKind::Stop { stop: price(990) }, held),
            (OrderRole::Target, OrderKind::Limit { limit: price(1010) }, half),
            (OrderRole::Close, OrderKind::Market, held),
        ];
        for (number, (role, kind, quantity)) in members.into_iter().enumerate() {
            tester.exchange.submit(&NewOrder {
                client_id: id(number as u64, 0, true),
                broker: BrokerId(0),
                symbol: SymbolId(0),
                side: Side::Sell,
                kind,
                quantity: shares(quantity),
                time_in_force: TimeInForce::Day,
                role,
                group: Some(GroupId(1)),
            }, start());
        }
        let mut sold = 0;
        for minute in 0..40 {
            let bar = tester.bar(start().plus_nanos(minute * MINUTE_NS));
            tester.exchange.begin_bar(SymbolId(0), &bar, true);
            while let Some(report) = tester.exchange.next_report() {
                if let ExecType::Trade(fill) = report.exec {
                    sold += fill.quantity.shares();
                }
            }
            tester.exchange.end_bar();
        }
        prop_assert!(sold <= held, "sold {} of {}", sold, held);
        // 40 bars, of which every fourth has no volume at all, are enough to be done.
        prop_assert!(sold == held || tester.exchange.orders().count() > 0);
    }
}
