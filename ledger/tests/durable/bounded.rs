//! Documents take no more room than they may, and what would pass it is refused before anything is written.

use crate::rig::{TRACE, note, open};
use herleid_ledger::record::{Document, Draft, Kind};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, LedgerError};
use serde_json::json;

/// A document that does not shrink.
fn document(seed: u64, bytes: usize) -> Document {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state as u8
    };
    Document {
        role: "receipt".into(),
        media_type: "application/octet-stream".into(),
        bytes: (0..bytes).map(|_| next(&mut state)).collect(),
    }
}

const MOST: u64 = 16 << 20;
/// What the store takes for itself, and drafts that come at once.
const SLACK: u64 = 3 << 20;

#[test]
fn what_would_pass_the_bound_is_refused_and_everything_else_goes_on() {
    // Files of their own, and rows of the store.
    for bytes in [1_000_000, 60_000] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path(), 1);
        ledger.bound_evidence(MOST).unwrap();
        let mut kept = 0u64;
        let refused = loop {
            let draft = note(&kept.to_string()).evidence(document(kept, bytes));
            match ledger.append_blocking(draft) {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
            assert!(kept <= MOST / bytes as u64, "{kept} of {bytes} bytes");
        };
        assert!(kept >= (MOST - SLACK) / bytes as u64, "{kept} of {bytes} bytes");
        match &refused {
            AppendError::Ledger(LedgerError::EvidenceFull { used, more, most }) => {
                assert_eq!((*more, *most), (bytes as u64, MOST));
                assert!(used + more > MOST);
            }
            other => panic!("{other}"),
        }
        let said = refused.to_string();
        assert!(
            said.contains("limits.evidence_bytes") && said.contains("16777216"),
            "{said}"
        );
        let size = ledger.size();
        assert_eq!(size, kept + 1, "what is refused takes no number");
        // But that a key is another one: without it the service would not start, and nothing could be erased.
        let keys = json!({"what": "identity", "before": "a", "after": "b", "by": "key files"});
        let changed = Draft::new(Kind::KeyChanged, TRACE).section(SectionName::Facts, keys);
        ledger
            .append_blocking(changed.evidence(document(2_000, bytes)))
            .unwrap();
        // What is there takes no more room, and what has none needs none.
        ledger
            .append_blocking(note("again").evidence(document(0, bytes)))
            .unwrap();
        ledger.append_blocking(note("plain")).unwrap();
        assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, kept + 2);
        // Opened anew it is counted anew.
        drop(ledger);
        let ledger = open(dir.path(), 2);
        let used = ledger.bound_evidence(MOST).unwrap();
        assert!(used >= kept * bytes as u64, "{used}");
        let one = ledger.append_blocking(note("more").evidence(document(999, 2 * SLACK as usize)));
        assert!(
            matches!(one, Err(AppendError::Ledger(LedgerError::EvidenceFull { .. }))),
            "{one:?}"
        );
        drop(ledger);
        // With a wider bound there is room, and without one too.
        let ledger = open(dir.path(), 3);
        ledger.bound_evidence(2 * MOST).unwrap();
        ledger
            .append_blocking(note("more").evidence(document(999, bytes)))
            .unwrap();
        drop(ledger);
        let ledger = open(dir.path(), 4);
        ledger
            .append_blocking(note("most").evidence(document(1_000, 3 << 20)))
            .unwrap();
    }
}
