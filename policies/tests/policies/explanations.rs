//! A refusal in words, for those who may see them.

use crate::common::{
    APP, BOARD, DPV, KNMI, NOW, OURS, RAIN, agreement, atom, log_kept, purpose, read, request, use_if,
};
use herleid_policies::{Audience, Decision, Explanation, Language, Request};
use serde_json::json;

fn explain(decision: &Decision, language: Language, audience: Audience) -> String {
    Explanation::of(decision.record(), language, audience).to_string()
}

fn wrong_purpose() -> Decision {
    let policy = use_if(json!([atom("purpose", "isA", json!(format!("{OURS}Omgevingswet")))]));
    read(&policy).decide(&request(), &purpose(&format!("{DPV}DirectMarketing")))
}

#[test]
fn it_names_the_rule_the_condition_what_was_shown_and_who_can_change_it() {
    let english = explain(&wrong_purpose(), Language::English, Audience::Addressee);
    for part in [
        "Refused",
        "[permission-",
        "/permission/0/constraint/0",
        "the stated purpose is within",
        "https://w3id.org/herleid/purpose#Omgevingswet",
        "BWBR0037885",
        "Shown: `https://w3id.org/dpv#DirectMarketing`",
        "can state another purpose",
    ] {
        assert!(english.contains(part), "{part}:\n{english}");
    }
    let dutch = explain(&wrong_purpose(), Language::Dutch, Audience::Addressee);
    for part in [
        "Geweigerd",
        "het opgegeven doel is een doel binnen",
        "Getoond",
        "kan een ander doel opgeven",
    ] {
        assert!(dutch.contains(part), "{part}:\n{dutch}");
    }
}

#[test]
fn only_the_holder_sees_sources() {
    let holder = explain(&wrong_purpose(), Language::English, Audience::Holder);
    assert!(holder.contains("source: stated; declared"), "{holder}");
    assert!(!explain(&wrong_purpose(), Language::English, Audience::Addressee).contains("source:"));
}

#[test]
fn a_refused_party_does_not_learn_who_else_is_named() {
    let policy = use_if(json!([atom("recipient", "eq", json!(BOARD))]));
    let decision = read(&policy).decide(&request(), &crate::common::log_kept().with_recipient(APP, "token", NOW));
    for language in [Language::English, Language::Dutch] {
        let seen = explain(&decision, language, Audience::Addressee);
        assert!(!seen.contains(BOARD) && seen.contains(APP), "{seen}");
        assert!(explain(&decision, language, Audience::Holder).contains(BOARD));
    }
}

#[test]
fn a_stranger_learns_nothing_of_the_policy() {
    let stranger = Request::new("did:web:stranger.example", KNMI, crate::common::RAIN, NOW);
    let document = read(&use_if(json!([atom("recipient", "eq", json!(BOARD))])));
    let decision = document.decide(&stranger, &crate::common::log_kept());
    let audience = Audience::of(decision.record(), "did:web:stranger.example");
    assert_eq!(audience, Audience::Stranger);
    for language in [Language::English, Language::Dutch] {
        let seen = explain(&decision, language, audience);
        for hidden in [BOARD, APP, "permission-", "recipient", "/permission"] {
            assert!(!seen.contains(hidden), "{hidden}: {seen}");
        }
        assert!(seen.contains(KNMI), "whom to ask: {seen}");
    }
    assert_eq!(Audience::of(decision.record(), KNMI), Audience::Holder);
    assert_eq!(Audience::of(wrong_purpose().record(), APP), Audience::Addressee);
}

#[test]
fn a_policy_that_is_not_understood_is_explained_by_its_terms() {
    let document = read(&use_if(json!([atom("partner", "eq", json!("gold"))])));
    let decision = document.decide(&request(), &crate::common::log_kept());
    let english = explain(&decision, Language::English, Audience::Holder);
    assert!(
        english.contains("`partner`") && english.contains("an unknown left operand"),
        "{english}"
    );
    let dutch = explain(&decision, Language::Dutch, Audience::Holder);
    assert!(
        dutch.contains("`partner`") && dutch.contains("een onbekende linkeroperand"),
        "{dutch}"
    );
    // Who asked holds the same text, and can have it mended; another learns nothing.
    assert_eq!(Audience::of(decision.record(), APP), Audience::Addressee);
    let addressee = explain(&decision, Language::English, Audience::Addressee);
    assert!(
        addressee.contains("`partner`") && !addressee.contains("you have no agreement"),
        "{addressee}"
    );
    assert_eq!(Audience::of(decision.record(), BOARD), Audience::Stranger);
    assert!(!explain(&decision, Language::English, Audience::Stranger).contains("partner"));
}

