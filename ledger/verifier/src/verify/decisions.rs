//! Policy decisions, evaluated again from their records and the policies among the evidence.

use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_policies::{DecisionRecord, Mismatch, Outcome, reevaluate};
use herleid_vocab::json::{self, Limits};
use serde_json::Value;
use std::io::{Read, Seek};

/// A policy's canonical bytes; the evaluator has limits of its own below this.
const LIMITS: Limits = Limits::MESSAGE;

/// Evaluates every recorded decision again.
pub(super) fn check<R: Read + Seek>(archive: &mut Archive<R>, records: &[Rec], findings: &mut Findings) {
    for rec in records.iter().filter(|rec| !rec.is_receipt) {
        let Some(decision) = rec.section(SectionName::Facts).and_then(|facts| facts.get("decision")) else {
            continue;
        };
        match again(archive, rec, decision) {
            Ok(()) => findings.verified(Check::Policy, &rec.source),
            Err(Outdated(false, reason)) => findings.failed(Check::Policy, &rec.source, reason),
            Err(Outdated(true, reason)) => findings.unchecked(Check::Policy, &rec.source, reason),
        }
    }
}

/// Whether it is only that this version cannot tell, and why.
struct Outdated(bool, Reason);

fn again<R: Read + Seek>(archive: &mut Archive<R>, rec: &Rec, decision: &Value) -> Result<(), Outdated> {
    let failed = |reason| Outdated(false, reason);
    let parsed = DecisionRecord::parse(decision).map_err(|e| failed(Reason::refused(e)))?;
    let file = format!("evidence/{}", parsed.policy.sha256);
    if !archive.contains(&file) {
        return Err(Outdated(true, Reason::NoPolicy { file }));
    }
    let bytes = archive
        .read(&file, LIMITS.max_bytes as u64)
        .map_err(|e| failed(Reason::refused(e)))?;
    let policy = json::parse(&bytes, &LIMITS).map_err(|e| failed(Reason::refused(e)))?;
    let decided = reevaluate(&policy, decision).map_err(|error| match error {
        Mismatch::Tables { .. } => Outdated(true, Reason::refused(error)),
        _ => failed(Reason::refused(error)),
    })?;
    let served = matches!(
        rec.kind(),
        Some(Kind::AgreementConcluded | Kind::PullOpened | Kind::RunStarted)
    );
    if served && decided.outcome() != Outcome::Permit {
        return Err(failed(Reason::ServedThoughDenied));
    }
    if rec.kind() == Some(Kind::Denied) && decided.outcome() != Outcome::Deny {
        return Err(failed(Reason::DeniedThoughPermitted));
    }
    // The decision must be about the exchange that its record is about, not about some other permitted one. Who passes data
    // on decides as the assignee of the agreement that it got the data under.
    if let Some(Ok(exchange)) = rec.record.exchange() {
        let request = &parsed.request;
        let gives = request.assignee == exchange.consumer.as_str() && request.assigner == exchange.provider.as_str();
        let passes_on = request.assignee == exchange.provider.as_str();
        if !gives && !passes_on {
            return Err(failed(Reason::DecidedForOther));
        }
    }
    Ok(())
}
