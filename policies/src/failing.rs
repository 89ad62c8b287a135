//! The minimal failing set: things that, were they otherwise, would turn the denial into a permit. Where there is a choice, of permissions
//! or within one, it is of what who asks can see to alone, and of that the fewest.

use crate::compiled::Fit;
use crate::era::Era;
use crate::facts::{Facts, Request, SIZE};
use crate::model::{Atomic, Constraint, Logic, Rule};
use crate::operand::{LOG_KEPT, Operand, Operator};
use crate::payment;
use crate::policy::Policy;
use crate::problem::{limits, quoted};
use crate::record::{Failing, Fixer, Obstacle, Step};
use crate::truth::Truth;
use herleid_vocab::time::format_rfc3339_ms;
use std::collections::HashMap;

/// What was decided on.
pub(crate) struct Question<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) request: &'a Request,
    pub(crate) facts: &'a Facts,
}

impl Question<'_> {
    /// How often the rule's counter has been used before.
    fn used(&self, rule: &Rule) -> Option<u64> {
        match self
            .facts
            .values(Operand::Count.name(), Some(&self.policy.counter(rule)))
        {
            Some([used]) => used.parse().ok(),
            _ => None,
        }
    }

    /// How many bytes the rule has let leave before, and how many may leave now.
    fn volume(&self, rule: &Rule) -> Option<Vec<String>> {
        let of = self.policy.counter(rule);
        let delivered = self.facts.number(Operand::Volume.name(), Some(&of))?;
        Some(vec![delivered.to_string(), self.facts.number(SIZE, None)?.to_string()])
    }

    /// Whether a permission says nothing of parties without a log, and the other end is one or may be.
    fn is_one_sided_unsaid(&self, rule: &Rule) -> bool {
        let known = self.facts.values(Operand::CounterpartyLog.name(), None);
        let is_one_sided = known.map_or(!self.facts.era().presumes_a_log(), |values| values != [LOG_KEPT]);
        is_one_sided && !rule.names(Operand::CounterpartyLog)
    }

    /// How far off something is: whether anybody but who asks has to see to it, then how much it is. What comes with time counts as the
    /// asker's: else who only has to wait would be told to state something else. Before [`Era::Nine`] only how much.
    fn far(&self, all: &[Failing]) -> (bool, usize) {
        let is_for_others = |one: &Failing| !matches!(one.fixed_by, Fixer::Asker | Fixer::Time);
        let era = self.facts.era();
        (
            era.names_what_the_asker_can_do() && all.iter().any(is_for_others),
            all.len(),
        )
    }

    /// Whether money opens nothing here. Until [`Era::Nine`] a price counted also where it was paid, or where nobody knew what was.
    fn is_for_nothing(&self, rule: &Rule, all: &[Failing]) -> bool {
        if !self.facts.era().names_what_the_asker_can_do() {
            return rule.price().is_none();
        }
        let is_to_pay =
            |one: &Failing| one.operand.as_deref() == Some(Operand::PayAmount.name()) && one.fixed_by == Fixer::Asker;
        !all.iter().any(is_to_pay)
    }
}

/// Rules that stand in the way by themselves.
pub(crate) struct Standing<'a> {
    /// Prohibitions that apply.
    pub(crate) prohibitions: &'a [&'a Rule],
    /// Obligations that are past their date, or were broken.
    pub(crate) obligations: &'a [&'a Rule],
}

/// Values by place.
struct Values<'a>(HashMap<&'a str, Truth>);

impl Values<'_> {
    fn of(&self, at: &str) -> Truth {
        self.0.get(at).copied().unwrap_or(Truth::Unknown)
    }
}

