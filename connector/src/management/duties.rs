//! Obligations under agreements: looked at, and stated to be met.

use super::Api;
use super::input::Body;
use super::operations::{Method, Operation, filters};
use super::paging::{Order, Page, Query};
use super::problem::Problem;
use crate::control::protocol::{Duty, DutyLine, DutyStanding, Side};
use crate::duties;
use axum::Json;
use axum::extract::{RawQuery, State};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = filters! {
    "side": "only those under agreements in which this connector is `consumer` or `provider`",
    "counterparty": "only those under agreements with this participant",
    "agreement": "only those under this agreement",
    "state": "only those that are `open`, `due-soon`, `overdue`, `stated` or `fulfilled`",
};

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Get,
            "/duties",
            "listDuties",
            "Lists obligations under agreements, what is due first: whose they are, by when, and what was stated of them",
            list,
        )
        .query(FILTERS)
        .gives::<Page<DutyLine>>(200),
        Operation::new(
            Post,
            "/duties/fulfilment",
            "fulfilDuty",
            "States that an obligation of ours was met: what is to be deleted is deleted here, recorded, and brought to the other end",
            fulfil,
        )
        .takes::<Fulfilment>()
        .gives::<DutyLine>(200),
    ]
}

/// That an obligation was met.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fulfilment {
    /// The agreement.
    agreement: String,
    /// Name of the obligation, or its action where there is one of it only.
    obligation: String,
    /// What was done, in words: recorded by both ends.
    statement: String,
}

async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<DutyLine>>, Problem> {
    let query = Query::read(query.as_deref(), FILTERS)?;
    let states = DutyStanding::ALL.map(DutyStanding::as_str);
    let side = query.one_of("side", &["consumer", "provider"])?;
    let side = side.map(|side| {
        if side == "consumer" {
            Side::Consumer
        } else {
            Side::Provider
        }
    });
    let state = query.one_of("state", &states)?.map(str::to_owned);
    let of = |name: &str| query.get(name).map(str::to_owned);
    let (other, agreement) = (of("counterparty"), of("agreement"));
    let mut all = api
        .read(move |node| {
            let all = duties::all(node, |entry| {
                agreement.as_ref().is_none_or(|id| *id == entry.id)
                    && other.as_deref().is_none_or(|other| entry.other.as_str() == other)
            });
            all.map_err(Problem::from)
        })
        .await?;
    all.retain(|line| {
        side.is_none_or(|side| line.side == side) && state.as_deref().is_none_or(|state| line.state.as_str() == state)
    });
    query.page(all, Order::Ascending, duties::order).map(Json)
}

async fn fulfil(State(api): State<Arc<Api>>, Body(met): Body<Fulfilment>) -> Result<Json<DutyLine>, Problem> {
    let request = Duty::Fulfil {
        agreement: met.agreement,
        obligation: met.obligation,
        statement: met.statement,
    };
    api.command(&request).await.map(Json)
}
