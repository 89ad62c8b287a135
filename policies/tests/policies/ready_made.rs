//! The ready-made policies of `policies/odrl`: each may be published, and each decides its own requests as it says, for the reason
//! that is named beside the request.

use crate::common::{APP, KNMI, RAIN};
use herleid_policies::ready::{self, Given, Ready};
use herleid_policies::{
    Acceptance, Constraint, Decision, DutyState, EnforcedBy, Facts, Language, Logic, Obstacle, Policy, Request, Rule,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("odrl")
}

fn requests(ready: &Ready) -> Value {
    let path = folder().join(format!("{}.requests.json", ready.name()));
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

/// The offer with its open places filled in as the file of requests says.
fn offer(ready: &Ready, requests: &Value) -> Policy {
    let given: Given = requests["set"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            (
                name.clone(),
                values.iter().map(|v| v.as_str().unwrap().to_owned()).collect(),
            )
        })
        .collect();
    let filled = ready::fill(&ready.offer(), &given).unwrap_or_else(|why| panic!("{}: {why}", ready.name()));
    Policy::parse_own_offer(&filled, "urn:offer").unwrap_or_else(|why| panic!("{}: {why}", ready.name()))
}

/// `permission use: purpose`, and for a prohibition that applies without a condition `prohibition distribute`.
fn because(policy: &Policy, decision: &Decision) -> BTreeSet<String> {
    let named = decision.record().failing.iter().map(|failing| {
        let rule = policy
            .rules()
            .find(|rule| Some(rule.id()) == failing.rule.as_deref())
            .unwrap();
        let rule = format!("{} {}", rule.kind().member(), rule.action().name());
        match (&failing.operand, failing.obstacle) {
            (Some(operand), _) => format!("{rule}: {operand}"),
            (None, Obstacle::Prohibition) => rule,
            (None, obstacle) => format!("{rule}: {}", format!("{obstacle:?}").to_lowercase()),
        }
    });
    named.collect()
}

/// Every `permission use: purpose` that has to hold whatever else does: of a choice, and of two rules about one action, the nearer
/// is named, and that both matter is seen from what is permitted.
fn conditions(policy: &Policy) -> BTreeSet<String> {
    fn operands(constraint: &Constraint, into: &mut BTreeSet<&'static str>) {
        match constraint {
            Constraint::Atomic(atomic) => {
                into.insert(atomic.operand().name());
            }
            Constraint::Logical {
                logic: Logic::And,
                parts,
                ..
            } => parts.iter().for_each(|part| operands(part, into)),
            Constraint::Logical { .. } => {}
        }
    }
    let name = |rule: &Rule| format!("{} {}", rule.kind().member(), rule.action().name());
    let mut found = BTreeSet::new();
    for rule in policy
        .rules()
        .filter(|rule| policy.rules().filter(|other| name(other) == name(rule)).count() == 1)
    {
        let mut names = BTreeSet::new();
        rule.constraints().iter().for_each(|part| operands(part, &mut names));
        found.extend(names.into_iter().map(|operand| format!("{}: {operand}", name(rule))));
    }
    found
}

struct Case<'a>(&'a Value);