/// What stands in the way: of the nearest permission when none grants ([`Question::far`]), and every rule that does so by itself.
pub(crate) fn set(
    question: &Question<'_>,
    trace: &[Step],
    permissions: &[(&Rule, Fit)],
    standing: &Standing<'_>,
    granted: bool,
) -> (Vec<Failing>, u64) {
    let values = Values(trace.iter().map(|step| (step.at.as_str(), step.value)).collect());
    let mut found = Vec::new();
    if !granted {
        let nearest = permissions
            .iter()
            .map(|(rule, truth)| {
                let misfits = misfits(question, rule, *truth);
                // What is for others is theirs to know, however near it is.
                let is_for_others = question.facts.era() >= Era::Seven && truth.assignee == Truth::False;
                let (near, all) = (misfits.len(), [misfits, conditions(question, &values, rule)].concat());
                // Of two as near, the one that money opens: who asks can see to that.
                let is_for_nothing = question.is_for_nothing(rule, &all);
                ((is_for_others, near, question.far(&all), is_for_nothing), all)
            })
            .min_by_key(|(distance, _)| *distance);
        match nearest {
            Some((_, failing)) => found.extend(failing),
            None => found.push(item(
                "",
                None,
                Obstacle::NoPermission,
                Truth::False,
                Fixer::NewAgreement,
            )),
        }
    }
    for rule in standing.prohibitions {
        found.extend(lifting(question, &values, rule));
    }
    found.extend(
        standing
            .obligations
            .iter()
            .map(|rule| obligation(question, &values, rule)),
    );
    let more = found.len().saturating_sub(limits::MAX_FAILING);
    found.truncate(limits::MAX_FAILING);
    for failing in &mut found {
        quote(&mut failing.required);
        quote(&mut failing.shown);
    }
    (found, u64::try_from(more).unwrap_or(u64::MAX))
}

/// Keeps a record within a section: the values stand whole in the policy and in the facts.
fn quote(values: &mut Vec<String>) {
    if values.len() > limits::MAX_QUOTED {
        values.truncate(limits::MAX_QUOTED);
        values.push("...".to_owned());
    }
    values.iter_mut().for_each(|value| *value = quoted(value));
}

fn item(at: &str, rule: Option<&Rule>, obstacle: Obstacle, value: Truth, fixed_by: Fixer) -> Failing {
    Failing {
        at: at.to_owned(),
        rule: rule.map(|rule| rule.id.clone()),
        obstacle,
        value,
        operand: None,
        operator: None,
        required: Vec::new(),
        shown: Vec::new(),
        fixed_by,
    }
}

/// Action, asset and parties that do not fit.
fn misfits(question: &Question<'_>, rule: &Rule, truth: Fit) -> Vec<Failing> {
    let (scope, request) = (&rule.scope, question.request);
    let action = Some(rule.action.iri());
    let parts = [
        (Obstacle::Action, truth.action, &action, &request.action),
        (Obstacle::Target, truth.target, &scope.target, &request.target),
        (Obstacle::Assigner, truth.assigner, &scope.assigner, &request.assigner),
        (Obstacle::Assignee, truth.assignee, &scope.assignee, &request.assignee),
    ];
    let failing = parts.into_iter().filter(|(_, value, ..)| *value != Truth::True);
    failing
        .map(|(obstacle, value, required, shown)| Failing {
            required: required.iter().cloned().collect(),
            shown: vec![shown.clone()],
            ..item(&rule.at, Some(rule), obstacle, value, Fixer::NewAgreement)
        })
        .collect()
}

/// An obligation that is past its date, or was broken. What had to be deleted is had again by a new agreement only.
fn obligation(question: &Question<'_>, values: &Values<'_>, rule: &Rule) -> Failing {
    let state = question.facts.values("duty", Some(&rule.id));
    let deadline = rule.deadline().map(|moment| moment.text().to_owned());
    let fixed_by = match rule.ends_use() {
        true => Fixer::NewAgreement,
        false => Fixer::Asker,
    };
    Failing {
        operand: deadline.is_some().then(|| Operand::DateTime.name().to_owned()),
        operator: deadline.is_some().then(|| Operator::Lteq.name().to_owned()),
        required: std::iter::once(rule.action.iri()).chain(deadline).collect(),
        shown: state.map(<[String]>::to_vec).unwrap_or_default(),
        ..item(
            &rule.at,
            Some(rule),
            Obstacle::Obligation,
            values.of(&rule.at),
            fixed_by,
        )
    }
}

