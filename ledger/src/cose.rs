//! COSE receipts (RFC 9942): that a record stands in a log, signed in a form that SCITT tools (RFC 9943) read.
//!
//! A receipt is signed with the log's own key, so that whoever has that key needs no other. What is signed (RFC 9052, section 4.4)
//! begins with the byte 0x84, which begins no UTF-8 text: it can never be taken for a checkpoint, nor a checkpoint for it.

use crate::merkle::{self, Hash, MAX_PROOF_HASHES};
use crate::note::{Algorithm, Signer, Verifier};
use coset::cbor::value::Value;
use coset::{
    CborSerializable as _, CoseSign1, CoseSign1Builder, Header, HeaderBuilder, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _, iana,
};
use herleid_vocab::json::MAX_INTEGER;

/// Header: which kind of tree (RFC 9942, section 8.2).
const VDS: i64 = 395;
/// Header: proofs in that tree.
const VDP: i64 = 396;
/// The tree of RFC 9162 with SHA-256.
const RFC9162_SHA256: i64 = 1;
/// Inclusion proofs, among the proofs.
const INCLUSION: i64 = -1;
/// Header: CWT claims (RFC 9597); of them issuer and subject (RFC 8392).
const CWT_CLAIMS: i64 = 15;
const ISSUER: i64 = 1;
const SUBJECT: i64 = 2;
/// Longest receipt that is read: a proof of 65 hashes, each 34 bytes, and headers.
pub const MAX_RECEIPT_BYTES: usize = 16 << 10;

/// Why a receipt is not made or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// It is not of the form.
    #[error("not a COSE receipt (RFC 9942): {why}")]
    Form {
        /// What is wrong.
        why: String,
    },
    /// The key is not a log's.
    #[error("the key `{name}` has the wrong type: a receipt is signed by a log's key (type 0x01)")]
    KeyType {
        /// Name of the key.
        name: String,
    },
    /// The proof leads to a root that the log did not sign, or is of another place in the tree.
    #[error("the receipt does not prove this entry under the key of `{log}`")]
    Signature {
        /// Name of the log's key.
        log: String,
    },
}

/// Where a record stands, and who says so: what a receipt is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// DID of the log's owner.
    pub issuer: String,
    /// Leaves of the tree.
    pub size: u64,
    /// Place of the entry, from 0.
    pub index: u64,
}

/// What a receipt proves. The size of the tree is not part of it: a receipt says it, but only the root is signed, to which one
/// path may lead from several sizes, and even from several places; the place is proved because the signed subject names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipted {
    /// DID of the log's owner.
    pub issuer: String,
    /// Place of the entry, from 0.
    pub index: u64,
}

fn subject(log: &Verifier, index: u64) -> String {
    format!("{}/{index}", log.name())
}

fn form(why: impl ToString) -> CoseError {
    CoseError::Form { why: why.to_string() }
}

/// Makes a receipt: the tree that `statement` speaks of has this `root`, to which `path` (leaf to root) leads.
///
/// # Errors
/// When the key is not a log's, or the receipt has no CBOR form.
pub fn receipt(log: &Signer, statement: &Statement, path: &[Hash], root: &Hash) -> Result<Vec<u8>, CoseError> {
    if log.verifier().algorithm() != Algorithm::Ed25519 {
        return Err(CoseError::KeyType {
            name: log.verifier().name().to_owned(),
        });
    }
    let text = |text: &str| Value::Text(text.to_owned());
    let claims = vec![
        (Value::from(ISSUER), text(&statement.issuer)),
        (Value::from(SUBJECT), text(&subject(log.verifier(), statement.index))),
    ];
    let protected = HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .key_id(key_id(log.verifier()))
        .value(CWT_CLAIMS, Value::Map(claims))
        .value(VDS, Value::from(RFC9162_SHA256))
        .build();
    let path = path.iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
    let proof = Value::Array(vec![
        Value::from(statement.size),
        Value::from(statement.index),
        Value::Array(path),
    ]);
    let proof = proof.to_vec().map_err(form)?;
    let proofs = Value::Map(vec![(Value::from(INCLUSION), Value::Array(vec![Value::Bytes(proof)]))]);
    let receipt = CoseSign1Builder::new()
        .protected(protected)
        .unprotected(HeaderBuilder::new().value(VDP, proofs).build())
        .create_detached_signature(root, &[], |message| log.sign_bytes(message))
        .build();
    receipt.to_tagged_vec().map_err(form)
}

