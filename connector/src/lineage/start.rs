//! Where a trace begins: the records that a person means, and the log of ours that they are of.

use super::walked::logs;
use crate::commands::Failure;
use crate::node::Node;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError};
use herleid_vocab::time::parse_rfc3339_ms;
use serde_json::Value;
use std::collections::BTreeSet;

/// Records of a time range that a trace begins from at most.
const AT_MOST: u64 = 100_000;
/// Records that an error names at most.
const NAMED: usize = 10;

/// Where a trace begins.
pub(crate) struct Start<'a> {
    /// The log of ours that is searched: the one that goes on, or else the latest of those that are over and know of it.
    pub(crate) ledger: &'a Ledger,
    /// Its records that were meant.
    pub(crate) records: BTreeSet<u64>,
    /// Origins of other logs of ours that know of it too.
    pub(crate) also: Vec<String>,
    /// Of which nobody knows whether they do, and why.
    pub(crate) unsearched: Vec<String>,
}

/// What was asked for, in one log.
enum Wanted<'a> {
    /// Recorded from the first instant until before the second: UTC, milliseconds since 1970.
    Between(u64, u64),
    Named(&'a str),
}

impl<'a> Wanted<'a> {
    fn of(what: &'a str) -> Result<Self, Failure> {
        let between = what.split_once('/').and_then(|(from, until)| {
            let (from, until) = (parse_rfc3339_ms(from).ok()?, parse_rfc3339_ms(until).ok()?);
            Some((from, until))
        });
        match between {
            Some((from, until)) if from >= until => Err(Failure::usage(format!(
                "`{what}` is no time range: it ends before it begins, or when it begins"
            ))),
            Some((from, until)) => Ok(Self::Between(from, until)),
            None => Ok(Self::Named(what)),
        }
    }
}

/// The records that a person means: by number, digest (SHA-256, BLAKE3 or leaf), transaction, case, agreement, dataset, `dataset@version`,
/// model, or the time at which they were recorded. `<origin>/` before it means the log of ours with this origin alone.
///
/// # Errors
/// When there are none; it says what was looked for, and where.
pub(crate) fn resolve<'a>(node: &'a Node, what: &str) -> Result<Start<'a>, Failure> {
    let of_one = logs(node).find_map(|ledger| {
        let rest = what.strip_prefix(ledger.origin())?.strip_prefix('/')?;
        Some((ledger, rest))
    });
    let (ledgers, rest) = match of_one {
        Some((ledger, rest)) => (vec![ledger], rest),
        None => (logs(node).collect(), what),
    };
    let wanted = Wanted::of(rest)?;
    let mut start: Option<Start<'a>> = None;
    let mut unsearched = match of_one {
        // Of one log alone nobody asks whether another has it.
        Some(_) => Vec::new(),
        None => node.unreadable.clone(),
    };
    for &ledger in &ledgers {
        let found = match wanted {
            Wanted::Between(from, until) => between(ledger, rest, from, until),
            Wanted::Named(name) => named(ledger, name).map_err(Failure::from),
        };
        let records = match found {
            // It was lost for a reason: what the log knows that goes on is shown all the same.
            Err(error) if of_one.is_none() && !std::ptr::eq(ledger, &node.ledger) => {
                unsearched.push(format!("the log `{}`, which is over: {error}", ledger.origin()));
                continue;
            }
            found => found?,
        };
        if !records.is_empty() {
            match &mut start {
                Some(start) => start.also.push(ledger.origin().to_owned()),
                None => {
                    start = Some(Start {
                        ledger,
                        records,
                        also: Vec::new(),
                        unsearched: Vec::new(),
                    });
                }
            }
        } else if !ledger.has_lineage()? {
            unsearched.push(format!(
                "the log `{}` is over, and the version that wrote it kept no lineage: no time and no dataset@version is found in it",
                ledger.origin()
            ));
        }
    }
    match start {
        Some(start) => {
            // It goes on in the others, whichever one it begins in.
            if of_one.is_some() {
                unsearched.clone_from(&node.unreadable);
            }
            Ok(Start { unsearched, ..start })
        }
        None => Err(nothing(what, &wanted, &ledgers, &unsearched)),
    }
}

