//! Areas, by their IRIs. What a credential says is known: that its holder is for this area. What it does not say is not: the holder chooses
//! what it shows, and an area changes its code when municipalities are joined, so that two codes may be of the same ground. Nobody is
//! known here not to be for an area, then, and whoever shows less never gets more.
//!
//! Until [`Era::Seven`] two municipalities, provinces or water boards of the register of public bodies (TOOI) were apart, and who showed
//! several areas had to pass with each.

use crate::era::Era;
use crate::operand::Operator;
use crate::truth::Truth;

/// What is said of areas in the digest of an era; of those before Seven it stood in none.
pub(crate) fn table(era: Era) -> Vec<String> {
    if era < Era::Seven {
        return Vec::new();
    }
    vec!["areas: one that is shown is known, and no other is known not to be; the same IRI is the same area".to_owned()]
}

/// Judges the areas that were shown against the right operand.
pub(crate) fn compare<'a>(
    era: Era,
    shown: impl Iterator<Item = &'a str> + Clone,
    operator: Operator,
    asked: impl Iterator<Item = &'a str> + Clone,
) -> Truth {
    if era < Era::Seven {
        return apart::compare(shown, operator, asked);
    }
    let is_shown = |area: &str| shown.clone().any(|one| one == area);
    let known = |is_shown: bool| if is_shown { Truth::True } else { Truth::Unknown };
    match operator {
        Operator::Eq | Operator::IsPartOf | Operator::IsAnyOf => known(asked.clone().any(is_shown)),
        Operator::HasPart => known(asked.clone().all(is_shown)),
        Operator::Neq | Operator::IsNoneOf => !known(asked.clone().any(is_shown)),
        _ => Truth::Unknown,
    }
}

/// How areas were compared until [`Era::Seven`].
mod apart {
    use crate::operand::Operator;
    use crate::truth::Truth;

    /// What the IRIs of public bodies in the register begin with; the kind of body and its code follow.
    const TOOI: &str = "https://identifier.overheid.nl/tooi/id/";
    /// Kinds of bodies of which no two share ground.
    const APART: [&str; 3] = ["gemeente", "provincie", "waterschap"];

    /// The kind of a public body in the register whose grounds lie apart.
    fn kind(iri: &str) -> Option<&'static str> {
        let (kind, code) = iri.strip_prefix(TOOI)?.split_once('/')?;
        let plain = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        APART.into_iter().find(|known| plain && *known == kind)
    }

    /// Whether one area lies within the other. Both ways round it is the same: of areas that are not one, none is known to hold another.
    fn is_within(one: &str, other: &str) -> Truth {
        match (kind(one), kind(other)) {
            _ if one == other => Truth::True,
            (Some(one), Some(other)) if one == other => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// With several areas shown, each must pass by itself, save for `hasPart`.
    pub(super) fn compare<'a>(
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
            Operator::HasPart => {
                Truth::all(asked.map(|part| Truth::any(shown.clone().map(|one| is_within(part, one)))))
            }
            Operator::Neq | Operator::IsNoneOf => Truth::unanimous(shown.map(|one| !within_any(one))),
            _ => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operator::{Eq, HasPart, IsAnyOf, IsNoneOf, IsPartOf, Lt, Neq};

    const VLISSINGEN: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0718";
    const VEERE: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0717";
    /// Became part of Land van Cuijk in 2022.
    const CUIJK: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm1684";
    const LAND_VAN_CUIJK: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm1982";
    const INVENTED: &str = "https://identifier.overheid.nl/tooi/id/gemeente/x";
    const ZEELAND: &str = "https://identifier.overheid.nl/tooi/id/provincie/pv29";
    const OTHER: &str = "https://example.org/area/1";

    fn judge_in(era: Era, shown: &[&str], operator: Operator, asked: &[&str]) -> Truth {
        compare(era, shown.iter().copied(), operator, asked.iter().copied())
    }

    fn judge(shown: &[&str], operator: Operator, asked: &[&str]) -> Truth {
        judge_in(Era::default(), shown, operator, asked)
    }

    #[test]
    fn what_is_shown_is_known_and_nothing_else() {
        for operator in [Eq, IsPartOf, HasPart, IsAnyOf] {
            assert_eq!(judge(&[VLISSINGEN], operator, &[VLISSINGEN]), Truth::True);
            assert_eq!(judge(&[VEERE, VLISSINGEN], operator, &[VLISSINGEN]), Truth::True);
            for shown in [&[VEERE][..], &[ZEELAND], &[OTHER], &[INVENTED], &[]] {
                assert_eq!(judge(shown, operator, &[VLISSINGEN]), Truth::Unknown, "{shown:?}");
            }
        }
        assert_eq!(judge(&[VEERE], IsAnyOf, &[VLISSINGEN, VEERE]), Truth::True);
        assert_eq!(judge(&[VEERE], Lt, &[VEERE]), Truth::Unknown);
        assert_eq!(judge(&[VEERE], IsNoneOf, &[VLISSINGEN, VEERE]), Truth::False);
        assert_eq!(judge(&[VEERE, VLISSINGEN], Neq, &[VEERE]), Truth::False);
    }

    #[test]
    fn nobody_is_known_not_to_be_for_an_area() {
        let all = [VLISSINGEN, VEERE, CUIJK, LAND_VAN_CUIJK, INVENTED, ZEELAND, OTHER];
        for asked in all {
            let others: Vec<&str> = all.into_iter().filter(|one| *one != asked).collect();
            for operator in [Neq, IsNoneOf] {
                for shown in &others {
                    assert_eq!(judge(&[*shown], operator, &[asked]), Truth::Unknown, "{shown} {asked}");
                }
                assert_eq!(judge(&others, operator, &[asked]), Truth::Unknown);
                assert_eq!(judge(&[], operator, &[asked]), Truth::Unknown);
            }
        }
    }

    #[test]
    fn what_is_known_stays_so_when_more_is_shown() {
        let all = [VLISSINGEN, VEERE, ZEELAND];
        let sets = |bits: usize| -> Vec<&str> { (0..3).filter(|n| bits & (1 << n) != 0).map(|n| all[n]).collect() };
        for operator in Operator::ALL {
            for asked in 1..8 {
                for (less, more) in (0..8).flat_map(|less| (0..8).map(move |more| (less, less | more))) {
                    let before = judge(&sets(less), operator, &sets(asked));
                    let after = judge(&sets(more), operator, &sets(asked));
                    assert!(
                        before == Truth::Unknown || before == after,
                        "{operator:?} {less} {more} {asked}"
                    );
                }
            }
        }
    }

    #[test]
    fn older_decisions_told_two_bodies_of_a_kind_apart() {
        for era in [Era::Five, Era::Six] {
            let judge = |shown: &[&str], operator, asked: &[&str]| judge_in(era, shown, operator, asked);
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
            for odd in [
                "https://identifier.overheid.nl/tooi/id/gemeente/",
                "https://identifier.overheid.nl/tooi/id/gemeente/gm0718/wijk/1",
                "https://identifier.overheid.nl/tooi/id/gemeente/GM0718",
                "https://identifier.overheid.nl/tooi/id/ministerie/mnre1",
            ] {
                assert_eq!(judge(&[odd], Eq, &[VLISSINGEN]), Truth::Unknown, "{odd}");
            }
        }
    }
}
