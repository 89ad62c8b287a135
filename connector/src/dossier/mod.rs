//! `dossier`: writes a case down for an auditor: records opened, proofs under witnessed checkpoints, evidence, data, programs.

pub(crate) mod closure;
mod foreign;
mod write;

pub(crate) use write::files;

use crate::commands::Failure;
use crate::consumer::program::program_of;
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{Dossier, DossierAnswer};
use crate::node::{Node, fresh_trace};
use crate::state::RunEntry;
use crate::witnessing::WitnessStanding;
use herleid_ledger::At;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::time::format_rfc3339_ms;
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
    let wanted = files(closure::of_case(&node, &request.case)?.records.values()).1;
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
        let quorum = node.config.trust.quorum.max(1);
        let why = format!(
            "only {} of {size} records are witnessed by {quorum} of {} witnesses: {}",
            node.witnessed_size(),
            node.witnesses.len(),
            not_yet(&node.standings.all(), size)
        );
        Failure::unreachable(why).next("try again when enough of them answer")
    })
}

/// What each witness says that has not cosigned `size` records.
fn not_yet(standings: &[WitnessStanding], size: u64) -> String {
    let behind = standings.iter().filter(|standing| standing.size < Some(size));
    let told = behind.map(|standing| {
        let name = &standing.name;
        match (standing.failing_since_ms, &standing.why) {
            (Some(since), Some(why)) => format!("`{name}` fails since {}: {why}", format_rfc3339_ms(since)),
            _ => match standing.size {
                Some(cosigned) => format!("`{name}` answered and has cosigned {cosigned} records"),
                None => format!("`{name}` has not answered yet"),
            },
        }
    });
    told.collect::<Vec<_>>().join("; ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_witnesses_names_those_alone_that_did_not_cosign() {
        let standing = |name: &str, size: Option<u64>, why: Option<&str>| WitnessStanding {
            name: name.to_owned(),
            size,
            cosigned_ms: None,
            failing_since_ms: why.map(|_| 1_800_000_000_000),
            why: why.map(str::to_owned),
        };
        let all = [
            standing("well.example/witness", Some(7), None),
            standing("down.example/witness", Some(5), Some("the connection was refused")),
            standing("slow.example/witness", Some(6), None),
            standing("new.example/witness", None, None),
        ];
        let told = not_yet(&all, 7);
        assert!(!told.contains("well.example"), "{told}");
        for part in [
            "`down.example/witness` fails since 2027-01-15T08:00:00.000Z: the connection was refused",
            "`slow.example/witness` answered and has cosigned 6 records",
            "`new.example/witness` has not answered yet",
        ] {
            assert!(told.contains(part), "expected `{part}`: {told}");
        }
    }
}
