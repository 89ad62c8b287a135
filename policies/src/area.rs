//! Areas, by their IRIs: which are the same, and which are known to lie apart. What lies within what is in no table here, so that of two
//! areas nothing is known but when they are one, or when both are of the same kind of public body: no two municipalities, provinces or
//! water boards govern the same ground. Those have IRIs in the register of public bodies (TOOI).

use crate::operand::Operator;
use crate::truth::Truth;

/// What the IRIs of public bodies in the register begin with; the kind of body and its code follow.
const TOOI: &str = "https://identifier.overheid.nl/tooi/id/";
/// Kinds of bodies of which no two share ground.
const APART: [&str; 3] = ["gemeente", "provincie", "waterschap"];

/// An area of each kind that nobody has, as one of those that are not named.
pub(crate) fn unnamed() -> impl Iterator<Item = String> {
    APART.iter().map(|kind| format!("{TOOI}{kind}/another"))
}

/// The kind of a public body in the register whose grounds lie apart.
fn kind(iri: &str) -> Option<&'static str> {
    let (kind, code) = iri.strip_prefix(TOOI)?.split_once('/')?;
    let plain = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    APART.into_iter().find(|known| plain && *known == kind)
}

/// Whether one area lies within the other. Both ways round it is the same: of areas that are not one, none is known to hold another.
pub(crate) fn is_within(one: &str, other: &str) -> Truth {
    match (kind(one), kind(other)) {
        _ if one == other => Truth::True,
        (Some(one), Some(other)) if one == other => Truth::False,
        _ => Truth::Unknown,
    }
}

/// Judges the areas that were shown against the right operand; with several, each must pass by itself, save for `hasPart`.
pub(crate) fn compare<'a>(
    shown: impl Iterator<Item = &'a str> + Clone,
    operator: Operator,
    asked: impl Iterator<Item = &'a str> + Clone,
) -> Truth {
    let within_any = |one: &str| Truth::any(asked.clone().map(|other| is_within(one, other)));
    if shown.clone().next().is_none() {
        return Truth::Unknown;
    }
    match operator {
        Operator::Eq | Operator::IsPartOf | Operator::IsAnyOf => Truth::unanimous(shown.map(within_any)),
        // All of them together.
        Operator::HasPart => Truth::all(asked.map(|part| Truth::any(shown.clone().map(|one| is_within(part, one))))),
        Operator::Neq | Operator::IsNoneOf => Truth::unanimous(shown.map(|one| !within_any(one))),
        _ => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operator::{Eq, HasPart, IsAnyOf, IsNoneOf, IsPartOf, Lt, Neq};

    const VLISSINGEN: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0718";
    const VEERE: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0717";
    const ZEELAND: &str = "https://identifier.overheid.nl/tooi/id/provincie/pv29";
    const OTHER: &str = "https://example.org/area/1";

    fn judge(shown: &[&str], operator: Operator, asked: &[&str]) -> Truth {
        compare(shown.iter().copied(), operator, asked.iter().copied())
    }

    #[test]
    fn only_what_is_known_of_areas_is_said() {
        assert_eq!(is_within(VLISSINGEN, VLISSINGEN), Truth::True);
        assert_eq!(is_within(VLISSINGEN, VEERE), Truth::False, "two municipalities");
        // It lies in that province, but nothing here knows so; of an unheard-of area nothing is known at all.
        assert_eq!(is_within(VLISSINGEN, ZEELAND), Truth::Unknown);
        assert_eq!(is_within(OTHER, VLISSINGEN), Truth::Unknown);
        assert_eq!(is_within(OTHER, OTHER), Truth::True);
        for odd in [
            "https://identifier.overheid.nl/tooi/id/gemeente/",
            "https://identifier.overheid.nl/tooi/id/gemeente/gm0718/wijk/1",
            "https://identifier.overheid.nl/tooi/id/gemeente/GM0718",
            "https://identifier.overheid.nl/tooi/id/ministerie/mnre1",
        ] {
            assert_eq!(is_within(odd, VLISSINGEN), Truth::Unknown, "{odd}");
        }
    }

    #[test]
    fn operators_on_areas() {
        for operator in [Eq, IsPartOf, HasPart, IsAnyOf] {
            assert_eq!(judge(&[VLISSINGEN], operator, &[VLISSINGEN]), Truth::True);
            assert_eq!(judge(&[VEERE], operator, &[VLISSINGEN]), Truth::False);
            assert_eq!(judge(&[ZEELAND], operator, &[VLISSINGEN]), Truth::Unknown);
            assert_eq!(judge(&[], operator, &[VLISSINGEN]), Truth::Unknown);
        }
        assert_eq!(judge(&[VEERE], IsAnyOf, &[VLISSINGEN, VEERE]), Truth::True);
        assert_eq!(judge(&[VEERE], IsNoneOf, &[VLISSINGEN]), Truth::True);
        assert_eq!(judge(&[VEERE], IsNoneOf, &[VLISSINGEN, ZEELAND]), Truth::Unknown);
        assert_eq!(judge(&[VEERE], Neq, &[VEERE]), Truth::False);
        // For two areas, of which one does not pass.
        assert_eq!(judge(&[VEERE, VLISSINGEN], Eq, &[VEERE]), Truth::Unknown);
        assert_eq!(judge(&[VEERE, VLISSINGEN], IsAnyOf, &[VLISSINGEN, VEERE]), Truth::True);
        assert_eq!(judge(&[VEERE], Lt, &[VEERE]), Truth::Unknown);
    }
}
