//! Rules about Rust code.

use super::text::has_word;
use super::tree::{Complaint, Tree};

/// Who may read the clock and make randomness: what the service and the command line pass to everybody else.
const RIM: &str = "connector/src/rim.rs";

/// Who may read a clock that only measures how long something takes, and why.
const STOPWATCHES: [(&str, &str); 1] = [(
    "connector/src/net/",
    "time limits of sockets; no instant leaves the folder",
)];

/// A line without its comment. `//` after a colon belongs to an address.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Complaints about each line of code, in files that `wanted` accepts, in which `found` finds something.
fn code(tree: &Tree, wanted: impl Fn(&str) -> bool, found: impl Fn(&str) -> Option<String>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files(&[".rs"]).filter(|(path, _)| wanted(path)) {
        for (n, line) in text.lines().enumerate() {
            complaints.extend(found(without_comment(line)).map(|what| Complaint::new(path, n + 1, what)));
        }
    }
    complaints
}

/// Code that ships: what is in the `src` of a crate other than the tests'.
fn ships(path: &str) -> bool {
    path.contains("src/") && !path.starts_with("tests/src/")
}

/// The first pattern that stands in a line, not as the end of a longer name (`operand::` is no `rand::`).
fn one_of(patterns: &[&str], line: &str) -> Option<String> {
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let stands = |pattern: &&&str| line.match_indices(**pattern).any(|(at, _)| begins(at));
    patterns.iter().find(stands).map(|pattern| format!("`{pattern}`"))
}

pub(crate) fn clock_reads(tree: &Tree) -> Vec<Complaint> {
    const READS: [&str; 5] = [
        "SystemTime::now",
        "OffsetDateTime::now_utc",
        "OffsetDateTime::now_local",
        "Utc::now",
        "Local::now",
    ];
    let mut complaints = code(tree, |path| ships(path) && path != RIM, |line| one_of(&READS, line));
    let measures = |path: &str| path == RIM || STOPWATCHES.iter().any(|(folder, _)| path.starts_with(folder));
    complaints.extend(code(
        tree,
        |path| ships(path) && !measures(path),
        |line| one_of(&["Instant::now"], line),
    ));
    complaints
}

pub(crate) fn randomness(tree: &Tree) -> Vec<Complaint> {
    const CALLS: [&str; 10] = [
        "getrandom::",
        "rand::",
        "rand_core::",
        "fastrand::",
        "OsRng",
        "SysRng",
        "thread_rng",
        "Uuid::new_v4",
        "Uuid::now_v7",
        "SystemRandom",
    ];
    code(tree, |path| ships(path) && path != RIM, |line| one_of(&CALLS, line))
}

pub(crate) fn stubs(tree: &Tree) -> Vec<Complaint> {
    code(
        tree,
        |_| true,
        |line| one_of(&["todo!(", "unimplemented!(", "todo!()", "dbg!("], line),
    )
}

pub(crate) fn ignored_tests(tree: &Tree) -> Vec<Complaint> {
    code(tree, |_| true, |line| one_of(&["#[ignore]", "#[ignore = \"\"]"], line))
}

pub(crate) fn unsafe_code(tree: &Tree) -> Vec<Complaint> {
    code(
        tree,
        |_| true,
        |line| {
            let keyword = line.match_indices("unsafe").any(|(at, _)| {
                let before = line[..at]
                    .chars()
                    .next_back()
                    .is_none_or(|c| c.is_whitespace() || "({[=".contains(c));
                before && line[at + 6..].trim_start().starts_with(['{', 'f', 'i', 't', 'e', '('])
            });
            (keyword || line.contains("allow(unsafe_code")).then(|| "`unsafe`".to_owned())
        },
    )
}

pub(crate) fn empty_names(tree: &Tree) -> Vec<Complaint> {
    const EMPTY: [&str; 6] = ["Manager", "Helper", "Helpers", "Util", "Utils", "Info"];
    code(
        tree,
        |_| true,
        |line| {
            let (_, declared) = ["struct ", "enum ", "trait ", "type "]
                .iter()
                .find_map(|kind| line.split_once(kind))?;
            let name: String = declared.chars().take_while(|c| c.is_alphanumeric()).collect();
            EMPTY
                .iter()
                .any(|e| name.ends_with(e))
                .then(|| format!("the name `{name}`"))
        },
    )
    .into_iter()
    .chain(
        tree.files(&[".rs"])
            .filter(|(path, _)| {
                ["utils.rs", "util.rs", "helpers.rs", "helper.rs"]
                    .iter()
                    .any(|e| path.rsplit('/').next() == Some(e))
            })
            .map(|(path, _)| Complaint::new(path, 0, "the name of the file")),
    )
    .collect()
}

