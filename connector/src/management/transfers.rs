//! Transfers: begun, looked at, decided; access as people read it.

use super::access::{Standing, access, until_ms};
use super::input::{Body, Named};
use super::operations::{Method, Operation, filters};
use super::paging::Page;
use super::problem::Problem;
use super::processes::{self, Shown, loaded, shown};
use super::views::{Decision, Due, Ended, encoded, moment, pid};
use super::{Api, BASE};
use crate::commands::counterparty;
use crate::consumer::pull::pushed;
use crate::dsp::Role;
use crate::dsp::id::Id;
use crate::dsp::message::DataAddress;
use crate::dsp::node::Node as Members;
use crate::dsp::process::Process;
use crate::dsp::transfer::{DataTransfer, Direction, State as Stage, Transfer};
use crate::handlers::TransferAction;
use crate::node::Node;
use crate::state::{AgreementEntry, Declares, GrantEntry, Side};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = filters! {
    "state": "only those in this state of the Dataspace Protocol, such as STARTED",
    "role": "only those in which this connector is `consumer` or `provider`",
    "counterparty": "only those with this participant",
    "agreement": "only those under this agreement",
};

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Post,
            "/transfers",
            "beginTransfer",
            "Asks for access under an agreement; answered once the request is durable",
            begin,
        )
        .takes::<Begin>()
        .gives::<Transferred>(202),
        Operation::new(
            Get,
            "/transfers",
            "listTransfers",
            "Lists transfers, the newest first",
            list,
        )
        .query(FILTERS)
        .gives::<Page<Transferred>>(200),
        Operation::new(
            Get,
            "/transfers/{pid}",
            "getTransfer",
            "Shows a transfer: where it stands, how long access is open, what is due, and who decides",
            show,
        )
        .gives::<Transferred>(200),
        Operation::new(
            Get,
            "/transfers/{pid}/address",
            "getTransferAddress",
            "Shows where the data of a pull is fetched, and with which token: for whoever fetches it themselves",
            address,
        )
        .gives::<Address>(200),
        Operation::new(
            Post,
            "/transfers/{pid}/decision",
            "decideTransfer",
            "Decides as a person what this end does next; a policy that denies it is not overruled",
            decide,
        )
        .takes::<Decision<TransferAction>>()
        .gives::<Transferred>(200),
    ]
}

/// What is asked of a provider.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TransferRequest")]
#[serde(deny_unknown_fields)]
struct Begin {
    /// The agreement under which it is asked.
    agreement: String,
    /// How it is to come, as the catalogue names it, such as `HttpData-PULL`.
    format: String,
    /// Versioned base address of the provider's Dataspace Protocol; left out: where the agreement was negotiated.
    #[serde(default)]
    address: Option<String>,
    /// Where it is to be pushed: a `DataAddress` of the Dataspace Protocol. Left out: it is fetched.
    #[serde(default)]
    data_address: Option<Value>,
    /// What the data is for, as IRI; left out: as declared when the agreement was negotiated.
    #[serde(default)]
    purpose: Option<String>,
    /// On what legal basis, as IRI: of the list of legal bases, or a law.
    #[serde(default)]
    legal_basis: Option<String>,
    /// For which area it is used, as IRI.
    #[serde(default)]
    area_of_use: Option<String>,
}

/// A transfer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Transfer")]
pub(super) struct Transferred {
    /// This connector's identifier of it.
    pid: String,
    /// The other end's identifier of it, once known.
    peer_pid: Option<String>,
    /// Which end this connector is: `consumer` or `provider`.
    role: String,
    /// The participant at the other end.
    counterparty: String,
    /// The agreement that it is under.
    agreement: String,
    /// The dataset or model that it brings, if the agreement is known here.
    dataset: Option<String>,
    /// How it comes, such as `HttpData-PULL`.
    format: String,
    /// `pull`: the consumer fetches; `push`: the provider sends.
    direction: &'static str,
    /// How it is with access: `open until <date>`, `not open yet`, `held back: <why>`, or `closed: <why>`.
    access: String,
    /// Until when access is open, while it is and an end is known (RFC 3339).
    access_until: Option<String>,
    /// State of the Dataspace Protocol that both ends are known to share, such as `STARTED`.
    state: String,
    /// The message of this connector that is on its way, if there is one.
    underway: Option<String>,
    /// Who holds it back and why, while it is suspended.
    suspended: Option<Ended>,
    /// Who ended it and why, when it was terminated.
    ended: Option<Ended>,
    /// What has to happen for it to go on; nothing at its end.
    due: Option<Due>,
    /// What can be decided here now.
    possible: Vec<TransferAction>,
    /// When it began (RFC 3339).
    created: String,
    /// When it last changed (RFC 3339).
    changed: String,
}