impl Case<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.0[member].as_str()
    }

    fn expected(&self) -> BTreeSet<String> {
        let listed = self.0["because"].as_array().into_iter().flatten();
        listed.map(|item| item.as_str().unwrap().to_owned()).collect()
    }

    fn now_ms(&self) -> u64 {
        herleid_vocab::time::parse_rfc3339_ms(self.text("time").unwrap()).unwrap()
    }

    fn request(&self) -> Request {
        Request::new(APP, KNMI, RAIN, self.now_ms()).for_action(self.text("action").unwrap())
    }

    fn facts(&self, policy: &Policy) -> Facts {
        let now_ms = self.now_ms();
        // A connector always knows, save where a case is about that.
        let mut facts = match self.text("log").unwrap_or("kept") {
            "unknown" => Facts::none(),
            log => Facts::none().with_counterparty_log(log == "kept", "configuration", now_ms),
        };
        if let Some(purposes) = self.0["purpose"].as_array() {
            facts = facts.with_purpose(purposes.iter().filter_map(Value::as_str), "stated", now_ms);
        }
        if let Some(recipient) = self.text("recipient") {
            facts = facts.with_recipient(recipient, "token", now_ms);
        }
        if let Some(area) = self.text("area") {
            facts = facts.with_area([area], "credential", now_ms);
        }
        if let Some(size) = self.0["size"].as_u64() {
            facts = facts.with_size(size, "this version", now_ms);
        }
        if let Some(delivered) = self.0["delivered"].as_u64() {
            facts = policy.volumes().iter().fold(facts, |facts, (rule, _)| {
                facts.with_volume(rule, delivered, "ledger", now_ms)
            });
        }
        if let (Some(paid), Some(spent), Some(account)) = (self.text("paid"), self.text("spent"), policy.account()) {
            facts = facts.with_credit(
                &account,
                paid.parse().unwrap(),
                spent.parse().unwrap(),
                "ledger",
                now_ms,
            );
        }
        if let Some(is_stated) = self.0["stated"].as_bool() {
            let state = if is_stated {
                DutyState::Fulfilled
            } else {
                DutyState::NotSet
            };
            let duties = policy.permissions().iter().flat_map(Rule::duties);
            facts = duties.fold(facts, |facts, duty| {
                facts.with_duty(duty.id(), state, "a statement", EnforcedBy::Declared, now_ms)
            });
        }
        if let Some(basis) = self.text("legalBasis") {
            facts = facts.with_legal_basis(basis, "stated", now_ms);
        }
        if let Some(area) = self.text("areaOfUse") {
            facts = facts.with_area_of_use(area, "stated", now_ms);
        }
        let used = self.0["used"].as_u64();
        policy.counters().iter().fold(facts, |facts, counter| match used {
            Some(used) => facts.with_count(counter, used, "ledger", now_ms),
            None => facts,
        })
    }
}

/// Runs every request under the offer and under the agreement made of it: the reasons that were named, and what came out otherwise.
fn check(ready: &Ready) -> (BTreeSet<String>, Vec<String>) {
    let requests = requests(ready);
    let offer = offer(ready, &requests);
    let acceptance = Acceptance {
        id: "urn:uuid:a",
        assigner: KNMI,
        assignee: APP,
        target: RAIN,
        made_ms: None,
    };
    let agreement = offer.agree(&acceptance).unwrap();
    let (mut permits, mut denials, mut named, mut wrong) = (0, 0, BTreeSet::new(), Vec::new());
    for case in requests["cases"].as_array().unwrap().iter().map(Case) {
        let label = format!("{}: {}", ready.name(), case.text("name").unwrap());
        let decisions = [
            (&agreement, agreement.decide(&case.request(), &case.facts(&agreement))),
            (&offer, offer.would_grant(&case.request(), &case.facts(&offer))),
        ];
        assert_eq!(
            case.text("expect") == Some("permit"),
            case.expected().is_empty(),
            "{label}: a reason"
        );
        for (policy, decision) in decisions {
            let found = because(policy, &decision);
            let is_right = match case.text("expect").unwrap() {
                "permit" => decision.is_permit(),
                "deny" => !decision.is_permit() && found == case.expected(),
                other => panic!("{label}: {other}"),
            };
            if !is_right {
                wrong.push(format!("{label}: {:?} because of {found:?}", decision.outcome()));
            }
        }
        match case.text("expect") {
            Some("permit") => permits += 1,
            _ => denials += 1,
        }
        named.extend(case.expected());
    }
    let name = ready.name();
    if permits < 2 || denials < 2 {
        wrong.push(format!("{name}: {permits} permits, {denials} denials"));
    }
    let untested = conditions(&offer);
    wrong.extend(
        untested
            .difference(&named)
            .map(|condition| format!("{name}: no request fails for {condition}")),
    );
    (named, wrong)
}

