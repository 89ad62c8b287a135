//! `publish` and `withdraw`: dataset versions and model services.

mod counted;
mod found;

use super::Failure;
use super::described::{self, described};
use crate::catalogue::{Entry, Turn};
use crate::control::progress::Progress;
use crate::control::protocol::{Publish, PublishAnswer, PublishSource, Withdraw, WithdrawAnswer};
use crate::models::package::ModelPackage;
use crate::models::process::Process;
use crate::node::{Node, fresh_trace};
use crate::payloads::Kept;
use crate::state::{Digests, ModelEntry, OfferEntry, SourceEntry, VersionEntry, set};
use herleid_ledger::Recorded;
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_policies::Policy;
use herleid_vocab::json;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Publishes.
///
/// # Errors
/// When the policy is not understood, the file cannot be read, or the version exists with other bytes.
pub(super) async fn publish(node: Arc<Node>, request: Publish, progress: Progress) -> Result<PublishAnswer, Failure> {
    let offer = offer(&request)?;
    match &request.source {
        PublishSource::File(_) | PublishSource::S3 { .. } | PublishSource::Api { .. } => {
            dataset(&node, &request, offer, &progress).await
        }
        PublishSource::Model(path) => {
            let told = [
                (&request.title, "title"),
                (&request.version, "version"),
                (&request.description, "description"),
                (&request.media_type, "media_type"),
                (&request.licence, "licence"),
            ];
            if let Some((_, member)) = told.iter().find(|(value, _)| value.is_some()) {
                return Err(Failure::usage(format!(
                    "a model is published without `{member}`: what its package says holds"
                )));
            }
            model(&node, path, &request, offer).await
        }
    }
}

/// Refuses what the catalogue could not show, before it is recorded for ever.
async fn check(node: &Node, candidate: &Entry, turn: &Turn) -> Result<(), Failure> {
    node.catalogue.check(candidate, turn).await.map_err(|e| {
        Failure::refused(format!("this cannot stand in the catalogue: {e}")).next(
            "give every offer an `@id` of its own, or leave it out (it is then made from the identifier); leave `target` out; \
             give datasets and models different identifiers",
        )
    })
}

/// Records what changes the catalogue, and changes it. Goes on when nobody waits for it any more: what is recorded must be shown, and what
/// is withdrawn must not be.
async fn record(
    node: &Arc<Node>,
    draft: Draft,
    id: &str,
    turn: Turn,
    kept: Option<Kept>,
) -> Result<(Recorded, Turn), Failure> {
    let (node, id) = (node.clone(), id.to_owned());
    let recording = tokio::spawn(async move {
        let recorded = node.append(draft).await?;
        // Until here no erasure took the bytes away.
        drop(kept);
        node.catalogue.changed(&id, &turn).await.map_err(|e| {
            Failure::failed(format!(
                "it is recorded, but the catalogue in memory could not be renewed: {e}"
            ))
            .next("see to the storage, and start the service again")
        })?;
        Ok((recorded, turn))
    });
    recording.await.map_err(Failure::failed)?
}

/// The offer as it will stand in the catalogue: understood in every term, or refused with line and term.
fn offer(request: &Publish) -> Result<OfferEntry, Failure> {
    if !request.policy.is_object() {
        return Err(Failure::usage(
            "the policy is not a JSON object; expected an ODRL offer",
        ));
    }
    let policy = Policy::parse_own_offer(&request.policy, &format!("{}#offer", request.id)).map_err(|e| {
        Failure::refused(format!("the policy cannot be offered: {e}"))
            .next("change the policy; docs/policies.md says what is understood")
    })?;
    Ok(OfferEntry {
        id: policy.id().to_owned(),
        offer: policy.document().clone(),
        sha256: policy.digest().hex(),
    })
}

fn offer_document(offer: &OfferEntry) -> Result<Document, Failure> {
    Ok(Document {
        role: "offer".to_owned(),
        media_type: "application/ld+json".to_owned(),
        bytes: json::canonical(&offer.offer)?,
    })
}

fn check_id(id: &str) -> Result<(), Failure> {
    // It stands in paths of the protocol and in keys of the store.
    let right =
        !id.is_empty() && id.len() <= 256 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b":.-_~".contains(&b));
    if right {
        Ok(())
    } else {
        Err(Failure::usage(format!(
            "`{id}` cannot be an identifier: expected up to 256 letters, digits and `:.-_~`, as in `urn:knmi:rain`"
        )))
    }
}

