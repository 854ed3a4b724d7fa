//! What is read: the last view, and pages of what happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use model::{ClientOrderId, Date};
use runtime::view::{
    AlertRow, DecisionRow, FillRow, Health, Lists, OrderRow, Page, PositionRow, QueueRow, RiskRow,
    Status, StrategyRow, TradeRow,
};
use serde::Deserialize;

use crate::api::Api;
use crate::problem::Problem;

/// Rows of a page unless another number is asked for.
const PAGE: usize = 100;

/// Which part of a list is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most rows, at most 1000 [100].
    limit: Option<usize>,
}

impl Part {
    fn read(&self) -> Result<(Option<u64>, usize), Problem> {
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        let cursor =
            cursor.map_err(|_| Problem::bad("cursor: take next_cursor of a page as it is"))?;
        Ok((cursor, self.limit.unwrap_or(PAGE)))
    }
}

/// Which decisions are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// A symbol of the run; all when it is left out.
    symbol: Option<String>,
    /// A date in New York; all that are kept when it is left out.
    date: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most rows, at most 1000 [100].
    limit: Option<usize>,
}

/// A query string that was read, or why it was not.
type Asked<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|error| Problem::bad(error.body_text()))
}

/// Takes a page of rows of the view, newest first.
fn slice<T: Clone>(rows: &[T], part: &Part) -> Result<Page<T>, Problem> {
    let (cursor, limit) = part.read()?;
    // The place counts from the end, so that it falls along the list.
    let count = rows.len() as u64;
    let placed: Vec<(u64, &T)> = (0..count).rev().zip(rows).collect();
    let page = Page::of(placed.iter(), |(place, _)| *place, cursor, limit);
    let items = page.items.into_iter().map(|(_, row)| row.clone()).collect();
    Ok(Page { items, next_cursor: page.next_cursor })
}

fn listed<T>(
    api: &Api,
    query: Asked<Part>,
    read: impl Fn(&Lists, Option<u64>, usize) -> Page<T>,
) -> Result<Json<Page<T>>, Problem> {
    let (cursor, limit) = asked(query)?.read()?;
    let mut page = None;
    api.system.lists(&mut |lists| page = Some(read(lists, cursor, limit)));
    page.map(Json).ok_or_else(Problem::internal)
}

/// What the system is doing
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = Status)))]
pub(crate) async fn status(State(api): State<Arc<Api>>) -> Json<Status> {
    Json(api.system.view().status.clone())
}

/// The eight components
#[utoipa::path(get, path = "/api/v1/components", responses((status = 200, body = Health)))]
pub(crate) async fn components(State(api): State<Arc<Api>>) -> Json<Health> {
    Json(api.health())
}

/// The six queues
#[utoipa::path(
    get,
    path = "/api/v1/queues",
    responses((status = 200, body = BTreeMap<String, QueueRow>))
)]
pub(crate) async fn queues(State(api): State<Arc<Api>>) -> Json<BTreeMap<&'static str, QueueRow>> {
    Json(api.system.view().status.queues.clone())
}

/// Open positions
#[utoipa::path(
    get,
    path = "/api/v1/positions",
    params(Part),
    responses((status = 200, body = Page<PositionRow>))
)]
pub(crate) async fn positions(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<PositionRow>>, Problem> {
    slice(&api.system.view().positions, &asked(part)?).map(Json)
}

/// Orders, newest first: all open ones and the newest finished ones
#[utoipa::path(
    get,
    path = "/api/v1/orders",
    params(Part),
    responses((status = 200, body = Page<OrderRow>))
)]
pub(crate) async fn orders(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<OrderRow>>, Problem> {
    let (cursor, limit) = asked(part)?.read()?;
    let view = api.system.view();
    let number = |row: &OrderRow| row.client_id.number.0;
    Ok(Json(Page::of(view.orders.iter(), number, cursor, limit)))
}

/// One order
#[utoipa::path(
    get,
    path = "/api/v1/orders/{client_id}",
    params(("client_id" = String, Path, description = "our id, of whichever attempt")),
    responses((status = 200, body = OrderRow), (status = 404, body = Problem))
)]
pub(crate) async fn order(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Json<OrderRow>, Problem> {
    let unknown = || Problem::not_found("no order of this system has that id");
    let id: ClientOrderId = id.parse().map_err(|_| unknown())?;
    api.system.view().order(id).cloned().map(Json).ok_or_else(unknown)
}

/// Executions, newest first
#[utoipa::path(
    get,
    path = "/api/v1/fills",
    params(Part),
    responses((status = 200, body = Page<FillRow>))
)]
pub(crate) async fn fills(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<FillRow>>, Problem> {
    listed(&api, part, Lists::fills)
}

/// Closed trades, newest first
#[utoipa::path(
    get,
    path = "/api/v1/trades",
    params(Part),
    responses((status = 200, body = Page<TradeRow>))
)]
pub(crate) async fn trades(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<TradeRow>>, Problem> {
    listed(&api, part, Lists::trades)
}

/// Alerts, newest first
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    params(Part),
    responses((status = 200, body = Page<AlertRow>))
)]
pub(crate) async fn alerts(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<AlertRow>>, Problem> {
    listed(&api, part, Lists::alerts)
}

/// Evaluations that led to an order, to an exit, or were refused, newest first
#[utoipa::path(
    get,
    path = "/api/v1/signals",
    params(Part),
    responses((status = 200, body = Page<DecisionRow>))
)]
pub(crate) async fn signals(
    State(api): State<Arc<Api>>,
    part: Asked<Part>,
) -> Result<Json<Page<DecisionRow>>, Problem> {
    listed(&api, part, Lists::signals)
}

/// Why each strategy did or did not trade, newest first
#[utoipa::path(
    get,
    path = "/api/v1/decisions",
    params(Which),
    responses((status = 200, body = Page<DecisionRow>), (status = 422, body = Problem))
)]
pub(crate) async fn decisions(
    State(api): State<Arc<Api>>,
    which: Asked<Which>,
) -> Result<Json<Page<DecisionRow>>, Problem> {
    let Which { symbol, date, cursor, limit } = asked(which)?;
    let (cursor, limit) = Part { cursor, limit }.read()?;
    let run = api.system.run();
    let symbol = symbol.map(|name| run.find_symbol(&name)).transpose();
    let symbol = symbol.map_err(|error| Problem::invalid(error.to_string()))?;
    let date: Option<Date> = date
        .map(|date| date.parse())
        .transpose()
        .map_err(|error: model::ParseTimeError| Problem::invalid(error.to_string()))?;
    let mut page = None;
    api.system.lists(&mut |lists| page = Some(lists.decisions(symbol, date, cursor, limit)));
    page.map(Json).ok_or_else(Problem::internal)
}

/// Every control with its limit, its use and when it last acted
#[utoipa::path(get, path = "/api/v1/risk", responses((status = 200, body = Vec<RiskRow>)))]
pub(crate) async fn risk(State(api): State<Arc<Api>>) -> Json<Vec<RiskRow>> {
    Json(api.system.view().risk.clone())
}

/// The strategies of the run
#[utoipa::path(
    get,
    path = "/api/v1/strategies",
    responses((status = 200, body = Vec<StrategyRow>))
)]
pub(crate) async fn strategies(State(api): State<Arc<Api>>) -> Json<Vec<StrategyRow>> {
    Json(api.system.view().strategies.clone())
}
