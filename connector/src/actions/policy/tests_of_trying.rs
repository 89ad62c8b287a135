//! `policy list`, `show`, `try` and `diff` as they are typed, in both languages.

use super::tests_of_commands::{run, written};
use serde_json::{Value, json};

const RAIN: &str = "purpose:OmgevingswetHemelwater";

fn english(arguments: &[&str]) -> (u8, String) {
    run(&[&["--lang", "en", "policy"], arguments].concat())
}

fn dutch(arguments: &[&str]) -> (u8, String) {
    run(&[&["--lang", "nl", "policy"], arguments].concat())
}

fn json_of(arguments: &[&str]) -> (u8, Value) {
    let (code, said) = english(&[arguments, &["--json"]].concat());
    (
        code,
        serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}")),
    )
}

/// A pilot in 2027, of a hundred uses.
const PILOT: [&str; 6] = [
    "pilot-model-service",
    "--set",
    "from=2027-01-01+01:00",
    "--set",
    "until=2027-06-30+02:00",
    "--set",
];

fn pilot<'a>(before: &[&'a str], times: &'a str, after: &[&'a str]) -> Vec<&'a str> {
    let service = ["--set", "service=did:web:models.example"];
    [before, &PILOT, &[times], &service, after].concat()
}

#[test]
fn every_ready_made_policy_is_listed_with_what_it_wants() {
    let (code, said) = english(&["list"]);
    assert_eq!(code, 0);
    let (_, listed) = json_of(&["list"]);
    let listed = listed["policies"].as_array().unwrap();
    assert_eq!(listed.len(), herleid_policies::ready::all().len());
    for policy in listed {
        assert!(said.contains(policy["name"].as_str().unwrap()), "{policy}");
        let (code, shown) = english(&["show", policy["name"].as_str().unwrap()]);
        assert_eq!(code, 0);
        assert!(serde_json::from_str::<Value>(&shown).unwrap()["permission"].is_array());
    }
    assert!(dutch(&["list"]).1.contains("Alleen voor taken onder de Omgevingswet"));
    assert_eq!(english(&["show", "no-such"]).0, 3);
}

#[test]
fn purposes_are_found_by_a_word_of_their_text_or_law() {
    let (code, found) = json_of(&["purposes", "hemelwater"]);
    let found = found["purposes"].as_array().unwrap();
    assert_eq!((code, found.len()), (0, 1));
    assert_eq!(found[0]["law"], "BWBR0037885, artikel 2.16");
    assert!(
        dutch(&["purposes", "BWBR0045754"])
            .1
            .contains("purpose:OpenOverheidVerzoek")
    );
}

