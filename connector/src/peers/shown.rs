//! Records as another log shows them, checked each by itself; whether they continue what the log said before is asked of several at once.

use super::kept::Caught;
use super::lies::Lie;
use super::place::{self, Place};
use super::{Peers, ReceiptError, SeenStream, numbers_key, stream_key, verifier};
use crate::state::{LogIdentity, StateError};
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::section::SectionName;

/// A record whose proof holds under its own checkpoint, signed by its log. Only [`Peers::show`] makes one.
pub(crate) struct Shown {
    pub(super) handed: HandedOver,
    pub(super) record: VerifiedRecord,
    pub(super) places: Vec<Place>,
}

impl Shown {
    /// The record.
    pub(crate) const fn record(&self) -> &VerifiedRecord {
        &self.record
    }

    /// Its place in the stream of this section, if it says so.
    pub(crate) fn place(&self, section: SectionName) -> Option<&Place> {
        self.places.iter().find(|place| place.section == section)
    }

    /// Lets nothing be remembered of its numbers: of a stream that nothing ties to what was asked for, a peer could show a new one every
    /// day, and fill the memory.
    pub(crate) fn without_numbers(&mut self) {
        self.places.clear();
    }

    pub(super) fn into_record(self) -> VerifiedRecord {
        self.record
    }
}

impl Peers {
    /// Checks a record by itself. Nothing is remembered but a lie that it proves.
    ///
    /// # Errors
    /// Names the lie.
    pub(crate) async fn show(&self, log: &LogIdentity, handed: HandedOver) -> Result<Shown, ReceiptError> {
        let key = verifier(log)?;
        let record = handed.verify(&key).map_err(|error| Lie::ReceiptInvalid {
            peer: log.did.to_string(),
            error,
        })?;
        match place::read(&log.did, &record) {
            Ok(places) => Ok(Shown { handed, record, places }),
            Err(lie) => {
                if lie.is_proved() {
                    self.keep(log, Caught::By(&handed), None, &lie).await?;
                }
                Err(lie.into())
            }
        }
    }

    /// What is remembered of the stream that a log keeps of `of` ([`super::agreement_of`]): its id, and the highest number that it gave.
    ///
    /// # Errors
    /// When the memory fails.
    pub(crate) fn agreement_stream(&self, log: &LogIdentity, of: &str) -> Result<Option<(String, u64)>, StateError> {
        let key = stream_key(log, SectionName::StreamAgreement, of);
        let Some(SeenStream { id }) = self.state.get(&key)? else {
            return Ok(None);
        };
        let (prefix, mut highest) = (numbers_key(log, &id), 0);
        let scanned = self.with.ledger.scan_each(&prefix, |n, _| {
            highest = highest.max(n.parse().unwrap_or(0));
        });
        scanned.map_err(|e| StateError::Store {
            key: prefix.clone(),
            why: e.to_string(),
        })?;
        Ok(Some((id, highest)))
    }
}
