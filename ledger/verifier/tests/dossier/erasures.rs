//! Erasures that the log proves: each in its own log, of its own records.

use crate::build::Files;
use crate::judge::{Case, judge};
use crate::log::{Draft, TestLog};
use crate::withheld::{files_without, of_kind};
use crate::world::{Lie, World};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::{Language, Verdict};
use serde_json::{Value, json};

/// Records in a log that the content of a record was erased; gives the tombstone's index.
fn erase(log: &mut TestLog, index: usize) -> usize {
    let facts = json!({"index": index, "sections": ["content"], "macs": log.macs(index), "ground": "AVG 17", "authority": "urn:x",
        "completeBy": 1_600_000_000_000_u64});
    let draft = Draft {
        sections: vec![(S::Facts, facts)],
        ..Draft::default()
    };
    log.append(Kind::Erased, draft)
}

/// What the last run brought is opened by neither end, and both are said to have erased it; the app has.
fn closed(seed: &str) -> (World, usize, Value) {
    let mut world = World::new(seed, Lie::StrippedContent);
    let received = *of_kind(&world, "run-received").last().unwrap();
    erase(&mut world.app, received);
    let finished = world.board.entries.len() - 1;
    let said = [world.app.leaf(received), world.board.leaf(finished)].map(|leaf| {
        let id = format!("{}/content", hex::encode(leaf));
        json!({"what": "section", "id": id, "why": "erased", "explanation": "AVG art. 17"})
    });
    (world, finished, json!({"missing": said}))
}

fn files(world: &World, missing: &Value) -> Files {
    let received = *of_kind(world, "run-received").last().unwrap();
    let mut files = files_without(world, &[(received, S::Content)]);
    files.insert("missing.json".to_owned(), missing.to_string().into_bytes());
    files
}

/// A record of a log, by its number in `logs.json`.
fn show(files: &mut Files, world: &World, k: u64, log: &TestLog, index: usize, open: &[S]) {
    let record = log.hand_over(index, open, &world.witnessed(log), None);
    files.insert(format!("records/{k}/{index}.json"), record.to_bytes().unwrap());
}

/// Anybody can put the MACs of another's record into a log of their own, and a tombstone for them after that.
#[test]
fn a_tombstone_in_another_log_excuses_nothing() {
    let (mut world, finished, missing) = closed("real");
    let stone = erase(&mut world.board, finished);
    let mut honest = files(&world, &missing);
    show(&mut honest, &world, 3, &world.board, stone, &S::ALL);
    let honest = Case::new("its own log", world.seal(&honest), Some(world.anchors()));

    let (world, finished, missing) = closed("real");
    let mut accomplice = TestLog::new("accomplice", "real");
    accomplice.entries.push(world.board.entries[finished].clone());
    let stone = erase(&mut accomplice, 1);
    let mut forged = files(&world, &missing);
    let shown: [(usize, &[S]); 3] = [(0, &S::ALL), (1, &[S::StreamAgreement]), (stone, &S::ALL)];
    for (index, open) in shown {
        show(&mut forged, &world, 4, &accomplice, index, open);
    }
    let checkpoint = world.witnessed(&accomplice);
    forged.insert(
        "checkpoints/4.txt".to_owned(),
        checkpoint.note().to_string().into_bytes(),
    );
    let verifier_key = accomplice.signer.verifier().to_string();
    let mut logs: Value = serde_json::from_slice(&forged["logs.json"]).unwrap();
    let log = json!({"k": 4, "did": accomplice.did, "origin": accomplice.origin, "verifierKey": verifier_key});
    logs.as_array_mut().unwrap().push(log);
    forged.insert("logs.json".to_owned(), logs.to_string().into_bytes());
    let mut anchors = world.anchors();
    let log = json!({"origin": accomplice.origin, "verifierKey": verifier_key, "from": 0, "until": null});
    let party = json!({"did": accomplice.did, "name": "Accomplice", "logs": [log], "keys": [], "party": false});
    anchors["parties"].as_array_mut().unwrap().push(party);
    let forged = Case::new("another log", world.seal(&forged), Some(anchors));

    let judged = judge(vec![honest, forged]);
    let text = judged[0].report.text(Language::English);
    assert_eq!(judged[0].report.verdict, Verdict::Verified, "{text}");
    judged[1].expect(Verdict::Missing, "no opened `content`");
}