/// The key's id as the notes have it: four bytes of a digest of name and key.
fn key_id(log: &Verifier) -> Vec<u8> {
    log.id().to_be_bytes().to_vec()
}

/// Checks that a receipt proves `entry` under the log's key.
///
/// # Errors
/// Names the check that failed.
pub fn verify(receipt: &[u8], entry: &[u8], log: &Verifier) -> Result<Receipted, CoseError> {
    if log.algorithm() != Algorithm::Ed25519 {
        return Err(CoseError::KeyType {
            name: log.name().to_owned(),
        });
    }
    if receipt.len() > MAX_RECEIPT_BYTES {
        return Err(form("it is longer than any receipt can be"));
    }
    let signed = CoseSign1::from_tagged_slice(receipt).map_err(form)?;
    if signed.payload.is_some() {
        return Err(form("its payload is attached: the root has to come from the proof"));
    }
    let protected = &signed.protected.header;
    if protected.alg != Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) {
        return Err(form("its algorithm is not EdDSA"));
    }
    // Critical headers change the meaning of others (RFC 9052, section 3.1); none is known here.
    if !protected.crit.is_empty() {
        return Err(form("it has critical headers that are not known here"));
    }
    if find(protected, VDS) != Some(&Value::from(RFC9162_SHA256)) {
        return Err(form(
            "it is not about a tree of RFC 9162 with SHA-256 (protected header 395)",
        ));
    }
    let (issuer, about) = claims(protected)?;
    let (size, index, path) = inclusion(&signed.unprotected)?;
    if about != subject(log, index) {
        return Err(form("its subject is not the log's origin and the index of its proof"));
    }
    let unproven = || CoseError::Signature {
        log: log.name().to_owned(),
    };
    let root = merkle::root_from_inclusion(&merkle::leaf_hash(entry), index, size, &path).map_err(|_| unproven())?;
    let checked = signed.verify_detached_signature(&root, &[], |signature, message| {
        if log.verifies_bytes(message, signature) {
            Ok(())
        } else {
            Err(unproven())
        }
    });
    checked?;
    Ok(Receipted { issuer, index })
}

fn find(header: &Header, label: i64) -> Option<&Value> {
    let mut found = header.rest.iter().filter(|(name, _)| *name == Label::Int(label));
    found.next().map(|(_, value)| value)
}

/// A member of a CBOR map that stands there once.
fn member(map: &Value, name: i64) -> Option<&Value> {
    let mut found = map.as_map()?.iter().filter(|(key, _)| *key == Value::from(name));
    let value = found.next().map(|(_, value)| value);
    value.filter(|_| found.next().is_none())
}

fn claims(protected: &Header) -> Result<(String, String), CoseError> {
    let text = |name| {
        let claim = find(protected, CWT_CLAIMS).and_then(|claims| member(claims, name));
        claim.and_then(Value::as_text).map(str::to_owned)
    };
    text(ISSUER)
        .zip(text(SUBJECT))
        .ok_or_else(|| form("it names no issuer or no subject (protected header 15)"))
}

/// Size, index and path of the one inclusion proof.
fn inclusion(unprotected: &Header) -> Result<(u64, u64, Vec<Hash>), CoseError> {
    let wrong = || form("its unprotected header 396 is not one inclusion proof: size, index, hashes");
    let proofs = find(unprotected, VDP).and_then(|proofs| member(proofs, INCLUSION));
    let [Value::Bytes(proof)] = proofs.and_then(Value::as_array).ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let proof = Value::from_slice(proof).map_err(form)?;
    let [size, index, Value::Array(path)] = proof.as_array().ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let number = |value: &Value| {
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| *number <= MAX_INTEGER).ok_or_else(wrong)
    };
    let hash = |value: &Value| Hash::try_from(value.as_bytes()?.as_slice()).ok();
    let path: Option<Vec<Hash>> = path.iter().map(hash).collect();
    let path = path.filter(|path| path.len() <= MAX_PROOF_HASHES).ok_or_else(wrong)?;
    Ok((number(size)?, number(index)?, path))
}
