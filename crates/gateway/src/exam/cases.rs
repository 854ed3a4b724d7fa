//! The questions of the exam.

use model::{
    Ask, ExecType, OrderKind, OrderState, Price, Quantity, RejectClass, RejectReason, SCALE,
    SendOutcome, UnknownCause,
};

use super::room::{Failure, Room, fill_of, same};
use crate::broker::Answer;

/// A case.
type Case = for<'r, 'e> fn(&'r mut Room<'e>) -> Answer<'r, Result<(), Failure>>;

/// All cases with what they are about.
pub const CASES: [(&str, Case); 10] = [
    ("an order is taken, listed and cancelled", |room| Box::pin(taken(room))),
    ("a malformed order is refused", |room| Box::pin(refused(room))),
    ("a fill is reported, listed and held (I3)", |room| Box::pin(filled(room))),
    ("a partial fill, then a cancel (F08)", |room| Box::pin(partly_filled(room))),
    ("a cancel that comes too late (F09)", |room| Box::pin(too_late(room))),
    ("a replacement (R9)", |room| Box::pin(replaced(room))),
    ("an id that was used before (R10)", |room| Box::pin(duplicate(room))),
    ("an id that was never used (R7)", |room| Box::pin(unknown(room))),
    ("answers agree with reports (C34)", |room| Box::pin(consistent(room))),
    ("a new connection tells nothing twice (F14)", |room| Box::pin(reconnected(room))),
];

fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap_or_default()
}

/// A limit so far from the market that it rests.
fn resting(room: &Room<'_>) -> OrderKind {
    let (_, price) = room.examinee.market();
    let away = Price::from_raw(price.raw() / 2 / SCALE * SCALE);
    let limit = if room.examinee.side().is_buy() { away } else { price.plus(away) };
    OrderKind::Limit { limit }
}

async fn rest(room: &mut Room<'_>, quantity: i64) -> Result<model::NewOrder, Failure> {
    let kind = resting(room);
    let order = room.examinee.order(kind, shares(quantity));
    same("the outcome", room.submit(&order).await?, SendOutcome::Accepted)?;
    room.report(order.client_id, "the report of an order at the market", is_there).await?;
    Ok(order)
}

fn is_there(exec: ExecType) -> bool {
    matches!(exec, ExecType::New | ExecType::Accepted)
}

async fn taken(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = rest(room, 10).await?;
    let listed = room.orders(Ask::OpenOrders).await?;
    let ids: Vec<_> = listed.iter().map(|row| row.client_id).collect();
    same("open orders", ids, vec![Some(order.client_id)])?;
    let row = room.order(order.client_id).await?;
    let found = row.map(|row| (row.symbol, row.side, row.quantity, row.filled));
    let wanted = (Some(order.symbol), order.side, order.quantity, Quantity::ZERO);
    same("the order by its id", found, Some(wanted))?;
    same("the cancel", room.cancel(order.client_id).await?, SendOutcome::Accepted)?;
    room.report(order.client_id, "the cancellation", |exec| exec == ExecType::Cancelled).await?;
    same("open orders at the end", room.orders(Ask::OpenOrders).await?.len(), 0)?;
    let state = room.order(order.client_id).await?.map(|row| row.state);
    same("its state", state, Some(OrderState::Cancelled))
}

async fn refused(room: &mut Room<'_>) -> Result<(), Failure> {
    let kind = OrderKind::Limit { limit: Price::from_raw(-1) };
    let order = room.examinee.order(kind, shares(10));
    let outcome = room.submit(&order).await?;
    same("the outcome", outcome, SendOutcome::Rejected(RejectReason::Invalid))?;
    same("open orders", room.orders(Ask::OpenOrders).await?.len(), 0)
}

async fn buy(room: &mut Room<'_>, quantity: i64) -> Result<model::NewOrder, Failure> {
    let order = room.examinee.order(OrderKind::Market, shares(quantity));
    same("the outcome", room.submit(&order).await?, SendOutcome::Accepted)?;
    let (_, price) = room.examinee.market();
    room.trade(price, shares(quantity)).await;
    room.filled(order.client_id, shares(quantity)).await?;
    Ok(order)
}

async fn filled(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = buy(room, 10).await?;
    let held = if order.side.is_buy() { shares(10) } else { shares(-10) };
    same("the position", room.position().await?, held)?;
    let row = room.order(order.client_id).await?.map(|row| (row.filled, row.state));
    same("the order by its id", row, Some((shares(10), OrderState::Filled)))?;
    let cash = room.account().await?.cash;
    if cash.is_zero() { Err(Failure::new("the account has no cash")) } else { Ok(()) }
}

