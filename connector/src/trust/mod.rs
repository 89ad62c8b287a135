//! Whom this connector trusts: what the configuration says, and what was added while it runs. What was added is kept in the state, in the
//! commit of the record that says so; it counts at once. The configuration alone says what it says: nothing of it is taken away here.

mod holding;
#[cfg(test)]
mod tests;
mod withdrawn;

pub(crate) use withdrawn::{Pending, go_on, withdraw};

use crate::commands::Failure;
use crate::config::Trust;
use crate::node::{Node, fresh_trace};
use crate::state::{State, StateError, set};
use herleid_credentials::credential::TrustedIssuers;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use holding::Holding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::RwLockReadGuard;

/// Where what was added lies in the state.
const ADDED: &str = "trust/";
/// Entries that can be added: a list that people have decided on one by one.
const MOST: usize = 1_000;
/// Types of credentials of one issuer, and characters of each.
const MOST_TYPES: usize = 64;
/// Characters of a type, or of who changes it.
const LONGEST: usize = 200;

/// One of the lists under `[trust]` that can be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum List {
    /// `trust.issuers`.
    Issuers,
    /// `trust.peers`.
    Peers,
    /// `trust.one_sided`.
    OneSided,
}

impl List {
    /// Its key in the configuration.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Issuers => "trust.issuers",
            Self::Peers => "trust.peers",
            Self::OneSided => "trust.one_sided",
        }
    }
}

/// An entry that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Added {
    /// To which list.
    pub(crate) list: List,
    /// Who is trusted.
    pub(crate) did: Did,
    /// For which types of credentials, of an issuer.
    pub(crate) types: BTreeSet<String>,
    /// Who added it, as they said.
    pub(crate) by: String,
    /// When, Unix milliseconds.
    pub(crate) at_ms: u64,
}

impl Added {
    fn key(list: List, did: &Did) -> String {
        format!("{ADDED}{}/{did}", list.key())
    }

    fn shown(&self) -> Value {
        match self.list {
            List::Issuers => json!({"did": self.did.as_str(), "types": self.types}),
            List::Peers | List::OneSided => json!({"did": self.did.as_str()}),
        }
    }
}

/// What a change came to.
#[derive(Debug)]
pub(crate) struct Changed {
    /// The entry, as it is now, or was.
    pub(crate) entry: Added,
    /// Index of the record in the log.
    pub(crate) index: u64,
    /// What has to end, where trust was withdrawn.
    pub(crate) pending: Option<Pending>,
}

/// How trust stood when it was asked who somebody is: what was found out then holds until the next withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing(u64);

/// The trust of a running connector.
pub struct TrustStore {
    configured: Trust,
    state: State,
    holding: RwLock<Arc<Holding>>,
    /// One change at a time: each reads, decides and writes.
    turn: tokio::sync::Mutex<()>,
    /// Held for reading while a process that rests on trust is written, for writing while trust is withdrawn. Either the process is there
    /// when it is looked for what has to end, or it is refused: none slips in between.
    gate: tokio::sync::RwLock<()>,
    /// How often trust was withdrawn.
    withdrawals: AtomicU64,
}

impl TrustStore {
    /// What the configuration says, with what was added.
    ///
    /// # Errors
    /// When the state cannot be read: trust that is not known is not guessed.
    pub fn open(configured: &Trust, state: State) -> Result<Self, StateError> {
        let holding = Holding::of(configured, kept(&state)?);
        Ok(Self {
            configured: configured.clone(),
            state,
            holding: RwLock::new(Arc::new(holding)),
            turn: tokio::sync::Mutex::default(),
            gate: tokio::sync::RwLock::default(),
            withdrawals: AtomicU64::default(),
        })
    }

    fn holding(&self) -> Arc<Holding> {
        Arc::clone(&self.holding.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How trust stands; to be asked before anything is found out of whom it is about.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing(self.withdrawals.load(Ordering::SeqCst))
    }

    /// Keeps withdrawals waiting until it is dropped; `None` when there was one since `standing`. Not to be kept longer than one commit takes.
    pub(crate) async fn hold(&self, standing: Standing) -> Option<RwLockReadGuard<'_, ()>> {
        let held = self.gate.read().await;
        (self.standing() == standing).then_some(held)
    }

