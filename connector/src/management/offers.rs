//! What is published here: datasets, model services, and the offers under which they may be had.

use super::Api;
use super::input::{Body, Named};
use super::operations::{Method, Operation, filters};
use super::paging::{Order, Page, Query};
use super::problem::Problem;
use super::views::moment;
use crate::control::protocol::{Publish, PublishAnswer, PublishSource, Withdraw, WithdrawAnswer};
use crate::node::Node;
use crate::state::{ModelEntry, OfferEntry, VersionEntry};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

type Answer<T> = Result<Json<T>, Problem>;
type Filters = &'static [(&'static str, &'static str)];

const VERSIONS: Filters = filters! {
    "id": "only versions of this one",
    "withdrawn": "`false`: only what is offered; `true`: only what was withdrawn",
};
const OFFERS: Filters = filters! {
    "id": "only offers of this dataset or model",
};

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Get,
            "/datasets",
            "listDatasets",
            "Lists the dataset versions published here, withdrawn ones too",
            datasets,
        )
        .query(VERSIONS)
        .gives::<Page<Dataset>>(200),
        Operation::new(
            Post,
            "/datasets",
            "publishDataset",
            "Publishes a version of a dataset",
            publish_dataset,
        )
        .takes::<Publish>()
        .gives::<PublishAnswer>(201),
        Operation::new(
            Post,
            "/datasets/{id}/withdrawal",
            "withdrawDataset",
            "Withdraws a dataset, or one version of it: agreements about it give no access any more",
            withdraw_dataset,
        )
        .takes::<Withdrawal>()
        .gives::<WithdrawAnswer>(200),
        Operation::new(
            Get,
            "/models",
            "listModels",
            "Lists the model versions published here, withdrawn ones too",
            models,
        )
        .query(VERSIONS)
        .gives::<Page<Model>>(200),
        Operation::new(
            Post,
            "/models",
            "publishModel",
            "Publishes a version of a model service",
            publish_model,
        )
        .takes::<Publish>()
        .gives::<PublishAnswer>(201),
        Operation::new(
            Post,
            "/models/{id}/withdrawal",
            "withdrawModel",
            "Withdraws a model service, or one version of it",
            withdraw_model,
        )
        .takes::<Withdrawal>()
        .gives::<WithdrawAnswer>(200),
        Operation::new(
            Get,
            "/offers",
            "listOffers",
            "Lists the offers that stand in this connector's catalogue, with their policies",
            offers,
        )
        .query(OFFERS)
        .gives::<Page<Offered>>(200),
    ]
}

/// A dataset version.
#[derive(Serialize, JsonSchema)]
struct Dataset {
    /// Identifier of the dataset.
    id: String,
    /// The version.
    version: String,
    /// Title for people.
    title: String,
    /// Description for people; may be empty.
    description: String,
    /// Media type of the bytes.
    media_type: String,
    /// Size in bytes; left out of an API, whose answers have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// SHA-256 of the bytes, hex; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Identifiers of the offers under which it may be had.
    offers: Vec<String>,
    /// When it was published (RFC 3339).
    published: String,
    /// Why it was withdrawn; empty where the reason was erased, left out while it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<String>,
    /// Whether two people had erased what was said of it: then title and offers are empty, and digests are not known any more.
    erased: bool,
}

/// A model version.
#[derive(Serialize, JsonSchema)]
struct Model {
    /// Identifier of the model service.
    id: String,
    /// The version.
    version: String,
    /// Title for people.
    title: String,
    /// SHA-256 of the program, hex.
    program: String,
    /// Identifiers of the offers under which it may be run.
    offers: Vec<String>,
    /// When it was published (RFC 3339).
    published: String,
    /// Why it was withdrawn; empty where the reason was erased, left out while it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<String>,
    /// Whether two people had erased what was said of it: then title and offers are empty, and digests are not known any more.
    erased: bool,
}

/// An offer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Offer")]
struct Offered {
    /// Its identifier.
    id: String,
    /// The dataset or model service that it is about.
    target: String,
    /// The newest version under it.
    version: String,
    /// The policy in a line of words.
    summary: String,
    /// The policy: an ODRL offer.
    policy: Value,
}

