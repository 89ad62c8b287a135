//! Following links from record to record, level by level, by the index alone: no record is opened.

use super::found::{Activity, Bounds, Direction, Edge, Follows, Lineage};
use super::{Ledger, Shared};
use crate::error::LedgerError;
use crate::record::Kind;
use crate::store::links::{Linked, Numbered, Ref, Role, role_prefix, user_prefix};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// An activity, and what its records are linked by.
struct Node {
    activity: Activity,
    links: Vec<Linked>,
}

struct Walker<'a> {
    shared: &'a Shared,
    size: u64,
    bounds: Bounds,
    nodes: Vec<Node>,
    /// Record to node.
    of_record: HashMap<u64, usize>,
    /// Transactions that were looked up, with their nodes: parties choose transactions, so two may have chosen the same.
    of_transaction: HashMap<Uuid, Vec<usize>>,
    edges: BTreeMap<(usize, usize), Follows>,
    is_cut: bool,
}

/// Records whose activities are looked for at once.
const PART: usize = 16_384;

/// Records with their entries, in order.
type Records = Vec<(u64, Option<Linked>)>;

/// What has to be looked up for one level: the key, and for which node.
type Wanted = Vec<(Vec<u8>, usize)>;

/// Each key once, in order, with the nodes that want it.
fn gathered<K: Ord>(mut wanted: Vec<(K, usize)>) -> (Vec<K>, Vec<Vec<usize>>) {
    wanted.sort_unstable();
    wanted.dedup();
    let (mut keys, mut nodes) = (Vec::new(), Vec::<Vec<usize>>::new());
    for (key, node) in wanted {
        match nodes.last_mut().filter(|_| keys.last() == Some(&key)) {
            Some(of_key) => of_key.push(node),
            None => {
                keys.push(key);
                nodes.push(vec![node]);
            }
        }
    }
    (keys, nodes)
}

impl Ledger {
    /// Follows the links from these records, without opening any record. An activity is found once, however many ways lead to it, so that
    /// nothing goes round in a circle.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn lineage(&self, start: &BTreeSet<u64>, direction: Direction, bounds: Bounds) -> Result<Lineage, LedgerError> {
        let shared = self.shared();
        let mut walker = Walker {
            shared: &shared,
            size: self.size(),
            bounds,
            nodes: Vec::new(),
            of_record: HashMap::new(),
            of_transaction: HashMap::new(),
            edges: BTreeMap::new(),
            is_cut: false,
        };
        walker.admit(start.clone(), 0)?;
        let starts = walker.nodes.len();
        let (mut level, mut depth) = (0..starts, 0);
        while !level.is_empty() && depth < bounds.depth {
            depth += 1;
            let end = level.end;
            let level_nodes: Vec<usize> = level.collect();
            match direction {
                Direction::Up => walker.up(&level_nodes, depth)?,
                Direction::Down => walker.down(&level_nodes, depth)?,
            }
            level = end..walker.nodes.len();
        }
        let edges = walker.edges.into_iter();
        Ok(Lineage {
            starts,
            edges: edges.map(|((from, to), by)| Edge { from, to, by }).collect(),
            not_followed: level.len(),
            is_cut: walker.is_cut,
            activities: walker.nodes.into_iter().map(|node| node.activity).collect(),
        })
    }
}

