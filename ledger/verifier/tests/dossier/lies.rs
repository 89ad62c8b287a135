//! Parties that lie, with their real keys; each lie has its verdict.

use crate::build::Files;
use crate::judge::{Case, judge, judge_one};
use crate::log::{Draft, sha256_hex};
use crate::world::{Lie, World};
use herleid_ledger::fork::{Beginning, ROLE};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::{Language, Verdict};
use serde_json::{Value, json};

fn lying(lie: Lie) -> crate::judge::Judged {
    let world = World::new("real", lie);
    judge_one(&format!("{lie:?}"), world.dossier(), Some(world.anchors()))
}

#[test]
fn an_altered_exchange_fails() {
    lying(Lie::AlteredExchange).expect(Verdict::Failed, "altered exchange");
}

#[test]
fn parameters_that_the_ends_state_differently_fail() {
    lying(Lie::SwappedParameter).expect(Verdict::Failed, "`parameters` differs");
}

#[test]
fn a_reused_number_fails() {
    lying(Lie::ReusedNumber).expect(Verdict::Failed, "reused number");
}

#[test]
fn a_withheld_receipt_is_missing() {
    lying(Lie::WithheldReceipt).expect(Verdict::Missing, "did:web:knmi.example is missing");
}

/// What only the binary checks: the script's exit code differs, so it is not asked.
#[test]
fn what_only_the_binary_checks_is_found_as_well() {
    for (lie, verdict, part) in [
        (
            Lie::OtherOutput,
            Verdict::Failed,
            "another output than the decision says",
        ),
        (
            Lie::OtherPolicyDecision,
            Verdict::Failed,
            "`outcome` comes out differently",
        ),
        (Lie::ForgedCredential, Verdict::Untrusted, "forger.example"),
        (
            Lie::OtherRequest,
            Verdict::Failed,
            "the signed request is of another transaction than the record",
        ),
    ] {
        let world = World::new("real", lie);
        let anchors = crate::build::parse(&world.anchors());
        let dossier = std::io::Cursor::new(world.dossier());
        let report = herleid_verifier::verify(dossier, Some(&anchors), crate::judge::NOW_MS).report;
        let text = report.text(Language::English);
        assert_eq!(report.verdict, verdict, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

/// Names of the app's records about one transaction.
fn records_of(world: &World, transactions: &[&str]) -> Vec<String> {
    let is_about = |index: &usize| {
        [S::Exchange, S::Run, S::Facts].iter().any(|name| {
            let section = world.app.entries[*index].sections.get(name);
            let text = section
                .map(|(text, _)| String::from_utf8_lossy(text).into_owned())
                .unwrap_or_default();
            transactions
                .iter()
                .any(|transaction| text.contains(&format!("\"{transaction}\"")))
        })
    };
    let found = (0..world.app.entries.len())
        .filter(is_about)
        .filter(|index| *index != world.decision);
    found.map(|index| format!("records/1/{index}.json")).collect()
}

/// The dossier's files without the second run: its records at the app, their receipts, its output.
fn without_second_run(world: &World) -> Files {
    let mut files = world.files();
    for name in records_of(world, &[&world.runs[1], "01890a5d-ac96-7001-8000-000000000016"]) {
        files.remove(&name).unwrap();
    }
    files.remove(&format!("data/{}", sha256_hex(&world.data[2]))).unwrap();
    let names_run = |content: &[u8]| String::from_utf8_lossy(content).contains(&world.runs[1]);
    files.retain(|name, content| !name.starts_with("evidence/") || !names_run(content));
    files
}

#[test]
fn a_dossier_minus_one_run_is_missing_that_run() {
    let world = World::new("real", Lie::None);
    let judged = judge_one(
        "minus one run",
        world.seal(&without_second_run(&world)),
        Some(world.anchors()),
    );
    judged.expect(Verdict::Missing, "missing: run 2 of 3 of `urn:example:sewer`");
    let dutch = judged.report.text(Language::Nederlands);
    assert!(dutch.contains("ontbreekt: berekening 2 van 3"), "{dutch}");
}

/// The last run leaves no gap: only the decision and the water board's statement in the anchors tell of it.
#[test]
fn the_other_end_tells_of_runs_at_the_end_of_the_stream() {
    let world = World::new("real", Lie::None);
    let mut files = world.files();
    files.retain(|name, content| {
        let is_third = String::from_utf8_lossy(content).contains(&world.runs[2]);
        !(is_third && (name.starts_with("evidence/") || name.starts_with("records/1/")))
    });
    let judged = judge_one(
        "minus the last run and the decision",
        world.seal(&files),
        Some(world.anchors()),
    );
    judged.expect(
        Verdict::Missing,
        "missing: run 3 of 3 of `urn:example:sewer`; that there are 3 say",
    );
}

/// A provider states the streams of all its consumers in one file.
#[test]
fn of_stated_streams_only_those_of_the_case_are_expected() {
    let world = World::new("real", Lie::None);
    let mut board = world.board.clone();
    let draft = Draft {
        streams: vec![(S::StreamModel, "another stream".to_owned())],
        ..Draft::default()
    };
    let index = board.append(Kind::RunStarted, draft);
    let record = board.hand_over(index, &[S::StreamModel], &board.checkpoint(board.size()), None);
    let stated = |consumer: &str| {
        let mut anchors = world.anchors();
        let of = json!({"model": "urn:example:other", "consumer": consumer});
        let stream = json!({"record": record.to_value().unwrap(), "kind": "stream-model", "of": of});
        anchors["streams"].as_array_mut().unwrap().push(stream);
        Case::new(consumer, world.dossier(), Some(anchors))
    };
    let judged = judge(vec![stated("did:web:else.example"), stated(&world.app.did)]);
    let text = judged[0].report.text(Language::English);
    assert_eq!(judged[0].report.verdict, Verdict::Verified, "{text}");
    judged[1].expect(Verdict::Missing, "missing: run 1 of 1 of `urn:example:other`");
}

#[test]
fn a_dropped_record_is_missing() {
    let world = World::new("real", Lie::None);
    let cases = (1..world.app.entries.len()).map(|index| {
        let mut files = world.files();
        files.remove(&format!("records/1/{index}.json")).unwrap();
        Case::new(format!("without {index}"), world.seal(&files), Some(world.anchors()))
    });
    for (judged, index) in judge(cases.collect()).into_iter().zip(1..) {
        // The decision is the last of its stream: nothing but the manifest's `root` tells of it. Of other last ones the
        // records that rest on them tell.
        let part = if index == world.decision {
            "record of the decision"
        } else {
            "record"
        };
        judged.expect(Verdict::Missing, part);
    }
}

#[test]
fn a_log_without_its_first_record_is_missing_it() {
    let world = World::new("real", Lie::None);
    let mut files = world.files();
    files.remove("records/1/0.json").unwrap();
    judge_one("no log-opened", world.seal(&files), Some(world.anchors())).expect(Verdict::Missing, "first record");
}

#[test]
fn a_parameter_changed_after_the_fact_fails() {
    let world = World::new("real", Lie::None);
    let mut files = world.files();
    let name = records_of(&world, &[&world.runs[2]]).remove(0);
    let mut record: Value = serde_json::from_slice(&files[&name]).unwrap();
    let opened = &mut record["opened"]["parameters"];
    let text = opened["text"].as_str().unwrap().replace("\"3\"", "\"9\"");
    // The app has the key: it can make a new MAC, but not put it into a log that others have witnessed.
    let key: [u8; 32] = hex::decode(opened["key"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let mac = herleid_ledger::section::MacKey::from_bytes(key).mac(text.as_bytes());
    opened["text"] = json!(text);
    record["macs"]["parameters"] = json!(hex::encode(mac));
    files.insert(name.clone(), record.to_string().into_bytes());
    judge_one("swapped parameter", world.seal(&files), Some(world.anchors())).expect(Verdict::Failed, &name);
}

#[test]
fn a_forked_log_fails() {
    let world = World::new("real", Lie::None);
    let other = World::new("real", Lie::OtherOutput);
    assert_ne!(world.app.body(world.app.size()), other.app.body(world.app.size()));
    let mut anchors = world.anchors();
    // Somebody else was shown another history of the same length.
    anchors["checkpoints"] = json!([other.app.checkpoint(other.app.size()).note().to_string()]);
    judge_one("forked", world.dossier(), Some(anchors)).expect(Verdict::Failed, "forked log: two histories");
}

#[test]
fn a_fork_at_two_sizes_fails_with_what_the_larger_tree_begins_with() {
    // What somebody recorded of another log: its checkpoint as the case knows it, and a larger one, of its own history or of another.
    let judged = |name: &str, is_forked: bool, with_beginning: bool, is_altered: bool| {
        let mut world = World::new("real", Lie::None);
        let mut shown = world.knmi.clone();
        if is_forked {
            shown.entries.swap(1, 2);
        }
        for _ in 0..2 {
            let facts = json!({"transaction": "x", "verdict": "identical"});
            let sections = vec![(S::Facts, facts)];
            let draft = Draft {
                sections,
                ..Draft::default()
            };
            shown.append(Kind::Replayed, draft);
        }
        let (known, larger) = (world.knmi.checkpoint(world.knmi.size()), shown.checkpoint(shown.size()));
        let proof = shown
            .hand_over(0, &[], &larger, Some(known.size()))
            .consistency
            .unwrap()
            .proof;
        let mut text = Beginning {
            root: shown.body(known.size()).root,
            proof: Vec::new(),
        }
        .to_string();
        for hash in proof {
            text.push_str(&format!("{hash}\n"));
        }
        if is_altered {
            text = text.replacen("/1\n", "/2\n", 1);
        }
        let mut documents: Vec<(&str, Vec<u8>)> = [&larger, &known]
            .map(|checkpoint| ("checkpoint", checkpoint.note().to_string().into_bytes()))
            .into();
        if with_beginning {
            documents.push((ROLE, text.into_bytes()));
        }
        let facts = json!({"origin": world.knmi.origin, "party": world.knmi.did});
        let draft = Draft {
            sections: vec![(S::Facts, facts)],
            documents,
            ..Draft::default()
        };
        world.app.append(Kind::WitnessConflict, draft);
        (judge_one(name, world.dossier(), Some(world.anchors())), known.size())
    };
    let (forked, size) = judged("forked at two sizes", true, true, false);
    forked.expect(Verdict::Failed, &format!("forked log: two histories of {size} records"));
    // Without it the two contradict nothing, and what is no beginning proves nothing.
    for (name, is_forked, with_beginning, is_altered) in [
        ("no beginning", true, false, false),
        ("an altered beginning", true, true, true),
        ("one history", false, true, false),
    ] {
        let (judged, _) = judged(name, is_forked, with_beginning, is_altered);
        assert_eq!(
            judged.report.exit_code,
            0,
            "{name}: {}",
            judged.report.text(Language::English)
        );
    }
}

#[test]
fn a_manifest_of_a_log_that_does_not_extend_the_checkpoint_fails() {
    let mut world = World::new("real", Lie::None);
    let files = world.files();
    let other = World::new("real", Lie::OtherOutput);
    world.app = other.app;
    judge_one("rewritten log", world.seal(&files), Some(world.anchors()))
        .expect(Verdict::Failed, "manifest.json.tlog-proof");
}

#[test]
fn an_erasure_counts_only_when_the_log_proves_it() {
    let rain = |world: &World| sha256_hex(&world.data[0]);
    let sealed = |world: &World, why: &str| {
        let mut files = world.files();
        files.remove(&format!("data/{}", rain(world))).unwrap();
        let missing =
            json!({"missing": [{"what": "data", "id": rain(world), "why": why, "explanation": "AVG art. 17"}]});
        files.insert("missing.json".to_owned(), missing.to_string().into_bytes());
        world.seal(&files)
    };
    let claimed = World::new("real", Lie::None);
    let mut proved = World::new("real", Lie::None);
    let index: usize = records_of(&proved, &[&proved.runs[0]])[0]
        .split(['/', '.'])
        .nth(2)
        .unwrap()
        .parse()
        .unwrap();
    let facts = json!({"index": index, "sections": ["content"], "macs": proved.app.macs(index), "ground": "AVG 17", "authority": "urn:x", "completeBy": 1_600_000_000_000_u64});
    proved.app.append(
        Kind::Erased,
        Draft {
            sections: vec![(S::Facts, facts)],
            ..Draft::default()
        },
    );
    let case = |name: &str, world: &World, why| Case::new(name, sealed(world, why), Some(world.anchors()));
    let judged = judge(vec![
        case("erased", &proved, "erased"),
        case("claimed", &claimed, "erased"),
        case("withheld", &proved, "withheld"),
    ]);
    assert_eq!(
        judged[0].report.verdict,
        Verdict::Verified,
        "{}",
        judged[0].report.text(Language::English)
    );
    assert!(
        judged[0]
            .report
            .text(Language::English)
            .contains("explained, and proved by the log: erased: AVG art. 17")
    );
    judged[1].expect(Verdict::Missing, "data/");
    judged[2].expect(Verdict::Missing, "data/");
}
