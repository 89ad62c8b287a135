//! Rules about crates: what they depend on, and what the map says of that.

use super::tree::{Complaint, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Folder of a crate, its name, and the crates of ours that it may depend on.
type Map = BTreeMap<String, (String, BTreeSet<String>)>;

/// Texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table of ARCHITECTURE.md: its rows with a folder and a crate.
fn map(tree: &Tree) -> Map {
    let text = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let rows = text.lines().filter(|line| line.starts_with("| `")).filter_map(|line| {
        let cells: Vec<&str> = line.split('|').collect();
        let (folder, name) = (quoted(cells.get(1)?), quoted(cells.get(2)?));
        let edges = quoted(cells.get(4)?).into_iter().collect();
        Some((
            folder.first()?.trim_end_matches('/').to_owned(),
            (name.first()?.clone(), edges),
        ))
    });
    rows.collect()
}

/// The manifests of crates: folder and content.
fn manifests(tree: &Tree) -> Vec<(String, toml::Table)> {
    let files = tree.files(&["/Cargo.toml"]);
    files
        .map(|(path, text)| (path.trim_end_matches("/Cargo.toml").to_owned(), text.parse().unwrap()))
        .collect()
}

/// Names of all dependencies of a manifest, of every kind and for every target.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in manifest {
        match value.as_table() {
            Some(table) if key.ends_with("dependencies") => names.extend(table.keys().cloned()),
            Some(table) if key == "target" => {
                names.extend(table.values().filter_map(toml::Value::as_table).flat_map(dependencies));
            }
            _ => {}
        }
    }
    names
}

pub(crate) fn undrawn(tree: &Tree) -> Vec<Complaint> {
    let map = map(tree);
    let manifests = manifests(tree);
    let mut complaints = Vec::new();
    for folder in map.keys().filter(|f| !manifests.iter().any(|(folder, _)| folder == *f)) {
        complaints.push(Complaint::new(
            "ARCHITECTURE.md",
            0,
            format!("`{folder}/` has no Cargo.toml"),
        ));
    }
    for (folder, manifest) in &manifests {
        let path = format!("{folder}/Cargo.toml");
        let Some((name, drawn)) = map.get(folder) else {
            complaints.push(Complaint::new(
                &path,
                0,
                "this crate is not on the map, ARCHITECTURE.md",
            ));
            continue;
        };
        let written = manifest
            .get("package")
            .and_then(|p| p.get("name"))
            .and_then(toml::Value::as_str);
        if written != Some(name.as_str()) {
            complaints.push(Complaint::new(&path, 0, format!("the map calls this crate `{name}`")));
        }
        let ours = dependencies(manifest).into_iter().filter(|d| d.starts_with("herleid"));
        for edge in ours.filter(|d| !drawn.contains(d)) {
            complaints.push(Complaint::new(&path, 0, format!("the map draws no edge to `{edge}`")));
        }
    }
    complaints
}

/// Crates that an auditor reads to know what verification runs: they may not even be able to open a socket.
const INNER: [&str; 5] = ["vocab", "policies", "policies/credentials", "ledger", "ledger/verifier"];

pub(crate) fn sockets(tree: &Tree) -> Vec<Complaint> {
    const CRATES: [&str; 9] = [
        "axum",
        "hyper",
        "hyper-util",
        "reqwest",
        "rustls",
        "tokio-rustls",
        "socket2",
        "ureq",
        "openidconnect",
    ];
    // tokio's features are the workspace's; a crate that has it for its channels could open sockets all the same.
    const CALLS: [&str; 6] = [
        "tokio::net",
        "std::net::Tcp",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
    ];
    let mut complaints = Vec::new();
    for (folder, manifest) in manifests(tree)
        .iter()
        .filter(|(folder, _)| INNER.contains(&folder.as_str()))
    {
        for name in dependencies(manifest)
            .iter()
            .filter(|name| CRATES.contains(&name.as_str()))
        {
            complaints.push(Complaint::new(
                &format!("{folder}/Cargo.toml"),
                0,
                format!("`{name}` opens sockets"),
            ));
        }
    }
    for (path, text) in tree
        .files(&[".rs"])
        .filter(|(path, _)| INNER.iter().any(|f| path.starts_with(&format!("{f}/src/"))))
    {
        for (n, line) in text.lines().enumerate() {
            complaints.extend(
                CALLS
                    .iter()
                    .find(|c| line.contains(**c))
                    .map(|c| Complaint::new(path, n + 1, format!("`{c}`"))),
            );
        }
    }
    complaints
}

