//! `herleid policy suite` on the suites of others, as anybody runs it; what it says at its end is kept in `target/odrl/verdict`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use herleid_tests::connector::run;
use herleid_tests::process::herleid;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;

/// Folder below `../shared/spec`, and how many cases it has at least. A run of fewer is no success.
const SUITES: [(&str, usize); 2] = [("odrl-suite", 33), ("odrl-formal-semantics", 9)];

fn last_line(output: &Output) -> String {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    said.lines().last().unwrap_or_default().to_owned()
}

/// How many cases a folder has: a file each, and none less than its manifest names. None where it is laid out otherwise.
fn cases_in(suite: &Path) -> usize {
    let manifest = fs::read_to_string(suite.join("MANIFEST.csv")).unwrap_or_default();
    let named = manifest.lines().skip(1).filter(|line| !line.trim().is_empty()).count();
    let files = fs::read_dir(suite.join("test_cases")).into_iter().flatten();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".ttl")).count().max(named)
}

#[test]
fn every_case_of_the_suites_comes_out_as_expected() {
    // Beside the folder of the profile that the binary was built in.
    let folder = herleid().ancestors().nth(2).unwrap().join("odrl");
    let verdict = folder.join("verdict");
    fs::create_dir_all(&folder).unwrap();
    // What an earlier run found out must not be taken for what this one did.
    fs::remove_file(&verdict).unwrap_or_default();
    let (mut said, mut failed) = (Vec::new(), Vec::new());
    for (name, cases) in SUITES {
        let Some(suite) = herleid_vocab::reference::find(
            "every_case_of_the_suites_comes_out_as_expected",
            &format!("spec/{name}"),
        ) else {
            continue;
        };
        let cases = cases_in(&suite).max(cases);
        let output = run(&["policy", "suite", suite.to_str().unwrap()]);
        let line = last_line(&output);
        if !output.status.success() || line != format!("{name}: {cases} passed, 0 failed") {
            failed.push(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
        }
        said.push(line);
    }
    if !said.is_empty() {
        fs::write(&verdict, said.join("\n") + "\n").unwrap();
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A suite of one case, with nothing that it needs.
fn broken(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for part in ["policies", "requests", "sotw", "test_cases"] {
        fs::create_dir(folder.join(part)).unwrap();
    }
    let case = "<urn:case> a <http://example.org/TestCase>; <http://example.org/policy> <urn:p>; <http://example.org/request> <urn:q>;\n\
        <http://example.org/sotw> <urn:w>; <http://example.org/expectedReport> <urn:e>.";
    fs::write(folder.join("test_cases/lonely.ttl"), case).unwrap();
}

#[test]
fn a_failed_case_is_named_and_makes_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let suite = folder.path().join("suite");
    broken(&suite);
    let path = suite.to_str().unwrap();
    let output = run(&["policy", "suite", path]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(said.starts_with("FAILED lonely: "), "{said}");
    assert_eq!(last_line(&output), "odrl-suite: 0 passed, 1 failed");
    let output = run(&["policy", "suite", path, "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&said["passed"], &said["failed"], &said["suite"]),
        (&json!(0), &json!(1), &json!("odrl-suite"))
    );
    assert_eq!(said["cases"][0]["case"], "lonely");
    assert_eq!(output.status.code(), Some(1));
    fs::remove_file(suite.join("test_cases/lonely.ttl")).unwrap();
    assert_eq!(
        run(&["policy", "suite", path]).status.code(),
        Some(3),
        "a suite without cases is none"
    );
    assert_eq!(
        run(&["policy", "suite", folder.path().to_str().unwrap()]).status.code(),
        Some(3)
    );
}

#[test]
fn a_policy_is_checked_by_line_and_term() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.json");
    let path = file.to_str().unwrap().to_owned();
    let check = |policy: &str| {
        fs::write(&file, policy).unwrap();
        let output = run(&["policy", "check", &path]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let good = include_str!("../../../policies/odrl/omgevingswet.json");
    let (code, said) = check(good);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("purpose isA") && said.contains("declared: said by the asker"),
        "{said}"
    );
    for (policy, line, term) in [
        (
            "{\n \"permission\": [\n  {\"action\": \"use\",\n   \"constraint\": [{\"leftOperand\": \"payAmount\", \"operator\": \"eq\", \"rightOperand\": \"urn:nl\"}]}]}",
            4,
            "payAmount",
        ),
        (
            "{\n \"permission\": [{\"action\": \"use\"}],\n \"conflict\": \"perm\"}",
            3,
            "conflict",
        ),
        (
            "{\n \"permission\": [{\"action\": \"use\"}],\n \"unless\": 1}",
            3,
            "unless",
        ),
        // Understood, and not fit to be published.
        (
            "{\n \"permission\": [{\"action\": \"use\",\n  \"duty\": [{\"action\": \"odrl:anonymize\"}]}]}",
            3,
            "odrl:anonymize",
        ),
        ("{\n \"permission\": [{\n  \"action\": \"odrl:read\"}]}", 3, "odrl:read"),
    ] {
        let (code, said) = check(policy);
        assert_eq!(code, Some(1), "{said}");
        let expected = format!("{path}:{line}: `{term}`: ");
        assert!(said.contains(&expected), "expected {expected}: {said}");
    }
    let (_, said) = check("{\"permission\": [{\"action\": \"use\"}], \"conflict\": \"perm\"}");
    assert!(said.contains("ODRL 2.2 knows all of this"), "{said}");
    assert_eq!(check("{\"permission\": ").0, Some(2));
    fs::remove_file(&file).unwrap();
    assert_eq!(run(&["policy", "check", &path]).status.code(), Some(3));
}