fn nothing(what: &str, wanted: &Wanted<'_>, ledgers: &[&Ledger], unsearched: &[String]) -> Failure {
    let mut besides = String::new();
    if let [_, over @ ..] = ledgers {
        for ledger in over {
            besides.push_str(&format!("; looked in `{}` too, which is over", ledger.origin()));
        }
    }
    for why in unsearched {
        besides.push_str(&format!("; {why}"));
    }
    let Wanted::Named(name) = wanted else {
        return Failure::missing(format!("nothing was recorded in `{what}`{besides}")).next("give a longer time range");
    };
    let last = ledgers.first().map_or(0, |ledger| ledger.size().saturating_sub(1));
    let mut looked = format!("looked for the number of a record (this log has 0 to {last})");
    if crate::state::digest_bytes(name).is_some() {
        looked.push_str(", a SHA-256, a BLAKE3 and a leaf hash");
    }
    looked.push_str(", a case, a transaction, an agreement, a dataset, a dataset@version and a model");
    Failure::missing(format!(
        "nothing in this ledger is, or rests on, `{what}`: {looked}{besides}"
    ))
    .next(
        "give the number of a record, a digest (64 hex digits), a case, a transaction, an agreement, a dataset or model with or without \
         @version, or a time range as in 2020-06-17T00:00:00Z/2020-06-18T00:00:00Z",
    )
}

/// Why nothing can be followed from records of a log without a lineage index: to make one would change a log that is over.
pub(super) fn unlinked(ledger: &Ledger, records: &BTreeSet<u64>) -> Failure {
    let named: Vec<String> = records.iter().take(NAMED).map(u64::to_string).collect();
    let more = records.len().saturating_sub(NAMED);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    Failure::missing(format!(
        "the log `{}` has what you ask for (record {}{more}), but it is over, and the version that wrote it kept no lineage: what rests on \
         what is not known without opening its records",
        ledger.origin(),
        named.join(", ")
    ))
    .next("`--sparql QUERY` opens the records that these rest on, and answers from them")
}

/// The records that content with this digest has to do with; where a log has no index of lineage, by the terms that older versions kept instead.
fn by_digest(ledger: &Ledger, digest: [u8; 32]) -> Result<BTreeSet<u64>, LedgerError> {
    match ledger.has_lineage()? {
        true => Ok(ledger.by_digest(&digest)?.into_iter().collect()),
        false => by_term(ledger, digest),
    }
}

/// The same by these terms.
pub(super) fn by_term(ledger: &Ledger, digest: [u8; 32]) -> Result<BTreeSet<u64>, LedgerError> {
    let mut found = BTreeSet::new();
    for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
        found.extend(ledger.by_term(&term)?);
    }
    Ok(found)
}

/// The records of one log with this name.
fn named(ledger: &Ledger, name: &str) -> Result<BTreeSet<u64>, LedgerError> {
    let mut found = BTreeSet::new();
    let number = name.parse::<u64>().ok();
    found.extend(number.filter(|index| *index < ledger.size()));
    if let Some(digest) = crate::state::digest_bytes(name) {
        found.extend(ledger.by_leaf(&digest)?);
        found.extend(by_digest(ledger, digest)?);
    }
    let text = name.to_owned();
    for term in [
        Term::Case(text.clone()),
        Term::Transaction(text.clone()),
        Term::Agreement(text.clone()),
        Term::Model(text),
    ] {
        found.extend(ledger.by_term(&term)?);
    }
    found.extend(dataset(ledger, name)?);
    if let Some((id, version)) = name.rsplit_once('@') {
        let mut all = dataset(ledger, id)?;
        all.extend(ledger.by_term(&Term::Model(id.to_owned()))?);
        let all: Vec<u64> = all.into_iter().collect();
        found.extend(ledger.about(&all, id, version)?);
    }
    Ok(found)
}

fn between(ledger: &Ledger, what: &str, from_ms: u64, until_ms: u64) -> Result<BTreeSet<u64>, Failure> {
    if !ledger.has_lineage()? {
        return Ok(BTreeSet::new());
    }
    let found = ledger.recorded_between(from_ms, until_ms)?;
    let count = found.end - found.start;
    if count > AT_MOST {
        return Err(Failure::usage(format!(
            "{count} records were recorded in `{what}`; a trace begins from at most {AT_MOST}"
        ))
        .next("give a shorter time range"));
    }
    Ok(found.collect())
}

/// The records about a dataset: those that name it, and what was given under agreements about it, which name their agreement.
fn dataset(ledger: &Ledger, id: &str) -> Result<BTreeSet<u64>, LedgerError> {
    let mut found: BTreeSet<u64> = ledger.by_term(&Term::Dataset(id.to_owned()))?.into_iter().collect();
    let mut agreements = BTreeSet::new();
    let all: Vec<u64> = found.iter().copied().collect();
    for index in ledger.of_kind(&all, Kind::AgreementConcluded)? {
        if let Some(facts) = ledger.record(index)?.value(SectionName::Facts) {
            agreements.extend(facts.get("agreement").and_then(Value::as_str).map(str::to_owned));
        }
    }
    for agreement in agreements {
        found.extend(ledger.by_term(&Term::Agreement(agreement))?);
    }
    Ok(found)
}