#[test]
fn open_places_are_filled_in_or_nothing_is_done() {
    let (code, filled) = json_of(&pilot(&["show"], "times=7", &[]));
    assert_eq!(code, 0);
    assert!(filled.to_string().contains("did:web:models.example") && !filled.to_string().contains("{until}"));
    let (code, said) = english(&["check", "pilot", "--set", "from=2027-01-01+01:00"]);
    assert_eq!(code, 2);
    assert!(said.contains("`until`") && said.contains("--set until="), "{said}");
    let (code, said) = dutch(&["check", "pilot", "--set", "when=2027-01-01+01:00"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("geen open plek `when`") && said.contains("`from`, `until`"),
        "{said}"
    );
    let two = ["check", "counted", "--set", "times=1", "--set", "times=2"];
    assert_eq!(english(&two).0, 2);
    assert_eq!(english(&["check", "counted", "--set", "times=many"]).0, 1, "no number");
    assert_eq!(english(&["check", "counted", "--set", "times=100"]).0, 0);
    let (code, said) = english(&["check", "countd"]);
    assert_eq!(code, 3);
    assert!(said.contains("herleid policy list"), "{said}");
}

#[test]
fn a_file_with_open_places_is_filled_in_too() {
    let folder = tempfile::tempdir().unwrap();
    let ready = herleid_policies::ready::find("counted").unwrap();
    let file = written(folder.path(), "mine.json", &ready.offer());
    assert_eq!(english(&["check", &file]).0, 2);
    assert_eq!(english(&["check", &file, "--set", "times=3"]).0, 0);
}

#[test]
fn what_is_passed_on_the_provider_does_not_see() {
    let (code, found) = json_of(&["check", "accredited-models", "--set", "models=did:web:m.example"]);
    assert_eq!(code, 0);
    let conditions = found["conditions"].as_array().unwrap();
    assert_eq!(
        (conditions.len(), &conditions[0]["enforcedBy"]),
        (1, &json!("consumer-connector")),
        "{found}"
    );
    let (_, found) = json_of(&["check", "one-recipient", "--set", "party=did:web:b.example"]);
    assert_eq!(found["conditions"][0]["enforcedBy"], "provider");
}

#[test]
fn a_refusal_names_the_rule_the_condition_what_was_shown_and_who_can_change_it() {
    let (code, said) = english(&["try", "omgevingswet", "--purpose", "dpv:Marketing"]);
    assert_eq!(code, 5, "{said}");
    for part in [
        "permission use: ",
        "the stated purpose is within `https://w3id.org/herleid/purpose#Omgevingswet` (BWBR0037885)",
        "Shown: `https://w3id.org/dpv#Marketing`",
        "can state another purpose",
        "assumed",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, said) = dutch(&["try", "omgevingswet", "--purpose", "dpv:Marketing"]);
    assert_eq!(code, 5);
    assert!(
        said.contains("Geweigerd") && said.contains("kan een ander doel opgeven"),
        "{said}"
    );
    assert_eq!(english(&["try", "omgevingswet", "--purpose", RAIN]).0, 0);
    let onward = ["try", "omgevingswet", "--purpose", RAIN, "--action", "distribute"];
    let (_, found) = json_of(&onward);
    let points = found["answers"][0]["answer"]["points"].as_array().unwrap();
    let rules: Vec<&Value> = points.iter().map(|point| &point["rule"]).collect();
    assert_eq!(rules, ["permission use", "prohibition distribute"]);
    assert_eq!(points[0]["failing"]["obstacle"], "action");
}

#[test]
fn time_count_recipient_and_log_are_weighed() {
    let at = |time: &'static str, more: &[&'static str]| {
        let rest = [&["--time", time], more].concat();
        english(&pilot(&["try"], "times=100", &rest))
    };
    let inside = "2027-03-01T10:00:00+01:00";
    assert_eq!(at(inside, &[]).0, 0);
    assert!(at(inside, &["--used", "99"]).1.contains("100 are permitted"));
    let (code, said) = at(inside, &["--used", "100"]);
    assert!(
        code == 5 && said.contains("at most `100`") && said.contains("new agreement"),
        "{said}"
    );
    let (code, said) = at("2027-07-01T00:00:00+02:00", &[]);
    assert!(code == 5 && said.contains("2027-06-30+02:00"), "{said}");
    assert_eq!(at(inside, &["--log", "none"]).0, 5);
    let onward = |recipient| at(inside, &["--action", "distribute", "--recipient", recipient]).0;
    assert_eq!(
        (onward("did:web:models.example"), onward("did:web:other.example")),
        (0, 5)
    );
    assert_eq!(at(inside, &["--action", "distribute"]).0, 5, "to whom is not said");
    // Whoever uses something receives it, and states one purpose: what no connector asks is not tried.
    let one = |more: &[&'static str]| {
        english(&[&["try", "one-recipient", "--set", "party=did:web:b.example"], more].concat())
    };
    assert_eq!(one(&["--recipient", "did:web:b.example"]).0, 0);
    assert_eq!(one(&["--recipient", "did:web:a.example"]).0, 5);
    let (code, said) = one(&["--who", "did:web:a.example", "--recipient", "did:web:b.example"]);
    assert!(code == 2 && said.contains("nobody else receives anything"), "{said}");
    let (code, said) = english(&["try", "omgevingswet", "--purpose", RAIN, "--purpose", "dpv:Marketing"]);
    assert!(code == 2 && said.contains("one purpose"), "{said}");
    let always = |time| english(&["try", "open-data", "--time", time]).0;
    assert_eq!(
        [always("now"), always("tomorrow"), always("morgen"), always("soon")],
        [0, 0, 0, 2]
    );
}

#[test]
fn what_is_known_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let known = json!({"purpose": [RAIN], "time": "2027-03-01T10:00:00Z", "who": "did:web:app.example", "log": "kept", "used": 3});
    let file = written(folder.path(), "facts.json", &known);
    let (code, found) = json_of(&["try", "omgevingswet", "--facts", &file]);
    assert_eq!(code, 0);
    let record = &found["answers"][0]["answer"]["record"];
    assert_eq!(record["request"]["assignee"], "did:web:app.example");
    assert_eq!(record["request"]["nowMs"], 1_803_895_200_000_u64);
    for wrong in [
        json!({"purposes": [RAIN]}),
        json!({"who": "app"}),
        json!({"log": "maybe"}),
        json!({"action": "sell"}),
        json!({"time": "2027-03-01"}),
    ] {
        let file = written(folder.path(), "wrong.json", &wrong);
        assert_eq!(english(&["try", "omgevingswet", "--facts", &file]).0, 2, "{wrong}");
    }
    assert_eq!(
        english(&["try", "omgevingswet", "--facts", &file, "--used", "1"]).0,
        2,
        "one or the other"
    );
    assert_eq!(english(&["try"]).0, 2);
}

