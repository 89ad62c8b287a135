//! What a caller's own thread does for its record: checks, evidence, MACs, encryption, wrapped keys.

use super::Shared;
use crate::error::{AppendError, LedgerError};
use crate::record::{Draft, DraftError, Kind, MAX_KEY_BYTES, SealedDraft};
use crate::section::{Place, RootKey, SectionName};
use crate::store::codec::{StoredSection, state_key};
use crate::store::evidence::{InUse, SMALL};
use uuid::{Builder, Uuid};

/// A draft that waits for its place.
pub(crate) struct Prepared {
    pub(crate) id: Uuid,
    /// The draft; its sections have been moved to `sealed`, and its large documents are durable already.
    pub(crate) draft: SealedDraft,
    pub(crate) sealed: Vec<StoredSection>,
    /// Keys of the sections that the sequencer makes: envelope and streams.
    pub(crate) made: Vec<(SectionName, RootKey)>,
    /// Row of wrapped keys, for all sections.
    pub(crate) wrapped: Vec<u8>,
    /// Its large documents, which no erasure takes away before it has its place.
    pub(crate) in_use: Vec<InUse>,
}

/// Prepares a caller's draft.
pub(crate) fn prepare(shared: &Shared, draft: Draft) -> Result<Prepared, AppendError> {
    let draft = draft.seal()?;
    if draft.kind == Kind::LogOpened {
        return Err(AppendError::LogOpened);
    }
    if draft.kind == Kind::Erased {
        return Err(AppendError::Erased);
    }
    Ok(prepare_sealed(shared, draft)?)
}

/// Prepares any draft, the log's own first one too.
pub(crate) fn prepare_sealed(shared: &Shared, mut draft: SealedDraft) -> Result<Prepared, LedgerError> {
    let mut in_use = Vec::new();
    draft.documents.retain(|(digest, bytes)| {
        let small = bytes.len() <= SMALL;
        if !small {
            match shared.evidence.put(digest, bytes) {
                Ok(kept) => in_use.push(kept),
                Err(error) => shared.fatal(&error),
            }
        }
        small
    });
    let entropy = shared.entropy.as_ref();
    let mut random = [0u8; 10];
    entropy.fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(shared.clock.now_ms(), &random).into_uuid();
    let record = id.hyphenated().to_string();
    let origin = shared.origin.as_str();

    let mut sealed = Vec::new();
    let mut roots = Vec::new();
    for (name, bytes) in std::mem::take(&mut draft.sections) {
        let root = RootKey::generate(entropy);
        sealed.push(seal(shared, &record, name, &root, &bytes)?);
        roots.push((name, root));
    }
    let streams = draft.streams.iter().map(|key| key.section());
    let made: Vec<(SectionName, RootKey)> = std::iter::once(SectionName::Envelope)
        .chain(streams)
        .map(|name| (name, RootKey::generate(entropy)))
        .collect();
    let all = roots.iter().chain(&made).map(|(name, root)| (*name, root));
    let wrapped = shared.keys.row(origin, &record, all, entropy)?;
    Ok(Prepared {
        id,
        draft,
        sealed,
        made,
        wrapped,
        in_use,
    })
}

/// MAC and ciphertext of one section.
pub(crate) fn seal(
    shared: &Shared,
    record: &str,
    name: SectionName,
    root: &RootKey,
    bytes: &[u8],
) -> Result<StoredSection, LedgerError> {
    let origin = shared.origin.as_str();
    let place = Place { origin, record, name };
    let sealed = root.seal(&place, bytes);
    Ok(StoredSection {
        name,
        mac: root.mac_key().mac(bytes),
        sealed: Some(sealed.map_err(|_| shared.corrupt("a section", "a length that can be sealed", "too long"))?),
    })
}

/// Writes of a caller's own state: stored key, and value or removal.
pub(crate) type StateWrites = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Keys of a caller's own state, as stored.
pub(crate) fn state(batch: Vec<(String, Option<Vec<u8>>)>) -> Result<StateWrites, DraftError> {
    let mut writes = Vec::new();
    for (key, value) in batch {
        if key.len() > MAX_KEY_BYTES {
            return Err(DraftError::KeyLength {
                found: key.len(),
                limit: MAX_KEY_BYTES,
            });
        }
        writes.push((state_key(&key), value));
    }
    Ok(writes)
}
