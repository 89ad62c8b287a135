//! What is asked and known at a request: of an enforced policy a request with its facts, of any policy a world.

use super::program::{Operand, What};
use super::values::Left;
use crate::era::Era;
use crate::facts::{Facts, Request, SIZE};
use crate::odrl::{Ask, Performance, Value, Values, World};
use crate::operand::{LOG_KEPT, Operand as Enforced};
use std::collections::BTreeSet;

/// How far somebody says that a duty has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported {
    pub(super) is_fulfilled: bool,
    pub(super) is_violated: bool,
}

/// Whom and what a request is about. `None` is not known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) target: Option<&'a str>,
    pub(super) assignee: Option<&'a str>,
    /// `None`: nobody in particular.
    pub(super) assigner: Option<&'a str>,
    pub(super) output: Option<&'a str>,
}

/// Everything that a decision may look at. What it does not tell is unknown.
pub(super) trait Known {
    fn asked(&self) -> Asked<'_>;
    /// UTC milliseconds since 1970.
    fn now_ms(&self) -> Option<u64>;
    /// Whether what is not said to be part of something is known not to be.
    fn is_complete(&self) -> bool;
    /// The values of a left operand, for the rule of this key.
    fn of_world(&self, operand: &Operand, key: &str) -> Option<Left<'_>>;
    /// How the action is to be done.
    fn of_action(&self) -> Option<&Values>;
    fn of_thing(&self, thing: &str, operand: &Operand) -> Option<Left<'_>>;
    /// When an event begins and ends.
    fn event(&self, name: &str) -> Option<(Option<u64>, Option<u64>)>;
    fn reference(&self, iri: &str) -> Option<&[Value]>;
    fn duty(&self, name: &str) -> Option<Reported>;
    fn performances(&self) -> &[Performance];
    fn wholes_of(&self, part: &str) -> Option<&BTreeSet<String>>;
    fn kinds_of(&self, thing: &str) -> Option<&BTreeSet<String>>;
    fn has_members(&self, whole: &str) -> bool;
    /// Whether the other end keeps no log, as far as is known.
    fn is_one_sided(&self) -> bool;
    /// By which tables it is decided.
    fn era(&self) -> Era {
        Era::default()
    }
}

/// A request of any policy.
pub(super) struct Scene<'a> {
    pub(super) ask: &'a Ask,
    pub(super) world: &'a World,
}

impl Known for Scene<'_> {
    fn asked(&self) -> Asked<'_> {
        Asked {
            target: self.ask.target.as_deref(),
            assignee: self.ask.assignee.as_deref(),
            assigner: self.ask.assigner.as_deref(),
            output: self.ask.output.as_deref(),
        }
    }

    fn now_ms(&self) -> Option<u64> {
        self.world.now_ms
    }

    fn is_complete(&self) -> bool {
        self.world.is_complete
    }

    fn of_world(&self, operand: &Operand, key: &str) -> Option<Left<'_>> {
        let values = self.world.values_for(key, &operand.iri)?;
        match operand.what {
            What::Count => Left::counted(values),
            _ => Some(Left::Quantities(values)),
        }
    }

    fn of_action(&self) -> Option<&Values> {
        Some(self.ask.values())
    }

    fn of_thing(&self, thing: &str, operand: &Operand) -> Option<Left<'_>> {
        self.world.values_of(thing, &operand.iri).map(Left::Quantities)
    }

    fn event(&self, name: &str) -> Option<(Option<u64>, Option<u64>)> {
        self.world.events.get(name).copied()
    }

    fn reference(&self, iri: &str) -> Option<&[Value]> {
        self.world.references.get(iri).map(Vec::as_slice)
    }

    fn duty(&self, name: &str) -> Option<Reported> {
        let states = self.world.duties.get(name)?;
        Some(Reported {
            is_fulfilled: states.contains("fulfilled"),
            is_violated: states.contains("violated"),
        })
    }

    fn performances(&self) -> &[Performance] {
        &self.world.performances
    }

    fn wholes_of(&self, part: &str) -> Option<&BTreeSet<String>> {
        self.world.part_of.get(part)
    }

    fn kinds_of(&self, thing: &str) -> Option<&BTreeSet<String>> {
        self.world.is_a.get(thing)
    }

    fn has_members(&self, whole: &str) -> bool {
        self.world.wholes.contains(whole)
    }

    fn is_one_sided(&self) -> bool {
        false
    }
}

/// A request of an enforced policy.
pub(super) struct Shown<'a> {
    pub(super) request: &'a Request,
    pub(super) facts: &'a Facts,
}

impl Known for Shown<'_> {
    fn asked(&self) -> Asked<'_> {
        Asked {
            target: Some(&self.request.target),
            assignee: Some(&self.request.assignee),
            assigner: Some(&self.request.assigner),
            output: None,
        }
    }

    fn now_ms(&self) -> Option<u64> {
        Some(self.request.now_ms)
    }

    fn is_complete(&self) -> bool {
        false
    }

    fn of_world(&self, operand: &Operand, key: &str) -> Option<Left<'_>> {
        match operand.what {
            What::Count => match self.facts.values(&operand.about, Some(key))? {
                [used] => Some(Left::Whole(used.parse::<u64>().ok()?.checked_add(1)?)),
                _ => None,
            },
            What::Volume => {
                let delivered = self.facts.number(&operand.about, Some(key))?;
                Some(Left::Whole(delivered.checked_add(self.facts.number(SIZE, None)?)?))
            }
            // What is left of what was paid, by the account that the duty has for its key.
            What::Price => Some(Left::Whole(self.facts.credit(key)?.left.millionths())),
            _ => self.facts.values(&operand.about, None).map(Left::Names),
        }
    }

    fn of_action(&self) -> Option<&Values> {
        None
    }

    fn of_thing(&self, _: &str, _: &Operand) -> Option<Left<'_>> {
        None
    }

    fn event(&self, _: &str) -> Option<(Option<u64>, Option<u64>)> {
        None
    }

    fn reference(&self, _: &str) -> Option<&[Value]> {
        None
    }

    fn duty(&self, name: &str) -> Option<Reported> {
        match self.facts.values("duty", Some(name))? {
            [state] => Some(Reported {
                is_fulfilled: state == "fulfilled",
                is_violated: state == "violated",
            }),
            _ => None,
        }
    }

    fn performances(&self) -> &[Performance] {
        &[]
    }

    fn wholes_of(&self, _: &str) -> Option<&BTreeSet<String>> {
        None
    }

    fn kinds_of(&self, _: &str) -> Option<&BTreeSet<String>> {
        None
    }

    fn has_members(&self, _: &str) -> bool {
        false
    }

    fn is_one_sided(&self) -> bool {
        let known = self.facts.values(Enforced::CounterpartyLog.name(), None);
        known.map_or(!self.era().presumes_a_log(), |values| values != [LOG_KEPT])
    }

    fn era(&self) -> Era {
        self.facts.era()
    }
}
