//! What a caller's own thread does for its record: checks, evidence, MACs, encryption, wrapped keys.

use super::Shared;
use crate::error::{AppendError, LedgerError};
use crate::record::{Draft, DraftError, Kind, MAX_KEY_BYTES, SealedDraft};
use crate::section::{Place, RootKey, SectionKeys, SectionName};
use crate::store::codec::{StoredSection, state_key};
use crate::store::evidence::{InUse, SMALL};
use crate::store::keys::NONCE_BYTES;
use crate::store::links::Linked;
use herleid_vocab::rim::Entropy;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

/// Random bytes of a record's id.
const ID_BYTES: usize = 10;
/// Bytes of a root key.
const KEY_BYTES: usize = 32;

/// Randomness for one record, drawn at once: each draw of its own is a call of the system.
struct Drawn<'a> {
    bytes: Zeroizing<Vec<u8>>,
    taken: AtomicUsize,
    source: &'a dyn Entropy,
}

impl<'a> Drawn<'a> {
    fn from(source: &'a dyn Entropy, count: usize) -> Self {
        let mut bytes = Zeroizing::new(vec![0; count]);
        source.fill(&mut bytes);
        let taken = AtomicUsize::new(0);
        Self { bytes, taken, source }
    }
}

impl Entropy for Drawn<'_> {
    fn fill(&self, buffer: &mut [u8]) {
        let from = self.taken.fetch_add(buffer.len(), Ordering::Relaxed);
        // Bytes are given once; when they are used up, more are drawn.
        match self.bytes.get(from..from.saturating_add(buffer.len())) {
            Some(fresh) => buffer.copy_from_slice(fresh),
            None => self.source.fill(buffer),
        }
    }
}

/// A draft that waits for its place.
pub(crate) struct Prepared {
    pub(crate) id: Uuid,
    /// The draft; its sections have been moved to `sealed`, and its large documents are durable already.
    pub(crate) draft: SealedDraft,
    pub(crate) sealed: Vec<StoredSection>,
    /// Keys of the sections that the sequencer makes, envelope and streams.
    pub(crate) made: Vec<(SectionName, SectionKeys)>,
    /// Row of wrapped keys, for all sections.
    pub(crate) wrapped: Vec<u8>,
    /// Its entry in the lineage index, but for its place.
    pub(crate) linked: Linked,
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
    // A new key has to be recorded before anything else can be, also what makes room.
    if draft.kind != Kind::KeyChanged {
        shared.evidence.admit(&shared.log, &draft.documents)?;
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
    let streams = draft.streams.keys().copied();
    let made: Vec<SectionName> = std::iter::once(SectionName::Envelope).chain(streams).collect();
    let needed = ID_BYTES + (draft.sections.len() + made.len()) * (KEY_BYTES + NONCE_BYTES);
    let entropy = &Drawn::from(shared.entropy.as_ref(), needed);
    let mut random = [0u8; ID_BYTES];
    entropy.fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(shared.clock.now_ms(), &random).into_uuid();
    let record = id.hyphenated().to_string();
    let origin = shared.origin.as_str();

    let mut sealed = Vec::new();
    // Never moved: what a vector leaves behind when it grows is not wiped.
    let mut roots = Vec::with_capacity(draft.sections.len() + made.len());
    for (name, bytes) in std::mem::take(&mut draft.sections) {
        let root = RootKey::generate(entropy);
        sealed.push(seal(shared, &record, name, &root.keys(), &bytes)?);
        roots.push((name, root));
    }
    let known = roots.len();
    roots.extend(made.into_iter().map(|name| (name, RootKey::generate(entropy))));
    let wrapped = shared.keys.row(origin, &record, &roots, entropy)?;
    let (_, made) = roots.split_at(known);
    let made = made.iter().map(|(name, root)| (*name, root.keys())).collect();
    let linked = Linked::new(draft.kind, &draft.links, &shared.link_key);
    Ok(Prepared {
        id,
        draft,
        sealed,
        made,
        wrapped,
        linked,
        in_use,
    })
}

/// MAC and ciphertext of one section.
pub(crate) fn seal(
    shared: &Shared,
    record: &str,
    name: SectionName,
    keys: &SectionKeys,
    bytes: &[u8],
) -> Result<StoredSection, LedgerError> {
    let origin = shared.origin.as_str();
    let place = Place { origin, record, name };
    let sealed = keys.seal(&place, bytes);
    Ok(StoredSection {
        name,
        mac: keys.mac_key().mac(bytes),
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

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_vocab::rim::SeededEntropy;
    use std::collections::HashSet;

    #[test]
    fn no_byte_is_given_twice_and_more_are_drawn_when_they_are_used_up() {
        let source = SeededEntropy::new(7);
        let drawn = Drawn::from(&source, 100);
        let known = drawn.bytes.to_vec();
        let mut given = Vec::new();
        for length in [10, 24, 32, 24, 10] {
            let mut buffer = vec![0; length];
            drawn.fill(&mut buffer);
            given.extend(buffer);
        }
        assert_eq!(given, known, "each byte once, in order");
        // A piece that is only partly there is drawn as a whole.
        let drawn = Drawn::from(&source, 40);
        let keys: HashSet<[u8; 32]> = (0..4).map(|_| drawn.bytes32()).collect();
        assert_eq!(keys.len(), 4);
        assert!(!keys.contains(&[0; 32]));
    }
}
