//! Rules about text of every kind.

use super::tree::{Complaint, Tree};

/// What a screen or two hold, and a reader keeps in mind.
const MAX_LINES: usize = 400;

/// Files that may be longer, how long, and why.
const LONGER: [(&str, usize, &str); 1] = [(
    "ledger/verifier/verify.py",
    2_200,
    "one file with one published digest, which an auditor downloads and reads",
)];

pub(crate) fn too_long(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let sources = tree
        .everything()
        .filter(|(path, _)| [".rs", ".py", ".sh", ".js", ".ts"].iter().any(|e| path.ends_with(e)));
    for (path, text) in sources {
        let most = LONGER
            .iter()
            .find(|(longer, ..)| *longer == path)
            .map_or(MAX_LINES, |(_, most, _)| *most);
        let lines = text.lines().count();
        if lines > most {
            complaints.push(Complaint::new(
                path,
                lines,
                format!("{lines} lines, {most} are allowed"),
            ));
        }
    }
    complaints
}

/// Complaints about each line in which `found` finds something; what cargo writes itself is left alone.
fn lines(tree: &Tree, found: impl Fn(&str) -> Option<String>) -> Vec<Complaint> {
    let files = tree.files(&[""]).filter(|(path, _)| *path != "Cargo.lock");
    let numbered = files.flat_map(|(path, text)| text.lines().enumerate().map(move |(n, line)| (path, n + 1, line)));
    numbered
        .filter_map(|(path, n, line)| Some(Complaint::new(path, n, found(line)?)))
        .collect()
}

/// Where `word` stands on its own, letters of either case.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let (line, word) = (line.to_lowercase(), word.to_lowercase());
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    line.match_indices(&word)
        .any(|(at, _)| edge(line[..at].chars().next_back()) && edge(line[at + word.len()..].chars().next()))
}

pub(crate) fn machine_paths(tree: &Tree) -> Vec<Complaint> {
    lines(tree, |line| {
        // As the start of a path; `frame/work/` is none.
        let starts = |prefix: &str| {
            line.match_indices(prefix)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric()))
        };
        ["/work/", "/root/", "/home/", "/Users/"]
            .into_iter()
            .find(|p| starts(p))
            .map(|p| format!("the path `{p}...`"))
    })
}

pub(crate) fn registry_hosts(tree: &Tree) -> Vec<Complaint> {
    const HOSTS: [&str; 8] = [
        "index.crates.io",
        "static.crates.io",
        "pypi.org",
        "pythonhosted.org",
        "proxy.golang.org",
        "registry.npmjs.org",
        "repo1.maven.org",
        "deb.debian.org",
    ];
    lines(tree, |line| {
        HOSTS
            .into_iter()
            .find(|host| line.contains(host))
            .map(|host| format!("the host `{host}`"))
    })
}

pub(crate) fn workshop_words(tree: &Tree) -> Vec<Complaint> {
    // Written in two halves: a search for them then finds nothing, here either.
    const WORDS: [&str; 11] = [
        concat!("cla", "ude"),
        concat!("anth", "ropic"),
        concat!("open", "ai"),
        concat!("chat", "gpt"),
        concat!("cop", "ilot"),
        concat!("sub", "agent"),
        concat!("brief", ".md"),
        concat!("issues ", "show"),
        concat!("farm-", "bench"),
        concat!("farm-", "studio"),
        concat!("work", "tree"),
    ];
    lines(tree, |line| {
        WORDS
            .into_iter()
            .find(|word| has_word(line, word))
            .map(|word| format!("the word `{word}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_the_rules_included() {
        let (short, long, longest) = ("x\n".repeat(400), "x\n".repeat(401), "x\n".repeat(LONGER[0].1 + 1));
        let one = |path: &str, text: &str| too_long(&Tree::of(&[(path, text)])).len();
        assert_eq!(
            (
                one("a.rs", &short),
                one("a.rs", &long),
                one("b.py", &long),
                one("d.md", &long)
            ),
            (0, 1, 1, 0)
        );
        assert_eq!(one("tests/tests/tidy/c.rs", &long), 1);
        assert_eq!((one(LONGER[0].0, &long), one(LONGER[0].0, &longest)), (0, 1));
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let bad = [
            ("a.sh", "cd /work/main"),
            ("b.md", "see `/home/ann/x`"),
            ("c.toml", "p = \"/root/.cargo\""),
        ];
        for sample in bad {
            assert_eq!(machine_paths(&Tree::of(&[sample])).len(), 1, "{sample:?}");
        }
        assert!(machine_paths(&Tree::of(&[("a.md", "frame/work/x https://a.example/x~/home")])).is_empty());
    }

    #[test]
    fn hosts_of_registries_are_found() {
        let tree = Tree::of(&[
            ("a.md", "ok\nfrom https://static.crates.io/x"),
            ("Cargo.lock", "index.crates.io"),
        ]);
        assert_eq!(
            registry_hosts(&tree),
            [Complaint::new("a.md", 2, "the host `static.crates.io`")]
        );
    }

    #[test]
    fn words_of_the_workshop_are_found_as_words() {
        let word = concat!("Sub", "agent");
        let tree = Tree::of(&[
            ("a.rs", &format!("// by a {word}.")),
            ("b.rs", &format!("let {word}s = 1;")),
        ]);
        assert_eq!(workshop_words(&tree).len(), 1);
        assert!(has_word("An Agent, said", "agent") && !has_word("reagents", "agent"));
    }
}
