//! A strategy whose entries rest and whose position is protected: what an emergency stop has to tell
//! apart. It can be told to hang, or to fail where the core cannot contain it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use engine::record::{DecodeError, Reader, Writer};
use engine::strategy_engine::{Context, Event, Finding, Plan, RuleInfo, Size, Strategy};
use model::{OrderKind, Ppm, Price, Quantity, SymbolId};

/// The strategy's name in a configuration.
pub(crate) const PATIENT: &str = "patient";

const CALM: u8 = 0;
const HANG: u8 = 1;
const FAIL: u8 = 2;

/// What the strategy is told to do wrong.
#[derive(Debug, Default)]
pub(crate) struct Trap {
    set: AtomicU8,
    sprung: AtomicU8,
}

impl Trap {
    /// The core's thread hangs at the next bar, until [`calm`](Self::calm).
    pub(crate) fn hang(&self) {
        self.set.store(HANG, Ordering::SeqCst);
    }

    /// The core fails at the next Mark.
    pub(crate) fn fail(&self) {
        self.set.store(FAIL, Ordering::SeqCst);
    }

    pub(crate) fn calm(&self) {
        self.set.store(CALM, Ordering::SeqCst);
    }

    pub(crate) fn has_sprung(&self) -> bool {
        self.sprung.load(Ordering::SeqCst) != CALM
    }

    fn is_set(&self, what: u8) -> bool {
        self.set.load(Ordering::SeqCst) == what
    }

    fn spring(&self) {
        self.sprung.store(1, Ordering::SeqCst);
    }
}

/// Holds the first symbol with a stop far below, and bids far below in all others.
#[derive(Debug)]
pub(crate) struct Patient {
    trap: Arc<Trap>,
}

impl Patient {
    pub(crate) fn new(trap: &Arc<Trap>) -> Self {
        Self { trap: Arc::clone(trap) }
    }
}

fn half(ctx: &Context<'_>, symbol: SymbolId, price: Price) -> Price {
    ctx.tick(symbol, price.times_ppm(Ppm(500_000).0))
}

impl Strategy for Patient {
    fn rules(&self) -> &'static [RuleInfo] {
        &[RuleInfo { id: "open", text: "flat", values: &["step"] }]
    }

    fn prepare(&mut self, _: usize) {}

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        let Event::Bar { symbol, bar } = event else { return };
        while self.trap.is_set(HANG) {
            self.trap.spring();
            std::thread::sleep(Duration::from_millis(5));
        }
        let Some(session) = ctx.session().filter(|session| bar.start >= session.open) else {
            return;
        };
        if symbol.0 > 2 || ctx.position(symbol).is_some() || ctx.working_entry(symbol).is_some() {
            return;
        }
        let low = half(ctx, symbol, bar.close);
        let bids = symbol != SymbolId(0);
        let entry = if bids { OrderKind::Limit { limit: low } } else { OrderKind::Market };
        let reference = if bids { low } else { bar.close };
        let plan = Plan {
            entry,
            reference,
            stop: Some(half(ctx, symbol, reference)),
            size: Size::Fixed(Quantity::from_shares(1).unwrap()),
            expires: Some(session.close),
            ..Plan::default()
        };
        ctx.enter(symbol, plan, Finding::new(0, &[1.0]));
    }

    fn save(&self, _: &mut Writer) {
        if self.trap.is_set(FAIL) {
            self.trap.spring();
            panic!("expected by this test: the core fails at a Mark");
        }
    }

    fn load(&mut self, _: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}
