//! Purposes and what is broader than what: a selection of the Data Privacy Vocabulary 2.3 (W3C community group, purposes
//! module) and, below it, our own scheme of purposes of Dutch public law ([`herleid_vocab::skos`]).
//!
//! A purpose that is not in these tables equals itself and nothing more is known of it: under the operators that follow the
//! hierarchy it gives unknown.

use crate::era::Era;
use crate::operand::Operator;
use crate::terms::PURPOSE;
use crate::truth::Truth;
use herleid_vocab::skos;
use herleid_vocab::terms::DPV;

/// DPV purposes: name, and the names that are broader (`skos:broader`). `Purpose` itself is the top.
#[rustfmt::skip]
const DPV_PURPOSES: [(&str, &[&str]); 67] = [
    ("Purpose", &[]),
    ("AcademicResearch", &["ResearchAndDevelopment"]),
    ("Advertising", &["Marketing"]),
    ("CombatClimateChange", &["PublicBenefit"]),
    ("CommercialPurpose", &["Purpose"]),
    ("CommercialResearch", &["CommercialPurpose", "ResearchAndDevelopment"]),
    ("CounterMoneyLaundering", &["FraudPreventionAndDetection"]),
    ("Counterterrorism", &["PublicBenefit"]),
    ("CustomerCare", &["CustomerManagement"]),
    ("CustomerManagement", &["Purpose"]),
    ("CustomerRelationshipManagement", &["CustomerManagement"]),
    ("DataAltruism", &["PublicBenefit"]),
    ("DirectMarketing", &["Marketing"]),
    ("DisputeManagement", &["OrganisationGovernance"]),
    ("EnforceAccessControl", &["EnforceSecurity"]),
    ("EnforceSecurity", &["Purpose"]),
    ("EstablishContractualAgreement", &["Purpose"]),
    ("FraudPreventionAndDetection", &["MisusePreventionAndDetection"]),
    ("FulfilmentOfContractualObligation", &["FulfilmentOfObligation"]),
    ("FulfilmentOfObligation", &["Purpose"]),
    ("IdentityAuthentication", &["EnforceSecurity"]),
    ("ImproveExistingProductsAndServices", &["OptimisationForController"]),
    ("ImproveHealthcare", &["PublicBenefit"]),
    ("ImprovePublicServices", &["PublicBenefit"]),
    ("ImproveTransportMobility", &["PublicBenefit"]),
    ("IncreaseServiceRobustness", &["OptimisationForController"]),
    ("InternalResourceOptimisation", &["OptimisationForController"]),
    ("LegalCompliance", &["FulfilmentOfObligation"]),
    ("MaintainFraudDatabase", &["FraudPreventionAndDetection"]),
    ("Marketing", &["Purpose"]),
    ("MisusePreventionAndDetection", &["EnforceSecurity"]),
    ("NonCommercialPurpose", &["Purpose"]),
    ("NonCommercialResearch", &["NonCommercialPurpose", "ResearchAndDevelopment"]),
    ("OptimisationForConsumer", &["ServiceOptimisation"]),
    ("OptimisationForController", &["ServiceOptimisation"]),
    ("OrganisationComplianceManagement", &["OrganisationGovernance"]),
    ("OrganisationGovernance", &["Purpose"]),
    ("OrganisationRiskManagement", &["OrganisationGovernance"]),
    ("PaymentManagement", &["ServiceManagement"]),
    ("Personalisation", &["Purpose"]),
    ("PersonalisedAdvertising", &["Advertising", "Personalisation"]),
    ("ProtectionOfIPR", &["FulfilmentOfObligation"]),
    ("ProtectionOfNationalSecurity", &["PublicBenefit"]),
    ("ProtectionOfPublicSecurity", &["PublicBenefit"]),
    ("ProvideOfficialStatistics", &["PublicBenefit"]),
    ("ProvidePersonalisedRecommendations", &["ServicePersonalisation"]),
    ("PublicBenefit", &["Purpose"]),
    ("PublicPolicyMaking", &["PublicBenefit"]),
    ("PublicRelations", &["Marketing"]),
    ("RecordManagement", &["Purpose"]),
    ("RequestedServiceProvision", &["ServiceProvision"]),
    ("ResearchAndDevelopment", &["Purpose"]),
    ("ScientificResearch", &["ResearchAndDevelopment"]),
    ("SellDataToThirdParties", &["SellProducts"]),
    ("SellInsightsFromData", &["SellProducts"]),
    ("SellProducts", &["ServiceProvision"]),
    ("SellProductsToDataSubject", &["SellProducts"]),
    ("ServiceAccessDetermination", &["ServiceManagement"]),
    ("ServiceManagement", &["Purpose"]),
    ("ServiceMonitoring", &["ServiceManagement"]),
    ("ServiceOptimisation", &["ServiceManagement"]),
    ("ServicePersonalisation", &["Personalisation", "ServiceManagement"]),
    ("ServiceProvision", &["ServiceManagement"]),
    ("ServiceRegistration", &["ServiceManagement"]),
    ("ServiceUsageAnalytics", &["ServiceMonitoring"]),
    ("TargetedAdvertising", &["PersonalisedAdvertising"]),
    ("Verification", &["EnforceSecurity"]),
];

