//! What falls due, and why what does not stays.

use super::super::entries::ERASURES;
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

/// Everything that rules can be about, and what becomes of it at `now_ms`; what was erased before is left out.
///
/// # Errors
/// When something cannot be read: nothing is due then.
pub(super) fn plan(node: &Node, now_ms: u64) -> Result<Vec<Planned>, Failure> {
    let rules = &node.config.retention.rules;
    let units = units::all(node, now_ms)?;
    let judged: Vec<_> = units
        .iter()
        .map(|unit| {
            let rule = unit.rule(rules);
            let state = state(unit, rule.as_ref(), now_ms);
            (unit, rule, state)
        })
        .collect();
    let is_any_due = judged.iter().any(|(.., state)| *state == RetentionState::Due);
    // What no rule is about has no end that anybody knows: a case of that kind keeps what it rests on. An agreement does not: its records
    // follow the cases that they belong to.
    let stays = judged.iter().filter(|(unit, rule, state)| {
        *state != RetentionState::Due && (rule.is_some() || unit.of == RetentionOf::Case)
    });
    let protected = match is_any_due {
        true => protected::by(node, stays.map(|(unit, ..)| *unit))?,
        false => BTreeMap::new(),
    };
    let held = match is_any_due {
        true => select::held(node)?,
        false => BTreeMap::new(),
    };
    let open = proposed(node)?;
    let mut planned = Vec::new();
    for (unit, rule, state) in judged {
        let mut line = line(unit, rule, state);
        if state != RetentionState::Due {
            line.records = unit.records.len() as u64;
            planned.push(Planned {
                line,
                records: Vec::new(),
            });
            continue;
        }
        let left = select::left_of(node, &unit.records)?;
        if left.is_empty() {
            continue;
        }
        planned.push(due(node, line, left, &protected, &held, &open)?);
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
    open: &BTreeMap<u64, BTreeSet<String>>,
) -> Result<Planned, Failure> {
    let (mut going, mut whys) = (Vec::new(), BTreeSet::new());
    for record in left {
        let (state, why) = if let Some(hold) = held.get(&record.index) {
            (RetentionState::Held, hold.clone())
        } else if let Some(other) = protected.get(&record.index) {
            (RetentionState::Needed, other.clone())
        } else if let Some(ids) = open.get(&record.index) {
            (
                RetentionState::Proposed,
                ids.iter().cloned().collect::<Vec<_>>().join(", "),
            )
        } else {
            going.push(record);
            continue;
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
    let targets = select::targets(node, &going)?;
    if let Err(error) = select::check_offers(node, &targets) {
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

/// Records of proposals that wait for a second person.
fn proposed(node: &Node) -> Result<BTreeMap<u64, BTreeSet<String>>, Failure> {
    let mut open: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (_, line) in node.state.scan::<ErasureLine>(ERASURES)? {
        if line.state == ErasureState::Proposed {
            for record in line.records {
                open.entry(record.index).or_default().insert(line.id.clone());
            }
        }
    }
    Ok(open)
}