async fn dataset(
    node: &Arc<Node>,
    request: &Publish,
    offer: OfferEntry,
    progress: &Progress,
) -> Result<PublishAnswer, Failure> {
    check_id(&request.id)?;
    // Before the bytes are read: who forgot something is told at once.
    let metadata = described(node, request, described::Given::default())?;
    let (title, description) = (
        described::first(&metadata.title),
        described::first(&metadata.description),
    );
    // Before its bytes are kept: of what is refused none may stay.
    if let Some(version) = &request.version {
        let known: Option<VersionEntry> = node.state.get(&format!("dataset/{}/{version}", request.id))?;
        if known.is_some_and(|known| known.erased) {
            return Err(erased(&request.id, version));
        }
    }
    let found = found::look(node, &request.source, progress).await?;
    let version = request.version.clone().unwrap_or(found.version);
    check_id(&version)?;
    if found.digests.is_none() {
        counted::refuse_volume(&offer, "an answer of an API will be")?;
    }
    let media_type = request.media_type.clone().unwrap_or(found.media_type);
    let digests = found.digests;
    let (blake3, sha256) = (digests.as_ref().map(|d| &d.blake3), digests.as_ref().map(|d| &d.sha256));
    // Of an API all three are null: each answer has its own (docs/decisions/0010-digested-on-the-way.md).
    let facts = json!({
        "dataset": request.id, "version": version, "title": title, "blake3": blake3, "sha256": sha256,
        "bytes": digests.as_ref().map(|d| d.bytes), "mediaType": media_type, "offers": [{"id": offer.id, "policy": offer.sha256}],
    });
    let key = format!("dataset/{}/{version}", request.id);
    let turn = node.catalogue.turn().await;
    refuse_other_bytes(node, &key, digests.as_ref(), &found.source)?;
    let draft = Draft::new(Kind::DatasetPublished, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(offer_document(&offer)?)
        .term(Term::Dataset(request.id.clone()));
    let entry = VersionEntry {
        dataset: request.id.clone(),
        version: version.clone(),
        title,
        description,
        media_type,
        licence: metadata.licence.clone(),
        metadata: Some(metadata),
        digests: digests.clone(),
        source: found.source,
        offers: vec![offer.clone()],
        withdrawn: None,
        erased: false,
        published_ms: node.now_ms(),
    };
    let (key, value) = set(key, &entry)?;
    check(node, &Entry::Dataset(entry), &turn).await?;
    let (recorded, _) = record(node, draft.put(key, value), &request.id, turn, found.kept).await?;
    Ok(PublishAnswer {
        id: request.id.clone(),
        version,
        bytes: digests.as_ref().map(|d| d.bytes),
        sha256: digests.as_ref().map(|d| d.sha256.clone()),
        blake3: digests.map(|d| d.blake3),
        offers: vec![offer.id],
        index: recorded.index(),
    })
}

fn refuse_other_bytes(node: &Node, key: &str, digests: Option<&Digests>, source: &SourceEntry) -> Result<(), Failure> {
    let Some(known): Option<VersionEntry> = node.state.get(key)? else {
        return Ok(());
    };
    if known.erased {
        return Err(erased(&known.dataset, &known.version));
    }
    let published = match &known.digests {
        Some(old) if digests.is_some_and(|new| new.sha256 == old.sha256) => return Ok(()),
        None if known.source == *source => return Ok(()),
        Some(old) => format!("other bytes (SHA-256 {})", old.sha256),
        None => "another API, other paths or other queries".to_owned(),
    };
    Err(Failure::refused(format!(
        "version `{}` of `{}` was published with {published}; a version never changes: publish this under another version",
        known.version, known.dataset
    )))
}

/// Which bytes it had is not known any more, so that nothing can be shown to be that version.
fn erased(id: &str, version: &str) -> Failure {
    Failure::refused(format!(
        "version `{version}` of `{id}` was published before, and was erased; a version never changes: publish this under another version"
    ))
}

async fn model(node: &Arc<Node>, path: &Path, request: &Publish, offer: OfferEntry) -> Result<PublishAnswer, Failure> {
    counted::refuse_volume(&offer, "the outputs of a run will be")?;
    let refuse = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the model package `{}` is refused: {why}", path.display()))
    };
    let text = tokio::fs::read_to_string(path).await.map_err(|e| refuse(&e))?;
    let package = match path.extension().and_then(|e| e.to_str()) {
        Some("json") => ModelPackage::from_json(text.as_bytes()),
        _ => ModelPackage::from_toml(&text),
    };
    let package = package.map_err(|e| refuse(&e))?;
    let model = package.model().clone();
    node.config
        .models
        .sandbox
        .allow(model.limits())
        .map_err(|e| refuse(&e))?;
    let metadata = described(node, request, described::Given::of(&model))?;
    let (id, version) = (model.id().to_owned(), model.version().to_owned());
    if request.id != id {
        return Err(Failure::usage(format!(
            "the package describes `{id}`, not `{}`; publish it under its own identifier",
            request.id
        )));
    }
    let program = {
        let program = package.program_path(path.parent().unwrap_or(Path::new(".")));
        let payloads = node.payloads.clone();
        tokio::task::spawn_blocking(move || payloads.import(&program))
            .await
            .map_err(Failure::failed)??
    };
    let program_sha256 =
        crate::state::digest_bytes(&program.sha256).ok_or_else(|| Failure::failed("the program has no digest"))?;
    let environment = model.environment_document()?;
    let (title, canonicalisation, in_dossier) = (
        model.title().to_owned(),
        model.canonicalisation().to_string(),
        model.licence().program_in_dossier,
    );
    let process = Process::new(model, &program_sha256)
        .document()
        .map_err(|e| refuse(&e))?;
    let digest = |bytes: &[u8]| crate::state::Digests::of(bytes).sha256;
    let (process_sha256, environment_sha256) = (digest(&process), digest(&environment));
    let facts = json!({
        "model": id, "version": version, "title": title, "program": program.sha256, "environment": environment_sha256,
        "process": process_sha256, "canonicalisation": canonicalisation, "offers": [{"id": offer.id, "policy": offer.sha256}],
    });
    let document = |role: &str, bytes: Vec<u8>| Document {
        role: role.to_owned(),
        media_type: "application/json".to_owned(),
        bytes,
    };
    let draft = Draft::new(Kind::ModelPublished, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(offer_document(&offer)?)
        .evidence(document("process", process))
        .evidence(document("environment", environment))
        .term(Term::Model(id.clone()));
    let entry = ModelEntry {
        model: id.clone(),
        version: version.clone(),
        title,
        program: program.sha256.clone(),
        program_blake3: program.blake3.clone(),
        program_in_dossier: in_dossier,
        process: process_sha256,
        environment: environment_sha256,
        metadata: Some(metadata),
        offers: vec![offer.clone()],
        withdrawn: None,
        erased: false,
        published_ms: node.now_ms(),
    };
    let key = format!("model/{id}/{version}");
    let turn = node.catalogue.turn().await;
    let (state_key, value) = set(key.clone(), &entry)?;
    check(node, &Entry::Model(entry), &turn).await?;
    let known = node.state.get::<ModelEntry>(&key)?;
    if known.as_ref().is_some_and(|known| known.erased) {
        return Err(erased(&id, &version));
    }
    if let Some(known) = known.filter(|known| known.program != program.sha256) {
        return Err(Failure::refused(format!(
            "version `{version}` of `{id}` was published with another program (SHA-256 {}); a version never changes",
            known.program
        )));
    }
    let digests = program.digests().clone();
    let (recorded, _) = record(node, draft.put(state_key, value), &id, turn, Some(program)).await?;
    Ok(PublishAnswer {
        id,
        version,
        bytes: Some(digests.bytes),
        sha256: Some(digests.sha256),
        blake3: Some(digests.blake3),
        offers: vec![offer.id],
        index: recorded.index(),
    })
}

/// Withdraws versions: they leave the catalogue, and agreements about them give no access any more.
pub(super) async fn withdraw(
    node: Arc<Node>,
    request: Withdraw,
    _progress: Progress,
) -> Result<WithdrawAnswer, Failure> {
    let mut turn = node.catalogue.turn().await;
    let wanted = |version: &str| request.version.as_deref().is_none_or(|v| v == version);
    let mut versions = Vec::new();
    let mut index = 0;
    for (key, mut entry) in node.state.scan::<VersionEntry>(&format!("dataset/{}/", request.id))? {
        if entry.withdrawn.is_none() && wanted(&entry.version) {
            entry.withdrawn = Some(request.reason.clone());
            let facts = json!({"dataset": entry.dataset, "version": entry.version, "reason": request.reason});
            let draft = withdrawal(
                &node,
                Kind::DatasetWithdrawn,
                facts,
                Term::Dataset(entry.dataset.clone()),
                set(key, &entry)?,
            );
            let recorded;
            (recorded, turn) = record(&node, draft, &request.id, turn, None).await?;
            index = recorded.index();
            versions.push(entry.version);
        }
    }
    for (key, mut entry) in node.state.scan::<ModelEntry>(&format!("model/{}/", request.id))? {
        if entry.withdrawn.is_none() && wanted(&entry.version) {
            entry.withdrawn = Some(request.reason.clone());
            let facts = json!({"model": entry.model, "version": entry.version, "reason": request.reason});
            let draft = withdrawal(
                &node,
                Kind::ModelWithdrawn,
                facts,
                Term::Model(entry.model.clone()),
                set(key, &entry)?,
            );
            let recorded;
            (recorded, turn) = record(&node, draft, &request.id, turn, None).await?;
            index = recorded.index();
            versions.push(entry.version);
        }
    }
    if versions.is_empty() {
        return Err(Failure::missing(format!(
            "nothing published under `{}` is left to withdraw",
            request.id
        )));
    }
    Ok(WithdrawAnswer {
        id: request.id,
        versions,
        index,
    })
}

fn withdrawal(node: &Node, kind: Kind, facts: Value, term: Term, change: crate::state::Change) -> Draft {
    Draft::new(kind, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .term(term)
        .put(change.0, change.1)
}
