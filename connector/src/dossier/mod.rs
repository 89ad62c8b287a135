//! `dossier`: writes a case down for an auditor: records opened, proofs under witnessed checkpoints, evidence, data, programs.

pub(crate) mod closure;
mod foreign;
mod write;

use crate::commands::Failure;
use crate::consumer::program::program_of;
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{Dossier, DossierAnswer};
use crate::node::{Node, fresh_trace};
use crate::state::RunEntry;
use herleid_ledger::At;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long our own witnesses are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes the dossier of a case.
///
/// # Errors
/// When there is no decision, a witness or another party does not answer, or the file exists.
pub async fn command(node: Arc<Node>, request: Dossier, _progress: Progress) -> Result<DossierAnswer, Failure> {
    if node.witnesses.is_empty() {
        return Err(
            Failure::refused("a dossier needs a witness outside the case, and none is configured")
                .next("name one under `[[trust.witnesses]]`"),
        );
    }
    let wanted = write::files(&closure::of_case(&node, &request.case)?).1;
    let mut missing = programs(&node, &wanted).await?;
    // Again: a program that was fetched is a pull of its own, and part of the case.
    let closure = closure::of_case(&node, &request.case)?;
    missing.extend(other_runs(&node, &closure)?);
    missing.extend(closure::erased(&closure.records));
    wait_until_witnessed(&node, node.ledger.size()).await?;
    let foreign = foreign::gather(&node, &closure.records).await?;
    let unsigned = write::write(&node, &request, &closure, &foreign, missing)?;
    let digest = unsigned.digest();

    let facts = json!({"to": "whoever holds this dossier", "purpose": format!("dossier of case {}", request.case), "manifest": hex::encode(digest)});
    let draft = Draft::new(Kind::Disclosed, fresh_trace(&node)).section(SectionName::Facts, facts);
    let recorded = node.append(draft).await?;
    wait_until_witnessed(&node, recorded.index() + 1).await?;
    let proof = node.ledger.hand_over(
        recorded.index(),
        &[SectionName::Envelope, SectionName::Facts],
        unsigned.consistency_from(),
        At::Cosigned,
    )?;
    let path = unsigned.seal(&node, &proof)?;
    Ok(DossierAnswer {
        path,
        manifest_sha256: hex::encode(digest),
    })
}

/// Waits until a quorum of our witnesses has cosigned `size` records.
async fn wait_until_witnessed(node: &Node, size: u64) -> Result<(), Failure> {
    let mut asked = node.asked.subscribe();
    node.has_grown();
    let waiting = async {
        while node.witnessed_size() < size {
            if asked.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| {
        Failure::unreachable(format!(
            "only {} of {size} records are witnessed, and the witnesses do not answer",
            node.witnessed_size()
        ))
        .next("try again when they do")
    })
}

/// Fetches the programs of the case's runs, so that an auditor can repeat them; says of those that are not there why.
async fn programs(node: &Arc<Node>, wanted: &BTreeSet<String>) -> Result<Vec<Value>, Failure> {
    let mut failed: BTreeMap<String, Failure> = BTreeMap::new();
    let mut tried = BTreeSet::new();
    for (_, run) in node.state.scan::<RunEntry>("run/")? {
        // Under each agreement once: one may be over and another not.
        if !wanted.contains(&run.program) || !tried.insert((run.program.clone(), run.agreement.clone())) {
            continue;
        }
        match program_of(node, &run).await {
            Ok(()) => drop(failed.remove(&run.program)),
            Err(error) => drop(failed.insert(run.program, error)),
        }
    }
    let entry = |(program, error): (String, Failure)| {
        // Its holder's no is the licence's; that it could not be reached, or that its agreement is gone, is not.
        let why = if error.code() == Code::Refused {
            "licence"
        } else {
            "withheld"
        };
        json!({"what": "model", "id": program, "why": why, "explanation": error.to_string()})
    };
    Ok(failed.into_iter().map(entry).collect())
}

/// Runs of this party that the case does not rest on. Their providers count them all the same, and whoever asks those finds
/// numbers that the dossier does not show: it says itself that it leaves them out.
pub(crate) fn other_runs(node: &Node, closure: &closure::Closure) -> Result<Vec<Value>, Failure> {
    let mut left_out = Vec::new();
    for (_, run) in node.state.scan::<RunEntry>("run/")? {
        // By the index, and not by what its records say: that may have been erased.
        let of_it = node.ledger.by_term(&Term::Transaction(run.transaction.clone()))?;
        if !of_it.iter().any(|index| closure.records.contains_key(index)) {
            left_out.push(run);
        }
    }
    let entry = |run: RunEntry| {
        let (stream, n) = run.model_stream?;
        let explanation = format!("a run of `{}` that this case does not rest on", run.model);
        Some(
            json!({"what": "record", "id": format!("stream-model/{stream}/{n}"), "why": "withheld", "explanation": explanation}),
        )
    };
    Ok(left_out.into_iter().filter_map(entry).collect())
}