/// Conditions and duties of a permission that do not hold.
fn conditions(question: &Question<'_>, values: &Values<'_>, rule: &Rule) -> Vec<Failing> {
    let mut found = Vec::new();
    for constraint in &rule.constraints {
        found.extend(blocking(question, values, rule, constraint));
    }
    if question.is_one_sided_unsaid(rule) {
        let operand = Operand::CounterpartyLog.name();
        let shown = question.facts.values(operand, None);
        found.push(Failing {
            operand: Some(operand.to_owned()),
            operator: Some(Operator::Eq.name().to_owned()),
            required: vec![LOG_KEPT.to_owned()],
            shown: shown.map(<[String]>::to_vec).unwrap_or_default(),
            ..item(&rule.at, Some(rule), Obstacle::Condition, Truth::False, Fixer::Asker)
        });
    }
    let since_nine = question.facts.era().names_what_the_asker_can_do();
    let mut is_price_told = false;
    for duty in rule.duties.iter().filter(|duty| values.of(&duty.at) != Truth::True) {
        if duty.price().is_some() {
            // Each would name the whole sum, and one payment answers for all; before Nine each was told.
            if !(is_price_told && since_nine) {
                found.push(unpaid(question, rule, duty, values.of(&duty.at)));
            }
            is_price_told = true;
            continue;
        }
        // Of what no statement meets nothing here sees that it was done; before Nine the asker was told that it could see to it.
        let fixed_by = match since_nine && !duty.is_stated_first() {
            true => Fixer::NewAgreement,
            false => Fixer::Asker,
        };
        let state = question.facts.values("duty", Some(&duty.id));
        found.push(Failing {
            required: vec![duty.action.iri()],
            shown: state.map(<[String]>::to_vec).unwrap_or_default(),
            ..item(&duty.at, Some(rule), Obstacle::Duty, values.of(&duty.at), fixed_by)
        });
    }
    found
}

/// What was paid does not reach for a use, or nobody knows what was.
fn unpaid(question: &Question<'_>, rule: &Rule, duty: &Rule, value: Truth) -> Failing {
    let credit = question.facts.credit(&payment::account(&question.policy.id));
    let fixed_by = match credit {
        Some(_) => Fixer::Asker,
        None => Fixer::Holder,
    };
    Failing {
        operand: Some(Operand::PayAmount.name().to_owned()),
        operator: Some(Operator::Eq.name().to_owned()),
        required: rule.price().iter().map(ToString::to_string).collect(),
        shown: credit.iter().map(|credit| credit.left.to_string()).collect(),
        ..item(&duty.at, Some(rule), Obstacle::Duty, value, fixed_by)
    }
}

/// The nearest comparisons that would have to hold for the constraint to hold.
fn blocking(question: &Question<'_>, values: &Values<'_>, rule: &Rule, constraint: &Constraint) -> Vec<Failing> {
    let value = values.of(constraint.at());
    if value == Truth::True {
        return Vec::new();
    }
    match constraint {
        Constraint::Atomic(atomic) => vec![condition(question, rule, atomic, value, Obstacle::Condition)],
        Constraint::Logical {
            logic: Logic::And | Logic::AndSequence,
            parts,
            ..
        } => parts
            .iter()
            .flat_map(|part| blocking(question, values, rule, part))
            .collect(),
        Constraint::Logical {
            logic: Logic::Xone,
            at,
            parts,
        } if parts.iter().any(|p| values.of(p.at()) == Truth::True) => {
            vec![item(at, Some(rule), Obstacle::Choice, value, Fixer::NewAgreement)]
        }
        Constraint::Logical { parts, .. } => parts
            .iter()
            .map(|part| blocking(question, values, rule, part))
            .min_by_key(|all| question.far(all))
            .unwrap_or_default(),
    }
}

