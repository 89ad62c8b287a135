//! Which asked actions a rule's action reaches, worked out once: a bit for each action that there is.

use super::program::{Text, Texts};
use crate::action::Action;
use crate::odrl::{Actions, Leniencies, Leniency};
use crate::terms::{expand, odrl_local};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// ODRL's 42 actions have the first word of the bits, those that a policy defines the words after it.
const OWN: usize = 64;

/// A set of actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)].into_boxed_slice())
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.0
            .get(index / 64)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Whether it was not in there before.
    fn add(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index / 64) else {
            return false;
        };
        let bit = 1 << (index % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn set_odrl(&mut self, bits: u64) {
        if let Some(word) = self.0.first_mut() {
            *word = bits;
        }
    }
}

/// ODRL's own actions: by the action of a rule, which it reaches.
struct Odrl {
    /// Sorted local names, with the action's number.
    spellings: Vec<(&'static str, usize)>,
    /// What lies within it, itself among them.
    within: Vec<u64>,
    permits: Vec<u64>,
    prohibits: Vec<u64>,
}

fn odrl() -> &'static Odrl {
    static ODRL: OnceLock<Odrl> = OnceLock::new();
    ODRL.get_or_init(|| {
        let all: Vec<Action> = Action::all().collect();
        let table = |reaches: &dyn Fn(Action, Action) -> bool| -> Vec<u64> {
            let row = |rule: Action| {
                let bits = all.iter().enumerate();
                bits.fold(0, |bits, (index, asked)| {
                    bits | (u64::from(reaches(rule, *asked)) << index)
                })
            };
            all.iter().map(|rule| row(*rule)).collect()
        };
        let number = |action: Action| all.iter().position(|other| *other == action);
        let mut spellings: Vec<(&str, usize)> = Action::spellings()
            .filter_map(|(name, action)| Some((name, number(action)?)))
            .collect();
        spellings.sort_unstable();
        Odrl {
            spellings,
            within: table(&|rule, asked| asked.is_within(rule)),
            permits: table(&|rule, asked| rule.permits(asked)),
            prohibits: table(&|rule, asked| rule.prohibits(asked)),
        }
    })
}

fn row(table: &[u64], index: usize) -> u64 {
    table.get(index).copied().unwrap_or_default()
}

/// An action that a policy says something of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Own {
    name: Text,
    within: Box<[usize]>,
    implies: Box<[usize]>,
}

/// Every action that a request can name: ODRL's, and those of the policy, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Universe(Box<[Own]>);

impl Universe {
    pub(super) fn of(actions: &Actions, texts: &mut Texts) -> Self {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for relation in [&actions.within, &actions.implies] {
            for (name, others) in relation {
                names.insert(name);
                names.extend(others.iter().map(String::as_str));
            }
        }
        names.retain(|name| Action::parse(name).is_none());
        let names: Vec<Text> = names.into_iter().map(|name| texts.of(name)).collect();
        let bare = Self(
            names
                .iter()
                .map(|name| Own {
                    name: name.clone(),
                    within: Box::default(),
                    implies: Box::default(),
                })
                .collect(),
        );
        let numbers = |relation: &BTreeMap<String, BTreeSet<String>>, name: &Text| -> Box<[usize]> {
            let others = relation.get(&**name).into_iter().flatten();
            others.filter_map(|other| bare.find(other)).collect()
        };
        let full = names.iter().map(|name| Own {
            name: name.clone(),
            within: numbers(&actions.within, name),
            implies: numbers(&actions.implies, name),
        });
        Self(full.collect())
    }

