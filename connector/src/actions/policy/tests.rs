//! Suites made up here, with what a run must not overlook.

use super::{Case, formal, suite};
use herleid_policies::odrl::Leniencies;
use std::fs;
use std::path::Path;

const PREFIXES: &str = "@prefix odrl: <http://www.w3.org/ns/odrl/2/>.\n@prefix ex: <http://example.org/>.\n\
    @prefix temp: <http://example.com/request/>.\n@prefix dct: <http://purl.org/dc/terms/>.\n\
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#>.\n@prefix report: <https://w3id.org/force/compliance-report#>.\n";

const POLICY: &str = "<urn:p> a odrl:Set; odrl:permission <urn:r>.\n<urn:r> a odrl:Permission; odrl:action odrl:read;\n\
    odrl:assignee ex:alice; odrl:constraint <urn:c>.\n<urn:c> odrl:leftOperand odrl:dateTime; odrl:operator odrl:lt;\n\
    odrl:rightOperand \"2025-01-01T00:00:00Z\"^^xsd:dateTime.";
const REQUEST: &str = "<urn:q> a odrl:Request; odrl:permission <urn:qr>.\n<urn:qr> a odrl:Permission; odrl:assignee ex:alice;\n\
    odrl:action odrl:read; odrl:target ex:x.";
const WORLD: &str = "<urn:w> a ex:Sotw; ex:includes temp:currentTime.\n\
    temp:currentTime dct:issued \"2024-02-12T11:20:10.999Z\"^^xsd:dateTime.";
const CASE: &str = "<urn:case> a ex:TestCase; ex:policy <urn:p>; ex:request <urn:q>; ex:sotw <urn:w>; ex:expectedReport <urn:e>.\n\
    <urn:e> a report:PolicyReport; report:policy <urn:p>; report:policyRequest <urn:q>; report:ruleReport <urn:er>.\n\
    <urn:er> a report:PermissionReport; report:attemptState report:Attempted; report:rule <urn:r>; report:ruleRequest <urn:qr>;\n\
    report:premiseReport <urn:ec>, <urn:ea>; report:activationState report:Active.\n\
    <urn:ec> a report:ConstraintReport; report:constraint <urn:c>; report:satisfactionState report:Satisfied.\n\
    <urn:ea> a report:ActionReport; report:satisfactionState report:Satisfied.";

fn made(folder: &Path, files: &[(&str, &str)]) {
    for part in ["policies", "requests", "sotw", "test_cases"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.join(name), format!("{PREFIXES}{text}")).unwrap();
    }
}

/// Runs a suite of one good case in which the texts are replaced.
fn run(changes: &[(&str, &str)]) -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("policies/p.ttl", POLICY),
        ("requests/q.ttl", REQUEST),
        ("sotw/w.ttl", WORLD),
        ("test_cases/case.ttl", CASE),
    ];
    let mut found = vec![false; changes.len()];
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(name, text)| {
            let mut text = (*text).to_owned();
            for (index, (from, to)) in changes.iter().enumerate() {
                found[index] |= text.contains(from);
                text = text.replace(from, to);
            }
            (*name, text)
        })
        .collect();
    assert!(found.iter().all(|found| *found), "{changes:?}");
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    made(folder.path(), &files);
    suite::run(folder.path(), &Leniencies::suite()).unwrap()
}

fn line(changes: &[(&str, &str)]) -> String {
    let cases = run(changes);
    assert_eq!(cases.len(), 1);
    cases[0].line()
}

#[test]
fn a_case_that_comes_out_as_expected_passes() {
    assert_eq!(line(&[]), "passed case");
    let cases = run(&[]);
    assert_eq!(cases[0].json()["evaluation"][0]["outcome"], "permit");
}

