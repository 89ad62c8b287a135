//! Who and what is trusted: what the configuration says, shown; what was added beside it, shown and changed.

use super::Api;
use super::input::{Body, Named};
use super::operations::{Method, Operation};
use super::problem::Problem;
use super::views::{moment, participant};
use crate::commands::Failure;
use crate::dsp_shell::Stopped;
use crate::trust::{Added, Changed, List, withdraw};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was made, with status 201.
type Answer<T> = Result<(StatusCode, Json<T>), Problem>;

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Get,
            "/trust",
            "getTrust",
            "Shows who and what is trusted, which key sets it, and what was added here",
            trust,
        )
        .gives::<Trust>(200),
        Operation::new(
            Post,
            "/trust/issuers",
            "addTrustedIssuer",
            "Trusts an issuer for types of credentials, from now on; recorded",
            add_issuer,
        )
        .takes::<NewIssuer>()
        .gives::<Entry>(201),
        Operation::new(
            Post,
            "/trust/issuers/{did}/removal",
            "removeTrustedIssuer",
            "Takes away an issuer that was added; transfers that rest on its credentials end",
            remove_issuer,
        )
        .takes::<Removal>()
        .gives::<Removed>(200),
        Operation::new(
            Post,
            "/trust/peers",
            "addTrustedPeer",
            "Deals with a participant, from now on; recorded",
            add_peer,
        )
        .takes::<NewPeer>()
        .gives::<Entry>(201),
        Operation::new(
            Post,
            "/trust/peers/{did}/removal",
            "removeTrustedPeer",
            "Takes away a participant that was added; what goes on with it ends",
            remove_peer,
        )
        .takes::<Removal>()
        .gives::<Removed>(200),
        Operation::new(
            Post,
            "/trust/one-sided",
            "addOneSidedPeer",
            "Deals with a participant that keeps no log, from now on; recorded",
            add_one_sided,
        )
        .takes::<NewPeer>()
        .gives::<Entry>(201),
        Operation::new(
            Post,
            "/trust/one-sided/{did}/removal",
            "removeOneSidedPeer",
            "Takes away a participant without a log that was added; what goes on with it ends",
            remove_one_sided,
        )
        .takes::<Removal>()
        .gives::<Removed>(200),
    ]
}

/// An issuer to be trusted.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewTrustedIssuer")]
#[serde(deny_unknown_fields)]
struct NewIssuer {
    /// Who.
    did: String,
    /// For which types of credentials, such as `MembershipCredential`; added to those that it is trusted for already.
    types: BTreeSet<String>,
    /// Who adds it: a name or a role, in one line; recorded.
    by: String,
}

/// A participant to be dealt with.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewTrustedPeer")]
#[serde(deny_unknown_fields)]
struct NewPeer {
    /// Who.
    did: String,
    /// Who adds it: a name or a role, in one line; recorded.
    by: String,
}

/// Who takes something away.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TrustRemoval")]
#[serde(deny_unknown_fields)]
struct Removal {
    /// Who takes it away: a name or a role, in one line; recorded.
    by: String,
}

/// What was added beside the configuration.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrustEntry")]
struct Entry {
    /// Which list: `issuers`, `peers` or `one-sided`.
    list: List,
    /// Who.
    did: String,
    /// For which types of credentials, of an issuer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    types: BTreeSet<String>,
    /// Who added it, as they said.
    by: String,
    /// When (RFC 3339).
    since: String,
    /// Index of the record of this change in the log; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
}

impl Entry {
    fn of(added: Added, index: Option<u64>) -> Self {
        Self {
            list: added.list,
            did: added.did.to_string(),
            types: added.types,
            by: added.by,
            since: moment(added.at_ms),
            index,
        }
    }
}

/// What was taken away.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RemovedTrust")]
struct Removed {
    /// Who.
    did: String,
    /// The negotiations and transfers that ended with it, by this connector's identifiers.
    ended: Vec<String>,
    /// Whether more has still to end, and is tried again: a message is on its way, or something cannot be read, which the log tells.
    ending: bool,
    /// Whether the configuration says it too, so that it is trusted all the same.
    configured: bool,
    /// Index of the record in the log.
    index: u64,
}

