//! The files of the ODRL test suite: `test_cases`, `policies`, `requests`, `sotw`, and `MANIFEST.csv` where there is one.

use super::read;
use super::turtle::turtle;
use herleid_policies::odrl::Graph;
use std::collections::BTreeMap;
use std::path::Path;

/// Files of one folder: those that were read, and those that were not, with the reason.
#[derive(Default)]
pub(super) struct Files {
    pub(super) read: Vec<(String, Graph)>,
    pub(super) unread: Vec<(String, String)>,
}

/// Cases beyond any suite.
const MAX_FILES: usize = 10_000;

impl Files {
    /// Every file of a folder, by name.
    pub(super) fn of(folder: &Path) -> Result<Self, String> {
        let entries = std::fs::read_dir(folder).map_err(|e| format!("`{}`: {e}", folder.display()))?;
        let mut paths = Vec::new();
        for entry in entries.take(MAX_FILES) {
            paths.push(entry.map_err(|e| e.to_string())?.path());
        }
        paths.sort();
        let mut files = Self::default();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let graph = if path.extension().is_some_and(|end| end == "ttl") {
                read(&path).and_then(|text| turtle(&text))
            } else {
                Err("it is no Turtle file (`.ttl`)".to_owned())
            };
            match graph {
                Ok(graph) => files.read.push((name, graph)),
                Err(why) => files.unread.push((name, why)),
            }
        }
        Ok(files)
    }

    /// The file that speaks of a node. Several that say the same are one; otherwise `named`, from the manifest, decides.
    pub(super) fn with(&self, node: &str, named: Option<&str>) -> Result<&Graph, String> {
        let mut found: Vec<&(String, Graph)> = self.read.iter().filter(|(_, graph)| graph.says(node)).collect();
        if let (Some(named), true) = (named, found.len() > 1) {
            found.retain(|(name, _)| name == named);
        }
        found.dedup_by(|a, b| a.1 == b.1);
        match found.as_slice() {
            [(_, graph)] => Ok(graph),
            [] if self.unread.is_empty() => Err(format!("no file says anything of `{node}`")),
            [] => {
                let unread: Vec<String> = self
                    .unread
                    .iter()
                    .map(|(name, why)| format!("`{name}`: {why}"))
                    .collect();
                Err(format!(
                    "no file says anything of `{node}`; not read: {}",
                    unread.join("; ")
                ))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                Err(format!("`{node}` is described in several files: {}", names.join(", ")))
            }
        }
    }
}

/// A line of the manifest: column, then cell.
pub(super) type Row = BTreeMap<String, String>;

/// The manifest's lines by the name of their case; none where there is no manifest.
pub(super) fn manifest(folder: &Path) -> Result<BTreeMap<String, Row>, String> {
    let path = folder.join("MANIFEST.csv");
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = read(&path).map_err(|why| format!("`MANIFEST.csv`: {why}"))?;
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let mut rows = BTreeMap::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let cells = line.split(',').map(|cell| cell.trim().to_owned());
        let row: Row = columns.iter().map(|column| (*column).to_owned()).zip(cells).collect();
        match row.get("test_case") {
            Some(case) if !case.is_empty() => rows.insert(case.clone(), row.clone()),
            _ => return Err(format!("`MANIFEST.csv` has a line without a `test_case`: {line}")),
        };
    }
    Ok(rows)
}