#[test]
fn each_difference_from_the_expected_report_is_a_failure_that_says_which() {
    for (change, said) in [
        (
            ("activationState report:Active", "activationState report:Inactive"),
            "`urn:r` is Active, expected Inactive",
        ),
        (
            (
                "<urn:c>; report:satisfactionState report:Satisfied",
                "<urn:c>; report:satisfactionState report:Unsatisfied",
            ),
            "urn:c of `urn:r` is Satisfied",
        ),
        (
            ("report:constraint <urn:c>", "report:constraint <urn:d>"),
            "urn:d of `urn:r` is not there",
        ),
        (
            ("a report:PermissionReport", "a report:ProhibitionReport"),
            "is a permission",
        ),
        (("report:rule <urn:r>", "report:rule <urn:s>"), "no rule `urn:s`"),
        (
            ("report:ruleReport <urn:er>", "report:other <urn:er>"),
            "says nothing of any rule",
        ),
        (
            ("report:policyRequest <urn:q>", "report:policyRequest <urn:z>"),
            "not about the policyRequest",
        ),
        (("; report:activationState report:Active", ""), "says no state"),
        (
            ("report:ActionReport", "report:WeatherReport"),
            "no report that is known",
        ),
        (("report:Attempted", "report:NotAttempted"), "attempts"),
    ] {
        let found = line(&[change]);
        assert!(found.starts_with("FAILED case") && found.contains(said), "{found}");
    }
    let more = line(&[(
        "odrl:permission <urn:r>.",
        "odrl:permission <urn:r>, <urn:more>. <urn:more> odrl:action odrl:use.",
    )]);
    assert!(
        more.contains("`urn:more` takes effect, and no report is expected"),
        "{more}"
    );
}

#[test]
fn premises_that_lost_their_names_are_compared_all_the_same() {
    let renamed = (
        "report:premiseReport <urn:ec>, <urn:ea>",
        "report:premiseReport <urn:x1>, <urn:x2>",
    );
    let found = line(&[renamed]);
    assert!(
        found.starts_with("passed case")
            && found.contains("2 of the reports that the expected report names are described nowhere"),
        "{found}"
    );
    for (change, said) in [
        (
            (
                "<urn:c>; report:satisfactionState report:Satisfied",
                "<urn:c>; report:satisfactionState report:Unsatisfied",
            ),
            "urn:c of `urn:r` is Satisfied, expected Unsatisfied",
        ),
        (
            (
                "<urn:ea> a report:ActionReport; report:satisfactionState report:Satisfied.",
                "<urn:ea> ex:other ex:x.",
            ),
            "2 reports in all, cannot stand for the 1 ",
        ),
    ] {
        let found = line(&[renamed, change]);
        assert!(found.starts_with("FAILED case") && found.contains(said), "{found}");
    }
    // One that is named and not described, where nothing is left over.
    let found = line(&[("<urn:ec>, <urn:ea>", "<urn:ec>, <urn:ea>, <urn:x1>")]);
    assert!(
        found.contains("`urn:x1`") && found.starts_with("FAILED case"),
        "{found}"
    );
}

#[test]
fn what_cannot_be_read_is_a_failed_case() {
    for (change, said) in [
        (("<urn:case> a", "<urn:case> a b c"), "cannot be read"),
        (("ex:TestCase", "ex:Other"), "describes no test case"),
        (
            ("ex:sotw <urn:w>", "ex:sotw <urn:gone>"),
            "no file says anything of `urn:gone`",
        ),
        (("ex:sotw <urn:w>; ", ""), "expected one"),
        (("<urn:p> a odrl:Set", "<urn:p> a a odrl:Set"), "not read: `p.ttl`"),
        (
            ("odrl:operator odrl:lt", "odrl:operator odrl:like"),
            "refused: the policy is not understood",
        ),
        (("odrl:target ex:x", "ex:mood ex:x"), "which is not read"),
        (("T11:20:10.999Z", ""), "no time with a zone"),
    ] {
        let found = line(&[change]);
        assert!(found.starts_with("FAILED case") && found.contains(said), "{found}");
    }
}

