//! Proofs of single records in the forms of others: C2SP tlog-proof, COSE receipts (RFC 9942).

use super::Ledger;
use crate::checkpoint::Checkpoint;
use crate::cose::{self, Statement};
use crate::error::LedgerError;
use crate::handover::entry;
use crate::merkle::Hash;
use crate::proof::ProofFile;
use crate::tile::ENTRY_BYTES;
use std::sync::Arc;

/// A record's entry, its inclusion proof, and the checkpoint of that.
type Proved = ([u8; ENTRY_BYTES], Vec<Hash>, Arc<Checkpoint>);

/// A record's proof, as it leaves this log.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// The entry that it proves: what the log holds of the record.
    pub entry: [u8; ENTRY_BYTES],
    /// The checkpoint that it is proved under.
    pub checkpoint: Arc<Checkpoint>,
}

impl Ledger {
    /// What a record's proof is made of, under the latest checkpoint that enough witnesses cosigned where that covers the record,
    /// else under the latest.
    fn proved(&self, index: u64) -> Result<Proved, LedgerError> {
        let record = self.record(index)?;
        let cosigned = self.cosigned().filter(|cosigned| index < cosigned.size());
        let checkpoint = cosigned.unwrap_or_else(|| self.checkpoint());
        let proof = self.inclusion(index, checkpoint.size())?;
        Ok((entry(record.macs()), proof, checkpoint))
    }

    /// A record's proof file (C2SP tlog-proof).
    ///
    /// # Errors
    /// When there is no such record, or it is damaged.
    pub fn proof_file(&self, index: u64) -> Result<Exported, LedgerError> {
        let (entry, proof, checkpoint) = self.proved(index)?;
        Ok(Exported {
            bytes: ProofFile::new(index, proof, &checkpoint).to_string().into_bytes(),
            entry,
            checkpoint,
        })
    }

    /// A record's COSE receipt (RFC 9942). It holds no cosignatures: the form has no place for them.
    ///
    /// # Errors
    /// When there is no such record, or it is damaged.
    pub fn cose_receipt(&self, index: u64) -> Result<Exported, LedgerError> {
        let (entry, proof, checkpoint) = self.proved(index)?;
        let statement = Statement {
            issuer: self.party().to_string(),
            size: checkpoint.size(),
            index,
        };
        let receipt = cose::receipt(&self.shared().signer, &statement, &proof, checkpoint.root());
        Ok(Exported {
            bytes: receipt?,
            entry,
            checkpoint,
        })
    }
}
