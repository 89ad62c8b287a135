//! What is checked after every fault: nothing that was acknowledged is gone, and nothing that was served is unsaid.

use crate::child::{Ack, examine, examine_states};
use crate::erasing::Erasures;
use crate::rig::{note, running_options};
use herleid_ledger::Ledger;
use herleid_ledger::merkle::verify_consistency;
use std::path::Path;

/// What a child acknowledged.
#[derive(Default, Clone)]
pub(crate) struct Said {
    pub(crate) acks: Vec<Ack>,
    pub(crate) states: Vec<String>,
    pub(crate) erasures: Erasures,
}

impl Said {
    pub(crate) fn read(&mut self, stdout: &[u8]) {
        self.acks.extend(Ack::read_all(stdout));
        let text = String::from_utf8_lossy(stdout);
        let whole = text.rsplit_once('\n').map(|(whole, _)| whole).unwrap_or_default();
        let states = whole.lines().filter_map(|line| line.strip_prefix("ack-state "));
        self.states.extend(states.map(str::to_owned));
        self.erasures.read(whole);
    }
}

/// Opens the log in `disk/knmi` again and checks it as a whole: what was acknowledged is there, and what was served is its past. Gives the
/// number of records found.
pub(crate) fn judge(said: &Said, disk: &Path) -> u64 {
    crate::checked(|| {
        let ledger = match Ledger::open(running_options(&disk.join("knmi"))) {
            Ok(ledger) => ledger,
            Err(error) => panic!("it does not open again: {error}"),
        };
        let found = ledger.size();
        examine(&ledger, &said.acks);
        examine_states(&ledger, &said.states);
        crate::erasing::examine(&ledger, &said.erasures, &disk.join("knmi"));
        let erased_again = ledger.size();
        // It goes on, and what it signs next extends what it served last.
        let next = ledger.append_blocking(note("next")).unwrap();
        if let Some(last) = said.acks.last() {
            let (before, now) = (last.size, next.checkpoint());
            let root = hex::decode(&last.root).unwrap().try_into().unwrap();
            let proof = ledger.consistency(before, now.size()).unwrap();
            verify_consistency(before, now.size(), &proof, &root, now.root()).unwrap();
        }
        assert_eq!(ledger.verify_all(|_, _| {}).unwrap().size, erased_again + 1);
        found
    })
}