/// The nearest comparisons of a prohibition of which it would have to be known that they do not hold.
fn lifting(question: &Question<'_>, values: &Values<'_>, rule: &Rule) -> Vec<Failing> {
    let nearest = rule
        .constraints
        .iter()
        .map(|part| holding(question, values, rule, part))
        .min_by_key(|all| question.far(all));
    nearest.unwrap_or_else(|| {
        vec![Failing {
            required: vec![rule.action.iri()],
            shown: vec![question.request.action.clone()],
            ..item(
                &rule.at,
                Some(rule),
                Obstacle::Prohibition,
                values.of(&rule.at),
                Fixer::NewAgreement,
            )
        }]
    })
}

fn holding(question: &Question<'_>, values: &Values<'_>, rule: &Rule, constraint: &Constraint) -> Vec<Failing> {
    let value = values.of(constraint.at());
    if value == Truth::False {
        return Vec::new();
    }
    match constraint {
        Constraint::Atomic(atomic) => vec![condition(question, rule, atomic, value, Obstacle::Prohibition)],
        Constraint::Logical {
            logic: Logic::Or,
            parts,
            ..
        } => parts
            .iter()
            .flat_map(|part| holding(question, values, rule, part))
            .collect(),
        Constraint::Logical {
            logic: Logic::Xone, at, ..
        } => {
            vec![item(at, Some(rule), Obstacle::Prohibition, value, Fixer::NewAgreement)]
        }
        Constraint::Logical { parts, .. } => parts
            .iter()
            .map(|part| holding(question, values, rule, part))
            .min_by_key(|all| question.far(all))
            .unwrap_or_default(),
    }
}

/// Whether the comparison turns true, rather than false, as time goes by.
fn begins(operator: Operator) -> bool {
    matches!(operator, Operator::Gt | Operator::Gteq)
}

fn condition(question: &Question<'_>, rule: &Rule, atomic: &Atomic, value: Truth, obstacle: Obstacle) -> Failing {
    let stated = |about: &str| {
        question
            .facts
            .values(about, None)
            .map(<[String]>::to_vec)
            .unwrap_or_default()
    };
    let shown = match atomic.operand {
        Operand::DateTime => vec![format_rfc3339_ms(question.request.now_ms)],
        Operand::Purpose => stated("purpose"),
        Operand::Recipient => stated("recipient"),
        Operand::CounterpartyLog => stated(Operand::CounterpartyLog.name()),
        Operand::Spatial | Operand::LegalBasis | Operand::AreaOfUse => stated(atomic.operand.name()),
        Operand::Count => question.used(rule).map(|used| used.to_string()).into_iter().collect(),
        Operand::Volume => question.volume(rule).unwrap_or_default(),
        Operand::PayAmount => Vec::new(),
    };
    let fixed_by = match atomic.operand {
        // A permission that begins later, or a prohibition that ends.
        Operand::DateTime if begins(atomic.operator) != (obstacle == Obstacle::Prohibition) => Fixer::Time,
        Operand::DateTime => Fixer::NewAgreement,
        Operand::Count | Operand::Volume if shown.is_empty() => Fixer::Holder,
        Operand::Count | Operand::Volume => Fixer::NewAgreement,
        // Of a duty only, which is told of whole.
        Operand::PayAmount => Fixer::Holder,
        Operand::Recipient if shown.is_empty() => Fixer::Holder,
        Operand::Purpose
        | Operand::Recipient
        | Operand::Spatial
        | Operand::LegalBasis
        | Operand::AreaOfUse
        | Operand::CounterpartyLog => Fixer::Asker,
    };
    Failing {
        operand: Some(atomic.operand.name().to_owned()),
        operator: Some(atomic.operator.name().to_owned()),
        required: atomic.right.texts(),
        shown,
        ..item(&atomic.at, Some(rule), obstacle, value, fixed_by)
    }
}

#[cfg(test)]
mod tests;
