//! Both verifiers on the same dossiers.

use crate::build::parse;
use herleid_verifier::anchors::Anchors;
use herleid_verifier::{Element, Language, Report, Verdict, verify};
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// 2026: long after everything in the tests.
pub const NOW_MS: u64 = 1_790_000_000_000;

/// One dossier to be judged.
pub struct Case {
    pub name: String,
    pub dossier: Vec<u8>,
    pub anchors: Option<Value>,
}

impl Case {
    pub fn new(name: impl Into<String>, dossier: Vec<u8>, anchors: Option<Value>) -> Self {
        Self {
            name: name.into(),
            dossier,
            anchors,
        }
    }
}

/// What both said.
pub struct Judged {
    pub name: String,
    pub report: Report,
    /// The report of `verify.py`; none where there is no Python.
    pub script: Option<Value>,
}

impl Judged {
    /// The elements of one verdict, as `check subject: reason`.
    pub fn listed(&self, verdict: Verdict) -> Vec<String> {
        let line = |element: &Element| {
            let reason = element.reason.as_ref().map(|reason| reason.text(Language::English));
            format!(
                "{:?} {}: {}",
                element.check,
                element.subject,
                reason.unwrap_or_default()
            )
        };
        self.report.of(verdict).map(line).collect()
    }

    /// The same of `verify.py`.
    pub fn listed_by_script(&self, verdict: &str) -> Option<Vec<String>> {
        let elements = self.script.as_ref()?["elements"].as_array().unwrap();
        let chosen = elements.iter().filter(|element| element["verdict"] == verdict);
        let text = |element: &Value, member: &str| element[member].as_str().unwrap_or_default().to_owned();
        Some(
            chosen
                .map(|e| format!("{} {}: {}", text(e, "check"), text(e, "subject"), text(e, "reason")))
                .collect(),
        )
    }

    /// Asserts the verdict, and that the binary says `part` of an element that has it.
    pub fn expect_here(&self, verdict: Verdict, part: &str) {
        let text = self.report.text(Language::English);
        assert_eq!(self.report.verdict, verdict, "{}: {text}", self.name);
        let listed = self.listed(verdict);
        assert!(
            listed.iter().any(|line| line.contains(part)),
            "{}: no `{part}` in {listed:#?}",
            self.name
        );
    }

    /// Asserts the verdict, and that both verifiers say `part` of an element that has it.
    pub fn expect(&self, verdict: Verdict, part: &str) {
        self.expect_here(verdict, part);
        let word = serde_json::to_value(verdict).unwrap();
        if let Some(listed) = self.listed_by_script(word.as_str().unwrap()) {
            assert!(
                listed.iter().any(|line| line.contains(part)),
                "{}, verify.py: no `{part}` in {listed:#?}",
                self.name
            );
        }
    }
}

pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.py")
}

/// Whether Python is there; where it is not, that is said past the test harness, which swallows what tests print.
pub fn has_python() -> bool {
    let found = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let has = found.is_ok_and(|status| status.success());
    if !has {
        std::io::stderr()
            .write_all(b"\nSKIPPED: verify.py was not tested, there is no python3\n")
            .unwrap();
    }
    has
}

/// Judges all, `verify.py` in one process; the two must agree on every exit code.
pub fn judge(cases: Vec<Case>) -> Vec<Judged> {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let dossier = folder.path().join(format!("{i}.zip"));
        std::fs::write(&dossier, &case.dossier).unwrap();
        let anchors = case.anchors.as_ref().map(|anchors| {
            let path = folder.path().join(format!("{i}.json"));
            std::fs::write(&path, anchors.to_string()).unwrap();
            path
        });
        paths.push((dossier, anchors));
    }
    let scripted = if has_python() {
        run_script(&paths)
    } else {
        vec![Value::Null; cases.len()]
    };
    let judged = cases.into_iter().zip(scripted).map(|(case, script)| {
        let anchors = case.anchors.as_ref().map(parse);
        let report = verify(Cursor::new(&case.dossier), anchors.as_ref(), NOW_MS).report;
        let script = (!script.is_null()).then_some(script);
        if let Some(script) = &script {
            let text = report.text(Language::English);
            assert_eq!(
                script["exitCode"], report.exit_code,
                "{}\nverify.py: {script:#}\n{text}",
                case.name
            );
        }
        Judged {
            name: case.name,
            report,
            script,
        }
    });
    judged.collect()
}

/// Judges by the binary alone: for what the script says that it does not check.
pub fn judge_here(name: &str, dossier: &[u8], anchors: &Value) -> Judged {
    let report = verify(Cursor::new(dossier), Some(&parse(anchors)), NOW_MS).report;
    Judged {
        name: name.to_owned(),
        report,
        script: None,
    }
}

/// Whether anchors are refused, by both.
pub fn refuses(anchors: &Value) -> bool {
    let refused = Anchors::parse(anchors.to_string().as_bytes()).is_err();
    if has_python() {
        let program = "try:\n    verify.Anchors(json.load(sys.stdin).encode())\n    print(False)\n\
                       except verify.Refused:\n    print(True)\n";
        let printed = python(program, &Value::from(anchors.to_string()));
        assert_eq!(printed.trim() == "True", refused, "{anchors}");
    }
    refused
}

pub fn judge_one(name: &str, dossier: Vec<u8>, anchors: Option<Value>) -> Judged {
    judge(vec![Case::new(name, dossier, anchors)]).remove(0)
}

/// What a program that can use `json`, `sys` and `verify` prints; `input` is what it reads, as JSON.
pub fn python(program: &str, input: &Value) -> String {
    let preamble = "import json, sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, sys.argv[1])\nimport verify\n";
    let input = serde_json::to_vec(input).unwrap();
    let mut child = Command::new("python3")
        .arg("-c")
        .arg(format!("{preamble}{program}"))
        .arg(script().parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "verify.py stopped: what it wrote to stderr is above"
    );
    String::from_utf8(output.stdout).unwrap()
}

fn run_script(paths: &[(PathBuf, Option<PathBuf>)]) -> Vec<Value> {
    let program =
        "for dossier, anchors in json.load(sys.stdin):\n    print(json.dumps(verify.run(dossier, anchors)))\n";
    let text = python(program, &serde_json::to_value(paths).unwrap());
    let reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), paths.len());
    reports
}