    /// Whether this participant is dealt with at all.
    #[must_use]
    pub fn admits(&self, peer: &Did) -> bool {
        self.holding().peers.as_ref().is_none_or(|peers| peers.contains(peer))
    }

    /// Whether this participant keeps no log, and is dealt with all the same.
    #[must_use]
    pub fn is_one_sided(&self, peer: &Did) -> bool {
        self.holding().one_sided.contains(peer)
    }

    /// Whose credentials count at this moment, and for what.
    #[must_use]
    pub fn issuers(&self) -> TrustedIssuers {
        self.holding().issuers.clone()
    }

    /// The only participants that are dealt with; `None`: everybody with the required credentials.
    pub(crate) fn peers(&self) -> Option<Vec<Did>> {
        let holding = self.holding();
        holding.peers.as_ref().map(|peers| peers.iter().cloned().collect())
    }

    /// Participants without a log that are dealt with all the same.
    pub(crate) fn one_sided(&self) -> Vec<Did> {
        self.holding().one_sided.iter().cloned().collect()
    }

    /// What was added, in the order of its keys.
    pub(crate) fn added(&self) -> Vec<Added> {
        self.holding().added.clone()
    }

    /// Adds an entry, or types to an issuer that was added before. Durable and recorded when this returns.
    ///
    /// # Errors
    /// When it says nothing new, or the list cannot be added to; nothing has changed then.
    pub(crate) async fn add(
        &self,
        node: &Node,
        list: List,
        did: Did,
        types: BTreeSet<String>,
        by: &str,
    ) -> Result<Changed, Failure> {
        check_by(by)?;
        check_types(list, &types)?;
        if list == List::Peers && self.configured.peers.is_none() {
            return Err(Failure::refused(
                "`trust.peers` is not set, so everybody with the required credentials is dealt with, and an entry would change nothing",
            )
            .next("set `peers = []` under `[trust]` in herleid.toml and start the service again; then add those that are to be dealt with"));
        }
        let _turn = self.turn.lock().await;
        let before = self.of(list, &did);
        if self.holding().says(list, &did, &types) {
            return Err(Failure::refused(format!("`{did}` stands in `{}` already", list.key()))
                .next("GET /management/v1/trust shows what holds"));
        }
        if before.is_none() && self.holding().added.len() >= MOST {
            return Err(
                Failure::refused(format!("{MOST} entries have been added, and no more are taken"))
                    .next("remove what is not needed, or move entries to herleid.toml"),
            );
        }
        let known = before.iter().flat_map(|one| one.types.iter().cloned());
        let entry = Added {
            list,
            types: types.into_iter().chain(known).collect(),
            did,
            by: by.to_owned(),
            at_ms: node.now_ms(),
        };
        if entry.types.len() > MOST_TYPES {
            return Err(Failure::refused(format!(
                "`{}` would be trusted for {} types of credentials; expected at most {MOST_TYPES}",
                entry.did,
                entry.types.len()
            ))
            .next("remove the issuer and add it with the types that are needed, or name them in herleid.toml"));
        }
        let after = self.with(list, &entry.did, Some(&entry));
        let again = |kind: &str| after.issuers.is_trusted(&entry.did, kind);
        let mut changes = withdrawn::superseded(&self.state, list, &entry.did, again)?;
        changes.push(set(Added::key(list, &entry.did), &entry)?);
        let facts = (before.map(|one| one.shown()), Some(entry.shown()));
        let draft = record(node, &entry, facts.0, facts.1, by);
        let draft = changes
            .into_iter()
            .fold(draft, |draft, (key, value)| draft.put(key, value));
        let index = node.append(draft).await?.index();
        self.hold_to(after);
        Ok(Changed {
            entry,
            index,
            pending: None,
        })
    }

