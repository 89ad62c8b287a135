//! Simple and logical constraints.

use super::{Field, Reader, list};
use crate::amount::{EURO, is_euro};
use crate::model::{Atomic, Constraint, Logic, RuleKind};
use crate::operand::{Operand, Operator};
use crate::problem::{ProblemKind, limits};

const MEMBERS: [&str; 9] = [
    "@id",
    "@type",
    "leftOperand",
    "operator",
    "rightOperand",
    "and",
    "or",
    "xone",
    "andSequence",
];

/// Of an amount, and of nothing else.
const UNIT: &str = "unit";

/// The members of a comparison, none of which may stand beside a logical constraint's.
const COMPARISON: [&str; 3] = ["leftOperand", "operator", "rightOperand"];

/// Where a constraint stands.
#[derive(Clone, Copy)]
struct Place {
    rule: RuleKind,
    depth: usize,
    /// Whether the rule can hold only if this constraint does: no `or` or `xone` above.
    decisive: bool,
}

impl Reader {
    /// The constraints of a rule, all of which must hold.
    pub(super) fn constraints(&mut self, field: Option<&Field<'_>>, rule: RuleKind) -> Vec<Constraint> {
        let place = Place {
            rule,
            depth: 0,
            decisive: true,
        };
        let items = field.map(Field::items).unwrap_or_default();
        items.iter().filter_map(|item| self.constraint(item, place)).collect()
    }

    fn constraint(&mut self, field: &Field<'_>, place: Place) -> Option<Constraint> {
        let read = self.one_constraint(field, place);
        self.accounted(read, field)
    }

