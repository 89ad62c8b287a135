//! Runs and what a decision relies on: what each section says was exchanged, both ends agree, every input has a source, every
//! output relied on exists with that digest.

use super::bound::{self, Runs};
use super::copies::Copies;
use super::doubt::{Doubt, report};
use super::exchanges::{Exchanges, whole};
use super::explanations::Explanations;
use super::files::Files;
use super::inputs::Sources;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::case::{Case, Decision, FINISHED, Relied};
use herleid_ledger::exchange::Phase;
use herleid_ledger::section::SectionName;

/// What the checks of runs and of the decision look at.
pub(super) struct Told<'a> {
    pub(super) case: &'a Case,
    pub(super) records: &'a [Rec],
    pub(super) copies: &'a Copies<'a>,
    pub(super) exchanges: &'a Exchanges<'a>,
    pub(super) explanations: &'a Explanations,
}

/// Checks all runs, then the decision.
pub(super) fn check(told: &Told<'_>, files: &Files, findings: &mut Findings) {
    let runs = bound::check(told.copies, told.exchanges, told.explanations, findings);
    let sources = Sources::of(told);
    for (transaction, run) in &runs.told {
        let is_whole = |phase: Phase| told.is_whole(transaction, phase);
        let has_result = run.status != FINISHED || is_whole(Phase::RunResult);
        // What is wrong or missing about an exchange has been said there.
        if is_whole(Phase::RunRequest) && has_result && !runs.doubtful.contains(transaction) {
            let reason = Reason::Ran {
                model: run.model.clone(),
                status: run.status.clone(),
            };
            findings.verified_as(Check::Run, transaction, reason);
        }
        for input in &run.inputs {
            let subject = format!("{transaction}/{}", input.name);
            if input.transaction.is_none() {
                findings.verified_as(Check::Input, subject, Reason::DeclaredOwn);
            } else {
                let result = sources.check(run.exchange.as_ref(), input);
                report(result, Check::Input, &subject, findings);
            }
        }
    }
    decision(told, &runs, files, findings);
}

fn decision(told: &Told<'_>, runs: &Runs, files: &Files, findings: &mut Findings) {
    let head = &files.manifest.head;
    let root = hex::encode(head.root);
    let Some(decision) = &told.case.decision else {
        findings.missing(Check::Decision, root, Reason::NoDecision, None);
        return;
    };
    if decision.party != head.party || decision.facts.case != head.case {
        findings.failed(Check::Decision, root, Reason::OtherDecision);
        return;
    }
    match &decision.author {
        None => {
            let decided = told.copies.firsts();
            let mut decided = decided.filter(|rec| rec.leaf == head.root && rec.did == head.party);
            let explained = decided.find_map(|rec| told.explanations.section(rec, SectionName::People));
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
        let (subject, result) = match &relied.output {
            Some(output) => (
                format!("{}/{output}", relied.transaction),
                told.output(runs, relied, output),
            ),
            None => (relied.transaction.clone(), told.delivery(decision, relied)),
        };
        report(result, Check::Output, &subject, findings);
    }
}

impl Told<'_> {
    /// Whether an exchange of that phase is there, and both ends show every segment of it.
    fn is_whole(&self, transaction: &str, phase: Phase) -> bool {
        let segments = self.exchanges.get(&(transaction.to_owned(), phase));
        segments.is_some_and(|segments| segments.iter().all(|segment| segment.is_whole))
    }

    /// An output of a run: the run gave it, has finished, and both ends show its result.
    fn output(&self, runs: &Runs, relied: &Relied, name: &str) -> Result<(), Doubt> {
        let given = runs.told.get(&relied.transaction).and_then(|run| {
            let digests = run.outputs.get(name)?;
            Some((run, digests))
        });
        let Some((run, digests)) = given else {
            return Err(Doubt::missing(Reason::NoOutput, None));
        };
        if digests.iter().any(|sha256| *sha256 != relied.sha256) {
            return Err(Doubt::Failed(Reason::OtherOutput));
        }
        if self.is_whole(&relied.transaction, Phase::RunResult) {
            return Ok(());
        }
        Err(Doubt::missing(
            Reason::NotFinished {
                status: run.status.clone(),
            },
            None,
        ))
    }

    /// Data that the decision relies on as it was delivered, without a run: both ends show it, and it came to the one who
    /// decided.
    fn delivery(&self, decision: &Decision, relied: &Relied) -> Result<(), Doubt> {
        let transaction = relied.transaction.clone();
        let segments = self.exchanges.get(&(transaction.clone(), Phase::Pull));
        let segments = segments.map(Vec::as_slice).unwrap_or_default();
        let Some(one) = segments.first() else {
            return Err(Doubt::missing(Reason::NoPull { transaction }, None));
        };
        if one.exchange.consumer != decision.party {
            let did = one.exchange.consumer.to_string();
            return Err(Doubt::Failed(Reason::DeliveredToOther { did }));
        }
        let Some(one) = whole(segments) else {
            return Err(Doubt::missing(Reason::InSegments, None));
        };
        let content = one.content(self.explanations)?;
        if hex::encode(content.sha256) != relied.sha256 {
            return Err(Doubt::Failed(Reason::OtherDelivery));
        }
        if one.is_whole {
            Ok(())
        } else {
            Err(Doubt::missing(Reason::NoPull { transaction }, None))
        }
    }
}
