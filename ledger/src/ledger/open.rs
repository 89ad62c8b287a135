//! Opening a log: whose it is, and whether its end is what was signed.

use super::bury::{Documents, finish_erasures};
use super::options::{Options, check_origin};
use super::prepare::prepare_sealed;
use super::sequencer::{Job, Reply, Sequencer};
use super::unsound::{remembered, unsound};
use super::upgrade::upgrade;
use super::{Inner, Ledger, Shared};
use crate::checkpoint::{Checkpoint, CheckpointBody};
use crate::error::LedgerError;
use crate::handover::entry;
use crate::merkle::{Frontier, Nodes as _, leaf_hash, root_at};
use crate::note::Signer;
use crate::record::{Draft, Kind};
use crate::section::{Place, RootKey, SectionName};
use crate::store::codec::{COSIGNED, FORMAT, HEAD, Head, META, SIGNED};
use crate::store::evidence::{Evidence, make_dir, sync_dir};
use crate::store::keys::Keys;
use crate::store::links::LinkKey;
use crate::store::rocks::{Part, Rocks};
use crate::store::tiles::StoredTree;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use zeroize::Zeroizing;

/// What a store says of itself, and what it must say.
pub(super) fn check_meta(rocks: &Rocks, expected: &Value) -> Result<bool, LedgerError> {
    let dir = || rocks.dir().to_owned();
    let Some(stored) = rocks.get(Part::State, META)? else {
        return Ok(false);
    };
    let damaged = |found: &str| LedgerError::Corrupt {
        dir: dir(),
        what: "the store's description".to_owned(),
        expected: "format, origin, party and key".to_owned(),
        found: found.to_owned(),
    };
    let found = json::parse(&stored, &Limits::MESSAGE).map_err(|error| damaged(&error.to_string()))?;
    match found.get("format").and_then(Value::as_u64) {
        // An older one is brought up to date once the log is known to be whole.
        Some(1..=FORMAT) => {}
        Some(format) if format > FORMAT => {
            return Err(LedgerError::Newer {
                dir: dir(),
                found: format,
                known: FORMAT,
            });
        }
        _ => return Err(damaged("no known format")),
    }
    for what in ["party", "origin", "verifierKey"] {
        let text = |of: &Value| of.get(what).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text(&found) != text(expected) {
            return Err(LedgerError::OtherOwner {
                dir: dir(),
                what: if what == "verifierKey" { "key" } else { what },
                found: text(&found),
                expected: text(expected),
            });
        }
    }
    Ok(true)
}

/// What the stores of a log with these options say of themselves.
pub(super) fn meta(options: &Options, signer: &Signer) -> Value {
    json!({
        "format": FORMAT,
        "origin": options.origin,
        "party": options.party.as_str(),
        "verifierKey": signer.verifier().to_string(),
    })
}

/// A fixed place, so that a wrong key-encryption key is found at once and not at the first record.
pub(super) const fn kek_place(origin: &str) -> Place<'_> {
    Place {
        origin,
        record: "key-encryption key",
        name: SectionName::Private,
    }
}

pub(super) const KEK_CHECK: &[u8] = b"c";