/// The IRIs one step broader than `iri`; `None` when the purpose is in neither table.
pub(crate) fn broader(iri: &str) -> Option<Vec<String>> {
    if let Some(local) = iri.strip_prefix(DPV) {
        let (_, above) = DPV_PURPOSES.iter().find(|(name, _)| *name == local)?;
        return Some(above.iter().map(|name| format!("{DPV}{name}")).collect());
    }
    Some(skos::purposes().find(iri)?.broader().to_vec())
}

/// Whether the tables know the purpose.
#[must_use]
pub(crate) fn is_known(iri: &str) -> bool {
    broader(iri).is_some()
}

/// The article of law behind one of our own purposes, as BWB id and article.
#[must_use]
pub fn law(iri: &str) -> Option<&'static str> {
    skos::purposes().find(iri)?.law()
}

/// Whether `narrow` is `wide` or lies below it. The tables have no cycles (tested), so this ends.
fn lies_below(narrow: &str, wide: &str) -> bool {
    narrow == wide || broader(narrow).is_some_and(|above| above.iter().any(|iri| lies_below(iri, wide)))
}

/// Whether the purpose `stated` falls under `asked`.
///
/// Unknown when `stated` is the broader of the two (it may or may not be meant), when some purpose lies below both (it may be the one that is
/// meant), or when either is in neither table.
#[must_use]
pub(crate) fn is_within(stated: &str, asked: &str) -> Truth {
    if stated == asked {
        Truth::True
    } else if !is_known(stated) || !is_known(asked) {
        Truth::Unknown
    } else if lies_below(stated, asked) {
        Truth::True
    } else if known().any(|one| lies_below(&one, stated) && lies_below(&one, asked)) {
        Truth::Unknown
    } else {
        Truth::False
    }
}

/// Whether two purposes are the same one. Different names for related purposes, or for purposes that no table knows, leave
/// it unknown: "not marketing" must not be met by stating a kind of marketing, nor by a name nobody has heard of.
fn is_same(stated: &str, asked: &str) -> Truth {
    match is_within(stated, asked) {
        _ if stated == asked => Truth::True,
        Truth::False => Truth::False,
        Truth::True | Truth::Unknown => Truth::Unknown,
    }
}

