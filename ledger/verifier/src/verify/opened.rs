//! `log-opened`, the first record of a log: who it belongs to must be what the anchors say.

use super::logs::Log;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks index 0 of every log of which it is there; of the party's log it must be there.
pub(super) fn check(logs: &BTreeMap<u64, Log>, party_origin: &str, records: &[Rec], findings: &mut Findings) {
    for log in logs.values() {
        let origin = log.key.name();
        let first = records.iter().find(|rec| {
            rec.record.origin() == origin && rec.record.index() == 0 && rec.section(SectionName::Facts).is_some()
        });
        match first {
            Some(rec) => match agrees(rec, log) {
                Ok(()) => findings.verified(Check::LogOpened, origin),
                Err(reason) => findings.failed(Check::LogOpened, origin, reason),
            },
            None if origin == party_origin => {
                findings.missing(Check::LogOpened, origin, Reason::NoLogOpened, None);
            }
            None => {}
        }
    }
}

fn agrees(rec: &Rec, log: &Log) -> Result<(), Reason> {
    if rec.kind().is_some_and(|kind| kind != Kind::LogOpened) {
        return Err(Reason::RecordForm {
            what: "index 0 is not of kind `log-opened`".to_owned(),
        });
    }
    let key = log.key.to_string();
    for (member, expected) in [
        ("did", log.did.as_str()),
        ("origin", log.key.name()),
        ("verifierKey", key.as_str()),
    ] {
        if rec.text(SectionName::Facts, member) != Some(expected) {
            return Err(Reason::OpenedOther {
                member: member.to_owned(),
            });
        }
    }
    let format = rec.section(SectionName::Facts).and_then(|facts| facts.get("format"));
    if format == Some(&Value::from(1)) {
        Ok(())
    } else {
        Err(Reason::OpenedOther {
            member: "format".to_owned(),
        })
    }
}