#[test]
fn an_agreement_is_tried_for_those_whom_it_names_and_what_is_not_understood_permits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut agreement = json!({"@type": "Agreement", "@id": "urn:a", "target": "urn:t", "assigner": "did:web:knmi.example",
        "assignee": "did:web:app.example", "permission": [{"action": "use"}]});
    let file = written(folder.path(), "a.json", &agreement);
    assert_eq!(english(&["try", &file]).0, 0);
    let (code, said) = english(&["try", &file, "--who", "did:web:other.example"]);
    assert!(code == 5 && said.contains("did:web:app.example"), "{said}");
    agreement["permission"][0]["constraint"] =
        json!([{"leftOperand": "odrl:count", "operator": "lteq", "rightOperand": 3}]);
    let counting = written(folder.path(), "counting.json", &agreement);
    let (code, said) = english(&["try", &counting]);
    assert!(
        code == 2 && said.contains("--used NUMBER"),
        "how much of it is left is not guessed: {said}"
    );
    assert_eq!(english(&["try", &counting, "--used", "2"]).0, 0);
    assert_eq!(english(&["try", &counting, "--used", "3"]).0, 5);
    agreement["permission"][0]["constraint"] =
        json!([{"leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": "urn:x"}]);
    let file = written(folder.path(), "b.json", &agreement);
    let (code, said) = dutch(&["try", &file]);
    assert!(
        code == 5 && said.contains("staat dus niets toe") && said.contains("payAmount"),
        "{said}"
    );
    assert_eq!(english(&["diff", &file, &file]).0, 5);
}

/// A policy for `use` with a price and a duty to inform, and with the duty alone.
fn paid_and_stated(folder: &std::path::Path, kind: &str) -> [String; 2] {
    let price = json!({"action": "odrl:compensate", "constraint": [{"leftOperand": "odrl:payAmount", "operator": "eq",
        "rightOperand": "1.00", "odrl:unit": {"@id": "http://dbpedia.org/resource/Euro"}}]});
    let inform = json!({"action": "odrl:inform"});
    let written_with = |name: &str, duties: Value| {
        let mut policy = json!({"@type": kind, "@id": "urn:a", "permission": [{"action": "use", "duty": duties}]});
        if kind == "Agreement" {
            policy["target"] = json!("urn:t");
            policy["assigner"] = json!("did:web:knmi.example");
            policy["assignee"] = json!("did:web:app.example");
        }
        written(folder, &format!("{kind}-{name}.json"), &policy)
    };
    [
        written_with("both", json!([price, inform])),
        written_with("duty", json!([inform])),
    ]
}

#[test]
fn of_an_agreement_it_is_said_what_was_paid_and_what_was_stated() {
    let folder = tempfile::tempdir().unwrap();
    let [both, duty] = paid_and_stated(folder.path(), "Agreement");
    let with = |file: &str, more: &[&str]| english(&[&["try", file], more].concat());
    let (code, said) = with(&both, &["--stated", "yes"]);
    assert!(code == 2 && said.contains("--credit AMOUNT"), "{said}");
    for (file, more) in [(&both, &["--credit", "5"][..]), (&duty, &[][..])] {
        let (code, said) = with(file, more);
        assert!(
            code == 2 && said.contains("--stated yes"),
            "nothing is presumed: {said}"
        );
    }
    let (code, said) = with(&both, &["--credit", "5", "--stated", "yes"]);
    assert!(
        code == 0 && said.contains("1.00 euros would be taken from what was paid; 5.00"),
        "{said}"
    );
    let (code, said) = with(&both, &["--credit", "5", "--stated", "no"]);
    assert!(code == 5 && said.contains("herleid duty fulfil"), "{said}");
    let (code, said) = with(&both, &["--credit", "0.50", "--stated", "yes"]);
    assert!(
        code == 5 && said.contains("Left of what was paid: `0.50` euros"),
        "{said}"
    );
    assert_eq!(with(&duty, &["--stated", "yes"]).0, 0);
    assert_eq!(with(&duty, &["--stated", "no"]).0, 5);
    assert_eq!(with(&duty, &["--stated", "maybe"]).0, 2);
    for (stated, code) in [("yes", 0), ("no", 5), ("maybe", 2)] {
        let facts = written(folder.path(), "facts.json", &json!({"credit": "5", "stated": stated}));
        assert_eq!(with(&both, &["--facts", &facts]).0, code, "{stated}");
    }
}

