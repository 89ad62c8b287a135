//! A trace as a tree: what was asked for at the top, what it rests on below.

use super::plain::clean;
use crate::cli::text::{Language, text};
use crate::control::protocol::{Aside, AskedState, Counted, StreamLine, Towards, TraceNode, TraceSummary};

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
    if node.hidden > 0 {
        let count = [("count", &*node.hidden.to_string())];
        lines.push(format!("{rest}… {}", text(language, "cli-trace-hidden", &count)));
    }
}

/// The tree, and how much was found and shown.
#[must_use]
pub(super) fn traced(root: &TraceNode, language: Language) -> String {
    let mut lines = vec![tree(root, language)];
    if let Some(summary) = &root.summary {
        lines.push(String::new());
        summarise(summary, language, &mut lines);
    }
    lines.join("\n")
}

fn summarise(summary: &TraceSummary, language: Language, lines: &mut Vec<String>) {
    let counts = [
        ("found", &*summary.found.to_string()),
        ("shown", &*summary.shown.to_string()),
        ("decisions", &*summary.decisions.to_string()),
        ("runs", &*summary.runs.to_string()),
        ("pulls", &*summary.pulls.to_string()),
    ];
    let found = match (summary.direction, summary.more) {
        (Towards::Up, false) => "cli-trace-up",
        (Towards::Up, true) => "cli-trace-up-more",
        (Towards::Down, false) => "cli-trace-down",
        (Towards::Down, true) => "cli-trace-down-more",
    };
    lines.push(text(language, found, &counts));
    if summary.not_followed > 0 {
        let values = [
            ("count", &*summary.not_followed.to_string()),
            ("depth", &*summary.depth.to_string()),
        ];
        lines.push(text(language, "cli-trace-deep", &values));
    }
    for aside in &summary.aside {
        lines.push(beside(aside, language));
    }
    listed("cli-trace-cases", &summary.cases, language, lines);
    listed("cli-trace-parties", &summary.parties, language, lines);
    for stream in &summary.streams.shown {
        lines.push(in_stream(stream, language));
    }
    let (shown, found) = (summary.streams.shown.len(), summary.streams.found);
    if shown as u64 != found {
        let values = [("shown", &*shown.to_string()), ("found", &*found.to_string())];
        lines.push(text(language, "cli-trace-streams", &values));
    }
    let values = [
        ("log", &*clean(&summary.log)),
        ("asked", &*summary.asked.to_string()),
        ("answered", &*summary.answered.to_string()),
    ];
    let searched = match summary.asked {
        0 => "cli-trace-own",
        _ => "cli-trace-across",
    };
    lines.push(text(language, searched, &values));
    for log in &summary.also {
        lines.push(text(language, "cli-trace-also", &[("log", &clean(log))]));
    }
    for why in &summary.unsearched {
        lines.push(text(language, "cli-trace-unsearched", &[("why", &clean(why))]));
    }
}

fn listed<T: std::fmt::Display>(key: &str, list: &Counted<T>, language: Language, lines: &mut Vec<String>) {
    if list.found > 0 {
        let names: Vec<String> = list.shown.iter().map(|name| clean(&name.to_string())).collect();
        let values = [
            ("found", &*list.found.to_string()),
            ("shown", &*list.shown.len().to_string()),
            ("names", &*names.join(", ")),
        ];
        lines.push(text(language, key, &values));
    }
}

fn beside(aside: &Aside, language: Language) -> String {
    let mut records: Vec<String> = aside.records.shown.iter().map(u64::to_string).collect();
    if aside.records.found > aside.records.shown.len() as u64 {
        records.push("…".to_owned());
    }
    let values = [
        ("kind", &*clean(&aside.kind)),
        ("found", &*aside.records.found.to_string()),
        ("records", &*records.join(", ")),
    ];
    text(language, "cli-trace-aside", &values)
}

fn in_stream(stream: &StreamLine, language: Language) -> String {
    let party = stream
        .party
        .as_ref()
        .map(|party| format!(" ({party})"))
        .unwrap_or_default();
    let values = [
        ("kind", &*clean(&stream.kind)),
        ("of", &*clean(&stream.of)),
        ("party", &*party),
        ("runs", &*stream.runs.map(|runs| runs.to_string()).unwrap_or_default()),
        ("runs_found", &*stream.runs_found.to_string()),
        ("runs_shown", &*stream.runs_shown.to_string()),
        ("found", &*stream.found.to_string()),
        ("shown", &*stream.shown.to_string()),
        ("records", &*stream.records.to_string()),
    ];
    let key = match stream.runs {
        Some(_) => "cli-trace-stream",
        None => "cli-trace-stream-long",
    };
    text(language, key, &values)
}