#[test]
fn what_the_manifest_lists_must_be_there_and_other_files_are_no_cases() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), &[("test_cases/case.ttl", CASE)]);
    fs::write(
        folder.path().join("MANIFEST.csv"),
        "test_case,policy\ncase.ttl,p.ttl\ngone.ttl,p.ttl\n",
    )
    .unwrap();
    fs::write(folder.path().join("test_cases/notes.txt"), "x").unwrap();
    let cases = suite::run(folder.path(), &Leniencies::suite()).unwrap();
    let lines: Vec<String> = cases.iter().map(Case::line).collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("FAILED case: no file says anything of `urn:p`"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("FAILED gone.ttl: `MANIFEST.csv` lists it"),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("FAILED notes.txt"), "{lines:?}");
}

#[test]
fn two_files_about_one_node_are_told_apart_by_the_manifest_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = POLICY.replace("odrl:read", "odrl:print");
    made(
        folder.path(),
        &[
            ("policies/one.ttl", POLICY),
            ("policies/two.ttl", &other),
            ("requests/q.ttl", REQUEST),
            ("sotw/w.ttl", WORLD),
            ("test_cases/case.ttl", CASE),
        ],
    );
    let run = || suite::run(folder.path(), &Leniencies::suite()).unwrap()[0].line();
    assert!(
        run().contains("described in several files: one.ttl, two.ttl"),
        "{}",
        run()
    );
    fs::write(
        folder.path().join("MANIFEST.csv"),
        "test_case,policy\ncase.ttl,one.ttl\n",
    )
    .unwrap();
    assert_eq!(run(), "passed case");
    fs::write(
        folder.path().join("MANIFEST.csv"),
        "test_case,policy\ncase.ttl,two.ttl\n",
    )
    .unwrap();
    assert!(run().starts_with("FAILED case"), "{}", run());
}

#[test]
fn the_suite_passes_whole_in_its_own_mode_and_two_policies_are_refused_in_ours() {
    let name = "the_suite_passes_whole_in_its_own_mode_and_two_policies_are_refused_in_ours";
    let Some(folder) = herleid_vocab::reference::find(name, "spec/odrl-suite") else {
        return;
    };
    let failures = |leniencies: &Leniencies| -> Vec<String> {
        let cases = suite::run(&folder, leniencies).unwrap();
        assert_eq!(cases.len(), 33);
        let failed = cases.iter().filter(|case| !case.differences.is_empty());
        failed.map(Case::line).collect()
    };
    assert_eq!(failures(&Leniencies::suite()), Vec::<String>::new());
    let strict = failures(&Leniencies::strict());
    assert_eq!(strict.len(), 2, "{strict:?}");
    for (line, case) in strict.iter().zip(["testcase-001-alice", "testcase-004-alice"]) {
        assert!(
            line.starts_with(&format!("FAILED {case}: refused: ")) && line.contains("`action`"),
            "{line}"
        );
    }
}

#[test]
fn the_examples_of_the_formal_semantics_pass() {
    let name = "the_examples_of_the_formal_semantics_pass";
    let Some(folder) = herleid_vocab::reference::find(name, "spec/odrl-formal-semantics") else {
        return;
    };
    let cases = formal::run(&folder).unwrap();
    let lines: Vec<String> = cases.iter().map(Case::line).collect();
    assert!(cases.iter().all(|case| case.differences.is_empty()), "{lines:#?}");
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["A11", "A12", "B11", "B12", "C11", "C12", "C21", "C22", "C23"]);
    // An erratum that is not needed any more must go.
    let with_errata: Vec<&str> = cases
        .iter()
        .filter(|case| !case.notes.is_empty())
        .map(|case| case.name.as_str())
        .collect();
    assert_eq!(with_errata, ["B11", "B12", "C12", "C21", "C23"]);
}
