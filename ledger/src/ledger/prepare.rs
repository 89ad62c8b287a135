//! What a caller's own thread does for its record: checks, evidence, MACs, encryption, wrapped keys.

use super::Shared;
use super::row::SealedRow;
use crate::digits::hex_text;
use crate::error::{AppendError, LedgerError};
use crate::record::{Draft, DraftError, Kind, MAX_KEY_BYTES, SealedDraft};
use crate::seal::NONCE_BYTES;
use crate::secret::Secret;
use crate::section::{Associated, Opened, RootKey, SectionKeys, SectionName};
use crate::store::codec::state_key;
use crate::store::evidence::{InUse, SMALL};
use crate::store::links::Linked;
use herleid_vocab::rim::Entropy;
use uuid::{Builder, Uuid};

/// Random bytes of a record's id.
const ID_BYTES: usize = 10;
/// Bytes of a root key.
const KEY_BYTES: usize = 32;
/// Randomness of records with at most so many sections is drawn into memory of the stack.
const USUAL_SECTIONS: usize = 8;
const USUAL_BYTES: usize = ID_BYTES + NONCE_BYTES + USUAL_SECTIONS * KEY_BYTES;

/// What an envelope takes, about, besides what the record rests on, and what a place in a stream does.
const ENVELOPE_BYTES: usize = 448;
const PRIOR_BYTES: usize = 67;
const STREAM_BYTES: usize = 144;

/// Randomness for one record, drawn at once: each draw of its own is a call of the system. Wiped when dropped.
struct Drawn<'a> {
    bytes: Secret<USUAL_BYTES>,
    drawn: usize,
    taken: usize,
    source: &'a dyn Entropy,
}

impl<'a> Drawn<'a> {
    fn from(source: &'a dyn Entropy, count: usize) -> Self {
        let mut bytes = Secret::new([0; USUAL_BYTES]);
        let drawn = count.min(USUAL_BYTES);
        if let Some(wanted) = bytes.get_mut(..drawn) {
            source.fill(wanted);
        }
        Self {
            bytes,
            drawn,
            taken: 0,
            source,
        }
    }

    /// Bytes that were given to nobody else; when those drawn are used up, more are drawn.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut given = [0; N];
        let left = self.bytes.get(self.taken..self.drawn).unwrap_or_default();
        match left.first_chunk::<N>() {
            Some(fresh) => {
                given = *fresh;
                self.taken += N;
            }
            None => self.source.fill(&mut given),
        }
        given
    }
}

/// A draft that waits for its place.
pub(crate) struct Prepared {
    pub(crate) id: Uuid,
    /// The draft; its sections have been sealed into `row`, and its large documents are durable already.
    pub(crate) draft: SealedDraft,
    pub(crate) row: SealedRow,
    /// Keys of the sections that the sequencer makes, envelope and streams.
    pub(crate) made: Vec<(SectionName, SectionKeys)>,
    /// Row of wrapped keys, for all sections.
    pub(crate) wrapped: Vec<u8>,
    /// Its entry in the lineage index, but for its place.
    pub(crate) linked: Linked,
    /// Its large documents, which no erasure takes away before it has its place.
    pub(crate) in_use: Vec<InUse>,
    /// Its sections that are opened to somebody as soon as it is durable; those that the sequencer makes come last.
    pub(crate) opened: Vec<(SectionName, Opened)>,
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
    let (given, streams) = (draft.sections.len(), draft.streams.len());
    let sections = given + 1 + streams;
    let mut entropy = Drawn::from(shared.entropy.as_ref(), ID_BYTES + NONCE_BYTES + sections * KEY_BYTES);
    let id = Builder::from_unix_timestamp_millis(shared.clock.now_ms(), &entropy.take::<ID_BYTES>()).into_uuid();
    let mut text = Uuid::encode_buffer();
    let record = &*id.hyphenated().encode_lower(&mut text);
    let mut associated = Associated::default();
    associated.record(&shared.origin, record);

    let bytes: usize = draft.sections.iter().map(|(_, bytes)| bytes.len()).sum();
    let to_come = ENVELOPE_BYTES + draft.prior.len() * PRIOR_BYTES + streams * STREAM_BYTES;
    let mut row = SealedRow::of(&id, sections, bytes + to_come);
    let mut opened = Vec::with_capacity(draft.handed_over.len());
    // Never moved: what a vector leaves behind when it grows is not wiped.
    let mut roots = Vec::with_capacity(sections);
    for (name, bytes) in std::mem::take(&mut draft.sections) {
        let root = RootKey::from_bytes(entropy.take());
        let keys = root.keys();
        let sealed = row.add(name, &keys, associated.of(name), &bytes);
        sealed.map_err(|_| unsealable(shared))?;
        if draft.handed_over.contains(&name) {
            opened.push((name, open(shared, name, &keys, bytes)?));
        }
        roots.push((name, root));
    }
    let mut made = Vec::with_capacity(1 + streams);
    for name in std::iter::once(SectionName::Envelope).chain(draft.streams.iter().map(|(name, _)| *name)) {
        let root = RootKey::from_bytes(entropy.take());
        made.push((name, root.keys()));
        roots.push((name, root));
    }
    let wrapped = shared.keys.row(&mut associated, &roots, entropy.take())?;
    let linked = Linked::new(draft.kind, &draft.links, &shared.link_key);
    Ok(Prepared {
        id,
        draft,
        row,
        made,
        wrapped,
        linked,
        in_use,
        opened,
    })
}

/// A section that is longer than the cipher can take, which none is.
pub(crate) fn unsealable(shared: &Shared) -> LedgerError {
    shared.corrupt("a section", "a length that can be sealed", "too long")
}

/// A section with what opens it.
pub(crate) fn open(
    shared: &Shared,
    name: SectionName,
    keys: &SectionKeys,
    bytes: Vec<u8>,
) -> Result<Opened, LedgerError> {
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| shared.corrupt(format!("section `{name}` of a new record"), "UTF-8", "other bytes"))?;
    let key = hex_text(keys.mac_key().expose());
    Ok(Opened { text, key })
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
        let mut drawn = Drawn::from(&source, 100);
        let known = drawn.bytes[..100].to_vec();
        let mut given = drawn.take::<10>().to_vec();
        given.extend(drawn.take::<24>());
        given.extend(drawn.take::<32>());
        given.extend(drawn.take::<24>());
        given.extend(drawn.take::<10>());
        assert_eq!(given, known, "each byte once, in order");
        // A piece that is only partly there is drawn as a whole, and so is what no room was for.
        for count in [40, 10 * USUAL_BYTES] {
            let mut drawn = Drawn::from(&source, count);
            let keys: HashSet<[u8; 32]> = (0..40).map(|_| drawn.take()).collect();
            assert_eq!(keys.len(), 40);
            assert!(!keys.contains(&[0; 32]));
        }
    }
}
