//! `policy explain` as it is typed, in both languages.

use crate::actions::Plugged;
use crate::cli::run_on;
use herleid_policies::{Facts, Policy, Request};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn run(arguments: &[&str]) -> (u8, String) {
    let out = Kept::default();
    let line = ["herleid"].into_iter().chain(arguments.iter().copied()).map(Into::into);
    let code = run_on(&Plugged, line, false, Box::new(out.clone()), Box::new(out.clone()));
    let said = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    (code, said)
}

fn policy(until: &str) -> Value {
    json!({"@type": "Agreement", "@id": "urn:a", "target": "urn:t", "assigner": "did:web:knmi.example",
        "assignee": "did:web:app.example", "permission": [{"action": "use", "constraint": [
            {"leftOperand": "odrl:dateTime", "operator": "lt", "rightOperand": until}]}]})
}

pub(super) fn written(folder: &Path, name: &str, json: &Value) -> String {
    let path = folder.join(name);
    fs::write(&path, json.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_decision_is_reached_again_and_explained_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request::new(
        "did:web:app.example",
        "did:web:knmi.example",
        "urn:t",
        1_592_406_000_000,
    );
    let agreed = policy("2019-01-01Z");
    let record = Policy::parse(&agreed)
        .unwrap()
        .decide(&request, &Facts::none())
        .record()
        .to_json();
    let policy_file = written(folder.path(), "policy.json", &agreed);
    for (name, json) in [("bare", record.clone()), ("section", json!({"decision": record}))] {
        let file = written(folder.path(), name, &json);
        let (code, said) = run(&["--lang", "en", "policy", "explain", &file, "--policy", &policy_file]);
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains("2019-01-01Z") && said.contains("evaluated again"),
            "{said}"
        );
        let (_, dutch) = run(&["--lang", "nl", "policy", "explain", &file, "--policy", &policy_file]);
        assert!(dutch.contains("opnieuw beslist"), "{dutch}");
        let (_, stranger) = run(&[
            "--lang",
            "en",
            "policy",
            "explain",
            &file,
            "--policy",
            &policy_file,
            "--to",
            "did:web:x.example",
        ]);
        assert!(!stranger.contains("2019-01-01"), "{stranger}");
    }
    let mut forged = record.clone();
    forged["outcome"] = json!("permit");
    let forged = written(folder.path(), "forged.json", &forged);
    let (code, said) = run(&[
        "--lang",
        "en",
        "policy",
        "explain",
        &forged,
        "--policy",
        &policy_file,
        "--json",
    ]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["follows"]), (1, &json!(false)));
    assert!(said.get("explanation").is_none(), "{said}");
    let other = written(folder.path(), "other.json", &policy("2029-01-01Z"));
    let bare = folder.path().join("bare").to_str().unwrap().to_owned();
    assert_eq!(
        run(&["policy", "explain", &bare, "--policy", &other]).0,
        1,
        "another policy"
    );
    assert_eq!(
        run(&["policy", "explain", &policy_file, "--policy", &policy_file]).0,
        2,
        "no record"
    );
    assert_eq!(
        run(&["policy", "explain", "/nowhere.json", "--policy", &policy_file]).0,
        3
    );
}

#[test]
fn checking_says_who_sees_to_what_has_to_be_done() {
    let places = ["--set", "purpose=dpv:PublicBenefit", "--set", "until=2099-06-30+02:00"];
    let checked = |more: &[&str]| run(&[more, &["policy", "check", "delete-after-use"], &places].concat());
    let (code, said) = checked(&["--lang", "en"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("obligation delete: the consumer's connector deletes what it keeps itself"),
        "{said}"
    );
    assert!(
        checked(&["--lang", "nl"])
            .1
            .contains("de connector van de afnemer verwijdert")
    );
    let (_, said) = checked(&["--json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    let duty = &found["duties"][0];
    assert_eq!(
        (&duty["action"], &duty["due"], &duty["enforcedBy"]),
        (
            &json!("delete"),
            &json!("2099-06-30+02:00"),
            &json!("consumer-connector")
        ),
        "{found}"
    );
    // What is stated is said to be no more than that.
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, policy: &Value| {
        let file = written(folder.path(), name, policy);
        run(&["--lang", "en", "policy", "check", &file])
    };
    let duty =
        json!({"@type": "Set", "@id": "urn:s", "permission": [{"action": "use", "duty": [{"action": "odrl:inform"}]}]});
    let (code, said) = check("duty.json", &duty);
    assert!(
        code == 0
            && said.contains("duty inform: a statement has to come first")
            && said.contains("what it says is declared"),
        "{said}"
    );
    let mut offer = duty;
    offer["@type"] = json!("Offer");
    let (code, said) = check("offer.json", &offer);
    assert!(code == 0, "{said}");
    // What nobody could see before a use is not for publishing.
    offer["permission"][0]["duty"][0]["action"] = json!("odrl:anonymize");
    let (code, said) = check("offer.json", &offer);
    assert!(code == 1 && said.contains("anonymize"), "{said}");
}

#[test]
fn an_offer_that_no_one_party_could_accept_is_refused_by_all_that_would_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{
  "@type": "Offer",
  "permission": [
    {"action": "use", "assignee": "did:web:bob.example"},
    {"action": "use", "assignee": "did:web:carol.example"}
  ]
}"#;
    let file = folder.path().join("two.json");
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let (code, said) = run(&["--lang", "en", "policy", "check", file]);
    assert!(
        code == 1 && said.contains("`assignee`") && said.contains("two.json:4:"),
        "{said}"
    );
    for who in ["did:web:bob.example", "did:web:carol.example"] {
        let (code, said) = run(&["--lang", "en", "policy", "try", file, "--who", who]);
        assert!(code != 0 && said.contains("assignee"), "{said}");
    }
    // Publishing says the same line, before anything is sent to the service.
    let data = written(folder.path(), "data.json", &json!({}));
    let (code, said) = run(&[
        "--lang", "en", "publish", &data, "--id", "i", "--title", "t", "--policy", file,
    ]);
    assert!(
        code != 0 && said.contains("the policy cannot be offered") && said.contains("two.json:4:"),
        "{said}"
    );
}