fn line(node: &TraceNode, language: Language) -> String {
    let mut parts = vec![format!("{}: {}", clean(&node.kind), clean(&node.label))];
    if let (Some(index), Some(party)) = (node.index, &node.party) {
        let values = [("index", &*index.to_string()), ("party", party.as_str())];
        parts.push(text(language, "cli-trace-record", &values));
        if let Some(log) = &node.log {
            parts.push(text(language, "cli-trace-log", &[("log", log)]));
        }
    } else if let Some(party) = &node.party {
        parts.push(party.as_str().to_owned());
    }
    if let Some(digest) = &node.digest {
        // Twelve of 64 digits tell nodes apart on a screen; `--json` has them all.
        parts.push(clean(&digest.chars().take(12).collect::<String>()));
    }
    if node.again {
        parts.push(text(language, "cli-trace-again", &[]));
    }
    if node.not_followed {
        parts.push(text(language, "cli-trace-not-followed", &[]));
    }
    if let Some(asked) = &node.asked {
        let key = match asked.state {
            AskedState::NotAsked => "cli-trace-not-asked",
            AskedState::Answered if asked.why.is_empty() => "cli-trace-answered",
            AskedState::Answered => "cli-trace-answered-but",
            AskedState::Refused => "cli-trace-refused",
            AskedState::Unknown => "cli-trace-unknown",
            AskedState::Unreachable => "cli-trace-unreachable",
            AskedState::Failed => "cli-trace-failed",
        };
        parts.push(text(language, key, &[("why", &clean(&asked.why))]));
    }
    if let Some(party) = &node.told_by {
        parts.push(text(language, "cli-trace-told-by", &[("party", party.as_str())]));
    }
    let mark = match (node.verified, &node.told_by) {
        (true, None) => "cli-trace-verified",
        (true, Some(_)) => "cli-trace-proved",
        (false, None) => "cli-trace-not-verified",
        (false, Some(_)) => "cli-trace-not-proved",
    };
    format!("{} [{}]", parts.join(", "), text(language, mark, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::protocol::Asked;

    fn node(kind: &str, verified: bool, children: Vec<TraceNode>) -> TraceNode {
        TraceNode {
            kind: kind.to_owned(),
            label: format!("a {kind}"),
            verified,
            children,
            ..TraceNode::default()
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

    #[test]
    fn what_is_not_shown_not_asked_or_shown_twice_is_said_and_counted() {
        let mut pull = node("pull", true, vec![node("run", true, vec![])]);
        pull.hidden = 3;
        pull.children[0].again = true;
        pull.children[0].not_followed = true;
        pull.asked = Some(Asked {
            state: AskedState::NotAsked,
            why: "it keeps\u{1b}[2J no log".to_owned(),
        });
        let line = StreamLine {
            kind: "agreement".to_owned(),
            of: "urn:a".to_owned(),
            party: Some("did:web:water.example".parse().unwrap()),
            records: 40,
            runs: Some(20),
            runs_found: 3,
            runs_shown: 1,
            found: 21,
            shown: 2,
        };
        pull.summary = Some(Box::new(TraceSummary {
            direction: Towards::Down,
            found: 9,
            more: true,
            shown: 2,
            depth: 3,
            not_followed: 4,
            decisions: 1,
            cases: Counted {
                found: 2,
                shown: vec!["Z-1".to_owned()],
            },
            streams: Counted {
                found: 7,
                shown: vec![line],
            },
            aside: vec![Aside {
                kind: "denied".to_owned(),
                records: Counted {
                    found: 50,
                    shown: vec![3, 5],
                },
            }],
            log: "a.example/log/2".to_owned(),
            also: vec!["a.example/log/1".to_owned()],
            unsearched: vec!["a.example/log/0 cannot be read".to_owned()],
            ..TraceSummary::default()
        }));
        let shown = traced(&pull, Language::English);
        for said in [
            "not asked (it keeps\u{fffd}[2J no log)",
            "└─ run: a run, stands elsewhere in this tree, the greatest depth, not looked behind [verified]",
            "… 3 more, not shown",
            "more than 9 found that rest on it, itself included, 2 shown; of the first 9: 1 decisions",
            "4 of them are 3 steps away: nobody looked behind them",
            "cases, 1 of 2: Z-1",
            "agreement urn:a (did:web:water.example): 20 runs, 3 of them found, 1 shown; 21 found in all, 2 shown; its stream has 40 records",
            "recorded there too, and not drawn since they lead nowhere: 50 of kind denied (3, 5, …)",
            "1 of 7 streams",
            "only the log a.example/log/2 of this party was searched; no other party was asked",
            "the log a.example/log/1, which is over, knows of it too: give a.example/log/1/ and then what you gave",
            "not searched: a.example/log/0 cannot be read",
        ] {
            assert!(shown.contains(said), "{said}\n{shown}");
        }
        assert!(!shown.contains("other parties,"));
        assert!(traced(&pull, Language::Dutch).contains("niet gevraagd ("));
    }
}
