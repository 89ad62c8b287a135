//! What falls due, and why what does not stays.

use super::super::entries::ERASURES;
use super::super::over::Of;
use super::super::select;
use super::units::{self, Unit};
use super::{kinds, protected};
use crate::commands::Failure;
use crate::config::{RetentionOf, RetentionRule};
use crate::control::protocol::{ErasedRecord, ErasureLine, ErasureState, RetentionLine, RetentionState};
use crate::node::Node;
use std::collections::{BTreeMap, BTreeSet};

/// What is told of one, and what of it would be proposed.
pub(super) struct Planned {
    pub(super) line: RetentionLine,
    pub(super) records: Vec<ErasedRecord>,
}

/// A unit, the rule that is about it, and what that makes of it.
struct Judged<'a> {
    unit: &'a Unit,
    rule: Option<(&'a RetentionRule, Option<u64>)>,
    state: RetentionState,
}

/// Why a unit stays, but for holds and others.
fn state(unit: &Unit, rule: Option<&(&RetentionRule, Option<u64>)>, now_ms: u64) -> RetentionState {
    match (rule, unit.since_ms) {
        (None, _) => RetentionState::Unruled,
        (Some(_), None) => RetentionState::Open,
        (Some((_, None)), Some(_)) => RetentionState::Permanent,
        (Some((_, Some(due))), Some(_)) if *due > now_ms => RetentionState::Kept,
        (Some(_), Some(_)) => RetentionState::Due,
    }
}

/// Units of which anything is left. What was erased keeps nothing else, and is told no more.
fn left(node: &Node, now_ms: u64) -> Result<Vec<Unit>, Failure> {
    let mut left = Vec::new();
    for unit in units::all(node, now_ms)? {
        if select::has_left(&Of::current(node), &unit.records)? {
            left.push(unit);
        }
    }
    Ok(left)
}

fn judged<'a>(node: &'a Node, units: &'a [Unit], now_ms: u64) -> Vec<Judged<'a>> {
    let judged = units.iter().map(|unit| {
        let rule = unit.rule(&node.config.retention.rules);
        let state = state(unit, rule.as_ref(), now_ms);
        Judged { unit, rule, state }
    });
    judged.collect()
}

/// For whose sake each record stays.
fn protected(node: &Node, judged: &[Judged<'_>]) -> Result<BTreeMap<u64, String>, Failure> {
    // What no rule is about has no end that anybody knows: a case of that kind keeps what it rests on. An agreement does not: its records
    // follow the cases that they belong to.
    let stays = judged
        .iter()
        .filter(|one| one.state != RetentionState::Due && (one.rule.is_some() || one.unit.of == RetentionOf::Case));
    protected::by(node, stays.map(|one| one.unit))
}

/// The first of these records that is not over, or not any more, and why; `None` when all are. They were proposed as such before.
///
/// # Errors
/// When something cannot be read.
pub(super) fn not_over(node: &Node, now_ms: u64, records: &[ErasedRecord]) -> Result<Option<(u64, String)>, Failure> {
    let units = left(node, now_ms)?;
    let judged = judged(node, &units, now_ms);
    let protected = protected(node, &judged)?;
    let mut over = BTreeSet::new();
    let has = |one: &Judged<'_>, index: u64| one.unit.records.contains(&index);
    for one in judged.iter().filter(|one| one.state == RetentionState::Due) {
        if records.iter().any(|record| has(one, record.index)) {
            let left = select::left_of(&Of::current(node), &one.unit.records)?;
            over.extend(left.into_iter().map(|record| record.index));
        }
    }
    for record in records {
        let other = protected.get(&record.index);
        if other.is_none() && over.contains(&record.index) {
            continue;
        }
        let own = judged
            .iter()
            .find(|one| one.state != RetentionState::Due && has(one, record.index));
        let why = match (own, other) {
            (Some(one), _) => format!("{} {} {}", one.unit.of.as_str(), one.unit.name, words(one.state)),
            (None, Some(other)) => format!("it is needed for {other}"),
            (None, None) => "nothing that is over has it any more".to_owned(),
        };
        return Ok(Some((record.index, why)));
    }
    Ok(None)
}

const fn words(state: RetentionState) -> &'static str {
    match state {
        RetentionState::Kept => "is kept for longer",
        RetentionState::Permanent => "is kept for ever",
        RetentionState::Open => "goes on",
        RetentionState::Unruled => "is one that no rule is about",
        _ => "is over",
    }
}