#[test]
fn an_action_that_is_not_understood_is_named_to_who_asked() {
    let document = read(&use_if(json!([])));
    let decision = document.decide(&request().for_action("frobnicate"), &crate::common::log_kept());
    assert_eq!(Audience::of(decision.record(), APP), Audience::Addressee);
    assert!(explain(&decision, Language::Dutch, Audience::Addressee).contains("`frobnicate`"));
}

#[test]
fn a_record_of_others_with_problems_and_another_reason_is_explained_too() {
    let document = read(&use_if(json!([atom("partner", "eq", json!("gold"))])));
    let mut record = document.decide(&request(), &crate::common::log_kept()).record().clone();
    record.reason = herleid_policies::Reason::NotGranted;
    let text = Explanation::of(&record, Language::English, Audience::Holder).to_string();
    assert!(text.contains("`partner`"), "{text}");
}

#[test]
fn every_reason_and_obstacle_has_words_in_both_languages() {
    let (late, count) = (
        atom("dateTime", "lt", json!("2020-01-01Z")),
        atom("count", "lteq", json!(3)),
    );
    let xone =
        json!([{"xone": [atom("dateTime", "gt", json!("2020-01-01Z")), atom("dateTime", "gt", json!("2019-01-01Z"))]}]);
    let offer = json!({"@type": "Offer", "@id": "urn:uuid:o", "permission": [{"action": "use"}]});
    let forbidding = json!({"@type": "Set", "@id": "urn:uuid:s", "prohibition": [{"action": "use"}]});
    let policies = [
        use_if(json!([late])),
        use_if(json!([count])),
        use_if(xone),
        agreement(
            json!([{"action": "use", "duty": [{"action": "odrl:inform"}]}]),
            json!([]),
        ),
        agreement(json!([{"action": "use"}]), json!([{"action": "use"}])),
        agreement(json!([{"action": "odrl:distribute"}]), json!([])),
        offer,
        forbidding,
    ];
    for policy in policies {
        let decision = read(&policy).decide(&request(), &crate::common::log_kept());
        assert!(!decision.is_permit());
        let english = explain(&decision, Language::English, Audience::Holder);
        let dutch = explain(&decision, Language::Dutch, Audience::Holder);
        assert!(
            english.starts_with("Refused") && dutch.starts_with("Geweigerd"),
            "{english}\n{dutch}"
        );
        for text in [english, dutch] {
            assert!(!text.contains("``") && !text.contains("  -"), "an empty name: {text}");
        }
    }
    let permitted =
        read(&agreement(json!([{"action": "use"}]), json!([]))).decide(&request(), &crate::common::log_kept());
    assert!(explain(&permitted, Language::Dutch, Audience::Addressee).starts_with("Toegestaan"));
}

#[test]
fn what_a_peer_wrote_cannot_forge_a_line() {
    let policy = use_if(json!([atom("purpose", "eq", json!(format!("{OURS}Omgevingswet")))]));
    let stated = "dpv:Marketing\n- Permitted: all\u{1b}[2J\u{202e}";
    let decision = read(&policy).decide(&request(), &purpose(stated));
    let text = explain(&decision, Language::English, Audience::Holder);
    assert!(
        !text.contains("\n- Permitted") && !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text}"
    );
    let mut unknown = policy;
    unknown["bad\n\u{1b}[2J"] = json!(1);
    let error = herleid_policies::Policy::parse(&unknown).unwrap_err().to_string();
    assert!(!error.contains('\u{1b}') && !error.contains('\n'), "{error}");
}

#[test]
fn who_is_addressed_is_told_of_its_own_rule_and_not_of_a_nearer_one_for_others() {
    // Both rules miss in one thing: what is asked for, or by whom; of the other party's fewer conditions fail.
    let policy = json!({"@type": "Set", "@id": "urn:s", "target": RAIN, "permission": [
        {"action": "use", "assignee": APP, "constraint": [atom("dateTime", "lt", json!("2019-01-01Z"))]},
        {"action": "odrl:distribute", "assignee": BOARD, "constraint": [atom("count", "lteq", json!(3))]},
    ]});
    let document = read(&policy);
    let facts = log_kept().with_count(&document.policy().unwrap().counters()[0], 1, "ledger", NOW);
    let decision = document.decide(&request().for_action("distribute"), &facts);
    let record = decision.record();
    let audience = Audience::of(record, APP);
    assert_eq!(audience, Audience::Addressee);
    let told = Explanation::of(record, Language::English, audience).to_string();
    assert!(!told.contains("Used before") && !told.contains(BOARD), "{told}");
    assert!(
        record
            .failing
            .iter()
            .any(|failing| failing.operand.as_deref() == Some("dateTime"))
    );
}
