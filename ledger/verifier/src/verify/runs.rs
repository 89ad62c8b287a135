//! Runs and the decision: every input has a pull or is the runner's own, every output relied on exists with that digest.

use super::exchanges::Joined;
use super::explanations::Explanations;
use super::files::Files;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::case::{Case, Run, RunInput, RunSection};
use herleid_ledger::exchange::{Phase, Subject};
use herleid_ledger::section::SectionName;
use std::collections::BTreeMap;

/// Segments by transaction and phase.
type Exchanges<'a> = BTreeMap<(String, Phase), Vec<&'a Joined<'a>>>;

/// Checks all runs, then the decision.
pub(super) fn check(
    case: &Case,
    joined: &[Joined<'_>],
    files: &Files,
    records: &[Rec],
    explanations: &Explanations,
    findings: &mut Findings,
) {
    for rec in records {
        let section = rec.section(SectionName::Run);
        if section.is_some_and(|run| serde_json::from_value::<RunSection>(run.clone()).is_err()) {
            let what = "run is not of the form of docs/log-format.md, section 6".to_owned();
            findings.failed(Check::Run, &rec.source, Reason::RecordForm { what });
        }
    }
    let mut exchanges = Exchanges::new();
    for one in joined {
        let transaction = one.exchange.transaction.hyphenated().to_string();
        exchanges
            .entry((transaction, one.exchange.phase))
            .or_default()
            .push(one);
    }
    for run in case.runs.values() {
        ends(run, &exchanges, findings);
        for input in &run.inputs {
            source(run, input, &exchanges, findings);
        }
    }
    decision(case, files, records, explanations, findings);
}

/// A run has an exchange of its request, and when it has finished one of its result.
fn ends(run: &Run, exchanges: &Exchanges<'_>, findings: &mut Findings) {
    let mut is_whole = true;
    for needed in [Phase::RunRequest, Phase::RunResult] {
        if needed == Phase::RunResult && run.status != "finished" {
            continue;
        }
        match exchanges.get(&(run.transaction.clone(), needed)) {
            Some(found) => is_whole &= found.iter().all(|segment| segment.is_whole),
            None => {
                is_whole = false;
                let phase = needed.as_str().to_owned();
                findings.missing(Check::Run, &run.transaction, Reason::NoExchange { phase }, None);
            }
        }
    }
    // What is wrong or missing about an exchange has been said there.
    if is_whole {
        let reason = Reason::Ran {
            model: run.model.clone(),
            status: run.status.clone(),
        };
        findings.verified_as(Check::Run, &run.transaction, reason);
    }
}

fn source(run: &Run, input: &RunInput, exchanges: &Exchanges<'_>, findings: &mut Findings) {
    let subject = format!("{}/{}", run.transaction, input.name);
    let Some(transaction) = &input.transaction else {
        findings.verified_as(Check::Input, subject, Reason::DeclaredOwn);
        return;
    };
    let segments = exchanges
        .get(&(transaction.clone(), Phase::Pull))
        .map(Vec::as_slice)
        .unwrap_or_default();
    let Some(first) = segments.first() else {
        let transaction = transaction.clone();
        findings.missing(Check::Input, subject, Reason::NoPull { transaction }, None);
        return;
    };
    let exchange = &first.exchange;
    let is_same_dataset = match &exchange.subject {
        Subject::Dataset { dataset, version } => *dataset == input.dataset && *version == input.version,
        Subject::Model { .. } => false,
    };
    if !is_same_dataset {
        findings.failed(Check::Input, subject, Reason::OtherDataset);
        return;
    }
    if run.provider.as_ref().is_some_and(|runner| *runner != exchange.consumer) {
        let consumer = exchange.consumer.to_string();
        findings.failed(Check::Input, subject, Reason::PulledByOther { consumer });
        return;
    }
    match (segments, &first.content) {
        ([_], Some(content)) if exchange.from == 0 => {
            let same = hex::encode(content.sha256) == input.sha256
                && hex::encode(content.blake3) == input.blake3
                && content.bytes == input.bytes;
            if same {
                findings.verified(Check::Input, subject);
            } else {
                findings.failed(Check::Input, subject, Reason::OtherThanPulled);
            }
        }
        _ => findings.unchecked(Check::Input, subject, Reason::InSegments),
    }
}

fn decision(case: &Case, files: &Files, records: &[Rec], explanations: &Explanations, findings: &mut Findings) {
    let head = &files.manifest.head;
    let root = hex::encode(head.root);
    let Some(decision) = &case.decision else {
        findings.missing(Check::Decision, root, Reason::NoDecision, None);
        return;
    };
    if decision.party != head.party || decision.facts.case != head.case {
        findings.failed(Check::Decision, root, Reason::OtherDecision);
        return;
    }
    match &decision.author {
        None => {
            let explained = explanations.section(&root, SectionName::People, records);
            findings.missing(Check::Decision, &root, Reason::NoAuthor, explained);
        }
        Some(author) => {
            let reason = Reason::DecidedBy {
                name: author.name.clone(),
                role: author.role.clone(),
            };
            findings.verified_as(Check::Decision, &root, reason);
        }
    }
    for relied in &decision.facts.relies_on {
        let subject = format!("{}/{}", relied.transaction, relied.output);
        let run = case.runs.get(&relied.transaction);
        let output = run.and_then(|run| run.outputs.iter().find(|output| output.name == relied.output));
        match output {
            Some(output) if output.sha256 == relied.sha256 => findings.verified(Check::Output, subject),
            Some(_) => findings.failed(Check::Output, subject, Reason::OtherOutput),
            None => findings.missing(Check::Output, subject, Reason::NoOutput, None),
        }
    }
}