fn open_stores(options: &mut Options, signer: &Signer) -> Result<(Rocks, Keys, LinkKey), LedgerError> {
    // Not left behind in the options.
    let kek = Zeroizing::new(std::mem::take(&mut options.kek));
    let dir = &options.dir;
    let io = |source| LedgerError::Io {
        path: dir.clone(),
        source,
    };
    // The name of a folder is kept when the folder that it lies in is synced.
    let dot = Path::new(".");
    let above = |folder: &Path| {
        folder
            .parent()
            .map(|above| if above.as_os_str().is_empty() { dot } else { above }.to_owned())
    };
    let mut missing = Vec::new();
    let mut next = above(dir);
    while let Some(folder) = next.filter(|folder| !folder.exists()) {
        next = above(&folder);
        missing.push(folder);
    }
    for folder in missing.iter().rev() {
        std::fs::create_dir_all(folder).map_err(io)?;
        if let Some(above) = above(folder) {
            sync_dir(&above)?;
        }
    }
    make_dir(dir)?;
    let (log_dir, keys_dir) = (dir.join("log"), dir.join("keys"));
    make_dir(&log_dir)?;
    make_dir(&keys_dir)?;
    sync_dir(dir)?;
    if let Some(above) = above(dir) {
        sync_dir(&above)?;
    }
    let mut log = Rocks::open(&log_dir, &Part::ALL, dir)?;
    let keys = Keys::open(&keys_dir, kek, dir)?;

    let meta = meta(options, signer);
    let bytes = meta.to_string().into_bytes();
    let has_log = check_meta(&log, &meta)?;
    let check = if check_meta(keys.rocks(), &meta)? {
        let wrapped = keys.rocks().get(Part::State, KEK_CHECK)?.unwrap_or_default();
        keys.unwrap(&kek_place(&options.origin), &wrapped)?
    } else if has_log && log.get(Part::State, HEAD)?.is_some() {
        return Err(LedgerError::Corrupt {
            dir: dir.clone(),
            what: format!("the store of section keys in `{}`", keys_dir.display()),
            expected: "the keys of the log beside it".to_owned(),
            found: "empty".to_owned(),
        });
    } else {
        let check = RootKey::generate(options.entropy.as_ref());
        let wrapped = keys.wrap(&kek_place(&options.origin), &check, options.entropy.as_ref())?;
        let mut batch = keys.rocks().batch();
        batch.put(Part::State, META, &bytes)?;
        batch.put(Part::State, KEK_CHECK, &wrapped)?;
        batch.write_synced()?;
        check
    };
    if !has_log {
        let mut batch = log.batch();
        batch.put(Part::State, META, &bytes)?;
        batch.write_synced()?;
    }
    log.complete(&Part::ALL)?;
    Ok((log, keys, LinkKey::from_root(&check)))
}

/// Reads the head and holds it against everything else that says where the log ends: the root written with it, the tiles,
/// the last record and its keys, and the latest checkpoint that was signed.
pub(super) fn check_head(dir: &Path, log: &Rocks, keys: &Keys, signer: &Signer) -> Result<Head, LedgerError> {
    let corrupt = |what: &str, expected: String, found: String| LedgerError::Corrupt {
        dir: dir.to_owned(),
        what: what.to_owned(),
        expected,
        found,
    };
    let head = match log.get(Part::State, HEAD)? {
        None => Head {
            frontier: Frontier::default(),
            recorded_at_ms: 0,
        },
        Some(stored) => {
            let form = || {
                let expected = "size, time, root and right edge".to_owned();
                corrupt("the stored head", expected, format!("{} other bytes", stored.len()))
            };
            let (head, root) = Head::decode(&stored).ok_or_else(form)?;
            if head.frontier.root() != root {
                let (expected, found) = (hex::encode(root), hex::encode(head.frontier.root()));
                return Err(corrupt("the root of the stored right edge", expected, found));
            }
            head
        }
    };
    let size = head.frontier.size();
    let tree = StoredTree::new(log, size);
    let in_tiles = Frontier::read(&tree, size)?;
    if in_tiles != head.frontier {
        let (expected, found) = (hex::encode(in_tiles.root()), hex::encode(head.frontier.root()));
        return Err(corrupt(
            "the stored right edge",
            format!("the edge of the tiles, root {expected}"),
            format!("root {found}"),
        ));
    }
    if let Some(last) = size.checked_sub(1) {
        let stored = log.get(Part::Records, &last.to_be_bytes())?;
        let row = stored.as_deref().and_then(crate::store::codec::Row::decode);
        let row = row.ok_or_else(|| corrupt("the last record", format!("record {last}"), "none".to_owned()))?;
        let macs = row.sections.iter().map(|section| (section.name, section.mac)).collect();
        if tree.node(0, last)? != leaf_hash(&entry(&macs)) {
            return Err(corrupt(
                "the last record",
                "the MACs that its leaf commits to".to_owned(),
                "others".to_owned(),
            ));
        }
        // Keys are synced in the order of their records: if the last one's are there, all are.
        keys.roots(signer.verifier().name(), &row.id)?;
    }
    if let Some(note) = keys.rocks().get(Part::State, SIGNED)? {
        let signed = Checkpoint::verify_bytes(&note, signer.verifier())?;
        if signed.size() > size {
            let expected = format!("at least {} records, over which a checkpoint was signed", signed.size());
            return Err(corrupt(
                "the size of the log",
                expected,
                format!("{size}: records were lost"),
            ));
        }
        let root = root_at(&StoredTree::new(log, signed.size()), signed.size())?;
        if root != *signed.root() {
            let expected = format!("{}, as signed", hex::encode(signed.root()));
            return Err(corrupt(
                &format!("the root of the first {} records", signed.size()),
                expected,
                hex::encode(root),
            ));
        }
    }
    Ok(head)
}