#[test]
fn each_may_be_published_and_decides_as_it_says() {
    assert!(ready::all().len() >= 20);
    let wrong: Vec<String> = ready::all().iter().flat_map(|ready| check(ready).1).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_operand_and_both_kinds_of_rules_occur() {
    let named: BTreeSet<String> = ready::all().iter().flat_map(|ready| check(ready).0).collect();
    for reason in [
        "permission use: purpose",
        "permission use: dateTime",
        "permission use: count",
        "permission use: recipient",
        "permission use: spatial",
        "permission use: volume",
        "permission use: counterpartyLog",
        "permission use: payAmount",
        "permission use: legalBasis",
        "permission use: areaOfUse",
        "permission use: duty",
        "permission distribute: recipient",
        "prohibition distribute",
        "prohibition use: recipient",
        "obligation delete: dateTime",
    ] {
        assert!(named.contains(reason), "{reason}");
    }
}

#[test]
fn each_file_of_the_folder_is_built_in_and_tested() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<String> = ready::all()
        .iter()
        .flat_map(|ready| {
            [
                format!("{}.json", ready.name()),
                format!("{}.requests.json", ready.name()),
            ]
        })
        .collect();
    assert!(ready::all().is_sorted_by_key(Ready::name));
    expected.sort();
    assert_eq!(names, expected);
    for ready in ready::all() {
        let path = folder().join(format!("{}.json", ready.name()));
        assert_eq!(std::fs::read_to_string(path).unwrap(), ready.written());
        assert_eq!(ready::find(ready.name()), Some(ready));
    }
    assert_eq!(ready::find("open"), None);
}

#[test]
fn each_speaks_to_people_in_both_languages_and_is_sent_without_comments() {
    for ready in ready::all() {
        let (name, json) = (ready.name(), ready.offer());
        let is_both = |text: &Value| text.as_str().is_some_and(|text| text.matches(" / ").count() == 1);
        assert!(
            is_both(&json["dct:title"]) && is_both(&json["dct:description"]),
            "{name}"
        );
        assert_ne!(ready.title(Language::English), ready.description(Language::English));
        for rule in ["permission", "prohibition"]
            .into_iter()
            .filter_map(|m| json[m].as_array())
            .flatten()
        {
            assert!(is_both(&rule["dct:description"]), "{name}: both languages");
        }
        for language in [Language::English, Language::Dutch] {
            for (place, meaning) in ready.places(language) {
                assert!(meaning.len() > 10, "{name}: what belongs in {place}");
            }
        }
        let notes = json["skos:note"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(
            notes,
            ready.places(Language::Dutch).len(),
            "{name}: a note for every place, and no other"
        );
        let policy = offer(ready, &requests(ready));
        assert!(!policy.document().to_string().contains("dct:"), "{name}");
    }
}

/// What is only declared is called so, in both languages, wherever a purpose is looked at or something stays outside.
#[test]
fn what_is_declared_is_said_to_be() {
    for ready in ready::all() {
        let looks_at_purpose = ready.written().contains("\"odrl:purpose\"");
        let says = |language, word| {
            let whole = ready.written().to_lowercase();
            ready.description(language).to_lowercase().contains(word) || whole.contains(word)
        };
        if looks_at_purpose {
            assert!(says(Language::English, "declared"), "{}", ready.name());
            assert!(says(Language::Dutch, "verklaar"), "{}", ready.name());
        }
    }
}

/// Who receives what is passed on, only the connector of whoever passes it on can see to.
#[test]
fn where_something_may_be_passed_on_to_some_it_is_said_that_this_is_a_promise() {
    let mut found = 0;
    for ready in ready::all() {
        let offer = ready.offer();
        let permissions = offer["permission"].as_array().cloned().unwrap_or_default();
        for rule in permissions.iter().filter(|rule| rule["action"] == "odrl:distribute") {
            if rule["constraint"].to_string().contains("odrl:recipient") {
                found += 1;
                let says = rule["dct:description"].as_str().unwrap();
                assert!(says.contains("outside the connectors"), "{}: {says}", ready.name());
                assert!(says.contains("daarbuiten"), "{}: {says}", ready.name());
            }
        }
    }
    assert!(found >= 10, "{found}");
}

#[test]
fn one_with_an_open_place_cannot_be_published() {
    let mut open = 0;
    for ready in ready::all()
        .iter()
        .filter(|ready| !ready.places(Language::English).is_empty())
    {
        open += 1;
        assert!(ready::fill(&ready.offer(), &Given::new()).is_err(), "{}", ready.name());
        assert!(
            Policy::parse_own_offer(&ready.offer(), "urn:offer").is_err(),
            "{}",
            ready.name()
        );
    }
    assert!(open >= 10);
}
