//! Presentations of credentials, as they were accepted when an agreement was concluded: verified with the anchors' keys for the
//! holder and the issuers, at the time of the record.

use super::doubt::{Doubt, report};
use super::reason::Reason;
use super::records::Rec;
use super::requests::{happened_ms, no_key};
use super::verdict::{Check, Findings};
use crate::anchors::{Anchors, KeyAnchor};
use crate::dossier::Archive;
use herleid_credentials::Now;
use herleid_credentials::credential::{CredentialError, StatusList, StatusLists, TrustedIssuers};
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose::MAX_LIST_TOKEN_BYTES;
use herleid_credentials::keys::PublicKey;
use herleid_credentials::presentation::{self, Expected, PresentationError};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::sync::Arc;

/// Longest presentation that is read: 16 credentials in one token.
const MAX_BYTES: u64 = 1 << 20;
/// Longest status list that is read.
const MAX_LIST_BYTES: u64 = MAX_LIST_TOKEN_BYTES as u64;

/// Verifies every presentation that a record names.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    records: &[Rec],
    anchors: Option<&Anchors>,
    findings: &mut Findings,
) {
    for rec in records.iter().filter(|rec| !rec.is_receipt) {
        let named: Vec<String> = rec
            .documents()
            .filter(|(role, _)| *role == "presentation")
            .map(|(_, sha256)| format!("evidence/{sha256}"))
            .collect();
        for name in named
            .into_iter()
            .filter(|name| archive.contains(name))
            .collect::<Vec<_>>()
        {
            let result = match anchors {
                Some(anchors) => one(archive, &name, rec, anchors),
                None => Err(Doubt::NotChecked(Reason::NoAnchors)),
            };
            report(result, Check::Credential, &name, findings);
        }
    }
}

fn one<R: Read + Seek>(archive: &mut Archive<R>, name: &str, rec: &Rec, anchors: &Anchors) -> Result<(), Doubt> {
    let bytes = archive.read(name, MAX_BYTES).map_err(Doubt::failed)?;
    let token = std::str::from_utf8(&bytes).map_err(Doubt::failed)?;
    let at_ms = happened_ms(rec)?;
    let holder = other_end(rec).ok_or_else(|| {
        Doubt::NotChecked(Reason::Incomplete {
            what: "the other party of the agreement".to_owned(),
        })
    })?;
    let keys = anchors
        .party(holder.as_str())
        .map(|party| party.keys.as_slice())
        .unwrap_or_default();
    let holder_document = document(&holder, keys, Relationship::Authentication, at_ms)?;
    let mut issuer_documents = BTreeMap::new();
    let mut trusted = TrustedIssuers::new();
    for issuer in &anchors.issuers {
        // One who had no key then has issued nothing of this; what the others issued is checked all the same. A credential by
        // an issuer without a document is not trusted.
        if let Ok(document) = document(&issuer.did, &issuer.keys, Relationship::AssertionMethod, at_ms) {
            issuer_documents.insert(issuer.did.clone(), document);
        }
        for credential_type in &issuer.types {
            trusted.trust(issuer.did.clone(), credential_type);
        }
    }
    let expected = Expected {
        holder_document: &holder_document,
        audience: &rec.did,
        nonce: None,
        issuer_documents: &issuer_documents,
        trusted: &trusted,
        // It was accepted when the negotiation began, at most its own lifetime before the agreement was recorded.
        now: Now {
            now_ms: at_ms,
            leeway_ms: presentation::MAX_LIFETIME_MS,
        },
    };
    let kept = lists(archive, rec)?;
    let mut at_hand = StatusLists::none();
    let verified = loop {
        match presentation::verify_with(token, &expected, &at_hand) {
            Err(PresentationError::Credential {
                source: CredentialError::StatusNotAtHand { list, issuer },
                index,
            }) => {
                let had = issuer_documents.get(&issuer).and_then(|document| {
                    let read = |token: &String| StatusList::verify(token, &list, document, expected.now).ok();
                    kept.iter().find_map(read)
                });
                match had {
                    Some(had) => at_hand.add(Arc::new(had)),
                    None => {
                        let source = CredentialError::StatusNotAtHand { list, issuer };
                        break Err(PresentationError::Credential { index, source });
                    }
                }
            }
            other => break other,
        }
    };
    match verified {
        Ok(_) => Ok(()),
        Err(error @ PresentationError::NoIssuerDocument { .. }) => Err(Doubt::Untrusted(Reason::refused(error))),
        Err(PresentationError::Credential {
            source: error @ CredentialError::Untrusted { .. },
            ..
        }) => Err(Doubt::Untrusted(Reason::refused(error))),
        Err(PresentationError::Credential {
            // What nothing ends was taken once; whether it had been revoked by then is what cannot be told now.
            source:
                error @ (CredentialError::UncheckableStatus { .. }
                | CredentialError::StatusNotAtHand { .. }
                | CredentialError::Endless),
            ..
        }) => Err(Doubt::NotChecked(Reason::refused(error))),
        Err(error) => Err(Doubt::failed(error)),
    }
}

/// The status lists that were looked at when the record was made.
fn lists<R: Read + Seek>(archive: &mut Archive<R>, rec: &Rec) -> Result<Vec<String>, Doubt> {
    let named = rec.documents().filter(|(role, _)| *role == "status-list");
    let named: Vec<String> = named.map(|(_, sha256)| format!("evidence/{sha256}")).collect();
    let mut lists = Vec::new();
    for name in named {
        if archive.contains(&name) {
            let bytes = archive.read(&name, MAX_LIST_BYTES).map_err(Doubt::failed)?;
            lists.push(String::from_utf8(bytes).map_err(Doubt::failed)?);
        }
    }
    Ok(lists)
}

/// Who presented: the end of the agreement that the log does not belong to.
fn other_end(rec: &Rec) -> Option<Did> {
    let end = |member| rec.text(SectionName::Facts, member)?.parse::<Did>().ok();
    let (provider, consumer) = (end("provider")?, end("consumer")?);
    if provider == rec.did {
        Some(consumer)
    } else {
        Some(provider)
    }
}

/// A document of anchored keys only: what the party said of itself then is not asked.
fn document(did: &Did, keys: &[KeyAnchor], purpose: Relationship, at_ms: u64) -> Result<DidDocument, Doubt> {
    let mut builder = DidDocument::builder(did);
    let mut is_empty = true;
    for key in keys.iter().filter(|key| key.period.covers(at_ms)) {
        if let Some((owner, fragment)) = key.id.split_once('#')
            && owner == did.as_str()
        {
            let public = PublicKey::from_jwk(&key.jwk).map_err(Doubt::failed)?;
            builder = builder.key(fragment, &public, &[purpose]);
            is_empty = false;
        }
    }
    if is_empty {
        return Err(no_key(did.as_str(), !keys.is_empty()));
    }
    builder.build().map_err(Doubt::failed)
}
