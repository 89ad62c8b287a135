//! Agreements: looked at, and ended.

use super::Api;
use super::input::{Body, Named};
use super::operations::{Method, Operation, filters};
use super::paging::{Order, Page, Query};
use super::problem::Problem;
use super::views::moment;
use crate::commands::agreement_line;
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = filters! {
    "side": "only those in which this connector is `consumer` or `provider`",
    "counterparty": "only those with this participant",
    "dataset": "only those about this dataset or model",
    "ended": "`true`: only those that were ended; `false`: only the others",
};
const SIDE: &[(&str, &str)] = &[(
    "side",
    "`consumer` or `provider`; needed only where this connector has agreements of one identifier on both sides",
)];

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(Get, "/agreements", "listAgreements", "Lists agreements, those that have ended too", list)
            .query(FILTERS)
            .gives::<Page<Agreed>>(200),
        Operation::new(Get, "/agreements/{id}", "getAgreement", "Shows an agreement with its policy", show)
            .query(SIDE)
            .gives::<Whole>(200),
        Operation::new(Post, "/agreements/{id}/termination", "terminateAgreement", "Ends an agreement: recorded, and all access under it closed at once; the other end is told of each transfer that ends", terminate)
            .query(SIDE)
            .takes::<Termination>()
            .gives::<Ending>(200),
    ]
}

/// An agreement.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Agreement")]
struct Agreed {
    /// Its identifier.
    id: String,
    /// Which end this connector is: `consumer` or `provider`.
    side: &'static str,
    /// The participant at the other end.
    counterparty: String,
    /// The dataset or model that it is about.
    dataset: String,
    /// The policy in a line of words.
    policy: String,
    /// How it is with use: `open until <date>`, `open, no end stated`, or `closed: <why>`.
    access: String,
    /// Until when it may be used, if the policy says so (RFC 3339).
    open_until: Option<String>,
    /// Why it was ended; nothing while it is in force.
    ended: Option<String>,
    /// Whether the other end keeps no log, so that nothing under it is decision-grade.
    one_sided: bool,
}

/// An agreement with its policy.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AgreementWithPolicy")]
struct Whole {
    /// What the list shows of it.
    #[serde(flatten)]
    agreed: Agreed,
    /// What the data was said to be for when it was negotiated.
    purpose: Option<String>,
    /// On what legal basis, as it was said then.
    legal_basis: Option<String>,
    /// For which area, as it was said then.
    area_of_use: Option<String>,
    /// Versioned base address of the other end's Dataspace Protocol.
    address: String,
    /// SHA-256 of the agreement in RFC 8785 form, as recorded.
    sha256: String,
    /// The agreement as the protocol carried it.
    agreement: Value,
}

/// Why an agreement is ended.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Termination {
    /// Why: recorded, and read by the other end.
    reason: String,
}

/// What the end of an agreement came to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EndedAgreement")]
struct Ending {
    /// The agreement.
    #[serde(flatten)]
    agreed: Agreed,
    /// The transfers that ended with it, by this connector's identifiers.
    transfers: Vec<String>,
    /// Index of the record in the log.
    index: u64,
}

impl Agreed {
    fn of(node: &Node, entry: AgreementEntry) -> Result<Self, Problem> {
        let (side, ended, one_sided) = (entry.side.as_str(), entry.terminated.clone(), entry.is_one_sided());
        let line = agreement_line(node, entry)?;
        let open_until = line.open_until_ms.map(moment);
        Ok(Self {
            id: line.agreement,
            side,
            counterparty: line.other.to_string(),
            dataset: line.dataset,
            policy: line.policy,
            access: match (&line.closed, &open_until) {
                (Some(why), _) => format!("closed: {why}"),
                (None, Some(until)) => format!("open until {until}"),
                (None, None) => "open, no end stated".to_owned(),
            },
            open_until,
            ended,
            one_sided,
        })
    }
}

async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<Agreed>>, Problem> {
    let query = Query::read(query.as_deref(), FILTERS)?;
    let side = query.one_of("side", &["consumer", "provider"])?;
    let ended = query.one_of("ended", &["true", "false"])?;
    let (peer, dataset) = (query.get("counterparty"), query.get("dataset"));
    let mut all = api.node.state.scan::<AgreementEntry>("agreement/")?;
    all.retain(|(_, entry)| {
        side.is_none_or(|side| entry.side.as_str() == side)
            && ended.is_none_or(|ended| (ended == "true") == entry.terminated.is_some())
            && peer.is_none_or(|peer| entry.other.as_str() == peer)
            && dataset.is_none_or(|id| entry.target == id)
    });
    let page = query.page(all, Order::Ascending, |(key, _)| key.clone())?;
    page.show(|(_, entry)| Agreed::of(&api.node, entry)).map(Json)
}

/// The agreement that is named: its identifier is the provider's choice, so it may be there once for each side.
fn found(node: &Node, id: &str, query: Option<&str>) -> Result<AgreementEntry, Problem> {
    let query = Query::read(query, SIDE)?;
    let side = query.one_of("side", &["consumer", "provider"])?;
    let sides = [Side::Consumer, Side::Provider]
        .into_iter()
        .filter(|s| side.is_none_or(|side| s.as_str() == side));
    let entries = sides.map(|side| node.state.get::<AgreementEntry>(&AgreementEntry::key(id, side)));
    let entries: Vec<AgreementEntry> = entries.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    match <[AgreementEntry; 1]>::try_from(entries) {
        Ok([entry]) => Ok(entry),
        Err(none) if none.is_empty() => Err(Problem::missing(
            format!("there is no agreement `{id}` here"),
            "list them with GET /management/v1/agreements",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::CONFLICT,
            "two-sides",
            format!("this connector has an agreement `{id}` as the consumer and another as the provider"),
        )
        .next("say which one is meant: `?side=consumer` or `?side=provider`")),
    }
}

async fn show(
    State(api): State<Arc<Api>>,
    Named(id): Named,
    RawQuery(query): RawQuery,
) -> Result<Json<Whole>, Problem> {
    let entry = found(&api.node, &id, query.as_deref())?;
    Ok(Json(Whole {
        purpose: entry.declares.purpose.clone(),
        legal_basis: entry.declares.legal_basis.clone(),
        area_of_use: entry.declares.area_of_use.clone(),
        address: entry.other_base.clone(),
        sha256: entry.sha256.clone(),
        agreement: entry.agreement.clone(),
        agreed: Agreed::of(&api.node, entry)?,
    }))
}

async fn terminate(
    State(api): State<Arc<Api>>,
    Named(id): Named,
    RawQuery(query): RawQuery,
    Body(why): Body<Termination>,
) -> Result<Json<Ending>, Problem> {
    let entry = found(&api.node, &id, query.as_deref())?;
    if why.reason.trim().is_empty() {
        return Err(
            Problem::malformed("`reason` is empty").expected("why the agreement ends, in a few words: it is recorded")
        );
    }
    let node = api.node.clone();
    // In a task of its own: a caller that goes away must not leave it half done.
    let ending = tokio::spawn(async move {
        node.negotiator
            .end_agreement(&node, &entry.id, entry.side, &why.reason)
            .await
    });
    let ended = ending.await.map_err(Problem::failed)??;
    Ok(Json(Ending {
        agreed: Agreed::of(&api.node, ended.agreement)?,
        transfers: ended.transfers.iter().map(ToString::to_string).collect(),
        index: ended.index,
    }))
}
