//! Both verifiers on one dossier.

use crate::build::parse;
use herleid_verifier::{Element, Report, Verdict, verify};
use serde_json::Value;
use std::io::Cursor;

/// 2026: long after everything in the tests.
pub const NOW_MS: u64 = 1_790_000_000_000;

pub fn judge(dossier: &[u8], anchors: Option<&Value>) -> Report {
    let anchors = anchors.map(parse);
    verify(Cursor::new(dossier), anchors.as_ref(), NOW_MS).report
}

/// The elements of one verdict, as `check subject: reason`.
pub fn listed(report: &Report, verdict: Verdict) -> Vec<String> {
    let line = |element: &Element| {
        let reason = element.reason.as_ref().map(|reason| reason.text(herleid_verifier::Language::English));
        format!("{:?} {}: {}", element.check, element.subject, reason.unwrap_or_default())
    };
    report.of(verdict).map(line).collect()
}
