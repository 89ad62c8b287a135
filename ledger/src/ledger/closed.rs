//! A log that is over, opened for reading alone: what was lost is looked at, and what is left stays checkable.

use super::open::{KEK_CHECK, check_head, check_meta, kek_place, meta, read_cosigned};
use super::options::{Options, check_origin};
use super::{Inner, Ledger, Shared};
use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::note::Signer;
use crate::section::SectionName;
use crate::store::codec::{META, SIGNED};
use crate::store::evidence::Evidence;
use crate::store::keys::Keys;
use crate::store::links::LinkKey;
use crate::store::rocks::{Part, Rocks};
use herleid_vocab::json::{self, Limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use zeroize::Zeroizing;

impl Ledger {
    /// Whether it was opened for reading alone ([`Self::open_closed`]): nothing comes to it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// The origin of the log in `dir`; `None` when there is no log. Nothing is written, and no lock is taken.
    ///
    /// # Errors
    /// When its store cannot be read, or does not say whose it is.
    pub fn origin_in(dir: &Path) -> Result<Option<String>, LedgerError> {
        let store = dir.join("log");
        let named = store.join("CURRENT");
        let there = named
            .try_exists()
            .map_err(|source| LedgerError::Io { path: named, source })?;
        if !there {
            return Ok(None);
        }
        let log = Rocks::open_to_read(&store, &[Part::State])?;
        // A first start may have been killed before it said so.
        let Some(stored) = log.get(Part::State, META)? else {
            return Ok(None);
        };
        let damaged = || LedgerError::Corrupt {
            dir: store.clone(),
            what: "the store's description".to_owned(),
            expected: "format, origin, party and key".to_owned(),
            found: "something else".to_owned(),
        };
        let found = json::parse(&stored, &Limits::MESSAGE).map_err(|_| damaged())?;
        let origin = found.get("origin").and_then(Value::as_str).ok_or_else(damaged)?;
        Ok(Some(origin.to_owned()))
    }

    /// Opens the log in `options.dir` for reading alone: not a byte of it changes, nothing can be appended, and nothing is signed. What it
    /// shows is what was signed last under its origin. No lock is taken: nobody may write into it meanwhile.
    ///
    /// # Errors
    /// When there is no log, it belongs to another party, log or key, was written by a newer version, is damaged, or nothing in it was
    /// ever signed.
    pub fn open_closed(options: Options) -> Result<Self, LedgerError> {
        let keys = options.dir.join("keys");
        Self::open_closed_apart(options, &keys, &BTreeMap::new())
    }

    /// [`Self::open_closed`] of a log whose store of keys lies in `keys`, as in a backup. What was `erased` of which record is not shown, also
    /// where the log does not know it: it may be from before the erasure.
    ///
    /// # Errors
    /// As [`Self::open_closed`].
    pub fn open_closed_apart(
        options: Options,
        keys: &Path,
        erased: &BTreeMap<u64, Vec<SectionName>>,
    ) -> Result<Self, LedgerError> {
        let shared = Shared::to_read(options, keys, erased)?;
        Ok(Self(Arc::new(Inner::new(Arc::new(shared), None, None))))
    }
}

impl Shared {
    /// A log that is over, as it is.
    pub(super) fn to_read(
        mut options: Options,
        keys: &Path,
        erased: &BTreeMap<u64, Vec<SectionName>>,
    ) -> Result<Self, LedgerError> {
        // Not left behind in the options.
        let kek = Zeroizing::new(std::mem::take(&mut options.kek));
        let log = Rocks::open_to_read(&options.dir.join("log"), &Part::ALL)?;
        let keys = Keys::open_to_read(keys, kek)?;
        let evidence = Evidence::to_read(&options.dir.join("evidence"));
        let mut shared = Self::over(options, log, keys, evidence)?;
        shared.masked = erased.clone();
        // Nothing is written here, so nothing can be erased again: what a crash left, or an older backup brought back, is not shown.
        for (_, grave) in shared.graves(shared.marks()?.least())? {
            shared.masked.entry(grave.target).or_default().extend(grave.sections);
        }
        Ok(shared)
    }

    /// A log that is over, with its stores as they were opened.
    pub(super) fn over(options: Options, log: Rocks, keys: Keys, evidence: Evidence) -> Result<Self, LedgerError> {
        check_origin(&options.origin)?;
        let signer =
            Signer::ed25519(&options.origin, options.signing_key.clone()).map_err(|error| LedgerError::Option {
                option: "signing_key",
                why: error.to_string(),
            })?;
        let missing = |what: &str, expected: &str| LedgerError::Corrupt {
            dir: options.dir.clone(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: "missing".to_owned(),
        };
        let expected = meta(&options, &signer);
        if !check_meta(&log, &expected)? || !check_meta(keys.rocks(), &expected)? {
            return Err(missing("a store's description", "format, origin, party and key"));
        }
        let wrapped = keys.rocks().get(Part::State, KEK_CHECK)?.unwrap_or_default();
        let link_key = LinkKey::from_root(&keys.unwrap(&kek_place(&options.origin), &wrapped)?);
        let size = check_head(&options.dir, &log, &keys, &signer)?.frontier.size();
        let note = keys.rocks().get(Part::State, SIGNED)?;
        let signed = note
            .map(|note| Checkpoint::verify_bytes(&note, signer.verifier()))
            .transpose()?;
        // Until it is known what was shown.
        let nothing = Arc::new(Checkpoint::empty(&signer)?);
        let shared = Self {
            log,
            keys,
            evidence,
            dir: options.dir,
            origin: options.origin,
            party: options.party,
            development: options.development,
            signer,
            clock: options.clock,
            entropy: options.entropy,
            link_key,
            policy: options.witness_policy,
            on_fatal: options.on_fatal,
            published: RwLock::new(nothing),
            recent: Default::default(),
            cosigned: RwLock::new(None),
            collecting: Mutex::new(Vec::new()),
            erasing: Mutex::new(()),
            masked: BTreeMap::new(),
            unburied: Mutex::default(),
            unsound: Arc::default(),
        };
        let cosigned = read_cosigned(&shared, size)?;
        // Records after it were never answered: nobody was shown them, and nobody is.
        let latest = signed.map(Arc::new).into_iter().chain(cosigned.clone());
        let latest = latest.max_by_key(|checkpoint| checkpoint.size());
        let latest = latest.ok_or_else(|| shared.corrupt("the checkpoint signed last", "one", "missing"))?;
        *shared.published.write().unwrap_or_else(PoisonError::into_inner) = latest;
        *shared.cosigned.write().unwrap_or_else(PoisonError::into_inner) = cosigned;
        Ok(shared)
    }
}