async fn partly_filled(room: &mut Room<'_>) -> Result<(), Failure> {
    let (_, price) = room.examinee.market();
    let order = room.examinee.order(OrderKind::Market, shares(100));
    same("the outcome", room.submit(&order).await?, SendOutcome::Accepted)?;
    room.trade(price, shares(40)).await;
    room.filled(order.client_id, shares(40)).await?;
    let row = room.order(order.client_id).await?.map(|row| (row.filled, row.state));
    same("the order", row, Some((shares(40), OrderState::PartiallyFilled)))?;
    same("the cancel", room.cancel(order.client_id).await?, SendOutcome::Accepted)?;
    room.report(order.client_id, "the cancellation", |exec| exec == ExecType::Cancelled).await?;
    room.trade(price, shares(100)).await;
    room.listen().await;
    room.filled(order.client_id, shares(40)).await?;
    same("the position", room.position().await?.abs(), shares(40))
}

async fn too_late(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = buy(room, 10).await?;
    let outcome = room.cancel(order.client_id).await?;
    same("the cancel", outcome, SendOutcome::Rejected(RejectReason::TooLate))?;
    let state = room.order(order.client_id).await?.map(|row| row.state);
    same("its state", state, Some(OrderState::Filled))
}

async fn replaced(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = rest(room, 10).await?;
    let kind = resting(room);
    let (new, outcome) = room.replace(&order, kind, shares(20)).await?;
    same("the outcome", outcome, SendOutcome::Accepted)?;
    room.report(new, "the replacement", |exec| exec == ExecType::Replaced).await?;
    let row = room.order(new).await?.map(|row| row.quantity);
    same("the new quantity", row, Some(shares(20)))?;
    let open = room.orders(Ask::OpenOrders).await?;
    same("open orders", open.iter().map(|row| row.client_id).collect(), vec![Some(new)])?;
    let (_, again) = room.replace(&order, kind, shares(30)).await?;
    if again == SendOutcome::Accepted {
        return Err(Failure::new("an order that was replaced could be replaced again"));
    }
    same("the cancel", room.cancel(new).await?, SendOutcome::Accepted)
}

async fn duplicate(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = rest(room, 10).await?;
    // The dispatcher takes the same attempt a second time only when it is not more shares.
    let again = room.submit(&model::NewOrder { quantity: Quantity::ZERO, ..order }).await?;
    let exists = match again {
        SendOutcome::Unknown(cause) => cause == UnknownCause::DuplicateId,
        SendOutcome::Rejected(reason) => reason.class() == RejectClass::Exists,
        _ => false,
    };
    if !exists {
        return Err(Failure::new(format!("the same id again: {again:?}")));
    }
    let open = room.orders(Ask::OpenOrders).await?;
    let found: Vec<_> = open.iter().map(|row| (row.client_id, row.quantity)).collect();
    same("open orders", found, vec![(Some(order.client_id), shares(10))])
}

async fn unknown(room: &mut Room<'_>) -> Result<(), Failure> {
    let id = room.examinee.unused();
    same("the order", room.order(id).await?, None)?;
    let outcome = room.cancel(id).await?;
    same("the cancel", outcome, SendOutcome::Rejected(RejectReason::UnknownOrder))
}

async fn consistent(room: &mut Room<'_>) -> Result<(), Failure> {
    for quantity in [10, 20, 30] {
        buy(room, quantity).await?;
    }
    let mut told: Vec<_> = room.reports.iter().filter_map(fill_of).collect();
    let mut listed: Vec<_> = room.executions().await?.iter().map(|row| row.fill).collect();
    told.sort_by_key(|fill| fill.exec_id);
    listed.sort_by_key(|fill| fill.exec_id);
    same("executions", &listed, &told)?;
    if listed.windows(2).any(|pair| matches!(pair, [a, b] if a.exec_id == b.exec_id)) {
        return Err(Failure::new("two executions have one id"));
    }
    same("the position", room.position().await?.abs(), shares(60))
}

async fn reconnected(room: &mut Room<'_>) -> Result<(), Failure> {
    let order = rest(room, 10).await?;
    buy(room, 20).await?;
    let (open, position) = (room.orders(Ask::OpenOrders).await?, room.position().await?);
    let told = room.reports.len();
    if !room.reconnect().await? {
        return Ok(());
    }
    room.listen().await;
    same("reports after it", room.reports.len(), told)?;
    same("open orders", room.orders(Ask::OpenOrders).await?, open)?;
    same("the position", room.position().await?, position)?;
    same("a cancel over it", room.cancel(order.client_id).await?, SendOutcome::Accepted)?;
    room.report(order.client_id, "the cancellation", |exec| exec == ExecType::Cancelled).await?;
    Ok(())
}