/// Who looks for others' material: the function that everybody calls, and the sample model, which knows nothing of ours.
const LOOKS: [&str; 2] = ["vocab/src/reference.rs", "tests/models/tests/program.rs"];

pub(crate) fn shared_material(tree: &Tree) -> Vec<Complaint> {
    code(
        tree,
        |path| !LOOKS.contains(&path),
        |line| {
            let quoted = line.contains("join(\"shared\")") || (line.contains("../shared") && has_word(line, "shared"));
            quoted.then(|| "the folder `../shared`".to_owned())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Tree) -> Vec<Complaint>, path: &str, line: &str) -> usize {
        rule(&Tree::of(&[(path, line)])).len()
    }

    #[test]
    fn comments_are_no_code_and_addresses_are() {
        assert_eq!(without_comment("a(); // SystemTime::now"), "a(); ");
        assert_eq!(
            without_comment("let u = \"https://x\"; f();"),
            "let u = \"https://x\"; f();"
        );
        assert_eq!(without_comment("/// unsafe"), "");
    }

    #[test]
    fn clock_reads_are_found_everywhere_but_at_the_rim() {
        let line = "let now = std::time::SystemTime::now();";
        assert_eq!(count(clock_reads, "ledger/src/a.rs", line), 1);
        assert_eq!(
            count(clock_reads, "connector/src/http/a.rs", "tokio::time::Instant::now()"),
            1
        );
        assert_eq!(count(clock_reads, "connector/src/a.rs", "OffsetDateTime::now_utc()"), 1);
        assert_eq!(count(clock_reads, "connector/src/rim.rs", line), 0);
        assert_eq!(count(clock_reads, "tests/tests/kill.rs", line), 0);
        assert_eq!(count(clock_reads, "ledger/src/a.rs", "/// Not `SystemTime::now`."), 0);
    }

    #[test]
    fn randomness_is_found_everywhere_but_at_the_rim() {
        for line in [
            "getrandom::fill(&mut b)",
            "let id = Uuid::new_v4();",
            "rand::rng()",
            "&mut OsRng",
        ] {
            assert_eq!(count(randomness, "policies/src/a.rs", line), 1, "{line}");
            assert_eq!(count(randomness, "connector/src/rim.rs", line), 0, "{line}");
        }
        assert_eq!(
            count(randomness, "policies/src/a.rs", "use crate::operand::Operand;"),
            0
        );
    }

    #[test]
    fn stubs_and_ignored_tests_are_found() {
        assert_eq!(count(stubs, "a/src/a.rs", "fn f() { todo!() }"), 1);
        assert_eq!(count(stubs, "a/tests/a.rs", "unimplemented!(\"later\")"), 1);
        assert_eq!(count(ignored_tests, "a/src/a.rs", "    #[ignore]"), 1);
        assert_eq!(
            count(ignored_tests, "a/src/a.rs", "#[ignore = \"needs two machines\"]"),
            0
        );
    }

    #[test]
    fn unsafe_code_is_found_and_its_lint_is_not() {
        for line in [
            "unsafe { f() }",
            "pub unsafe fn f() {}",
            "let x = unsafe { 1 };",
            "unsafe impl Send for A {}",
            "#![allow(unsafe_code)]",
        ] {
            assert_eq!(count(unsafe_code, "a/src/a.rs", line), 1, "{line}");
        }
        for line in [
            "#![forbid(unsafe_code)]",
            "// unsafe { }",
            "let message = \"this is unsafe, since\";",
        ] {
            assert_eq!(count(unsafe_code, "a/src/a.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(count(empty_names, "a/src/a.rs", "pub struct KeyManager {"), 1);
        assert_eq!(count(empty_names, "a/src/a.rs", "enum TileInfo {"), 1);
        assert_eq!(count(empty_names, "a/src/utils.rs", ""), 1);
        assert_eq!(count(empty_names, "a/src/a.rs", "pub struct Informed;"), 0);
    }

    #[test]
    fn a_way_around_the_reference_is_found() {
        assert_eq!(
            count(
                shared_material,
                "a/tests/a.rs",
                "let p = root.join(\"../shared/spec\");"
            ),
            1
        );
        assert_eq!(
            count(
                shared_material,
                "a/tests/a.rs",
                "let p = top.join(\"shared\").join(\"spec\");"
            ),
            1
        );
        assert_eq!(count(shared_material, "a/tests/a.rs", "// in ../shared/spec"), 0);
        assert_eq!(
            count(shared_material, "vocab/src/reference.rs", "root.join(\"shared\")"),
            0
        );
    }
}