    fn one_constraint(&mut self, field: &Field<'_>, place: Place) -> Option<Constraint> {
        self.constraints += 1;
        if self.constraints > limits::MAX_CONSTRAINTS || place.depth > limits::MAX_NESTING {
            // Said once: a document over the limit would say it for each of the others.
            if self.constraints <= limits::MAX_CONSTRAINTS + 1 {
                let advice = format!(
                    "at most {} constraints are read, at most {} within each other",
                    limits::MAX_CONSTRAINTS,
                    limits::MAX_NESTING
                );
                self.problem(&field.at, ProblemKind::TooLarge, "constraint", advice);
            }
            return None;
        }
        let (field, map) = self.object(field)?;
        let unit = self.era.charges().then_some(UNIT);
        let known: Vec<&str> = MEMBERS.into_iter().chain(unit).collect();
        let members = self.members(&field, map, &known);
        if let Some(stated) = members.get("@type") {
            self.stated_type(stated, &["Constraint", "LogicalConstraint"]);
        }
        // Checked for its shape only: a constraint is what it says, whatever it is called.
        if let Some(id) = members.get("@id") {
            self.identity(id);
        }
        let logics: Vec<(Logic, &Field<'_>)> = Logic::ALL
            .into_iter()
            .filter_map(|logic| Some((logic, members.get(logic.name())?)))
            .collect();
        match logics.as_slice() {
            [] => self.atomic(&field, &members, place).map(Constraint::Atomic),
            [(logic, parts)] if !COMPARISON.iter().any(|member| members.contains_key(*member)) => {
                if let Some(unit) = members.get(UNIT) {
                    self.dropped(unit, UNIT);
                }
                self.logical(*logic, parts, place)
            }
            _ => {
                let advice = "a constraint is one comparison, or one of `and`, `or`, `xone`, `andSequence`; nest them to \
                              combine them";
                self.problem(&field.at, ProblemKind::Contradiction, "constraint", advice);
                None
            }
        }
    }

    fn logical(&mut self, logic: Logic, field: &Field<'_>, place: Place) -> Option<Constraint> {
        let items = field.list_items();
        if items.is_empty() {
            self.problem(
                &field.at,
                ProblemKind::Missing,
                logic.name(),
                "expected at least one constraint",
            );
            return None;
        }
        let below = Place {
            depth: place.depth + 1,
            decisive: place.decisive && matches!(logic, Logic::And | Logic::AndSequence),
            ..place
        };
        let parts = items.iter().filter_map(|item| self.constraint(item, below)).collect();
        Some(Constraint::Logical {
            at: String::new(),
            logic,
            parts,
        })
    }

    /// The unit of an amount, which has to be said and has to be the euro; no other operand has one that would survive the way.
    fn unit(&mut self, field: &Field<'_>, unit: Option<&Field<'_>>, operand: Operand) -> Option<()> {
        let Some(unit) = unit else {
            if operand == Operand::PayAmount {
                let advice = format!("an amount needs its currency: `\"odrl:unit\": {{\"@id\": \"{EURO}\"}}`");
                self.problem(&field.at, ProblemKind::Missing, UNIT, advice);
                return None;
            }
            return Some(());
        };
        if operand != Operand::PayAmount {
            self.dropped(unit, UNIT);
            return None;
        }
        let text = self.text(unit, &[])?;
        if !is_euro(&text) {
            let advice = format!("amounts are in euros in this version: `{EURO}`");
            self.problem(&unit.at, ProblemKind::NotEnforceable, &text, advice);
            return None;
        }
        Some(())
    }

    fn atomic(&mut self, field: &Field<'_>, members: &super::Members<'_>, place: Place) -> Option<Atomic> {
        let mut demand = |name: &str| {
            let member = members.get(name);
            if member.is_none() {
                let advice = "a constraint has `leftOperand`, `operator` and `rightOperand`";
                self.problem(&field.at, ProblemKind::Missing, name, advice);
            }
            member
        };
        let (left, operator, right) = (demand("leftOperand"), demand("operator"), demand("rightOperand"));
        let operand = left.and_then(|left| self.operand(left));
        let operator = operator.and_then(|operator| self.operator(operator));
        let (operand, operator, right_field) = (operand?, operator?, right?);
        if !operand.operators().contains(&operator) {
            let names: Vec<&str> = operand.operators().iter().map(|operator| operator.name()).collect();
            let advice = format!("`{}` can be compared with {}", operand.name(), list(&names));
            self.problem(&field.at, ProblemKind::OperatorForOperand, operator.name(), advice);
            return None;
        }
        if matches!(operand, Operand::Count | Operand::Volume)
            && !(place.decisive && place.rule == RuleKind::Permission)
        {
            // A counter is reserved in the commit that records the decision; that needs one bound that always holds.
            let advice = "a count is a condition of a permission, by itself or within `and`; elsewhere it cannot be held \
                          under parallel requests";
            self.problem(&field.at, ProblemKind::NotEnforceable, operand.name(), advice);
            return None;
        }
        if operand == Operand::PayAmount && !(place.depth == 0 && place.rule == RuleKind::Duty) {
            let advice = "an amount is what a duty of a permission asks for: `\"duty\": [{\"action\": \"odrl:compensate\", \
                          \"constraint\": [...]}]`; elsewhere nothing would take it";
            self.problem(&field.at, ProblemKind::NotEnforceable, operand.name(), advice);
            return None;
        }
        self.unit(field, members.get(UNIT), operand)?;
        let right = self.right(right_field, operand, operator)?;
        Some(Atomic {
            at: String::new(),
            operand,
            operator,
            right,
        })
    }

    fn operand(&mut self, field: &Field<'_>) -> Option<Operand> {
        let text = self.text(field, &["LeftOperand"])?;
        let era = self.era;
        let operand = Operand::parse(&text).filter(|operand| operand.is_of(era));
        if operand.is_none() {
            let known = Operand::ALL.iter().filter(|operand| operand.is_of(era));
            let names: Vec<&str> = known.map(|operand| operand.name()).collect();
            let advice = if Operand::is_not_built_yet(&text, era) {
                format!(
                    "ODRL defines it, but nothing in this version can evaluate it; built in are {}",
                    list(&names)
                )
            } else {
                format!("nobody here can tell its value; built in are {}", list(&names))
            };
            self.problem(&field.at, ProblemKind::UnknownOperand, &text, advice);
        }
        operand
    }

    fn operator(&mut self, field: &Field<'_>) -> Option<Operator> {
        let text = self.text(field, &["Operator"])?;
        let operator = Operator::parse(&text);
        if operator.is_none() {
            let names: Vec<&str> = Operator::ALL.iter().map(|operator| operator.name()).collect();
            self.problem(
                &field.at,
                ProblemKind::UnknownOperator,
                &text,
                format!("expected one of {}", list(&names)),
            );
        }
        operator
    }
}
