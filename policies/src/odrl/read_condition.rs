//! Constraints and refinements.

use super::graph::Term;
use super::model::{Atomic, Condition};
use super::read::Reader;
use super::value::{Kind, Value};
use crate::model::Logic;
use crate::operand::Operator;
use crate::problem::{ProblemKind, limits};

const MEMBERS: [&str; 10] = [
    "leftOperand",
    "operator",
    "rightOperand",
    "rightOperandReference",
    "unit",
    "dataType",
    "and",
    "or",
    "xone",
    "andSequence",
];

impl Reader<'_> {
    /// The conditions that a node has by this property, all of which must hold.
    pub(super) fn conditions(&mut self, of: &str, member: &str) -> Vec<Condition> {
        let names = self.nodes(of, member);
        names.iter().filter_map(|name| self.condition(name, 0)).collect()
    }

    fn condition(&mut self, name: &str, depth: usize) -> Option<Condition> {
        self.conditions += 1;
        if self.conditions > limits::MAX_CONSTRAINTS || depth > limits::MAX_NESTING {
            if self.conditions <= limits::MAX_CONSTRAINTS + 1 {
                let advice = format!(
                    "at most {} constraints are read, at most {} within each other",
                    limits::MAX_CONSTRAINTS,
                    limits::MAX_NESTING
                );
                self.problem(name, ProblemKind::TooLarge, "constraint", advice);
            }
            return None;
        }
        self.members(name, &MEMBERS, &[]);
        self.types(name, &["Constraint", "LogicalConstraint"], true);
        let graph = self.graph;
        let joined: Vec<Logic> = Logic::ALL
            .into_iter()
            .filter(|logic| !graph.odrl(name, logic.name()).is_empty())
            .collect();
        let compares = ["leftOperand", "operator", "rightOperand", "rightOperandReference"]
            .iter()
            .any(|member| !graph.odrl(name, member).is_empty());
        match joined.as_slice() {
            [] => self.atomic(name).map(Condition::Atomic),
            [logic] if !compares => self.logical(name, *logic, depth),
            _ => {
                let advice = "a constraint is one comparison, or one of `and`, `or`, `xone`, `andSequence`";
                self.problem(name, ProblemKind::Contradiction, "constraint", advice);
                None
            }
        }
    }

    fn logical(&mut self, name: &str, logic: Logic, depth: usize) -> Option<Condition> {
        let graph = self.graph;
        let objects = graph.odrl(name, logic.name());
        let listed = match objects {
            [Term::Node(head)] if graph.is_list(head) => graph.list(head, limits::MAX_CONSTRAINTS),
            _ if logic == Logic::AndSequence => None,
            objects => Some(objects.iter().collect()),
        };
        let names: Option<Vec<&str>> = listed.and_then(|items| items.into_iter().map(Term::node).collect());
        let names = names.filter(|names| !names.is_empty());
        let Some(names) = names else {
            let advice =
                "expected constraints; those of `andSequence` stand in a list (`@list`), which keeps their order";
            self.problem(name, ProblemKind::WrongShape, logic.name(), advice);
            return None;
        };
        let parts: Vec<Condition> = names
            .iter()
            .filter_map(|part| self.condition(part, depth + 1))
            .collect();
        Some(Condition::Logical {
            id: name.to_owned(),
            logic,
            parts,
        })
    }

    /// The only object of a property.
    fn only(&mut self, name: &str, member: &str) -> Option<String> {
        match self.nodes(name, member).as_slice() {
            [one] => Some(one.clone()),
            [] => {
                let advice = "a constraint has `leftOperand`, `operator` and `rightOperand`";
                self.problem(name, ProblemKind::Missing, member, advice);
                None
            }
            _ => {
                self.problem(name, ProblemKind::Contradiction, member, "expected one");
                None
            }
        }
    }

    fn optional(&mut self, name: &str, member: &str) -> Option<String> {
        if self.graph.odrl(name, member).is_empty() {
            return None;
        }
        self.only(name, member)
    }

    fn atomic(&mut self, name: &str) -> Option<Atomic> {
        let (operand, operator) = (self.only(name, "leftOperand"), self.only(name, "operator"));
        let (unit, stated) = (self.optional(name, "unit"), self.optional(name, "dataType"));
        let (operand, operator) = (operand?, operator?);
        let kind = match Kind::of(&operand) {
            Some(kind) => kind,
            None if self.reading.operands.contains(&operand) => Kind::Any,
            None => {
                let advice = "it is none of ODRL's 34 left operands, and nobody here can tell its value";
                self.problem(name, ProblemKind::UnknownOperand, &operand, advice);
                return None;
            }
        };
        let Some(operator) = Operator::parse(&operator) else {
            self.problem(
                name,
                ProblemKind::UnknownOperator,
                &operator,
                "expected one of the twelve of ODRL 2.2",
            );
            return None;
        };
        if !has_meaning(kind, operator) {
            let advice = "this operator has no meaning for this left operand";
            self.problem(name, ProblemKind::OperatorForOperand, operator.name(), advice);
            return None;
        }
        let reference = self.nodes(name, "rightOperandReference");
        let right = self.right(name, kind, operator, stated.as_deref())?;
        if right.is_empty() == reference.is_empty() {
            let advice = "expected either `rightOperand` or `rightOperandReference`";
            self.problem(name, ProblemKind::RightOperand, "rightOperand", advice);
            return None;
        }
        Some(Atomic {
            id: name.to_owned(),
            operand,
            operator,
            right,
            reference,
            unit,
        })
    }

    fn right(&mut self, name: &str, kind: Kind, operator: Operator, stated: Option<&str>) -> Option<Vec<Value>> {
        let graph = self.graph;
        let objects = graph.odrl(name, "rightOperand");
        let terms: Vec<&Term> = match objects {
            [Term::Node(head)] if graph.is_list(head) => graph.list(head, limits::MAX_RIGHT_VALUES).unwrap_or_default(),
            objects => objects.iter().collect(),
        };
        let most = if operator.takes_many() {
            limits::MAX_RIGHT_VALUES
        } else {
            1
        };
        if terms.len() > most || (terms.is_empty() && !objects.is_empty()) {
            let advice = format!("`{}` takes 1 to {most} values", operator.name());
            self.problem(name, ProblemKind::RightOperand, "rightOperand", advice);
            return None;
        }
        let mut values = Vec::new();
        for term in terms {
            match Value::read(kind, term, stated) {
                Ok(value) => values.push(value),
                Err(advice) => {
                    self.problem(name, ProblemKind::RightOperand, term.text(), advice);
                    return None;
                }
            }
        }
        Some(values)
    }
}

/// Whether an operator says anything about values of this kind. Names are the same or not, and belong to other names; they
/// are not greater or less.
fn has_meaning(kind: Kind, operator: Operator) -> bool {
    use Operator::{Eq, Gt, Gteq, HasPart, IsA, IsAllOf, IsAnyOf, IsNoneOf, IsPartOf, Lt, Lteq, Neq};
    match kind {
        Kind::Any => true,
        Kind::Name => matches!(
            operator,
            Eq | Neq | IsA | IsPartOf | HasPart | IsAllOf | IsAnyOf | IsNoneOf
        ),
        Kind::Event => matches!(operator, Eq | Neq | Lt | Lteq | Gt | Gteq),
        Kind::Moment | Kind::Duration | Kind::Number => !matches!(operator, IsA | IsPartOf | HasPart),
    }
}