#[test]
fn an_offer_is_tried_as_if_it_were_paid_and_stated_unless_it_is_said_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let [both, duty] = paid_and_stated(folder.path(), "Offer");
    let with = |file: &str, more: &[&str]| english(&[&["try", file], more].concat()).0;
    assert_eq!([with(&both, &[]), with(&duty, &[])], [0, 0]);
    // One of them says nothing of the other.
    assert_eq!(
        [with(&both, &["--credit", "1"]), with(&both, &["--credit", "0.99"])],
        [0, 5]
    );
    assert_eq!(
        [with(&both, &["--stated", "yes"]), with(&both, &["--stated", "no"])],
        [0, 5]
    );
}

#[test]
fn what_is_declared_is_weighed() {
    let task = ["try", "public-task", "--set", "purpose=purpose:ToezichtEnHandhaving"];
    let task = |more: &[&str]| english(&[&task[..], &["--purpose", "purpose:ToezichtEnHandhaving"], more].concat()).0;
    let basis = |name: &str| format!("https://w3id.org/herleid/legal-basis#{name}");
    assert_eq!(task(&["--legal-basis", &basis("OpenbaarGezag")]), 0);
    assert_eq!(task(&["--legal-basis", &basis("Toestemming")]), 5);
    assert_eq!(task(&[]), 5);
    let area = |code: &str| format!("https://identifier.overheid.nl/tooi/id/gemeente/{code}");
    let set = format!("areas={}", area("gm0718"));
    let used = |code: &str| english(&["try", "used-in-area", "--set", &set, "--area-of-use", &area(code)]).0;
    assert_eq!([used("gm0718"), used("gm0717")], [0, 5]);
}

#[test]
fn differences_are_told_both_ways_and_the_same_is_no_difference() {
    let (code, said) = english(&["diff", "open-data", "no-onward-sharing"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("no-onward-sharing does not permit what open-data does:"),
        "{said}"
    );
    assert!(
        said.contains("action: `distribute`") && said.contains("no-onward-sharing: never"),
        "{said}"
    );
    assert!(!said.contains("permits what"), "{said}");
    let (_, said) = dutch(&["diff", "no-onward-sharing", "open-data"]);
    assert!(
        said.contains("open-data staat toe wat no-onward-sharing niet toestaat:"),
        "{said}"
    );
    let (code, said) = english(&["diff", "open-data", "open-data"]);
    assert!(code == 0 && said.contains("permit the same"), "{said}");
    let (_, found) = json_of(&["diff", "counted", "open-data", "--set", "times=100"]);
    let more: Vec<[&Value; 3]> = found["more"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| [&region["where"]["action"][0], &region["first"], &region["second"]])
        .collect();
    assert_eq!(
        more,
        [
            [&json!("distribute"), &json!(0), &Value::Null],
            [&json!("use"), &json!(100), &Value::Null]
        ]
    );
    assert_eq!(found["gaps"], json!([]));
    assert_eq!(english(&["diff", "counted", "open-data", "--set", "time=100"]).0, 2);
    let (_, said) = english(&["diff", "omgevingswet", "statistics"]);
    assert!(
        said.contains("purpose: `dpv:ProvideOfficialStatistics` and 1 below"),
        "{said}"
    );
    assert!(said.contains("purpose: `purpose:Omgevingswet` and "), "{said}");
}

/// A purpose that is named stands for all below it, so what of that is not meant has to be told.
#[test]
fn what_lies_below_a_purpose_and_is_not_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = |iri: &str| {
        json!({"permission": [{"action": "use", "constraint": [
            {"leftOperand": "odrl:purpose", "operator": "isA", "rightOperand": iri}]}]})
    };
    let law = written(
        folder.path(),
        "law.json",
        &narrow("https://w3id.org/herleid/purpose#Omgevingswet"),
    );
    let permit = "https://w3id.org/herleid/purpose#OmgevingswetOmgevingsvergunning";
    let permit = written(folder.path(), "permit.json", &narrow(permit));
    let (code, said) = english(&["diff", &permit, &law]);
    assert_eq!(code, 1);
    assert!(
        said.contains("below, without `purpose:OmgevingswetOmgevingsvergunning`;"),
        "{said}"
    );
    assert_eq!(said.matches("\n- ").count(), 1, "one region: {said}");
}