/// Where data is fetched.
#[derive(Serialize, JsonSchema)]
struct Address {
    /// What kind of transport.
    endpoint_type: String,
    /// Where.
    endpoint: Option<String>,
    /// The access token, if there is one: whoever has it may fetch.
    authorization: Option<String>,
    /// Of which kind the token is, such as `bearer`.
    auth_type: Option<String>,
}

const ACTIONS: [TransferAction; 4] = [
    TransferAction::Start,
    TransferAction::Suspend,
    TransferAction::Complete,
    TransferAction::Terminate,
];

impl Shown for DataTransfer {
    type View = Transferred;
    const FILTERS: &'static [(&'static str, &'static str)] = FILTERS;
    const ABOUT: &'static str = "agreement";

    fn states() -> Vec<&'static str> {
        Stage::ALL.iter().map(|state| state.name()).collect()
    }

    fn view(node: &Node, process: &Process<Self>) -> Result<Self::View, Problem> {
        Transferred::of(node, process)
    }
}

impl Transferred {
    fn of(node: &Node, process: &Transfer) -> Result<Self, Problem> {
        let side = match process.role() {
            Role::Provider => Side::Provider,
            Role::Consumer => Side::Consumer,
        };
        let key = AgreementEntry::key(process.agreement().as_str(), side);
        let agreement: Option<AgreementEntry> = node.state.get(&key)?;
        let grant: Option<GrantEntry> = match process.role() {
            Role::Provider => node.state.get(&GrantEntry::key(process.own_pid().as_str()))?,
            Role::Consumer => None,
        };
        let suspended = process.suspended().map(|s| Ended::new(s.by, &s.cause));
        let ended = Ended::of(process);
        let until = until_ms(process, agreement.as_ref(), grant.as_ref());
        let closed = grant.as_ref().and_then(|grant| grant.closed.as_deref());
        let terminated = agreement.as_ref().and_then(|agreement| agreement.terminated.as_deref());
        let standing = Standing {
            stage: process.state(),
            open: process.is_open(),
            closed: terminated.or(closed),
            reason: suspended.as_ref().or(ended.as_ref()).map(|s| s.reason.as_str()),
            until_ms: until,
        };
        let (access, open) = access(&standing, node.now_ms());
        let dataset = agreement.map(|agreement| agreement.target);
        Ok(Self {
            pid: process.own_pid().to_string(),
            peer_pid: process.peer_pid().map(Id::to_string),
            role: process.role().to_string(),
            counterparty: counterparty(node, process),
            agreement: process.agreement().to_string(),
            format: process.format().to_owned(),
            direction: match process.direction() {
                Direction::Pull => "pull",
                Direction::Push => "push",
            },
            access,
            access_until: until.filter(|_| open).map(moment),
            state: process.state().to_string(),
            underway: process.underway().map(|kind| kind.to_string()),
            due: due(node, process, dataset.as_deref().unwrap_or_default()),
            dataset,
            suspended,
            ended,
            possible: ACTIONS
                .into_iter()
                .filter(|action| process.may(action.kind()).is_ok())
                .collect(),
            created: moment(process.created_ms()),
            changed: moment(process.changed_ms()),
        })
    }
}

