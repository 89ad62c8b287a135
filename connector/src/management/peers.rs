//! Other participants: what they offer.

use super::Api;
use super::operations::{Method, Operation, filters};
use super::paging::{Order, Page, Query};
use super::problem::Problem;
use super::views::participant;
use crate::control::protocol::{Catalog, CatalogLine};
use axum::Json;
use axum::extract::{RawQuery, State};
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = filters! {
    "counterparty": "whose catalogue: the participant's identifier; required",
};

pub(super) fn operations() -> Vec<Operation> {
    use Method::Get;
    vec![
        Operation::new(
            Get,
            "/catalog",
            "getCatalog",
            "Asks another participant what it offers, and lists it",
            catalogue,
        )
        .query(FILTERS)
        .gives::<Page<CatalogLine>>(200),
    ]
}

async fn catalogue(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<CatalogLine>>, Problem> {
    let query = Query::read(query.as_deref(), FILTERS)?;
    let peer = query.get("counterparty").ok_or_else(|| {
        Problem::malformed("whose catalogue is meant is not said")
            .expected("`?counterparty=` and a participant's identifier")
    })?;
    let peer = participant(peer)?.to_string();
    let answer = api
        .command(&Catalog {
            peer,
            limit: None,
            filter: Vec::new(),
        })
        .await?;
    query
        .page(answer.datasets, Order::Ascending, |line| line.id.clone())
        .map(Json)
}
