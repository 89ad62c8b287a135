//! What the asker says of its use besides its purpose: on what legal basis, and for which area.

use crate::common::{atom, log_kept, read, request, use_if};
use crate::refusals::refused;
use herleid_policies::{
    Audience, EnforcedBy, Explanation, Facts, Fixer, Language, Operand, Policy, ProblemKind, Truth, reevaluate,
};
use serde_json::{Value, json};

const NS: &str = "https://w3id.org/herleid/ns#";
const BASIS: &str = "https://w3id.org/herleid/legal-basis#";
const AREA: &str = "https://identifier.overheid.nl/tooi/id/gemeente/";
const LAW: &str = "https://wetten.overheid.nl/jci1.3:c:BWBR0037885";
const NOW: u64 = crate::common::NOW;

fn on(left: &str, operator: &str, right: Value) -> Value {
    atom(&format!("{NS}{left}"), operator, right)
}

fn permits(condition: &Value, facts: &Facts) -> bool {
    let policy = use_if(json!([condition]));
    let decision = read(&policy).decide(&request(), facts);
    assert_eq!(reevaluate(&policy, &decision.record().to_json()).unwrap(), decision);
    decision.is_permit()
}

fn stating(basis: &str) -> Facts {
    log_kept().with_legal_basis(basis, "stated", NOW)
}

fn using_for(code: &str) -> Facts {
    log_kept().with_area_of_use(&format!("{AREA}{code}"), "stated", NOW)
}

#[test]
fn a_stated_basis_has_to_be_the_one_asked_for_or_below_it() {
    let task = on("legalBasis", "isA", json!(format!("{BASIS}PubliekeTaak")));
    for (stated, expected) in [
        ("legal-basis:PubliekeTaak", true),
        ("legal-basis:OpenbaarGezag", true),
        ("https://w3id.org/herleid/legal-basis#AlgemeenBelang", true),
        ("legal-basis:Toestemming", false),
        ("eu-gdpr:A6-1-e", false),
        ("urn:invented", false),
        (LAW, false),
    ] {
        assert_eq!(permits(&task, &stating(stated)), expected, "{stated}");
    }
    let law = on(
        "legalBasis",
        "isAnyOf",
        json!([format!("{LAW}&artikel=5.1"), format!("{LAW}&artikel=2.4")]),
    );
    for (stated, expected) in [
        (format!("{LAW}&artikel=5.1"), true),
        (format!("{LAW}&artikel=5.1&lid=1"), true),
        (format!("{LAW}&artikel=2.4"), true),
        (format!("{LAW}&artikel=16.1"), false),
        (LAW.to_owned(), false),
    ] {
        assert_eq!(permits(&law, &stating(&stated)), expected, "{stated}");
    }
    // Nothing stated, or a purpose in its place, says nothing.
    assert!(!permits(&task, &log_kept()));
    let purpose = log_kept().with_purpose([format!("{BASIS}PubliekeTaak").as_str()], "stated", NOW);
    assert!(!permits(&task, &purpose));
    let as_purpose = atom("purpose", "eq", json!(format!("{BASIS}PubliekeTaak")));
    assert!(!permits(&as_purpose, &stating("legal-basis:PubliekeTaak")));
}

#[test]
fn an_area_of_use_is_not_the_area_of_a_credential() {
    let here = on("areaOfUse", "eq", json!(format!("{AREA}gm0718")));
    assert!(permits(&here, &using_for("gm0718")) && !permits(&here, &using_for("gm0717")));
    let shown = log_kept().with_area([format!("{AREA}gm0718").as_str()], "credential", NOW);
    assert!(!permits(&here, &shown) && !permits(&here, &log_kept()));
    let spatial = atom("spatial", "eq", json!(format!("{AREA}gm0718")));
    assert!(permits(&spatial, &shown) && !permits(&spatial, &using_for("gm0718")));
}

#[test]
fn a_prohibition_applies_where_it_is_not_known() {
    // Of no two areas is it known that they are apart: nobody is free of what is prohibited for one.
    for (condition, stated, is_free) in [
        (
            on("legalBasis", "isA", json!(format!("{BASIS}Toestemming"))),
            stating("legal-basis:PubliekeTaak"),
            true,
        ),
        (
            on("legalBasis", "isA", json!(LAW)),
            stating("https://wetten.overheid.nl/jci1.3:c:BWBR9999999"),
            false,
        ),
        (
            on("areaOfUse", "eq", json!(format!("{AREA}gm0718"))),
            using_for("gm0717"),
            false,
        ),
        (
            on("areaOfUse", "eq", json!(format!("{AREA}gm0718"))),
            using_for("x"),
            false,
        ),
    ] {
        let policy = crate::common::agreement(
            json!([{"action": "use"}]),
            json!([{"action": "use", "constraint": [condition]}]),
        );
        assert_eq!(
            read(&policy).decide(&request(), &stated).is_permit(),
            is_free,
            "{policy}"
        );
        assert!(!read(&policy).decide(&request(), &log_kept()).is_permit());
    }
}