/// Everything that rules can be about, and what becomes of it at `now_ms`; what was erased before is left out.
///
/// # Errors
/// When something cannot be read: nothing is due then.
pub(super) fn plan(node: &Node, now_ms: u64) -> Result<Vec<Planned>, Failure> {
    let units = left(node, now_ms)?;
    let judged = judged(node, &units, now_ms);
    let is_any_due = judged.iter().any(|one| one.state == RetentionState::Due);
    let protected = match is_any_due {
        true => protected(node, &judged)?,
        false => BTreeMap::new(),
    };
    let held = match is_any_due {
        true => select::held(node, 0)?,
        false => BTreeMap::new(),
    };
    let mut open = proposed(node)?;
    let mut planned = Vec::new();
    for Judged { unit, rule, state } in judged {
        let mut line = line(unit, rule, state);
        if state != RetentionState::Due {
            line.records = unit.records.len() as u64;
            planned.push(Planned {
                line,
                records: Vec::new(),
            });
            continue;
        }
        let left = select::left_of(&Of::current(node), &unit.records)?;
        if left.is_empty() {
            continue;
        }
        let one = due(node, line, left, &protected, &held, &open)?;
        // A record can be of two that are due, and is proposed once: of what is erased already nothing can be approved.
        for record in &one.records {
            let with = format!("{} {}", unit.of.as_str(), unit.name);
            open.add(record, &with);
        }
        planned.push(one);
    }
    planned.sort_by_key(|one| (one.line.due_ms.unwrap_or(u64::MAX), one.line.name.clone()));
    Ok(planned)
}

fn line(unit: &Unit, rule: Option<(&RetentionRule, Option<u64>)>, state: RetentionState) -> RetentionLine {
    let of_rule = |text: fn(&RetentionRule) -> &String| rule.map(|(rule, _)| text(rule).clone()).unwrap_or_default();
    RetentionLine {
        of: unit.of.as_str().to_owned(),
        name: unit.name.clone(),
        category: of_rule(|rule| &rule.category),
        activity: of_rule(|rule| &rule.activity),
        since_ms: unit.since_ms,
        due_ms: unit.since_ms.and(rule.and_then(|(_, due)| due)),
        state,
        records: 0,
        kinds: BTreeMap::new(),
        kept: 0,
        why: None,
    }
}

/// What of one that is due can go now.
fn due(
    node: &Node,
    mut line: RetentionLine,
    left: Vec<ErasedRecord>,
    protected: &BTreeMap<u64, String>,
    held: &BTreeMap<u64, String>,
    open: &Open,
) -> Result<Planned, Failure> {
    let (mut going, mut whys) = (Vec::new(), BTreeSet::new());
    for mut record in left {
        let (state, why) = if let Some(hold) = held.get(&record.index) {
            (RetentionState::Held, hold.clone())
        } else if let Some(other) = protected.get(&record.index) {
            (RetentionState::Needed, other.clone())
        } else {
            let with = open.take(&mut record);
            if !record.sections.is_empty() {
                going.push(record);
                continue;
            }
            let with: Vec<String> = with.into_iter().collect();
            (RetentionState::Proposed, with.join(", "))
        };
        line.kept += 1;
        whys.insert((state, why));
    }
    // What stays is told by its first reason.
    let first = whys.into_iter().next();
    line.why = first.as_ref().map(|(_, why)| why.clone());
    if going.is_empty() {
        line.state = first.map_or(RetentionState::Due, |(state, _)| state);
        line.records = line.kept;
        return Ok(Planned {
            line,
            records: Vec::new(),
        });
    }
    let targets = select::targets(&Of::current(node), &going)?;
    if let Err(error) = select::check_offers(node, &Of::current(node), &targets) {
        line.state = RetentionState::Offered;
        line.why = Some(error.to_string());
    }
    line.records = going.len() as u64;
    line.kinds = kinds(&going);
    let is_due = line.state == RetentionState::Due;
    Ok(Planned {
        line,
        records: if is_due { going } else { Vec::new() },
    })
}

/// By record and section, with what each goes.
#[derive(Default)]
struct Open(BTreeMap<u64, BTreeMap<String, BTreeSet<String>>>);

impl Open {
    fn add(&mut self, record: &ErasedRecord, with: &str) {
        let of = self.0.entry(record.index).or_default();
        for section in &record.sections {
            of.entry(section.clone()).or_default().insert(with.to_owned());
        }
    }

    /// Takes away from `record` what goes with others; tells with which.
    fn take(&self, record: &mut ErasedRecord) -> BTreeSet<String> {
        let Some(of) = self.0.get(&record.index) else {
            return BTreeSet::new();
        };
        let with = record.sections.iter().filter_map(|section| of.get(section));
        let with = with.flatten().cloned().collect();
        record.sections.retain(|section| !of.contains_key(section));
        with
    }
}

/// What is in proposals that wait for a second person.
fn proposed(node: &Node) -> Result<Open, Failure> {
    let mut open = Open::default();
    for (_, line) in node.state.scan::<ErasureLine>(ERASURES)? {
        if line.state == ErasureState::Proposed {
            for record in &line.records {
                open.add(record, &line.id);
            }
        }
    }
    Ok(open)
}