/// What is trusted at this moment.
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
    /// What of it was added here, beside the configuration, and can be removed here.
    added: Vec<Entry>,
    /// Development shortcuts that are on: each of them lowers what is asked of others.
    development: Setting<Vec<String>>,
}

/// A setting, and where it is set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SettingOf{T}")]
struct Setting<T> {
    /// What holds.
    value: T,
    /// The key in herleid.toml, and the variable that overrides it; beside them counts what was `added`.
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
    let store = &api.node.trust;
    let issuers = store.issuers();
    let issuers = issuers.iter().map(|(did, types)| Issuer {
        did: did.to_string(),
        types: types.map(str::to_owned).collect(),
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
        peers: setting(store.peers().as_deref().map(texts), "trust.peers"),
        one_sided: setting(texts(&store.one_sided()), "trust.one_sided"),
        witnesses: setting(witnesses.collect(), "trust.witnesses"),
        quorum: setting(trust.quorum, "trust.quorum"),
        tls_authorities: setting(
            trust.tls_ca.iter().map(|path| path.display().to_string()).collect(),
            "trust.tls_ca",
        ),
        added: store.added().into_iter().map(|added| Entry::of(added, None)).collect(),
        development: setting(shortcuts.unwrap_or_default(), "development.plain_http"),
    })
}

async fn add(api: &Arc<Api>, list: List, did: &str, types: BTreeSet<String>, by: String) -> Answer<Entry> {
    let (node, did) = (api.node.clone(), participant(did)?);
    // In a task of its own: a caller that goes away must not leave it half done.
    let adding = tokio::spawn(async move { node.trust.add(&node, list, did, types, &by).await });
    let Changed { entry, index, .. } = adding.await.map_err(Problem::failed)??;
    Ok((StatusCode::CREATED, Json(Entry::of(entry, Some(index)))))
}

async fn remove(api: &Arc<Api>, list: List, did: &str, by: String) -> Result<Json<Removed>, Problem> {
    let (node, did) = (api.node.clone(), participant(did)?);
    // Likewise.
    let removing = tokio::spawn(async move {
        let Changed { entry, index, pending } = node.trust.remove(&node, list, &did, &by).await?;
        let stopped = match pending {
            Some(pending) => withdraw(&node, pending).await,
            None => Stopped::default(),
        };
        Ok::<_, Failure>(Removed {
            did: entry.did.to_string(),
            ended: texts(&stopped.ended),
            ending: stopped.left,
            configured: node.trust.is_configured(list, &did),
            index,
        })
    });
    Ok(Json(removing.await.map_err(Problem::failed)??))
}

async fn add_issuer(State(api): State<Arc<Api>>, Body(new): Body<NewIssuer>) -> Answer<Entry> {
    add(&api, List::Issuers, &new.did, new.types, new.by).await
}

async fn add_peer(State(api): State<Arc<Api>>, Body(new): Body<NewPeer>) -> Answer<Entry> {
    add(&api, List::Peers, &new.did, BTreeSet::new(), new.by).await
}

async fn add_one_sided(State(api): State<Arc<Api>>, Body(new): Body<NewPeer>) -> Answer<Entry> {
    add(&api, List::OneSided, &new.did, BTreeSet::new(), new.by).await
}

async fn remove_issuer(
    State(api): State<Arc<Api>>,
    Named(did): Named,
    Body(removal): Body<Removal>,
) -> Result<Json<Removed>, Problem> {
    remove(&api, List::Issuers, &did, removal.by).await
}

async fn remove_peer(
    State(api): State<Arc<Api>>,
    Named(did): Named,
    Body(removal): Body<Removal>,
) -> Result<Json<Removed>, Problem> {
    remove(&api, List::Peers, &did, removal.by).await
}

async fn remove_one_sided(
    State(api): State<Arc<Api>>,
    Named(did): Named,
    Body(removal): Body<Removal>,
) -> Result<Json<Removed>, Problem> {
    remove(&api, List::OneSided, &did, removal.by).await
}