    /// The number of an action in any spelling; `None` where neither ODRL nor the policy knows it.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        if let Some(local) = odrl_local(text) {
            let spellings = &odrl().spellings;
            if let Ok(place) = spellings.binary_search_by_key(&local, |(name, _)| name) {
                return spellings.get(place).map(|(_, number)| *number);
            }
        }
        if self.0.is_empty() {
            return None;
        }
        let full = expand(text);
        let place = self.0.binary_search_by(|own| (*own.name).cmp(&full)).ok()?;
        Some(OWN + place)
    }

    /// Whether the action is one of ODRL's, or defined by way of them.
    pub(super) fn knows(&self, number: usize) -> bool {
        number < OWN || !self.above(number).is_empty()
    }

    fn own(&self, number: usize) -> Option<&Own> {
        self.0.get(number.checked_sub(OWN)?)
    }

    fn above(&self, number: usize) -> &[usize] {
        self.own(number).map(|own| &*own.within).unwrap_or_default()
    }

    fn numbers(&self) -> impl Iterator<Item = usize> {
        OWN..OWN + self.0.len()
    }

    fn nothing(&self) -> Bits {
        Bits::none(OWN + self.0.len())
    }

    /// What a permission for `rule` reaches. An action that is included in several others is all of them, so each has to be
    /// permitted.
    pub(super) fn permitted(&self, rule: usize, lenient: &Leniencies) -> Bits {
        let table = if lenient.has(Leniency::UseIncludesPassingOn) {
            &odrl().within
        } else {
            &odrl().permits
        };
        let mut reached = self.nothing();
        reached.set_odrl(row(table, rule));
        reached.add(rule);
        self.grow(&mut reached, |above, reached| {
            !above.is_empty() && above.iter().all(|wider| reached.has(*wider))
        });
        reached
    }

    /// Adds the policy's actions that `belongs` says belong to the set, from what they are included in. As many rounds as there
    /// are levels, of which the reader allows few.
    fn grow(&self, reached: &mut Bits, belongs: impl Fn(&[usize], &Bits) -> bool) {
        let mut grows = true;
        while grows {
            grows = false;
            for number in self.numbers() {
                if !reached.has(number) && belongs(self.above(number), reached) {
                    grows |= reached.add(number);
                }
            }
        }
    }

    /// What a prohibition of `rule` reaches: what lies within it, whatever it is a part of, and what implies any of these.
    pub(super) fn prohibited(&self, rule: usize, lenient: &Leniencies) -> Bits {
        let parts_leave_wholes = lenient.has(Leniency::PartLeavesWhole);
        let tables = odrl();
        let above = self.all_above(rule);
        // What lies within it.
        let mut reached = self.nothing();
        reached.set_odrl(row(&tables.within, rule));
        reached.add(rule);
        self.grow(&mut reached, |above, reached| {
            above.iter().any(|wider| reached.has(*wider))
        });
        let odrl_bits = match (rule < OWN, parts_leave_wholes) {
            (true, true) => row(&tables.within, rule),
            (true, false) => row(&tables.prohibits, rule),
            (false, true) => 0,
            (false, false) => {
                let wholes = tables.within.iter().enumerate();
                wholes.fold(0, |bits, (whole, within)| {
                    let is_above = (0..OWN).any(|part| above.has(part) && within & (1 << part) != 0);
                    bits | (u64::from(is_above) << whole)
                })
            }
        };
        reached.set_odrl(odrl_bits);
        if !parts_leave_wholes {
            for number in self.numbers().filter(|number| above.has(*number)) {
                reached.add(number);
            }
        }
        self.add_implying(&mut reached);
        reached
    }

    /// Adds what implies any of these, directly or not.
    fn add_implying(&self, reached: &mut Bits) {
        let mut by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, own) in self.numbers().zip(&self.0) {
            for implied in &own.implies {
                by.entry(*implied).or_default().push(number);
            }
        }
        let mut open: Vec<usize> = by.keys().copied().filter(|implied| reached.has(*implied)).collect();
        while let Some(next) = open.pop() {
            for number in by.get(&next).into_iter().flatten() {
                if reached.add(*number) {
                    open.push(*number);
                }
            }
        }
    }

    /// The action and everything that it is included in, as far as the policy says.
    fn all_above(&self, number: usize) -> Bits {
        let (mut seen, mut open) = (self.nothing(), vec![number]);
        while let Some(next) = open.pop() {
            if seen.add(next) {
                open.extend_from_slice(self.above(next));
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Narrow actions, wide ones, one of two kinds at once, some that are not defined (the first of all by name, too), and a circle of what implies what.
    fn defined() -> Actions {
        let relation = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
            let full = |name: &&str| crate::action::Action::parse(name).map_or_else(|| (*name).to_owned(), Action::iri);
            pairs
                .iter()
                .map(|(name, others)| ((*name).to_owned(), others.iter().map(full).collect()))
                .collect()
        };
        Actions {
            within: relation(&[
                ("urn:peek", &["read"]),
                ("urn:glance", &["urn:peek"]),
                ("urn:leak", &["distribute"]),
                ("urn:both", &["urn:peek", "distribute"]),
                ("urn:sale", &["sell"]),
            ]),
            implies: relation(&[
                ("urn:aside", &["urn:hint"]),
                ("urn:glance", &["urn:hint"]),
                ("urn:hint", &["urn:leak", "urn:wink"]),
                ("urn:wink", &["urn:hint"]),
                ("urn:sale", &["transfer"]),
            ]),
        }
    }

    #[test]
    fn the_bits_say_what_looking_up_says() {
        let actions = defined();
        let universe = Universe::of(&actions, &mut Texts::default());
        let odrl = Action::spellings().map(|(name, _)| name.to_owned());
        let own = actions.within.keys().chain(actions.implies.keys()).cloned();
        let names: Vec<String> = odrl.chain(own).chain(["urn:unheard".to_owned()]).collect();
        let switches = [Leniency::UseIncludesPassingOn, Leniency::PartLeavesWhole];
        for lenient in [Leniencies::strict(), Leniencies::suite()]
            .into_iter()
            .chain(switches.map(|one| Leniencies::strict().with(one)))
        {
            for rule in names.iter().filter(|rule| actions.knows(rule)) {
                let number = universe.find(rule).unwrap();
                let (permitted, prohibited) = (
                    universe.permitted(number, &lenient),
                    universe.prohibited(number, &lenient),
                );
                let rule = crate::odrl::full_action(rule);
                for asked in &names {
                    let full = crate::odrl::full_action(asked);
                    let number = universe.find(asked);
                    let has = |bits: &Bits| number.is_some_and(|number| bits.has(number));
                    assert_eq!(
                        number.is_some_and(|number| universe.knows(number)),
                        actions.knows(&full),
                        "{asked}"
                    );
                    assert_eq!(
                        has(&permitted),
                        actions.permits(&rule, &full, &lenient),
                        "{rule} permits {full}"
                    );
                    assert_eq!(
                        has(&prohibited),
                        actions.prohibits(&rule, &full, &lenient),
                        "{rule} prohibits {full}"
                    );
                }
            }
        }
    }
}
