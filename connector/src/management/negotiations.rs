//! Negotiations: begun, looked at, decided.

use super::Api;
use super::input::{Body, Named};
use super::operations::{Method, Operation, filters};
use super::paging::Page;
use super::problem::Problem;
use super::processes::{self, Shown, shown};
use super::views::{Decision, Due, Ended, moment, participant, pid};
use crate::commands::{Turn, counterparty, possible, turn};
use crate::control::error::Code;
use crate::dsp::id::Id;
use crate::dsp::negotiation::{Contract, Negotiation, State as Stage};
use crate::dsp::policy::Offer;
use crate::dsp::process::Process;
use crate::dsp_shell::peer_resource;
use crate::handlers::NegotiationAction;
use crate::node::{Node, fresh_trace};
use crate::state::Declares;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = filters! {
    "state": "only those in this state of the Dataspace Protocol, such as FINALIZED",
    "role": "only those in which this connector is `consumer` or `provider`",
    "counterparty": "only those with this participant",
    "dataset": "only those about this dataset or model",
};

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Post,
            "/negotiations",
            "beginNegotiation",
            "Asks a provider for an agreement; answered once the request is durable",
            begin,
        )
        .takes::<Begin>()
        .gives::<Negotiated>(202),
        Operation::new(
            Get,
            "/negotiations",
            "listNegotiations",
            "Lists negotiations, the newest first",
            list,
        )
        .query(FILTERS)
        .gives::<Page<Negotiated>>(200),
        Operation::new(
            Get,
            "/negotiations/{pid}",
            "getNegotiation",
            "Shows a negotiation: where it stands, what is due, and who decides",
            show,
        )
        .gives::<Negotiated>(200),
        Operation::new(
            Post,
            "/negotiations/{pid}/decision",
            "decideNegotiation",
            "Decides as a person what this end does next; a policy that denies it is not overruled",
            decide,
        )
        .takes::<Decision<NegotiationAction>>()
        .gives::<Negotiated>(200),
    ]
}

/// What is asked of a provider: an offer as it stands, or a dataset whose offer is looked up in the provider's catalogue.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NegotiationRequest")]
#[serde(deny_unknown_fields)]
struct Begin {
    /// The provider's identifier.
    counterparty: String,
    /// Versioned base address of its Dataspace Protocol; left out: as its DID document says.
    #[serde(default)]
    address: Option<String>,
    /// The dataset or model service; left out when `offer` is a whole offer with its `target`.
    #[serde(default)]
    dataset: Option<String>,
    /// The offer: an ODRL offer with `@id` and `target`; or, with `dataset`, the identifier of one of its offers. Left out: the only
    /// one there is.
    #[serde(default)]
    offer: Option<Value>,
    /// What the data is for, as IRI; the provider's policy may ask for it.
    #[serde(default)]
    purpose: Option<String>,
    /// On what legal basis, as IRI: of the list of legal bases, or a law.
    #[serde(default)]
    legal_basis: Option<String>,
    /// For which area it is used, as IRI.
    #[serde(default)]
    area_of_use: Option<String>,
}

/// A negotiation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Negotiation")]
pub(super) struct Negotiated {
    /// This connector's identifier of it.
    pid: String,
    /// The other end's identifier of it, once known.
    peer_pid: Option<String>,
    /// Which end this connector is: `consumer` or `provider`.
    role: String,
    /// The participant at the other end.
    counterparty: String,
    /// State of the Dataspace Protocol that both ends are known to share, such as `FINALIZED`.
    state: String,
    /// The message of this connector that is on its way, if there is one.
    underway: Option<String>,
    /// The dataset or model that it is about.
    dataset: String,
    /// Identifier of the offer that stands.
    offer: String,
    /// Identifier of the agreement, once there is one.
    agreement: Option<String>,
    /// Who ended it and why, when it was terminated.
    ended: Option<Ended>,
    /// What has to happen for it to go on; nothing at its end.
    due: Option<Due>,
    /// What can be decided here now.
    possible: Vec<NegotiationAction>,
    /// When it began (RFC 3339).
    created: String,
    /// When it last changed (RFC 3339).
    changed: String,
}

impl Shown for Contract {
    type View = Negotiated;
    const FILTERS: &'static [(&'static str, &'static str)] = FILTERS;
    const ABOUT: &'static str = "dataset";

    fn states() -> Vec<&'static str> {
        Stage::ALL.iter().map(|state| state.name()).collect()
    }

    fn view(node: &Node, process: &Process<Self>) -> Result<Self::View, Problem> {
        Ok(Negotiated::of(node, process))
    }
}