pub(crate) fn lints(tree: &Tree) -> Vec<Complaint> {
    let keeps = |manifest: &toml::Table| {
        let lints = manifest.get("lints").and_then(toml::Value::as_table);
        let inherits = lints.and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool) == Some(true);
        // Tests may panic and index; what they may not is be unsafe.
        let forbids = lints
            .and_then(|l| l.get("rust"))
            .and_then(|r| r.get("unsafe_code"))
            .and_then(toml::Value::as_str);
        inherits || forbids == Some("forbid")
    };
    let bad = manifests(tree).into_iter().filter(|(folder, manifest)| {
        let inherits_only = folder != "tests";
        !keeps(manifest) || (inherits_only && manifest.get("lints").and_then(|l| l.get("workspace")).is_none())
    });
    bad.map(|(folder, _)| {
        Complaint::new(
            &format!("{folder}/Cargo.toml"),
            0,
            "`[lints] workspace = true` is missing",
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "| folder | crate | job | may depend on |\n|---|---|---|---|\n\
        | `a/` | `herleid-a` | one | nothing of ours |\n| `b/` | `herleid-b` | two | `herleid-a` |\n";

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"herleid-{name}\"\n{rest}")
    }

    fn undrawn_in(a: &str, b: &str) -> Vec<String> {
        let tree = Tree::of(&[("ARCHITECTURE.md", MAP), ("a/Cargo.toml", a), ("b/Cargo.toml", b)]);
        undrawn(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_edge_that_the_map_does_not_draw_is_found() {
        let to_a = manifest("b", "[dependencies]\nherleid-a.workspace = true\nserde = \"1\"\n");
        assert!(undrawn_in(&manifest("a", ""), &to_a).is_empty());
        for kind in [
            "dependencies",
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let to_b = manifest("a", &format!("[{kind}]\nherleid-b.workspace = true\n"));
            assert_eq!(
                undrawn_in(&to_b, &to_a),
                ["a/Cargo.toml:0: the map draws no edge to `herleid-b`"],
                "{kind}"
            );
        }
    }

    #[test]
    fn a_crate_that_is_not_on_the_map_is_found_and_the_reverse() {
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", MAP),
            ("a/Cargo.toml", &manifest("x", "")),
            ("c/Cargo.toml", &manifest("c", "")),
        ]);
        assert_eq!(undrawn(&tree).len(), 3);
    }

    #[test]
    fn sockets_in_inner_crates_are_found() {
        let manifest = "[package]\nname = \"l\"\n[dependencies]\nreqwest = \"1\"\n";
        let files = [
            ("ledger/Cargo.toml", manifest),
            ("connector/Cargo.toml", manifest),
            ("ledger/verifier/src/a.rs", "use std::net::TcpStream;"),
            ("connector/src/a.rs", "use std::net::TcpStream;"),
            ("ledger/tests/a.rs", "use std::net::TcpStream;"),
        ];
        let found: Vec<String> = sockets(&Tree::of(&files)).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "ledger/Cargo.toml:0: `reqwest` opens sockets",
                "ledger/verifier/src/a.rs:1: `std::net::Tcp`"
            ]
        );
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        let count = |path: &str, text: &str| lints(&Tree::of(&[(path, text)])).len();
        assert_eq!(count("a/Cargo.toml", "[package]\nname = \"a\"\n"), 1);
        assert_eq!(count("a/Cargo.toml", "[lints]\nworkspace = true\n"), 0);
        assert_eq!(count("a/Cargo.toml", "[lints.rust]\nunsafe_code = \"forbid\"\n"), 1);
        assert_eq!(count("tests/Cargo.toml", "[lints.rust]\nunsafe_code = \"forbid\"\n"), 0);
        assert_eq!(count("tests/Cargo.toml", "[lints.rust]\nunsafe_code = \"allow\"\n"), 1);
    }
}