#[test]
fn both_are_declared_and_said_to_be() {
    for (operand, facts, about) in [
        (Operand::LegalBasis, stating("legal-basis:PubliekeTaak"), "legalBasis"),
        (Operand::AreaOfUse, using_for("gm0718"), "areaOfUse"),
    ] {
        assert_eq!(operand.enforced_by(), EnforcedBy::Declared);
        let fact = facts.iter().find(|fact| fact.about == about).unwrap();
        assert_eq!(fact.enforced_by, EnforcedBy::Declared);
    }
    for (condition, facts, value, english, dutch) in [
        (
            on("legalBasis", "isA", json!(format!("{BASIS}PubliekeTaak"))),
            stating("legal-basis:Toestemming"),
            Truth::False,
            ["the stated legal basis is within", "state a legal basis"],
            [
                "de opgegeven grondslag is een grondslag binnen",
                "een grondslag opgeven",
            ],
        ),
        (
            on("areaOfUse", "isPartOf", json!(format!("{AREA}gm0718"))),
            using_for("gm0717"),
            Truth::Unknown,
            ["the stated area of use is within", "state another area"],
            ["het opgegeven gebied van gebruik is binnen", "een ander gebied opgeven"],
        ),
    ] {
        let decision = read(&use_if(json!([condition]))).decide(&request(), &facts);
        let [failing] = decision.record().failing.as_slice() else {
            panic!("{condition}")
        };
        assert_eq!((failing.value, failing.fixed_by), (value, Fixer::Asker));
        for (language, says) in [(Language::English, english), (Language::Dutch, dutch)] {
            let text = Explanation::of(decision.record(), language, Audience::Addressee).to_string();
            assert!(says.iter().all(|part| text.contains(part)), "expected {says:?}: {text}");
        }
    }
}

#[test]
fn what_cannot_be_told_is_refused() {
    for operator in ["neq", "isNoneOf", "isPartOf", "lt"] {
        let condition = on("legalBasis", operator, json!(format!("{BASIS}PubliekeTaak")));
        refused(&use_if(json!([condition])), ProblemKind::OperatorForOperand, operator);
    }
    for operator in ["neq", "isNoneOf", "hasPart"] {
        let condition = on("areaOfUse", operator, json!(format!("{AREA}gm0718")));
        refused(&use_if(json!([condition])), ProblemKind::OperatorForOperand, operator);
    }
    for operand in ["legalBasis", "areaOfUse"] {
        refused(
            &use_if(json!([on(operand, "eq", json!("not an iri"))])),
            ProblemKind::RightOperand,
            "not an iri",
        );
        // Of ours in full only: bare or with ODRL's prefix it would be a term of ODRL's.
        let bare = atom(operand, "eq", json!("urn:x"));
        refused(&use_if(json!([bare])), ProblemKind::UnknownOperand, operand);
    }
    let offer = |right: &str| {
        let condition = on("legalBasis", "isA", json!(right));
        Policy::parse_for_offer(
            &json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use", "constraint": [condition]}]}),
        )
    };
    assert!(offer("legal-basis:PubliekeTaak").is_ok() && offer("eu-gdpr:A6-1-e").is_ok() && offer(LAW).is_ok());
    let unknown = offer("urn:invented").unwrap_err().to_string();
    assert!(unknown.contains("nothing is known of this legal basis"), "{unknown}");
    // Both spellings are one policy.
    let one = offer("legal-basis:PubliekeTaak").unwrap();
    let other = offer("https://w3id.org/herleid/legal-basis#PubliekeTaak").unwrap();
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn a_prohibition_of_a_law_is_not_published_and_one_of_a_table_is() {
    let forbidding = |bases: Value| {
        let condition = on("legalBasis", "isAnyOf", bases);
        let offer = json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use"}],
            "prohibition": [{"action": "use", "constraint": [{"or": [condition]}]}]});
        Policy::parse_for_offer(&offer).map_err(|error| error.to_string())
    };
    let consent = format!("{BASIS}Toestemming");
    forbidding(json!([consent, "https://w3id.org/dpv/legal/eu/gdpr#A6-1-f"])).unwrap();
    let article = format!("{LAW}&artikel=5.1");
    for law in [LAW, "https://wetten.overheid.nl/jci1.3:c:BWBR9999999", &article] {
        for bases in [json!([law]), json!([consent, law])] {
            let error = forbidding(bases).unwrap_err();
            assert!(
                error.contains(law) && error.contains("forbid nearly everybody"),
                "{error}"
            );
        }
        // What is permitted may rest on a law.
        let offer = json!({"@type": "Offer", "@id": "urn:o", "permission": [
            {"action": "use", "constraint": [on("legalBasis", "isA", json!(law))]}]});
        Policy::parse_for_offer(&offer).unwrap();
    }
}
