//! Along each aspect, the values that some condition of the two policies may tell apart, those that none does put together.

use super::{Aspect, Case, Gap};
use crate::area;
use crate::basis;
use crate::era::Era;
use crate::model::{Atomic, Constraint, Right, Rule};
use crate::moment::Moment;
use crate::operand::{Operand, Operator};
use crate::policy::Policy;
use crate::purpose;
use crate::truth::Truth;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One aspect and its values.
pub(super) struct Axis {
    pub(super) aspect: Aspect,
    /// Values that no condition tells apart stand in one class; each has at least one.
    pub(super) classes: Vec<Vec<Case>>,
}

/// Comparisons that are made to find the classes along one aspect.
const MAX_COMPARED: usize = 2_000_000;
/// Sets of areas that are looked at: all those of ten areas that are told apart.
const MAX_AREAS: usize = 1 << 10;

/// The conditions of both policies, by operand.
#[derive(Default)]
struct Conditions<'a> {
    moments: Vec<(&'a Moment, Operator)>,
    purposes: Vec<(&'a [String], Operator)>,
    recipients: Vec<&'a [String]>,
    areas: Vec<(&'a [String], Operator)>,
    bases: Vec<(&'a [String], Operator)>,
    areas_of_use: Vec<(&'a [String], Operator)>,
}

impl<'a> Conditions<'a> {
    fn take(&mut self, atomic: &'a Atomic, gaps: &mut BTreeSet<Gap>) {
        match (atomic.operand(), atomic.right()) {
            (Operand::DateTime, Right::Moment(moment)) => self.moments.push((moment, atomic.operator())),
            (Operand::Purpose, Right::Iris(asked)) => self.purposes.push((asked, atomic.operator())),
            (Operand::Recipient, Right::Iris(asked)) => self.recipients.push(asked),
            (Operand::Spatial, Right::Iris(asked)) => self.areas.push((asked, atomic.operator())),
            (Operand::LegalBasis, Right::Iris(asked)) => self.bases.push((asked, atomic.operator())),
            (Operand::AreaOfUse, Right::Iris(asked)) => self.areas_of_use.push((asked, atomic.operator())),
            // Counts are worked out apart, and of logs both values are always asked about.
            (Operand::Count, Right::Count(_)) | (Operand::CounterpartyLog, Right::Iris(_)) => {}
            (operand, _) => {
                gaps.insert(Gap::Operand(operand.name().to_owned()));
            }
        }
    }
}

fn rules<'a>(first: &'a Policy, second: &'a Policy) -> impl Iterator<Item = &'a Rule> + Clone {
    // Obligations too: one that is past its date ends what is permitted.
    first.rules().chain(second.rules())
}

/// Somebody and something that neither policy names, whatever they name.
pub(super) fn nobody(first: &Policy, second: &Policy) -> String {
    const OTHER: &str = "urn:herleid:named-by-neither";
    let conditions = conditions(first, second, &mut BTreeSet::new());
    let purposes = conditions.purposes.iter().flat_map(|(iris, _)| iris.iter());
    let recipients = conditions.recipients.iter().copied().flatten();
    let areas = [&conditions.areas, &conditions.bases, &conditions.areas_of_use]
        .into_iter()
        .flatten();
    let areas = areas.flat_map(|(iris, _)| iris.iter());
    let scopes = rules(first, second).flat_map(|rule| {
        let scope = rule.scope();
        [&scope.assignee, &scope.assigner, &scope.target].into_iter().flatten()
    });
    let named: BTreeSet<&String> = purposes.chain(recipients).chain(areas).chain(scopes).collect();
    let mut other = OTHER.to_owned();
    // Each turn is longer than the one before, so that this ends after as many turns as there are names.
    while named.contains(&other) {
        other.push('-');
    }
    other
}

fn conditions<'a>(first: &'a Policy, second: &'a Policy, gaps: &mut BTreeSet<Gap>) -> Conditions<'a> {
    let mut conditions = Conditions::default();
    for rule in rules(first, second) {
        // A duty that is not due does not stand in the way, so what makes it due counts too.
        let duties = rule.duties().iter().flat_map(Rule::constraints);
        let mut stack: Vec<&Constraint> = rule.constraints().iter().chain(duties).collect();
        while let Some(constraint) = stack.pop() {
            match constraint {
                Constraint::Atomic(atomic) => conditions.take(atomic, gaps),
                Constraint::Logical { parts, .. } => stack.extend(parts),
            }
        }
    }
    conditions
}

/// Every axis. Of each the product is taken, so the order decides nothing.
pub(super) fn axes(first: &Policy, second: &Policy, other: &str, gaps: &mut BTreeSet<Gap>) -> Vec<Axis> {
    let conditions = conditions(first, second, gaps);
    let actions = ["use", "distribute"].map(|action| vec![Case::Named(action.to_owned())]);
    let named = |of: fn(&Rule) -> Option<&String>| {
        let names: BTreeSet<&String> = rules(first, second).filter_map(of).collect();
        let classes = names.into_iter().map(|name| vec![Case::Named(name.clone())]);
        classes.chain([vec![Case::Other]]).collect()
    };
    let axis = |aspect, classes| Axis { aspect, classes };
    vec![
        axis(Aspect::Action, actions.to_vec()),
        axis(Aspect::Time, times(&conditions.moments, gaps)),
        axis(Aspect::Purpose, purposes(&conditions.purposes, other, gaps)),
        axis(Aspect::Recipient, recipients(&conditions.recipients, gaps)),
        axis(Aspect::Area, areas(&conditions.areas, gaps)),
        axis(Aspect::LegalBasis, bases(&conditions.bases, other, gaps)),
        axis(Aspect::AreaOfUse, areas_of_use(&conditions.areas_of_use, other, gaps)),
        axis(
            Aspect::CounterpartyLog,
            vec![vec![Case::KeepsLog(true)], vec![Case::KeepsLog(false)]],
        ),
        axis(Aspect::Assignee, named(|rule| rule.scope().assignee.as_ref())),
        axis(Aspect::Assigner, named(|rule| rule.scope().assigner.as_ref())),
        axis(Aspect::Target, named(|rule| rule.scope().target.as_ref())),
    ]
}

/// Puts together what every comparison answers alike. As many values are looked at as `each` comparisons of one allow.
fn classes<A: Ord>(
    aspect: Aspect,
    values: Vec<Case>,
    each: usize,
    answers: impl Fn(&Case) -> Vec<A>,
    gaps: &mut BTreeSet<Gap>,
) -> Vec<Vec<Case>> {
    let of = values.len();
    let asked = of.min((MAX_COMPARED / each.max(1)).max(1));
    if asked < of {
        gaps.insert(Gap::Values {
            aspect,
            asked: asked as u64,
            of: of as u64,
        });
    }
    let mut classes: BTreeMap<Vec<A>, Vec<Case>> = BTreeMap::new();
    for value in values.into_iter().take(asked) {
        classes.entry(answers(&value)).or_default().push(value);
    }
    classes.into_values().collect()
}

/// Between two turns that follow each other every comparison stays as it is.
fn times(moments: &[(&Moment, Operator)], gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let turns = moments.iter().flat_map(|(moment, _)| moment.turns());
    let starts: BTreeSet<u64> = turns.chain([0]).collect();
    let ends = starts.iter().skip(1).map(|end| Some(*end)).chain([None]);
    let spans = starts
        .iter()
        .zip(ends)
        .map(|(from, end)| Case::Times(*from, end))
        .collect();
    let answers = |case: &Case| -> Vec<Truth> {
        let at = match case {
            Case::Times(from, _) => *from,
            _ => 0,
        };
        moments
            .iter()
            .map(|(moment, operator)| moment.compare(at, *operator))
            .collect()
    };
    // A comparison of times costs next to nothing beside one of purposes.
    classes(Aspect::Time, spans, moments.len() / 16, answers, gaps)
}

fn purposes(asked: &[(&[String], Operator)], other: &str, gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let named = asked.iter().flat_map(|(iris, _)| iris.iter().cloned());
    let known: BTreeSet<String> = purpose::known().chain(named).collect();
    let values = [Case::Nothing, Case::Other]
        .into_iter()
        .chain(known.into_iter().map(Case::Named))
        .collect();
    let each = asked.iter().map(|(iris, _)| iris.len()).sum();
    let answers = |case: &Case| -> Vec<Truth> {
        let stated = match case {
            Case::Nothing => return vec![Truth::Unknown; asked.len()],
            Case::Named(iri) => iri.as_str(),
            _ => other,
        };
        let stated = [stated.to_owned()];
        asked
            .iter()
            .map(|(iris, operator)| purpose::compare(&stated, *operator, iris))
            .collect()
    };
    classes(Aspect::Purpose, values, each, answers, gaps)
}

/// Also who is for several areas at once: each set of them that the comparisons tell apart, the smallest first. What one area answers the
/// others leave as it is, so that those of a set are the answers of its areas put together.
fn areas(asked: &[(&[String], Operator)], gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let answers = |shown: &BTreeSet<&str>| -> Vec<Truth> {
        let compared = asked.iter().map(|(iris, operator)| {
            let iris = iris.iter().map(String::as_str);
            area::compare(Era::default(), shown.iter().copied(), *operator, iris)
        });
        compared.collect()
    };
    let named: BTreeSet<&str> = asked
        .iter()
        .flat_map(|(iris, _)| iris.iter().map(String::as_str))
        .collect();
    let mut classes = BTreeMap::from([(answers(&BTreeSet::new()), vec![Case::Nothing, Case::Other])]);
    let mut single: BTreeMap<Vec<Truth>, &str> = BTreeMap::new();
    for area in &named {
        let answers = answers(&BTreeSet::from([*area]));
        single.entry(answers.clone()).or_insert(area);
        classes
            .entry(answers)
            .or_default()
            .push(Case::Named((*area).to_owned()));
    }
    let mut open: VecDeque<BTreeSet<&str>> = single.values().map(|area| BTreeSet::from([*area])).collect();
    while let Some(set) = open.pop_front() {
        for more in single.values().filter(|area| !set.contains(*area)) {
            let wider: BTreeSet<&str> = set.iter().copied().chain([*more]).collect();
            let answers = answers(&wider);
            if classes.contains_key(&answers) {
                continue;
            }
            if classes.len() >= MAX_AREAS {
                let of = 1_u64.checked_shl(u32::try_from(single.len()).unwrap_or(u32::MAX));
                gaps.insert(Gap::Values {
                    aspect: Aspect::Area,
                    asked: classes.len() as u64,
                    of: of.unwrap_or(u64::MAX),
                });
                return classes.into_values().collect();
            }
            let told = wider.iter().map(|area| (*area).to_owned()).collect();
            classes.insert(answers, vec![Case::Several(told)]);
            open.push_back(wider);
        }
    }
    classes.into_values().collect()
}

/// Who uses it for one area states that one.
fn areas_of_use(asked: &[(&[String], Operator)], other: &str, gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let compare = |stated: &str, operator: Operator, iris: &[String]| {
        let iris = iris.iter().map(String::as_str);
        area::compare(Era::default(), std::iter::once(stated), operator, iris)
    };
    names(Aspect::AreaOfUse, asked, std::iter::empty(), other, compare, gaps)
}

/// Of laws those that are named, each also whole and with a place below what is named, and those of the table.
fn bases(asked: &[(&[String], Operator)], other: &str, gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let compare = |stated: &str, operator: Operator, iris: &[String]| {
        basis::compare(std::iter::once(stated), operator, iris.iter().map(String::as_str))
    };
    let named: BTreeSet<&str> = asked
        .iter()
        .flat_map(|(iris, _)| iris.iter().map(String::as_str))
        .collect();
    let places = named
        .iter()
        .flat_map(|iri| basis::beside(iri, |place| named.contains(place)));
    let unnamed = basis::known().chain(places);
    names(Aspect::LegalBasis, asked, unnamed, other, compare, gaps)
}

/// Names of which some are named, and some are not and yet told apart.
fn names(
    aspect: Aspect,
    asked: &[(&[String], Operator)],
    unnamed: impl Iterator<Item = String>,
    other: &str,
    compare: impl Fn(&str, Operator, &[String]) -> Truth,
    gaps: &mut BTreeSet<Gap>,
) -> Vec<Vec<Case>> {
    let named = asked.iter().flat_map(|(iris, _)| iris.iter().cloned());
    let named: BTreeSet<String> = named.chain(unnamed).collect();
    let values = [Case::Nothing, Case::Other]
        .into_iter()
        .chain(named.into_iter().map(Case::Named))
        .collect();
    let each = asked.iter().map(|(iris, _)| iris.len()).sum();
    let answers = |case: &Case| -> Vec<Truth> {
        let shown = match case {
            Case::Nothing => return vec![Truth::Unknown; asked.len()],
            Case::Named(iri) => iri.as_str(),
            _ => other,
        };
        let compared = asked.iter().map(|(iris, operator)| compare(shown, *operator, iris));
        compared.collect()
    };
    classes(aspect, values, each, answers, gaps)
}

fn recipients(asked: &[&[String]], gaps: &mut BTreeSet<Gap>) -> Vec<Vec<Case>> {
    let named: BTreeSet<&String> = asked.iter().copied().flatten().collect();
    let values = [Case::Other]
        .into_iter()
        .chain(named.into_iter().cloned().map(Case::Named))
        .collect();
    let each = asked.iter().map(|list| list.len()).sum();
    let answers = |case: &Case| -> Vec<bool> {
        let is_in = |list: &&[String]| matches!(case, Case::Named(did) if list.contains(did));
        asked.iter().map(is_in).collect()
    };
    classes(Aspect::Recipient, values, each, answers, gaps)
}