    /// Takes away an entry that was added. Durable and recorded when this returns, and what is asked from now on is judged without it;
    /// [`withdraw`] ends what is under way.
    ///
    /// # Errors
    /// When it was not added, also because the configuration says it; nothing has changed then.
    pub(crate) async fn remove(&self, node: &Node, list: List, did: &Did, by: &str) -> Result<Changed, Failure> {
        check_by(by)?;
        let _turn = self.turn.lock().await;
        let Some(entry) = self.of(list, did) else {
            let key = list.key();
            return Err(match self.is_configured(list, did) {
                true => Failure::refused(format!(
                    "`{did}` stands in `{key}` of the configuration, which is not changed from here"
                ))
                .next("remove it from herleid.toml, and start the service again"),
                false => Failure::missing(format!("`{did}` was not added to `{key}`"))
                    .next("GET /management/v1/trust shows what was added"),
            });
        };
        let after = self.with(list, did, None);
        let mut draft = record(node, &entry, Some(entry.shown()), None, by).put(Added::key(list, did), None);
        let _gate = self.gate.write().await;
        // What the configuration says, too, is trusted as before: nothing has to end.
        let pending = (!after.says(list, did, &entry.types)).then(|| {
            let is_gone = |kind: &&String| !after.issuers.is_trusted(did, kind);
            let gone = entry.types.iter().filter(is_gone).cloned().collect();
            Pending::now(node, list, did.clone(), gone)
        });
        if let Some(pending) = &pending {
            let (key, value) = pending.change()?;
            draft = draft.put(key, value);
        }
        let index = node.append(draft).await?.index();
        // From here on nothing can fail: what is on record counts.
        self.hold_to(after);
        if list == List::Issuers {
            // What was shown before under its signature is asked for again.
            node.membership.forget();
        }
        // Last: whoever reads it sees all that comes before.
        self.withdrawals.fetch_add(1, Ordering::SeqCst);
        Ok(Changed { entry, index, pending })
    }

    /// Whether the configuration says it, too.
    pub(crate) fn is_configured(&self, list: List, did: &Did) -> bool {
        match list {
            List::Issuers => self.configured.issuers.iter().any(|issuer| issuer.did == *did),
            List::Peers => self.configured.peers.iter().flatten().any(|peer| peer == did),
            List::OneSided => self.configured.one_sided.contains(did),
        }
    }

    fn of(&self, list: List, did: &Did) -> Option<Added> {
        let holding = self.holding();
        let found = holding.added.iter().find(|one| one.list == list && one.did == *did);
        found.cloned()
    }

    /// What would hold with `entry`, or nothing, in place of what was added of `did` to `list`.
    fn with(&self, list: List, did: &Did, entry: Option<&Added>) -> Holding {
        let mut added = self.added();
        added.retain(|one| one.list != list || one.did != *did);
        added.extend(entry.cloned());
        added.sort_by_key(|one| Added::key(one.list, &one.did));
        Holding::of(&self.configured, added)
    }

    fn hold_to(&self, holding: Holding) {
        *self.holding.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(holding);
    }
}

fn kept(state: &State) -> Result<Vec<Added>, StateError> {
    Ok(state
        .scan::<Added>(ADDED)?
        .into_iter()
        .map(|(_, added)| added)
        .collect())
}

/// The record of a change: who made it, what it was before, and what it is after.
fn record(node: &Node, entry: &Added, before: Option<Value>, after: Option<Value>, by: &str) -> Draft {
    let facts = json!({"what": entry.list.key(), "before": before, "after": after, "by": by});
    Draft::new(Kind::TrustChanged, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .term(Term::Party(entry.did.clone()))
}

/// It is recorded and read by people: a name or a role, in one line.
fn check_by(by: &str) -> Result<(), Failure> {
    if by.trim().is_empty() || by.chars().count() > LONGEST || by.chars().any(char::is_control) {
        return Err(Failure::usage(format!(
            "`by` does not say who changes this; expected a name or a role in one line of at most {LONGEST} characters: it is recorded"
        )));
    }
    Ok(())
}

fn check_types(list: List, types: &BTreeSet<String>) -> Result<(), Failure> {
    let good = |kind: &String| {
        !kind.trim().is_empty()
            && kind.chars().count() <= LONGEST
            && !kind.chars().any(char::is_control)
            && kind != "VerifiableCredential"
    };
    let counted = match list {
        List::Issuers => (1..=MOST_TYPES).contains(&types.len()),
        List::Peers | List::OneSided => types.is_empty(),
    };
    if counted && types.iter().all(good) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`types` are not what an issuer can be trusted for; expected 1 to {MOST_TYPES} types of credentials, such as `MembershipCredential`, and not `VerifiableCredential`, which all have"
    )))
}