/// The checkpoint that was cosigned last. Witnesses remember it: a log that no longer agrees with it has lost records.
pub(super) fn read_cosigned(shared: &Shared, size: u64) -> Result<Option<Arc<Checkpoint>>, LedgerError> {
    let Some(note) = shared.log.get(Part::State, COSIGNED)? else {
        return Ok(None);
    };
    let checkpoint = Checkpoint::verify_bytes(&note, shared.signer.verifier())?;
    let covered = checkpoint.size();
    if covered > size || root_at(&StoredTree::new(&shared.log, covered), covered)? != *checkpoint.root() {
        let expected = format!("the {covered} records that witnesses cosigned");
        return Err(shared.corrupt("the log", expected, format!("{size} records, or others")));
    }
    // The policy may have become stricter since.
    let counted = checkpoint.cosignatures(shared.policy.witnesses())?;
    let is_met = shared.policy.is_met_by(counted.len());
    Ok(is_met.then(|| Arc::new(checkpoint)))
}

impl Ledger {
    /// Whether `dir` holds no record yet, so that [`Ledger::open`] would begin a log there and sign its first record. Ask the
    /// witnesses before that, with [`Checkpoint::empty`]: when one of them has seen records of this origin, the directory was
    /// lost, and a log begun anew would be a second history. Nothing is made or signed; the store is held while this looks.
    ///
    /// # Errors
    /// When the log is open, or its store cannot be read.
    pub fn is_new(dir: &Path) -> Result<bool, LedgerError> {
        let store = dir.join("log");
        // The file by which RocksDB knows a store: without it, opening would make one.
        let named = store.join("CURRENT");
        let there = named
            .try_exists()
            .map_err(|source| LedgerError::Io { path: named, source })?;
        if !there {
            return Ok(true);
        }
        // A store alone says nothing: a first start may have been killed before its first record.
        let log = Rocks::open(&store, &Part::ALL, dir)?;
        Ok(log.get(Part::State, HEAD)?.is_none())
    }

    /// Opens the log in `options.dir`, or begins one there with the record `log-opened`. A log whose witnesses are to be
    /// asked first asks before it calls this ([`Self::is_new`]).
    ///
    /// # Errors
    /// When the directory is in use, belongs to another party, log or key, was written by a newer version, is damaged, or was found damaged
    /// by a check ([`Self::refuse_all`]); the error names what was expected. Nothing is repaired by guessing.
    pub fn open(options: Options) -> Result<Self, LedgerError> {
        match remembered(&options.dir)? {
            Some(found) => Err(unsound(&options.dir, found)),
            None => Self::open_stores(options, false),
        }
    }