/// What has to happen for a transfer to go on.
fn due(node: &Node, process: &Transfer, dataset: &str) -> Option<Due> {
    if let (Some(kind), false) = (
        process.underway(),
        matches!(process.state(), Stage::Completed | Stage::Terminated),
    ) {
        return Some(Due::theirs(format!("acknowledge this connector's {kind}")));
    }
    let decider = node.handlers.transfer(process, dataset).decider;
    let pid = process.own_pid().as_str();
    let push = process.direction() == Direction::Push;
    Some(match (process.role(), process.state()) {
        (_, Stage::Completed | Stage::Terminated) => return None,
        (Role::Provider, Stage::Requested) => Due::ours("start it, or end it", &decider, "transfers", pid),
        (Role::Consumer, Stage::Requested) => Due::theirs("start it"),
        (Role::Consumer, Stage::Started) if push => Due::theirs("send the data, and complete it"),
        (Role::Provider, Stage::Started) if push => {
            Due::ours("send the data, and complete it", &decider, "transfers", pid)
        }
        (Role::Provider, Stage::Started) => Due::theirs("fetch the data, and complete it"),
        (Role::Consumer, Stage::Started) => Due::person(
            "fetch the data, and complete it",
            format!(
                "GET {BASE}/transfers/{}/address says where; complete it with a decision",
                encoded(pid)
            ),
        ),
        (role, Stage::Suspended) => match process.suspended() {
            Some(suspended) if suspended.by != role => Due::theirs("let it go on, or end it"),
            // Policies do not say when something that was held back goes on.
            _ => Due::person(
                "let it go on, or end it",
                format!("POST {BASE}/transfers/{}/decision with one of `possible`", encoded(pid)),
            ),
        },
    })
}

async fn begin(
    State(api): State<Arc<Api>>,
    Body(request): Body<Begin>,
) -> Result<(StatusCode, Json<Transferred>), Problem> {
    let node = &api.node;
    let key = AgreementEntry::key(&request.agreement, Side::Consumer);
    let agreement: AgreementEntry = node.state.get(&key)?.ok_or_else(|| {
        Problem::missing(
            format!(
                "there is no agreement `{}` in which this connector is the consumer",
                request.agreement
            ),
            "list them with GET /management/v1/agreements?side=consumer",
        )
    })?;
    let push_to = match &request.data_address {
        Some(value) => Some(data_address(value)?),
        None => None,
    };
    let declares = Declares {
        purpose: request.purpose.clone(),
        legal_basis: request.legal_basis.clone(),
        area_of_use: request.area_of_use.clone(),
    };
    let declares = declares.or(&agreement.declares);
    let address = request.address.as_deref();
    let pid = node
        .negotiator
        .begin_transfer(node, &agreement, &request.format, address, push_to, &declares)
        .await?;
    if request.data_address.is_some() {
        pushed::begin(node, pid.clone());
    }
    Ok((StatusCode::ACCEPTED, Json(shown::<DataTransfer>(node, &pid)?)))
}

fn data_address(value: &Value) -> Result<DataAddress, Problem> {
    let members = Members::at(value, "/data_address".to_owned());
    members.and_then(|members| DataAddress::read(&members)).map_err(|e| {
        Problem::malformed(format!("`data_address` is not understood: {e}")).expected(
            "a DataAddress of the Dataspace Protocol: `@type`, `endpointType`, `endpoint`, `endpointProperties`",
        )
    })
}

async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<Transferred>>, Problem> {
    processes::list::<DataTransfer>(&api, query.as_deref()).await
}

async fn show(State(api): State<Arc<Api>>, Named(name): Named) -> Result<Json<Transferred>, Problem> {
    shown::<DataTransfer>(&api.node, &pid(&name)?).map(Json)
}

async fn address(State(api): State<Arc<Api>>, Named(name): Named) -> Result<Json<Address>, Problem> {
    let process = loaded::<DataTransfer>(&api.node, &pid(&name)?)?;
    let pulled = process.role() == Role::Consumer && process.direction() == Direction::Pull && process.is_open();
    match process.address().filter(|_| pulled) {
        Some(address) => Ok(Json(Address {
            endpoint_type: address.endpoint_type.clone(),
            endpoint: address.location().map(str::to_owned),
            authorization: address.authorization().map(str::to_owned),
            auth_type: address.property("authType").map(str::to_owned),
        })),
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "no-address",
            "there is nothing to be fetched under this transfer now",
        )
        .expected("a pull in which this connector is the consumer, while its access is open")
        .next("look at its `access` and `due`")),
    }
}

async fn decide(
    State(api): State<Arc<Api>>,
    Named(name): Named,
    Body(decision): Body<Decision<TransferAction>>,
) -> Result<Json<Transferred>, Problem> {
    let pid = pid(&name)?;
    let reason = decision.reason.as_deref();
    api.node
        .negotiator
        .decide_transfer(&api.node, &pid, decision.decide, reason)
        .await?;
    shown::<DataTransfer>(&api.node, &pid).map(Json)
}
