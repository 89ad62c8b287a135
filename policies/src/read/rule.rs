//! Permissions, prohibitions, obligations and duties.

use super::{Field, Reader};
use crate::action::Action;
use crate::model::{Constraint, Rule, RuleKind, Scope};
use crate::operand::Operand;
use crate::payment::COMPENSATE;
use crate::problem::{ProblemKind, limits};

/// What the policy says for all its rules (Information Model, section 2.7.1, compact policies).
#[derive(Default)]
pub(super) struct Shared {
    pub(super) actions: Vec<Action>,
    pub(super) targets: Vec<String>,
    pub(super) assigners: Vec<String>,
    pub(super) assignees: Vec<String>,
}

/// Several values of one property make one rule each (section 2.7, policy rule composition); none leaves it unsaid.
fn alternatives(values: Vec<String>) -> Vec<Option<String>> {
    if values.is_empty() {
        vec![None]
    } else {
        values.into_iter().map(Some).collect()
    }
}

impl Reader {
    /// All rules of a member, with several actions, targets or parties written out as rules of their own.
    pub(super) fn rules(&mut self, field: Option<&Field<'_>>, kind: RuleKind, shared: &Shared) -> Vec<Rule> {
        let mut rules = Vec::new();
        for item in field.map(Field::items).unwrap_or_default() {
            let before = rules.len();
            self.rule(&item, kind, shared, &mut rules);
            let read = (rules.len() > before).then_some(());
            self.accounted(read, &item);
        }
        rules
    }

    fn rule(&mut self, field: &Field<'_>, kind: RuleKind, shared: &Shared, rules: &mut Vec<Rule>) {
        let Some((field, map)) = self.object(field) else { return };
        let allowed: &[&str] = match kind {
            RuleKind::Permission => &[
                "@id",
                "@type",
                "action",
                "target",
                "assigner",
                "assignee",
                "constraint",
                "duty",
            ],
            _ => &["@id", "@type", "action", "target", "assigner", "assignee", "constraint"],
        };
        let members = self.members(&field, map, allowed);
        if let Some(stated) = members.get("@type") {
            let type_name = match kind {
                RuleKind::Permission => "Permission",
                RuleKind::Prohibition => "Prohibition",
                RuleKind::Obligation | RuleKind::Duty => "Duty",
            };
            self.stated_type(stated, &[type_name, "Rule"]);
        }
        let uid = members.get("@id").and_then(|id| self.identity(id));
        let own = Shared {
            actions: self.actions(members.get("action")),
            targets: self.iris(members.get("target"), &["Asset"]),
            assigners: self.iris(members.get("assigner"), &["Party"]),
            assignees: self.iris(members.get("assignee"), &["Party"]),
        };
        let actions = self.merged(&field, "action", own.actions, &shared.actions);
        let targets = alternatives(self.merged(&field, "target", own.targets, &shared.targets));
        let assigners = alternatives(self.merged(&field, "assigner", own.assigners, &shared.assigners));
        let assignees = alternatives(self.merged(&field, "assignee", own.assignees, &shared.assignees));
        if actions.is_empty() && !members.contains_key("action") {
            self.problem(
                &field.at,
                ProblemKind::Missing,
                "action",
                "a rule says which action it is about, as `use`",
            );
        }
        let constraints = self.constraints(members.get("constraint"), kind);
        let duties = self.rules(members.get("duty"), RuleKind::Duty, &Shared::default());
        let is_price = |constraint: &Constraint| matches!(constraint, Constraint::Atomic(atomic) if atomic.operand == Operand::PayAmount);
        let names_price = kind == RuleKind::Duty && constraints.iter().any(is_price);
        let is_plain = constraints.len() == 1 && matches!(&*actions, [only] if only.name() == COMPENSATE);
        if names_price && !is_plain {
            let advice = "an amount stands alone, in a duty to `odrl:compensate` and to nothing else: what it costs under other conditions \
                          is a permission of its own";
            self.problem(
                &field.at,
                ProblemKind::NotEnforceable,
                Operand::PayAmount.name(),
                advice,
            );
        }
        let size = constraints
            .iter()
            .chain(duties.iter().flat_map(|duty| &duty.constraints))
            .map(Constraint::size)
            .sum::<usize>();
        for action in actions {
            for target in &targets {
                for assigner in &assigners {
                    for assignee in &assignees {
                        self.rules += 1 + duties.len();
                        self.expanded += size;
                        if self.rules > limits::MAX_RULES || self.expanded > limits::MAX_CONSTRAINTS {
                            let advice = format!(
                                "at most {} rules with {} constraints are read, once several actions, assets and parties \
                                 are written out",
                                limits::MAX_RULES,
                                limits::MAX_CONSTRAINTS
                            );
                            return self.problem(&field.at, ProblemKind::TooLarge, kind.member(), advice);
                        }
                        rules.push(Rule {
                            kind,
                            at: String::new(),
                            id: String::new(),
                            uid: uid.clone(),
                            action,
                            scope: Scope {
                                target: target.clone(),
                                assigner: assigner.clone(),
                                assignee: assignee.clone(),
                            },
                            constraints: constraints.clone(),
                            duties: duties.clone(),
                        });
                    }
                }
            }
        }
    }

    /// An `@id`; the label of a blank node is dropped, since it changes from one serialisation to the next.
    pub(super) fn identity(&mut self, field: &Field<'_>) -> Option<String> {
        if field.value.as_str().is_some_and(|text| text.starts_with("_:")) {
            return None;
        }
        self.iri(field, &[])
    }

    /// What the rule says, or else what the policy says for all; both may say the same.
    fn merged<T: PartialEq + Clone>(&mut self, field: &Field<'_>, name: &str, own: Vec<T>, shared: &[T]) -> Vec<T> {
        if own.is_empty() {
            return shared.to_vec();
        }
        if !shared.is_empty() && own != shared {
            let advice = "the rule and the policy around it say different things; say it in one place";
            self.problem(&field.at, ProblemKind::Contradiction, name, advice);
        }
        own
    }

    pub(super) fn actions(&mut self, field: Option<&Field<'_>>) -> Vec<Action> {
        let Some(field) = field else { return Vec::new() };
        let (items, mut actions) = (field.items(), Vec::<Action>::new());
        if items.is_empty() {
            self.empty(field);
        }
        for item in items {
            let Some(text) = self.text(&item, &["Action"]) else {
                continue;
            };
            match Action::parse(&text) {
                Some(action) if !actions.contains(&action) => actions.push(action),
                Some(_) => {}
                None => {
                    let advice = match Action::replacement(&text) {
                        Some(new) => format!("ODRL 2.2 deprecates it; write `{new}`"),
                        None => "expected an action of ODRL 2.2, as `use`, `read` or `distribute`".to_owned(),
                    };
                    self.problem(&item.at, ProblemKind::UnknownAction, &text, advice);
                }
            }
        }
        actions.sort_by_key(|action| action.name());
        actions
    }
}