    /// [`Self::open`] for a check ([`Self::verify_all`]): also of a log that was found damaged, which takes nothing then.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_to_check(options: Options) -> Result<Self, LedgerError> {
        Self::open_stores(options, true)
    }

    fn open_stores(mut options: Options, to_check: bool) -> Result<Self, LedgerError> {
        check_origin(&options.origin)?;
        let signer =
            Signer::ed25519(&options.origin, options.signing_key.clone()).map_err(|error| LedgerError::Option {
                option: "signing_key",
                why: error.to_string(),
            })?;
        let (log, keys, link_key) = open_stores(&mut options, &signer)?;
        // Nobody else has the stores now: a check that ended before has written down what it found.
        let found = match remembered(&options.dir)? {
            Some(found) if !to_check => return Err(unsound(&options.dir, found)),
            found => found,
        };
        let evidence = Evidence::open(&options.dir.join("evidence"))?;
        let shared = Arc::new(Shared {
            // Until the log is known to be whole.
            published: RwLock::new(Arc::new(Checkpoint::empty(&signer)?)),
            dir: options.dir,
            log,
            keys,
            evidence,
            origin: options.origin,
            party: options.party,
            development: options.development,
            signer,
            clock: options.clock,
            entropy: options.entropy,
            link_key,
            policy: options.witness_policy,
            on_fatal: options.on_fatal,
            recent: Default::default(),
            cosigned: RwLock::new(None),
            collecting: Mutex::new(Vec::new()),
            erasing: Mutex::new(()),
            masked: BTreeMap::new(),
            unburied: Mutex::default(),
            unsound: Arc::new(found.map(OnceLock::from).unwrap_or_default()),
        });
        // Before anybody reads: a store that was restored may hold again what was erased from it. And before anything is refused: an older
        // store of keys has not those of the latest records, and must not lie there with those that were erased.
        finish_erasures(&shared, Documents::Unlisted)?;
        let head = check_head(&shared.dir, &shared.log, &shared.keys, &shared.signer)?;
        let body = CheckpointBody {
            origin: shared.origin.clone(),
            size: head.frontier.size(),
            root: head.frontier.root(),
        };
        *shared.published.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(shared.keep_signed(body.sign(&shared.signer)?)?);
        *shared.cosigned.write().unwrap_or_else(PoisonError::into_inner) =
            read_cosigned(&shared, head.frontier.size())?;
        let is_new = head.frontier.size() == 0;
        if let (true, Some(found)) = (is_new, shared.unsound.get()) {
            return Err(unsound(&shared.dir, found.clone()));
        }
        upgrade(&shared, head.frontier.size())?;
        shared
            .evidence
            .settle_brought(|digest| shared.lists(digest, |_| true))?;
        let mut sequencer = Sequencer::new(Arc::clone(&shared), head);
        if is_new {
            begin(&shared, &mut sequencer)?;
        }
        let (sender, jobs) = channel();
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || sequencer.run(&jobs))
            .map_err(|source| LedgerError::Io {
                path: shared.dir.clone(),
                source,
            })?;
        Ok(Self(Arc::new(Inner::new(shared, Some(sender), Some(thread)))))
    }
}

/// Writes record 0.
fn begin(shared: &Arc<Shared>, sequencer: &mut Sequencer) -> Result<(), LedgerError> {
    let mut ids = [0u8; 24];
    shared.entropy.fill(&mut ids);
    // Ids of all zeroes are not valid (W3C Trace Context, section 3.2.2); a first bit that is set rules them out.
    let [first, .., span_first, _, _, _, _, _, _, _] = &mut ids;
    *first |= 0x80;
    *span_first |= 0x80;
    let (trace, span) = ids.split_at(16);
    let trace = format!("00-{}-{}-01", hex::encode(trace), hex::encode(span));
    let witnesses: Vec<String> = shared.policy.witnesses().iter().map(ToString::to_string).collect();
    let facts = json!({
        "did": shared.party.as_str(),
        "origin": shared.origin,
        "verifierKey": shared.signer.verifier().to_string(),
        "format": 1,
        "witnessPolicy": {"quorum": shared.policy.quorum(), "witnesses": witnesses},
    });
    let draft = Draft::new(Kind::LogOpened, trace).section(SectionName::Facts, facts);
    let sealed = draft.seal().map_err(|error| LedgerError::Option {
        option: "witness_policy",
        why: error.to_string(),
    })?;
    let prepared = prepare_sealed(shared, sealed)?;
    let (sender, receiver) = sync_channel(1);
    sequencer.commit(vec![Job::Append(Box::new(prepared), Reply::Blocked(sender))]);
    let written = receiver.recv().is_ok_and(|answer| answer.is_ok());
    if written { Ok(()) } else { Err(LedgerError::Closed) }
}