/// Why something is withdrawn.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    /// Why; stands in the record.
    reason: String,
    /// Which version; left out: all of them.
    #[serde(default)]
    version: Option<String>,
}

fn ids(offers: &[OfferEntry]) -> Vec<String> {
    offers.iter().map(|offer| offer.id.clone()).collect()
}

/// What the filters `id` and `withdrawn` let through.
fn wanted(query: &Query) -> Result<impl Fn(&str, Option<&String>) -> bool, Problem> {
    let withdrawn = query.one_of("withdrawn", &["true", "false"])?;
    Ok(move |id: &str, why: Option<&String>| {
        query.get("id").is_none_or(|only| only == id) && withdrawn.is_none_or(|only| (only == "true") == why.is_some())
    })
}

async fn datasets(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Answer<Page<Dataset>> {
    let query = Query::read(query.as_deref(), VERSIONS)?;
    let wanted = wanted(&query)?;
    let mut all = api.node.state.scan::<VersionEntry>("dataset/")?;
    all.retain(|(_, entry)| wanted(&entry.dataset, entry.withdrawn.as_ref()));
    let page = query.page(all, Order::Ascending, |(key, _)| key.clone())?;
    page.show(|(_, entry)| {
        Ok(Dataset {
            id: entry.dataset,
            version: entry.version,
            title: entry.title,
            description: entry.description,
            media_type: entry.media_type,
            bytes: entry.digests.as_ref().map(|digests| digests.bytes),
            sha256: entry.digests.map(|digests| digests.sha256),
            offers: ids(&entry.offers),
            published: moment(entry.published_ms),
            withdrawn: entry.withdrawn,
            erased: entry.erased,
        })
    })
    .map(Json)
}

async fn models(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Answer<Page<Model>> {
    let query = Query::read(query.as_deref(), VERSIONS)?;
    let wanted = wanted(&query)?;
    let mut all = api.node.state.scan::<ModelEntry>("model/")?;
    all.retain(|(_, entry)| wanted(&entry.model, entry.withdrawn.as_ref()));
    let page = query.page(all, Order::Ascending, |(key, _)| key.clone())?;
    page.show(|(_, entry)| {
        Ok(Model {
            id: entry.model,
            version: entry.version,
            title: entry.title,
            program: entry.program,
            offers: ids(&entry.offers),
            published: moment(entry.published_ms),
            withdrawn: entry.withdrawn,
            erased: entry.erased,
        })
    })
    .map(Json)
}

async fn offers(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Answer<Page<Offered>> {
    let query = Query::read(query.as_deref(), OFFERS)?;
    let state = &api.node.state;
    let datasets = state.scan::<VersionEntry>("dataset/")?.into_iter();
    let datasets = datasets.filter(|(_, e)| e.withdrawn.is_none());
    let models = state.scan::<ModelEntry>("model/")?.into_iter();
    let models = models.filter(|(_, e)| e.withdrawn.is_none());
    let mut published: Vec<(u64, String, String, Vec<OfferEntry>)> = datasets
        .map(|(_, e)| (e.published_ms, e.dataset, e.version, e.offers))
        .chain(models.map(|(_, e)| (e.published_ms, e.model, e.version, e.offers)))
        .filter(|(_, target, ..)| query.get("id").is_none_or(|only| only == target))
        .collect();
    published.sort_by_key(|(at_ms, ..)| *at_ms);
    // Of an offer that stands with several versions, the newest version counts.
    let mut all: std::collections::BTreeMap<String, Offered> = std::collections::BTreeMap::new();
    for (_, target, version, offers) in published {
        for OfferEntry { id, offer, .. } in offers {
            let offered = Offered {
                id: id.clone(),
                target: target.clone(),
                version: version.clone(),
                summary: crate::commands::summary(&offer),
                policy: offer,
            };
            all.insert(id, offered);
        }
    }
    query
        .page(all.into_values().collect(), Order::Ascending, |o| o.id.clone())
        .map(Json)
}

/// That a file may be published from here. Who has the token has not the rights of this process, which can read the private keys.
fn may_be_published(node: &Node, path: &Path) -> Result<(), Problem> {
    let refused = |why: String| {
        Problem::new(StatusCode::FORBIDDEN, "not-published-from-here", why)
            .next("put the file below one of the directories of `management.publish_from` in herleid.toml, or use `herleid publish` on the machine itself")
    };
    let from = node
        .config
        .management
        .as_ref()
        .map(|m| m.publish_from.as_slice())
        .unwrap_or_default();
    if from.is_empty() {
        return Err(refused(
            "`management.publish_from` names no directory, so nothing is published through this API".to_owned(),
        ));
    }
    // One answer for what is not there and what lies elsewhere, or the API would tell which files there are.
    let no = || {
        refused(format!(
            "`{}` is not a file below a directory of `management.publish_from`",
            path.display()
        ))
    };
    // With all links followed: a link could lead to anywhere.
    let real = std::fs::canonicalize(path).map_err(|_| no())?;
    let below = from
        .iter()
        .filter_map(|directory| std::fs::canonicalize(directory).ok())
        .any(|directory| real.starts_with(directory));
    let private = [&node.config.keys.directory, &node.config.storage.directory];
    let own = private
        .iter()
        .filter_map(|directory| std::fs::canonicalize(directory).ok())
        .any(|directory| real.starts_with(directory));
    if path.is_absolute() && below && !own && real.is_file() {
        Ok(())
    } else {
        Err(no())
    }
}

async fn publish_dataset(
    State(api): State<Arc<Api>>,
    Body(request): Body<Publish>,
) -> Result<(StatusCode, Json<PublishAnswer>), Problem> {
    match &request.source {
        PublishSource::File(path) => may_be_published(&api.node, path)?,
        // What the configuration names, and nothing else.
        PublishSource::S3 { .. } | PublishSource::Api { .. } => {}
        PublishSource::Model(_) => {
            return Err(Problem::malformed("`source` is not that of a dataset")
                .expected("{\"file\": \"/path/of/the/data\"}, {\"s3\": {...}} or {\"api\": {...}}"));
        }
    }
    Ok((StatusCode::CREATED, Json(api.command(&request).await?)))
}

async fn publish_model(
    State(api): State<Arc<Api>>,
    Body(request): Body<Publish>,
) -> Result<(StatusCode, Json<PublishAnswer>), Problem> {
    let PublishSource::Model(path) = &request.source else {
        return Err(Problem::malformed("`source` is not that of a model service")
            .expected("{\"model\": \"/path/of/model.toml\"}"));
    };
    may_be_published(&api.node, path)?;
    Ok((StatusCode::CREATED, Json(api.command(&request).await?)))
}

async fn withdraw_dataset(
    State(api): State<Arc<Api>>,
    Named(id): Named,
    Body(why): Body<Withdrawal>,
) -> Answer<WithdrawAnswer> {
    if api
        .node
        .state
        .scan::<VersionEntry>(&format!("dataset/{id}/"))?
        .is_empty()
    {
        return Err(Problem::missing(
            format!("no dataset `{id}` was published here"),
            "list them with GET /management/v1/datasets",
        ));
    }
    withdraw(&api, id, why).await
}

async fn withdraw_model(
    State(api): State<Arc<Api>>,
    Named(id): Named,
    Body(why): Body<Withdrawal>,
) -> Answer<WithdrawAnswer> {
    if api.node.state.scan::<ModelEntry>(&format!("model/{id}/"))?.is_empty() {
        return Err(Problem::missing(
            format!("no model service `{id}` was published here"),
            "list them with GET /management/v1/models",
        ));
    }
    withdraw(&api, id, why).await
}

async fn withdraw(api: &Api, id: String, why: Withdrawal) -> Answer<WithdrawAnswer> {
    let Withdrawal { reason, version } = why;
    Ok(Json(api.command(&Withdraw { id, version, reason }).await?))
}
