//! A trace as a tree: what was asked for at the top, what it rests on below.

use super::plain::clean;
use crate::cli::text::{Language, text};
use crate::control::protocol::TraceNode;

/// Draws `root`. Whether a node was verified is said in words, not in colour.
#[must_use]
pub fn tree(root: &TraceNode, language: Language) -> String {
    let mut lines = Vec::new();
    draw(root, "", "", language, &mut lines);
    lines.join("\n")
}

/// As deep as the answer, whose JSON is at most 120 levels deep.
fn draw(node: &TraceNode, first: &str, rest: &str, language: Language, lines: &mut Vec<String>) {
    lines.push(format!("{first}{}", line(node, language)));
    let last = node.children.len().saturating_sub(1);
    for (at, child) in node.children.iter().enumerate() {
        let (branch, below) = if at == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        draw(
            child,
            &format!("{rest}{branch}"),
            &format!("{rest}{below}"),
            language,
            lines,
        );
    }
}

fn line(node: &TraceNode, language: Language) -> String {
    let mut parts = vec![format!("{}: {}", clean(&node.kind), clean(&node.label))];
    if let (Some(index), Some(party)) = (node.index, &node.party) {
        let values = [("index", &*index.to_string()), ("party", party.as_str())];
        parts.push(text(language, "cli-trace-record", &values));
    } else if let Some(party) = &node.party {
        parts.push(party.as_str().to_owned());
    }
    if let Some(digest) = &node.digest {
        // Twelve of 64 digits tell nodes apart on a screen; `--json` has them all.
        parts.push(clean(&digest.chars().take(12).collect::<String>()));
    }
    let mark = if node.verified {
        "cli-trace-verified"
    } else {
        "cli-trace-not-verified"
    };
    format!("{} [{}]", parts.join(", "), text(language, mark, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: &str, verified: bool, children: Vec<TraceNode>) -> TraceNode {
        TraceNode {
            kind: kind.to_owned(),
            label: format!("a {kind}"),
            digest: None,
            party: None,
            index: None,
            verified,
            children,
        }
    }

    #[test]
    fn branches_are_drawn_and_what_is_not_verified_is_said() {
        let mut run = node(
            "run",
            true,
            vec![node("rain", true, vec![]), node("sewer", false, vec![])],
        );
        run.digest = Some("ab".repeat(32));
        run.party = Some("did:web:water.example".parse().unwrap());
        run.index = Some(12);
        let root = node("decision", true, vec![run, node("law", true, vec![])]);
        let expected = "\
decision: a decision [verified]
├─ run: a run, record 12 of did:web:water.example, abababababab [verified]
│  ├─ rain: a rain [verified]
│  └─ sewer: a sewer [NOT verified]
└─ law: a law [verified]";
        assert_eq!(tree(&root, Language::English), expected);
        assert!(tree(&root, Language::Dutch).contains("NIET gecontroleerd"));
    }
}
