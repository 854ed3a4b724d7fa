//! Corporate actions become due, and what follows from them (F27).
//!
//! An action happens before the session of its ex-date begins, in the order of announcement.
//! Working entries of a symbol that splits are withdrawn: their strategy states them anew, and the
//! gate judges them in new shares (C03). Exits are restated as the broker restates them and settled;
//! nothing of this blocks them (I14). Whatever does not add up blocks the symbol.

use model::{ActionKind, BrokerId, CorporateAction, Date, Price, Quantity, SymbolId};

use super::exits;
use crate::alert_system::AlertKind;
use crate::books::Announced;
use crate::desk::Desk;
use crate::fact::{ActionEffect, Fact, SlotKey};
use crate::risk_manager::{Block, BlockReason, Scope};

/// Takes an announcement in; an action whose session has begun happens at once.
pub(crate) fn on_announced(desk: &mut Desk<'_>, action: &CorporateAction, announced: Announced) {
    if let Announced::Differs(known) = announced {
        let block = Block::new(Scope::Symbol(action.symbol), BlockReason::CorporateAction);
        desk.block(block, || {
            format!("{} was announced before as {}", in_words(action), in_words(&known))
        });
    }
    if let Some(session) = desk.analysis.session.as_ref().map(|session| session.date) {
        happen(desk, session);
    }
}

/// Lets every action happen whose ex-date is the session or before it.
pub(crate) fn happen(desk: &mut Desk<'_>, session: Date) {
    while let Some(action) =
        desk.books().actions().pending().iter().find(|action| action.ex_date <= session).copied()
    {
        happen_once(desk, &action, session);
    }
}

fn happen_once(desk: &mut Desk<'_>, action: &CorporateAction, session: Date) {
    let symbol = action.symbol;
    let too_late = is_too_late(desk, action, session);
    let affected = desk.books().is_symbol_active(symbol) || !held(desk, symbol).is_zero();
    let last = desk.mark(symbol);
    let cash_in_lieu = match action.kind {
        ActionKind::Split { cash_in_lieu: Some(price), .. } => price,
        _ => action.level(last).max(Price::ZERO),
    };
    let effect = ActionEffect { action: *action, time: desk.now, cash_in_lieu, too_late };
    desk.emit(Fact::Action(Box::new(effect)));
    if too_late {
        if affected {
            let block = Block::new(Scope::Symbol(symbol), BlockReason::CorporateAction);
            desk.block(block, || {
                format!(
                    "{} of {} came after its session: compare position and orders with the \
                     broker's, adjust, then resume",
                    in_words(action),
                    action.ex_date
                )
            });
        }
        return;
    }
    desk.analysis.restate(action);
    if affected {
        desk.alert(AlertKind::CorporateAction, Some(symbol), None, || {
            format!("{} of {} is booked", in_words(action), action.ex_date)
        });
    }
    if matches!(action.kind, ActionKind::Split { .. }) {
        desk.cancel_entries(Scope::Symbol(symbol));
    }
    let strategies = desk.books().active_in(symbol).to_vec();
    for strategy in strategies {
        exits::settle(desk, SlotKey { strategy, symbol });
    }
}

/// Returns true when shares may have been traded since the action: which of them are new ones
/// already, nobody can say any more.
fn is_too_late(desk: &Desk<'_>, action: &CorporateAction, session: Date) -> bool {
    if session != desk.books().day().session {
        return false;
    }
    let begun = desk.analysis.session.as_ref().map(|session| session.pre_open);
    let traded = |strategy| {
        let position = desk.books().position(SlotKey { strategy, symbol: action.symbol });
        position.zip(begun).is_some_and(|(position, begun)| position.last_fill >= begun)
    };
    action.ex_date < session
        || desk.books().active_in(action.symbol).iter().any(|&strategy| traded(strategy))
}

/// A broker says what it holds after an action: a difference blocks the symbol until the figures
/// agree or a person resumes it.
pub(crate) fn on_booked(desk: &mut Desk<'_>, broker: BrokerId, symbol: SymbolId, held: Quantity) {
    let ours = desk.books().held_at(broker, symbol);
    let block = Block::new(Scope::Symbol(symbol), BlockReason::CorporateAction);
    if ours == held {
        desk.lift(block);
    } else {
        desk.block(block, || {
            format!(
                "after a corporate action broker {} holds {held} shares, the books {ours}: adjust \
                 the position, then resume the symbol",
                broker.0
            )
        });
    }
}

fn held(desk: &Desk<'_>, symbol: SymbolId) -> Quantity {
    let beyond = desk.books().externals().iter().filter(|e| e.symbol == symbol);
    beyond.fold(Quantity::ZERO, |sum, external| sum.plus(external.quantity.abs()))
}

fn in_words(action: &CorporateAction) -> String {
    match action.kind {
        ActionKind::Split { ratio, .. } => format!("a split {ratio}"),
        ActionKind::Dividend { per_share } => format!("a dividend of {per_share} a share"),
        ActionKind::Rename { to } => format!("a change of name to {to}"),
    }
}
