//! What is broader than what among purposes, as bits: the tables of [`crate::purpose`], worked out once.

use super::values::{Left, Right, Shown};
use crate::era::Era;
use crate::operand::Operator;
use crate::truth::Truth;
use std::collections::HashMap;
use std::sync::OnceLock;

struct Tables {
    rows: HashMap<String, usize>,
    /// By row, the rows that are the same or broader.
    above: Vec<Box<[u64]>>,
    /// By row, the rows that some row lies below together with it.
    touching: Vec<Box<[u64]>>,
}

fn tables(era: Era) -> &'static Tables {
    static FIRST: OnceLock<Tables> = OnceLock::new();
    static SECOND: OnceLock<Tables> = OnceLock::new();
    let tables = match era.purposes() {
        0 => &FIRST,
        _ => &SECOND,
    };
    tables.get_or_init(|| {
        let table: HashMap<String, Vec<String>> = era.rows().into_iter().map(|(iri, above, _)| (iri, above)).collect();
        let names: Vec<String> = era.rows().into_iter().map(|(iri, ..)| iri).collect();
        let rows: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
        let climb = |name: &String| {
            let mut bits = vec![0_u64; names.len().div_ceil(64)].into_boxed_slice();
            let mut open = vec![name.clone()];
            while let Some(next) = open.pop() {
                if let Some(row) = rows.get(&next)
                    && let Some(word) = bits.get_mut(row / 64)
                {
                    *word |= 1 << (row % 64);
                }
                open.extend(table.get(&next).into_iter().flatten().cloned());
            }
            bits
        };
        let above: Vec<_> = names.iter().map(climb).collect();
        let touches = |row: usize| {
            let mut bits = vec![0_u64; names.len().div_ceil(64)].into_boxed_slice();
            // All that is above something that lies below this row.
            for upward in above.iter().filter(|upward| has(upward, row)) {
                bits.iter_mut()
                    .zip(upward.iter())
                    .for_each(|(word, more)| *word |= more);
            }
            bits
        };
        let touching = (0..names.len()).map(touches).collect();
        Tables { rows, above, touching }
    })
}

fn has(bits: &[u64], row: usize) -> bool {
    bits.get(row / 64).is_some_and(|word| word & (1 << (row % 64)) != 0)
}

fn lies_below(tables: &Tables, narrow: usize, wide: usize) -> bool {
    tables.above.get(narrow).is_some_and(|bits| has(bits, wide))
}

/// Whether one row lies below both; each lies below itself.
fn touch(tables: &Tables, one: usize, other: usize) -> bool {
    tables.touching.get(one).is_some_and(|bits| has(bits, other))
}

/// Whether one purpose falls under another. Unknown when it is the broader of the two, when another one lies below both, or when either is in
/// no table.
fn within(era: Era, stated: &str, asked: &str) -> Truth {
    if stated == asked {
        return Truth::True;
    }
    let tables = tables(era);
    // Once only those were not apart of which one is the broader.
    let touch = |one: usize, other: usize| match era.tells_apart_what_is_shared() {
        true => lies_below(tables, one, other) || lies_below(tables, other, one),
        false => touch(tables, one, other),
    };
    match (tables.rows.get(asked), tables.rows.get(stated)) {
        (Some(asked), Some(stated)) if lies_below(tables, *stated, *asked) => Truth::True,
        (Some(asked), Some(stated)) if touch(*asked, *stated) => Truth::Unknown,
        (Some(_), Some(_)) => Truth::False,
        _ => Truth::Unknown,
    }
}

/// Whether two purposes are the same one; unknown for related ones, and for those that no table knows.
fn same(era: Era, stated: &str, asked: &str) -> Truth {
    match within(era, stated, asked) {
        _ if stated == asked => Truth::True,
        Truth::False => Truth::False,
        _ => Truth::Unknown,
    }
}

/// Judges stated purposes. With several each must pass by itself, save for the operators that ask about all of them together.
pub(super) fn compare(era: Era, stated: Left<'_>, operator: Operator, asked: &Right<'_>) -> Truth {
    if stated.len() == 0 || stated.iter().chain(asked.iter()).any(|value| value.name().is_none()) {
        return Truth::Unknown;
    }
    let named = |judge: fn(Era, &str, &str) -> Truth, one: Shown<'_>, other: Shown<'_>| match (one.name(), other.name())
    {
        (Some(one), Some(other)) => judge(era, one, other),
        _ => Truth::Unknown,
    };
    let any_asked = |judge: fn(Era, &str, &str) -> Truth, one: Shown<'_>| {
        Truth::any(asked.iter().map(|other| named(judge, one, other)))
    };
    let each = |judge: &dyn Fn(Shown<'_>) -> Truth| Truth::unanimous(stated.iter().map(judge));
    let all_asked = |judge: &dyn Fn(Shown<'_>, Shown<'_>) -> Truth| {
        let by_any = |other| Truth::any(stated.iter().map(|one| judge(one, other)));
        Truth::all(asked.iter().map(by_any))
    };
    match operator {
        Operator::Eq => each(&|one| any_asked(same, one)),
        Operator::Neq => each(&|one| !any_asked(same, one)),
        Operator::IsA | Operator::IsPartOf | Operator::IsAnyOf => each(&|one| any_asked(within, one)),
        Operator::IsNoneOf => each(&|one| !any_asked(within, one)),
        Operator::IsAllOf => all_asked(&|one, wide| named(within, one, wide)),
        Operator::HasPart => all_asked(&|one, part| named(within, part, one)),
        Operator::Lt | Operator::Lteq | Operator::Gt | Operator::Gteq => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::{Rights, Typed};
    use super::*;
    use crate::purpose;

    #[test]
    fn the_bits_say_what_the_tables_say() {
        let names: Vec<String> = purpose::known().chain(["urn:nobody:knows".to_owned()]).collect();
        for one in &names {
            for other in &names {
                assert_eq!(
                    within(Era::default(), one, other),
                    purpose::is_within(one, other),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn every_operator_judges_as_the_tables_do() {
        let [law, narrow] =
            ["Omgevingswet", "OmgevingswetHemelwater"].map(|name| format!("{}{name}", crate::terms::PURPOSE));
        let dpv = |name: &str| format!("{}{name}", herleid_vocab::terms::DPV);
        let all = [
            law,
            narrow,
            dpv("PublicBenefit"),
            dpv("Marketing"),
            "urn:nobody:knows".to_owned(),
        ];
        let pairs = || {
            all.iter()
                .flat_map(|one| all.iter().map(move |other| vec![one.clone(), other.clone()]))
        };
        for operator in Operator::ALL {
            for stated in pairs() {
                for asked in pairs() {
                    let typed = asked.iter().map(|name| Typed::Name(name.as_str().into()));
                    let right = Rights::of(typed.collect());
                    assert_eq!(
                        compare(Era::default(), Left::Names(&stated), operator, &Right::Fixed(&right)),
                        purpose::compare(&stated, operator, &asked),
                        "{stated:?} {operator:?} {asked:?}"
                    );
                }
            }
        }
    }
}