impl Negotiated {
    fn of(node: &Node, process: &Negotiation) -> Self {
        Self {
            pid: process.own_pid().to_string(),
            peer_pid: process.peer_pid().map(Id::to_string),
            role: process.role().to_string(),
            counterparty: counterparty(node, process),
            state: process.state().to_string(),
            underway: process.underway().map(|kind| kind.to_string()),
            dataset: process.standing_offer().target().to_string(),
            offer: process.standing_offer().id().to_string(),
            agreement: process.agreement().map(|agreement| agreement.id().to_string()),
            ended: Ended::of(process),
            due: due(node, process),
            possible: possible(process),
            created: moment(process.created_ms()),
            changed: moment(process.changed_ms()),
        }
    }
}

/// What has to happen for a negotiation to go on.
fn due(node: &Node, process: &Negotiation) -> Option<Due> {
    Some(match turn(node, process)? {
        Turn::Theirs(what) => Due::theirs(what),
        Turn::Ours(what, decider) => Due::ours(what, &decider, "negotiations", process.own_pid().as_str()),
    })
}

async fn begin(
    State(api): State<Arc<Api>>,
    Body(request): Body<Begin>,
) -> Result<(StatusCode, Json<Negotiated>), Problem> {
    let node = &api.node;
    let provider = participant(&request.counterparty)?;
    let address = request.address.as_deref();
    let declares = &Declares {
        purpose: request.purpose.clone(),
        legal_basis: request.legal_basis.clone(),
        area_of_use: request.area_of_use.clone(),
    };
    let pid = match (&request.offer, &request.dataset) {
        (Some(whole @ Value::Object(_)), None) => {
            let offer = whole_offer(whole)?;
            node.negotiator
                .begin_negotiation(node, &provider, address, offer, declares)
                .await?
        }
        (named @ (Some(Value::String(_)) | None), Some(dataset)) => {
            let named = named.as_ref().and_then(Value::as_str);
            let (offer, base, said) = looked_up(node, &provider, dataset, named).await?;
            let base = address.unwrap_or(&base);
            node.negotiator
                .open_negotiation(node, &provider, base, offer, declares, Some(said))
                .await?
        }
        _ => {
            return Err(Problem::malformed("it is not clear which offer is meant").expected(
                "`offer`: a whole ODRL offer with `@id` and `target`; or `dataset`, and the identifier of one of its offers as `offer` if there are several",
            ));
        }
    };
    Ok((StatusCode::ACCEPTED, Json(shown::<Contract>(node, &pid)?)))
}

fn whole_offer(value: &Value) -> Result<Offer, Problem> {
    Offer::try_from(value.clone()).map_err(|e| {
        Problem::malformed(format!("`offer` is not an offer that can be asked for: {e}"))
            .expected("an ODRL offer as it stands in the provider's catalogue, with `@id` and `target`")
    })
}

/// The offer of a dataset in the provider's catalogue, where the provider was found, and what it says of the dataset.
async fn looked_up(
    node: &Arc<Node>,
    provider: &herleid_vocab::did::Did,
    dataset: &str,
    id: Option<&str>,
) -> Result<(Offer, String, Value), Problem> {
    let target: Id = dataset
        .parse()
        .map_err(|e| Problem::malformed(format!("`dataset`: {e}")))?;
    let look = format!(
        "GET {}/catalog?counterparty={provider} lists what it offers",
        super::BASE
    );
    let found = peer_resource(node, provider, &fresh_trace(node), &target).await;
    // What there is to do next is said in the words of this API, not of the command line.
    let (resource, base) = found.map_err(|failure| match failure.code() {
        Code::Missing => Problem::missing(&failure, &look),
        _ => failure.into(),
    })?;
    let offer = crate::commands::chosen_offer(&resource, id)?;
    let offer = resource
        .offer(&offer)
        .ok_or_else(|| Problem::missing(format!("`{target}` is not offered under `{offer}`"), &look))?;
    Ok((offer.with_target(resource.id()), base, resource.to_json()))
}

async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<Negotiated>>, Problem> {
    processes::list::<Contract>(&api, query.as_deref()).await
}

async fn show(State(api): State<Arc<Api>>, Named(name): Named) -> Result<Json<Negotiated>, Problem> {
    shown::<Contract>(&api.node, &pid(&name)?).map(Json)
}

async fn decide(
    State(api): State<Arc<Api>>,
    Named(name): Named,
    Body(decision): Body<Decision<NegotiationAction>>,
) -> Result<Json<Negotiated>, Problem> {
    let pid = pid(&name)?;
    let reason = decision.reason.as_deref();
    api.node
        .negotiator
        .decide_negotiation(&api.node, &pid, decision.decide, reason)
        .await?;
    shown::<Contract>(&api.node, &pid).map(Json)
}