/// Judges the stated purposes against the right operand. With several purposes stated each must pass by itself, save for
/// the operators that ask about all of them together (`isAllOf`, `hasPart`).
pub(crate) fn compare(stated: &[String], operator: Operator, asked: &[String]) -> Truth {
    let under_any = |one: &String| Truth::any(asked.iter().map(|wide| is_within(one, wide)));
    let same_as_any = |one: &String| Truth::any(asked.iter().map(|other| is_same(one, other)));
    let each = |judge: &dyn Fn(&String) -> Truth| Truth::unanimous(stated.iter().map(judge));
    let all_asked = |judge: &dyn Fn(&String, &String) -> Truth| {
        Truth::all(
            asked
                .iter()
                .map(|other| Truth::any(stated.iter().map(|one| judge(one, other)))),
        )
    };
    match operator {
        _ if stated.is_empty() => Truth::Unknown,
        Operator::Eq => each(&same_as_any),
        Operator::Neq => each(&|one| !same_as_any(one)),
        Operator::IsA | Operator::IsPartOf | Operator::IsAnyOf => each(&under_any),
        Operator::IsNoneOf => each(&|one| !under_any(one)),
        Operator::IsAllOf => all_asked(&|one, wide| is_within(one, wide)),
        Operator::HasPart => all_asked(&|one, part| is_within(part, one)),
        Operator::Lt | Operator::Lteq | Operator::Gt | Operator::Gteq => Truth::Unknown,
    }
}

/// Every purpose that the tables know, by its IRI: those of the Data Privacy Vocabulary, then ours.
pub fn known() -> impl Iterator<Item = String> {
    let dpv = DPV_PURPOSES.iter().map(|(name, _)| format!("{DPV}{name}"));
    dpv.chain(skos::purposes().concepts().map(|concept| concept.iri().to_owned()))
}

/// Whether a purpose lies below another one, at any depth.
#[must_use]
pub fn is_below(narrow: &str, wide: &str) -> bool {
    narrow != wide && lies_below(narrow, wide)
}

/// Those of these purposes that lie below no other of them, in the order given.
#[must_use]
pub fn tops<'a>(iris: &[&'a str]) -> Vec<&'a str> {
    let lies_below_another = |iri: &str| iris.iter().any(|other| is_below(iri, other));
    iris.iter().copied().filter(|iri| !lies_below_another(iri)).collect()
}

/// The purposes of the Data Privacy Vocabulary, each with what is one step broader, in the order of the table.
pub(crate) fn dpv() -> impl Iterator<Item = (String, Vec<String>)> {
    let full = |name: &&str| format!("{DPV}{name}");
    DPV_PURPOSES
        .iter()
        .map(move |(name, above)| (full(name), above.iter().map(full).collect()))
}

