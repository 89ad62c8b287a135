//! Rules about documentation.

use super::tree::{self, Complaint, Tree};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A page, as it is printed.
const PAGE_LINES: usize = 60;

pub(crate) fn decisions(tree: &Tree) -> Vec<Complaint> {
    let folder = "docs/decisions/";
    let files: Vec<_> = tree
        .files(&[".md"])
        .filter(|(path, _)| path.starts_with(folder) && !path.ends_with("/README.md"))
        .collect();
    let mut complaints = Vec::new();
    if files.is_empty() {
        complaints.push(Complaint::new(folder, 0, "there are no decisions"));
    }
    for (n, (path, text)) in files.iter().enumerate() {
        let number = n + 1;
        let mut complain = |what: String| complaints.push(Complaint::new(path, 0, what));
        if !path.starts_with(&format!("{folder}{number:04}-")) {
            complain(format!(
                "its name should start with {number:04}-: numbers have no gaps and no doubles"
            ));
        }
        if !text.starts_with(&format!("# {number}. ")) {
            complain(format!("its heading should start with `# {number}. `"));
        }
        if !text.lines().any(is_date) {
            complain("it has no line `Date: YYYY-MM-DD.`".to_owned());
        }
        if text.lines().count() > PAGE_LINES {
            complain(format!("it is longer than a page, {PAGE_LINES} lines"));
        }
    }
    complaints
}

/// `Date: 2026-11-22.`, and whatever follows.
fn is_date(line: &str) -> bool {
    let shape: Option<String> = line
        .strip_prefix("Date: ")
        .and_then(|rest| rest.get(..11))
        .map(|date| date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect());
    shape.as_deref() == Some("0000-00-00.")
}

pub(crate) fn links(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files(&[".md"]) {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        for (n, line) in text.lines().enumerate() {
            for target in targets(line) {
                let file = target.split('#').next().unwrap_or_default().trim_end_matches('/');
                let elsewhere = target.contains("://") || target.starts_with("mailto:");
                if !elsewhere && !file.is_empty() && !resolves(tree, folder, file) {
                    complaints.push(Complaint::new(
                        path,
                        n + 1,
                        format!("the link to `{target}` leads nowhere"),
                    ));
                }
            }
        }
    }
    complaints
}

/// What a line links to: every `](target)`.
fn targets(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next())
        .collect()
}

fn resolves(tree: &Tree, folder: &Path, file: &str) -> bool {
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            std::path::Component::Normal(name) => path.push(name),
            std::path::Component::ParentDir if !path.pop() => return false,
            _ => {}
        }
    }
    tree.paths.contains(&path.display().to_string())
}

/// The commands of the README's code blocks. `runs` tells whether `herleid` has a subcommand.
pub(crate) fn commands(tree: &Tree, runs: &dyn Fn(&str) -> bool) -> Vec<Complaint> {
    let text = tree.text("README.md").unwrap_or_default();
    let makefile = tree.text("Makefile").unwrap_or_default();
    let mut complaints = Vec::new();
    let mut shell = false;
    for (n, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            shell = ["```sh", "```bash", "```console"].contains(&line.trim_end());
            continue;
        }
        let mut words = line.trim_start_matches("$ ").split_whitespace();
        let (true, Some(program)) = (shell, words.next()) else {
            continue;
        };
        let first = words.find(|word| !word.starts_with('-')).unwrap_or_default();
        let what = match program.rsplit('/').next().unwrap_or_default() {
            "make" if !makefile.lines().any(|l| l.starts_with(&format!("{first}:"))) => {
                "the Makefile has no such target"
            }
            "herleid" if !runs(first) => "`herleid` has no such command (build it first: cargo build -p herleid)",
            "python3" if !tree.paths.contains(first) => "there is no such file",
            "make" | "herleid" | "python3" | "cd" | "git" | "export" | "#" => continue,
            _ => "nobody checks that this command exists: teach this rule, or leave it out",
        };
        complaints.push(Complaint::new("README.md", n + 1, format!("`{}`: {what}", line.trim())));
    }
    complaints
}