impl Walker<'_> {
    /// Looks many prefixes up at once: what stands behind each, for the nodes that want it.
    fn look(&self, wanted: Wanted, mut found: impl FnMut(usize, u64)) -> Result<(), LedgerError> {
        let (keys, nodes) = gathered(wanted);
        for (at, index) in self.shared.numbers_under(&keys, self.size)? {
            nodes.get(at).into_iter().flatten().for_each(|node| found(*node, index));
        }
        Ok(())
    }

    /// Makes sure that these records have their nodes, unless the bound forbids it.
    fn admit(&mut self, indices: BTreeSet<u64>, depth: u32) -> Result<(), LedgerError> {
        let unknown: Vec<u64> = indices
            .into_iter()
            .filter(|index| !self.of_record.contains_key(index) && *index < self.size)
            .collect();
        for part in unknown.chunks(PART) {
            // A dataset may have been given a million times: what is beyond the bound is not read.
            if self.nodes.len() >= self.bounds.activities {
                self.is_cut = true;
                break;
            }
            let numbered = self.shared.numbered_many(part)?;
            let (mut transactions, mut alone) = (BTreeSet::new(), Vec::new());
            for (index, numbered) in part.iter().zip(numbered) {
                match numbered {
                    Some(Numbered::Under { transaction, .. }) => {
                        transactions.insert(transaction);
                    }
                    Some(Numbered::Whole(entry)) => alone.push((*index, Some(entry))),
                    None => alone.push((*index, None)),
                }
            }
            self.resolve(transactions, depth)?;
            for record in alone {
                self.node(None, vec![record], depth);
            }
        }
        Ok(())
    }

    /// Finds the nodes of these transactions.
    fn resolve(&mut self, transactions: BTreeSet<Uuid>, depth: u32) -> Result<(), LedgerError> {
        let fresh: Vec<Uuid> = transactions
            .into_iter()
            .filter(|transaction| !self.of_transaction.contains_key(transaction))
            .collect();
        // Two ends may have chosen one transaction: each agreement has its own stream, and so its own activity.
        let mut groups: BTreeMap<(usize, Option<Uuid>), Records> = BTreeMap::new();
        for (at, index, entry) in self.shared.of_transactions(&fresh, self.size)? {
            let [agreement, ..] = entry.streams;
            groups.entry((at, agreement)).or_default().push((index, Some(entry)));
        }
        for transaction in &fresh {
            self.of_transaction.insert(*transaction, Vec::new());
        }
        for ((at, _), records) in groups {
            if let Some(transaction) = fresh.get(at)
                && let Some(node) = self.node(Some(*transaction), records, depth)
            {
                self.of_transaction.entry(*transaction).or_default().push(node);
            }
        }
        Ok(())
    }

    /// A new node; `None` beyond the bound.
    fn node(&mut self, transaction: Option<Uuid>, records: Records, depth: u32) -> Option<usize> {
        if self.nodes.len() >= self.bounds.activities {
            self.is_cut = true;
            return None;
        }
        let node = self.nodes.len();
        let kinds = records
            .iter()
            .map(|(index, entry)| (*index, entry.as_ref().map(|entry| entry.kind)));
        let kinds: Vec<(u64, Option<Kind>)> = kinds.collect();
        self.of_record.extend(kinds.iter().map(|(index, _)| (*index, node)));
        let links: Vec<Linked> = records.into_iter().filter_map(|(_, entry)| entry).collect();
        let activity = Activity {
            transaction,
            records: kinds,
            streams: links.iter().flat_map(|entry| entry.streams).flatten().collect(),
            at_ms: links.first().map_or(0, |entry| entry.at_ms),
            depth,
        };
        self.nodes.push(Node { activity, links });
        Some(node)
    }

    fn links(&self, node: usize) -> impl Iterator<Item = &Linked> {
        self.nodes.get(node).into_iter().flat_map(|node| &node.links)
    }

    fn first(&self, node: usize) -> u64 {
        self.nodes.get(node).map_or(0, |node| node.activity.first())
    }

    /// The nearest link stays: the transaction says more than the bytes, and these more than the case.
    fn edge(&mut self, from: usize, to: usize, by: Follows) {
        if from != to {
            let known = self.edges.entry((from, to)).or_insert(by);
            *known = by.min(*known);
        }
    }

    /// Edges to the records found for each node.
    fn connect(&mut self, found: Vec<(usize, u64)>, by: Follows, depth: u32) -> Result<(), LedgerError> {
        self.admit(found.iter().map(|(_, index)| *index).collect(), depth)?;
        for (from, index) in found {
            if let Some(to) = self.of_record.get(&index).copied() {
                self.edge(from, to, by);
            }
        }
        Ok(())
    }

    fn up(&mut self, level: &[usize], depth: u32) -> Result<(), LedgerError> {
        let entries = level.iter().flat_map(|node| self.links(*node));
        let named: BTreeSet<Uuid> = entries
            .flat_map(|entry| &entry.used)
            .filter_map(|used| used.transaction)
            .collect();
        self.resolve(named, depth)?;

        let (mut sources, mut wanted, mut cases) = (Vec::new(), Wanted::new(), Wanted::new());
        for node in level {
            for entry in self.links(*node) {
                for used in &entry.used {
                    let known = used.transaction.and_then(|id| self.of_transaction.get(&id));
                    match known.filter(|nodes| !nodes.is_empty()) {
                        Some(nodes) => sources.extend(nodes.iter().map(|source| (*node, *source))),
                        None => used
                            .digests
                            .iter()
                            .for_each(|digest| wanted.push((role_prefix(digest, Role::Made), *node))),
                    }
                }
                // One content: its first digest finds whatever its others would.
                if let Some(digest) = entry.made.first().filter(|_| entry.gives()) {
                    wanted.push((role_prefix(digest, Role::Made), *node));
                }
                if entry.kind == Kind::DecisionMade {
                    entry
                        .case
                        .iter()
                        .for_each(|case| cases.push((role_prefix(case, Role::Made), *node)));
                }
            }
        }
        for (from, to) in sources {
            // Who names a transaction before there is anything of it has nothing from there.
            let last = self.nodes.get(from).and_then(|node| node.activity.records.last());
            if last.is_none_or(|(last, _)| self.first(to) > *last) {
                continue;
            }
            self.edge(from, to, Follows::Transaction);
        }
        for (wanted, by) in [(wanted, Follows::Digest), (cases, Follows::Case)] {
            let mut found = Vec::new();
            // What came later cannot be where it came from.
            self.look(wanted, |node, index| {
                if index < self.first(node) {
                    found.push((node, index));
                }
            })?;
            self.connect(found, by, depth)?;
        }
        Ok(())
    }

    fn down(&mut self, level: &[usize], depth: u32) -> Result<(), LedgerError> {
        let (mut users, mut given, mut cases) = (Wanted::new(), Wanted::new(), Wanted::new());
        let mut digests: Vec<(Ref, usize)> = Vec::new();
        for node in level {
            let transaction = self.nodes.get(*node).and_then(|node| node.activity.transaction);
            if let Some(id) = transaction {
                users.push((user_prefix(&id), *node));
            }
            for entry in self.links(*node) {
                for digest in entry.made.iter().filter(|_| !entry.gives()) {
                    digests.push((*digest, *node));
                    given.push((role_prefix(digest, Role::Given), *node));
                }
                if entry.kind != Kind::DecisionMade {
                    for case in entry.case.iter() {
                        cases.push((role_prefix(case, Role::Used), *node));
                    }
                }
            }
        }
        for (wanted, by) in [
            (users, Follows::Transaction),
            (given, Follows::Digest),
            (cases, Follows::Case),
        ] {
            let found = self.later(wanted)?;
            self.connect(found, by, depth)?;
        }
        let found = self.by_bytes_alone(digests)?;
        self.connect(found, Follows::Digest, depth)
    }

    /// What stands behind these keys and came after the node that wants it.
    fn later(&self, wanted: Wanted) -> Result<Vec<(usize, u64)>, LedgerError> {
        let mut found = Vec::new();
        self.look(wanted, |node, index| {
            if index > self.first(node) {
                found.push((node, index));
            }
        })?;
        Ok(found)
    }

    /// Later users of bytes, by digest, that name no transaction for them, or none of this log: who names one has them from there.
    fn by_bytes_alone(&self, wanted: Vec<(Ref, usize)>) -> Result<Vec<(usize, u64)>, LedgerError> {
        let (digests, nodes) = gathered(wanted);
        let keys: Vec<Vec<u8>> = digests.iter().map(|digest| role_prefix(digest, Role::Used)).collect();
        let users = self.shared.numbers_under(&keys, self.size)?;
        let entries = self.entries(users.iter().map(|(_, index)| *index).collect())?;
        let used = || {
            entries
                .iter()
                .flat_map(|(index, entry)| entry.used.iter().map(move |used| (*index, used)))
        };
        let here = self.recorded(&used().filter_map(|(_, used)| used.transaction).collect())?;
        let bare = used().filter(|(_, used)| used.transaction.is_none_or(|id| !here.contains(&id)));
        let bare: HashSet<(u64, Ref)> = bare
            .flat_map(|(index, used)| used.digests.iter().map(move |digest| (index, *digest)))
            .collect();
        let mut found = Vec::new();
        for (at, index) in users {
            let digest = digests.get(at).filter(|digest| bare.contains(&(index, **digest)));
            let nodes = nodes.get(at).filter(|_| digest.is_some());
            let earlier = nodes.into_iter().flatten().filter(|node| self.first(**node) < index);
            found.extend(earlier.map(|node| (*node, index)));
        }
        Ok(found)
    }

    /// Which of these transactions have a record here that is theirs.
    fn recorded(&self, transactions: &BTreeSet<Uuid>) -> Result<HashSet<Uuid>, LedgerError> {
        let ids: Vec<Uuid> = transactions.iter().copied().collect();
        let found = self.shared.of_transactions(&ids, self.size)?;
        Ok(found.into_iter().filter_map(|(at, ..)| ids.get(at).copied()).collect())
    }

    fn entries(&self, indices: BTreeSet<u64>) -> Result<HashMap<u64, Linked>, LedgerError> {
        let indices: Vec<u64> = indices.into_iter().collect();
        let entries = self.shared.linked_many(&indices)?.into_iter();
        Ok(indices
            .into_iter()
            .zip(entries)
            .filter_map(|(index, entry)| Some((index, entry?)))
            .collect())
    }
}
