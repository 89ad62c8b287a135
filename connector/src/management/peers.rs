//! Other participants: what they offer, and what of them is trusted.

use super::Api;
use super::operations::{Method, Operation, filters};
use super::paging::{Order, Page, Query};
use super::problem::Problem;
use super::views::participant;
use crate::control::protocol::{Catalog, CatalogLine};
use axum::Json;
use axum::extract::{RawQuery, State};
use schemars::JsonSchema;
use serde::Serialize;
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
        Operation::new(
            Get,
            "/trust",
            "getTrust",
            "Shows who and what is trusted, and where each of it is set",
            trust,
        )
        .gives::<Trust>(200),
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

/// What is trusted. It is read from the configuration, and changed there: a change takes effect at the next start.
#[derive(Serialize, JsonSchema)]
struct Trust {
    /// Who may issue which types of credentials.
    issuers: Setting<Vec<Issuer>>,
    /// Types of credentials that every participant has to present.
    required_credentials: Setting<Vec<String>>,
    /// The only participants that are dealt with; `null`: everybody with the required credentials.
    peers: Setting<Option<Vec<String>>>,
    /// Participants without a log, that are dealt with all the same; nothing exchanged with them is decision-grade.
    one_sided: Setting<Vec<String>>,
    /// Witnesses that cosign this log's checkpoints.
    witnesses: Setting<Vec<WitnessOfOurs>>,
    /// Cosignatures that make a record witnessed.
    quorum: Setting<usize>,
    /// Certificate authorities trusted for TLS instead of those of the operating system; with none, those.
    tls_authorities: Setting<Vec<String>>,
    /// Development shortcuts that are on: each of them lowers what is asked of others.
    development: Setting<Vec<String>>,
}

/// A setting, and where it is set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SettingOf{T}")]
struct Setting<T> {
    /// What holds.
    value: T,
    /// The key in herleid.toml, and the variable that overrides it.
    set_by: String,
}

/// Who may issue credentials.
#[derive(Serialize, JsonSchema)]
struct Issuer {
    /// Who.
    did: String,
    /// Which types.
    types: Vec<String>,
}

/// A witness of this log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Witness")]
struct WitnessOfOurs {
    /// Its verifier key (C2SP signed-note).
    verifier_key: String,
    /// Where it is asked.
    url: String,
}

fn setting<T>(value: T, path: &str) -> Setting<T> {
    let variable = crate::config::keys::find(path)
        .map(|key| key.variable())
        .unwrap_or_default();
    Setting {
        value,
        set_by: format!("`{path}` in herleid.toml, or {variable}"),
    }
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

async fn trust(State(api): State<Arc<Api>>) -> Json<Trust> {
    let config = &api.node.config;
    let trust = &config.trust;
    let issuers = trust.issuers.iter().map(|issuer| Issuer {
        did: issuer.did.to_string(),
        types: issuer.types.clone(),
    });
    let witnesses = trust.witnesses.iter().map(|witness| WitnessOfOurs {
        verifier_key: witness.verifier.to_string(),
        url: witness.url.to_string(),
    });
    let shortcuts = config.development.as_ref().map(|on| {
        let switches = [("plain_http", on.plain_http), ("mock_identity", on.mock_identity)];
        switches
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| name.to_owned())
            .collect()
    });
    Json(Trust {
        issuers: setting(issuers.collect(), "trust.issuers"),
        required_credentials: setting(
            config.identity.required_credentials.clone(),
            "identity.required_credentials",
        ),
        peers: setting(trust.peers.as_deref().map(texts), "trust.peers"),
        one_sided: setting(texts(&trust.one_sided), "trust.one_sided"),
        witnesses: setting(witnesses.collect(), "trust.witnesses"),
        quorum: setting(trust.quorum, "trust.quorum"),
        tls_authorities: setting(
            trust.tls_ca.iter().map(|path| path.display().to_string()).collect(),
            "trust.tls_ca",
        ),
        development: setting(shortcuts.unwrap_or_default(), "development.plain_http"),
    })
}