/// Whether the `herleid` that stands beside this test program explains that subcommand.
pub(crate) fn runs_help(subcommand: &str) -> bool {
    let here = std::env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("herleid");
    let mut command = Command::new(program);
    command
        .args([subcommand, "--help"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null());
    !subcommand.is_empty() && command.status().is_ok_and(|status| status.success())
}

pub(crate) fn house(tree: &Tree) -> Vec<Complaint> {
    let files = [
        "README.md",
        "LICENSE",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "Makefile",
        "publiccode.yml",
        "deny.toml",
        ".ci/run",
        "docs/log-format.md",
        "docs/dossier-format.md",
        "docs/configuration.md",
    ];
    let missing = files
        .iter()
        .filter(|path| tree.text(path).is_none_or(|text| text.trim().is_empty()));
    let mut complaints: Vec<_> = missing
        .map(|path| Complaint::new(path, 0, "is missing or empty"))
        .collect();
    let says = |path: &str, what: &str| tree.text(path).is_some_and(|text| text.contains(what));
    for (path, what) in [
        (".ci/run", "make test"),
        ("LICENSE", "EUROPEAN UNION PUBLIC LICENCE v. 1.2"),
        ("README.md", "make demo"),
    ] {
        if !says(path, what) {
            complaints.push(Complaint::new(path, 0, format!("does not say `{what}`")));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_decisions_are_found() {
        let good = "# 1. We do\n\nDate: 2026-11-22. Status: in force.\n";
        let count = |files: &[(&str, &str)]| decisions(&Tree::of(files)).len();
        assert_eq!(
            count(&[("docs/decisions/0001-a.md", good), ("docs/decisions/README.md", "x")]),
            0
        );
        assert_eq!(count(&[]), 1);
        assert_eq!(count(&[("docs/decisions/0002-a.md", good)]), 1);
        assert_eq!(
            count(&[("docs/decisions/0001-a.md", "# We do\n\nDate: 2026-11-22.\n")]),
            1
        );
        assert_eq!(
            count(&[("docs/decisions/0001-a.md", "# 1. We do\n\nDate: last week.\n")]),
            1
        );
        assert_eq!(
            count(&[("docs/decisions/0001-a.md", &format!("{good}{}", "x\n".repeat(60)))]),
            1
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = "[a](docs/x.md) [b](docs/y.md#part) [c](https://x.example) [d](#top) [e](../out.md) [f](docs/)";
        let tree = Tree::of(&[("README.md", text), ("docs/x.md", "[up](../README.md) [no](README.md)")]);
        let found: Vec<String> = links(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "README.md:1: the link to `docs/y.md#part` leads nowhere",
                "README.md:1: the link to `../out.md` leads nowhere",
                "docs/x.md:1: the link to `README.md` leads nowhere",
            ]
        );
    }

    #[test]
    fn commands_that_do_not_exist_are_found() {
        let readme = "make nothing\n```sh\nmake demo   # all\nmake nothing\nherleid --json pull x\nherleid fly\n\
            ./target/debug/herleid fly\ncurl x\npython3 a.py\npython3 b.py\n```\nmake nothing\n";
        let tree = Tree::of(&[("README.md", readme), ("Makefile", "demo: deps\n\tx\n"), ("a.py", "")]);
        let found: Vec<usize> = commands(&tree, &|name| name == "pull")
            .iter()
            .map(|c| c.to_string().split(':').nth(1).unwrap().parse().unwrap())
            .collect();
        assert_eq!(found, [4, 6, 7, 8, 10]);
    }

    #[test]
    fn a_program_that_is_not_there_explains_nothing() {
        assert!(!runs_help(""));
        assert!(!runs_help("no-such-command"));
    }

    #[test]
    fn an_incomplete_house_is_found() {
        assert_eq!(house(&Tree::of(&[])).len(), 14);
        let whole = house(&Tree::of_this_checkout());
        assert!(whole.is_empty(), "{whole:?}");
        assert!(tree::root().join("LICENSE").is_file());
    }
}