/// Every row, for the digest of what decisions rest on.
pub(crate) fn table(era: Era) -> impl Iterator<Item = String> {
    let row = move |number: usize, (iri, above, law): (String, Vec<String>, String)| {
        // The vocabulary's own are written by their names alone, as are those above ours in the first table.
        let is_dpv = number < DPV_PURPOSES.len();
        let name = |above: &String| match (is_dpv, era.purposes()) {
            (true, _) => above.trim_start_matches(DPV).to_owned(),
            (false, 0) => match above.strip_prefix(PURPOSE) {
                Some(ours) => format!(":{ours}"),
                None => above.trim_start_matches(DPV).to_owned(),
            },
            (false, _) => above.clone(),
        };
        let above: Vec<String> = above.iter().map(name).collect();
        match is_dpv {
            true => format!("purpose {iri} {}", above.join(" ")),
            false => format!("purpose {iri} {} {law}", above.join(" ")),
        }
    };
    era.rows()
        .into_iter()
        .enumerate()
        .map(move |(number, one)| row(number, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dpv(name: &str) -> String {
        format!("{DPV}{name}")
    }

    fn ours(name: &str) -> String {
        format!("{PURPOSE}{name}")
    }

    #[test]
    fn every_broader_purpose_is_in_a_table_and_nothing_is_above_itself() {
        fn climb(iri: &str, left: usize) {
            assert!(left > 0, "a cycle above {iri}");
            for above in broader(iri).unwrap_or_else(|| panic!("{iri} is in neither table")) {
                climb(&above, left - 1);
            }
        }
        DPV_PURPOSES.iter().for_each(|(name, _)| climb(&dpv(name), 10));
        skos::purposes().concepts().for_each(|concept| climb(concept.iri(), 10));
    }

    #[test]
    fn the_tops_of_a_list_are_those_below_no_other() {
        let (law, rain, roads) = (ours("Omgevingswet"), ours("OmgevingswetHemelwater"), ours("Wegbeheer"));
        assert_eq!(tops(&[&rain, &law, &roads, "urn:x"]), [law.as_str(), &roads, "urn:x"]);
        assert_eq!(tops(&[&rain]), [rain.as_str()]);
        assert_eq!(known().filter(|iri| is_known(iri)).count(), known().count());
        assert!(known().count() > 120);
    }

    #[test]
    fn narrower_is_within_broader_and_not_the_other_way_round() {
        assert_eq!(
            is_within(&ours("OmgevingswetHemelwater"), &ours("Omgevingswet")),
            Truth::True
        );
        assert_eq!(
            is_within(&ours("OmgevingswetHemelwater"), &dpv("PublicBenefit")),
            Truth::True
        );
        assert_eq!(
            is_within(&ours("Omgevingswet"), &ours("OmgevingswetHemelwater")),
            Truth::Unknown
        );
        assert_eq!(is_within(&dpv("DirectMarketing"), &ours("Omgevingswet")), Truth::False);
        assert_eq!(is_within("https://example.org/p", &dpv("Purpose")), Truth::Unknown);
        assert_eq!(is_within(&dpv("TargetedAdvertising"), &dpv("Marketing")), Truth::True);
    }

    #[test]
    fn purposes_that_share_a_narrower_one_are_not_apart() {
        let (planning, watching) = (ours("Omgevingswet"), ours("ToezichtEnHandhaving"));
        let both = ours("OmgevingswetHandhaving");
        assert!(is_below(&both, &planning) && is_below(&both, &watching));
        assert_eq!(is_within(&planning, &watching), Truth::Unknown);
        let stated = [planning];
        let asked = [watching];
        for operator in [Operator::IsNoneOf, Operator::Neq, Operator::IsA, Operator::Eq] {
            assert_eq!(compare(&stated, operator, &asked), Truth::Unknown, "{operator:?}");
        }
        let all: Vec<String> = known().collect();
        for one in &all {
            for other in &all {
                let share = all
                    .iter()
                    .any(|below| lies_below(below, one) && lies_below(below, other));
                assert_eq!(is_within(one, other) == Truth::False, !share, "{one} {other}");
            }
        }
    }

    #[test]
    fn operators_on_purposes() {
        use Operator::{Eq, HasPart, IsA, IsAllOf, IsAnyOf, IsNoneOf, Neq};
        let rain = vec![ours("OmgevingswetHemelwater")];
        let law = vec![ours("Omgevingswet")];
        let two = vec![ours("OmgevingswetHemelwater"), dpv("DirectMarketing")];
        assert_eq!(compare(&rain, Eq, &law), Truth::Unknown, "related, but not the same");
        assert_eq!(compare(&rain, Eq, &rain), Truth::True);
        assert_eq!(compare(&rain, Eq, &[dpv("Marketing")]), Truth::False);
        let direct = vec![dpv("DirectMarketing")];
        assert_eq!(compare(&direct, Neq, &[dpv("Marketing")]), Truth::Unknown);
        assert_eq!(
            compare(&["urn:unheard-of".to_owned()], Neq, &[dpv("Marketing")]),
            Truth::Unknown
        );
        assert_eq!(compare(&rain, Neq, &[dpv("Marketing")]), Truth::True);
        assert_eq!(compare(&rain, IsA, &law), Truth::True);
        assert_eq!(
            compare(&two, IsA, &law),
            Truth::Unknown,
            "one of two purposes does not pass"
        );
        assert_eq!(compare(&two, Neq, &rain), Truth::Unknown);
        assert_eq!(compare(&rain, IsNoneOf, &[dpv("Marketing")]), Truth::True);
        assert_eq!(compare(&two, IsNoneOf, &[dpv("Marketing")]), Truth::Unknown);
        assert_eq!(
            compare(&two, IsAllOf, &[ours("Omgevingswet"), dpv("Marketing")]),
            Truth::True
        );
        assert_eq!(
            compare(&rain, IsAnyOf, &[dpv("Marketing"), ours("Omgevingswet")]),
            Truth::True
        );
        assert_eq!(compare(&law, HasPart, &rain), Truth::True);
        assert_eq!(compare(&[], IsNoneOf, &law), Truth::Unknown);
    }
}
