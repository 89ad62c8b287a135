//! The files of a checkout, or a made-up tree of a few samples.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a rule has to say about a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    path: String,
    line: usize,
    what: String,
}

impl Complaint {
    /// About a line, from 1; 0 is the file as a whole.
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Folders that are made, not written.
const MADE: [&str; 6] = ["target", ".git", "demo", "node_modules", "__pycache__", ".venv"];

/// The rules name what they forbid.
const RULES: &str = "tests/tests/tidy/";

/// Texts by their path from the root, with `/` between folders; `paths` has folders and files without text too.
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    pub(crate) paths: BTreeSet<String>,
}

impl Tree {
    pub(crate) fn of_this_checkout() -> Self {
        let mut tree = Self {
            texts: BTreeMap::new(),
            paths: BTreeSet::new(),
        };
        let root = root();
        tree.read(&root, &root);
        assert!(
            tree.texts.len() > 30,
            "the checkout was not found at {}",
            root.display()
        );
        tree
    }

    /// A made-up tree.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let texts: BTreeMap<String, String> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        let ancestors = texts
            .keys()
            .flat_map(|p| Path::new(p).ancestors().map(|a| a.display().to_string()));
        Self {
            paths: ancestors.collect(),
            texts: texts.clone(),
        }
    }

    fn read(&mut self, root: &Path, directory: &Path) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            // The demonstration's folder is at the top; a module of that name is code.
            let made = MADE.contains(&name.as_str()) && (name != "demo" || directory == root);
            if made || path.is_symlink() {
                continue;
            }
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            self.paths.insert(relative.clone());
            if path.is_dir() {
                self.read(root, &path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                self.texts.insert(relative, text);
            }
        }
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Files whose names end so, without the rules themselves.
    pub(crate) fn files<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        let files = self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| !path.starts_with(RULES) && endings.iter().any(|e| path.ends_with(e)))
    }

    /// Every file, the rules themselves too.
    pub(crate) fn everything(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// The checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn a_tree_knows_its_folders_and_leaves_the_rules_out() {
    let tree = Tree::of(&[("a/b.rs", "x"), ("tests/tests/tidy/text.rs", "y"), ("c.md", "z")]);
    assert!(tree.paths.contains("a") && tree.paths.contains("a/b.rs"));
    assert_eq!(tree.files(&[".rs"]).collect::<Vec<_>>(), [("a/b.rs", "x")]);
    assert_eq!(tree.everything().count(), 3);
}
