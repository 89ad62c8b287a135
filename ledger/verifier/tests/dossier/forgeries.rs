//! What a party can put into its own log without anybody else's hand in it: every such thing has to show. What the script checks
//! as well is judged by both.

use crate::build::parse;
use crate::judge::{NOW_MS, has_python, judge_here, judge_one, script};
use crate::log::{sha256, signing_key};
use crate::world::{Lie, World};
use crate::zip::{Raw, unzip, zip};
use herleid_ledger::note::Signer;
use herleid_verifier::anchors::Anchors;
use herleid_verifier::dossier::{FileName, Listed, MANIFEST, Manifest};
use herleid_verifier::{Check, Language, Verdict, verify};
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};
use std::process::Command;

#[test]
fn each_forgery_has_its_verdict() {
    for (lie, verdict, part) in [
        (
            Lie::AlteredPassOn,
            Verdict::Failed,
            "passed on other bytes than it had received",
        ),
        (Lie::BorrowedDecision, Verdict::Failed, "about another action"),
        (Lie::FalseEngine, Verdict::Untrusted, "herleid-policies/9.9.9"),
        (Lie::FabricatedKey, Verdict::Untrusted, "#key-9"),
        (Lie::StaleRequest, Verdict::Failed, "too far apart to be one event"),
        (Lie::LatePull, Verdict::Missing, "no earlier delivery of it to"),
    ] {
        let world = World::new("real", lie);
        judge_here(&format!("{lie:?}"), &world.dossier(), &world.anchors()).expect_here(verdict, part);
    }
}

#[test]
fn forgeries_of_runs_have_one_verdict_by_both() {
    for (lie, part) in [
        (
            Lie::SwappedModel,
            "another transaction, agreement or model than its exchange",
        ),
        (Lie::ForeignRun, "a record without an exchange"),
    ] {
        let world = World::new("real", lie);
        judge_one(&format!("{lie:?}"), world.dossier(), Some(world.anchors())).expect(Verdict::Failed, part);
    }
    let world = World::new("real", Lie::TwoOutputs);
    judge_one("two outputs", world.dossier(), Some(world.anchors()))
        .expect_here(Verdict::Failed, "run is not of the form");
}

/// Whatever the files are called: a run's inputs and outputs are those of the exchange.
#[test]
fn what_stands_beside_a_run_is_not_told_of_it() {
    let world = World::new("real", Lie::ForeignRun);
    let anchors = parse(&world.anchors());
    let case = verify(Cursor::new(world.dossier()), Some(&anchors), NOW_MS).case;
    let outputs = &case.runs[&world.runs[2]].outputs;
    assert_eq!(outputs.len(), 1);
    assert_ne!(outputs[0].sha256, crate::log::sha256_hex(b"wishes"));
}

#[test]
fn an_exchange_with_oneself_fails() {
    let world = World::new("real", Lie::OneParty);
    judge_one("one party", world.dossier(), Some(world.anchors())).expect_here(Verdict::Failed, "Exchange ");
}

#[test]
fn a_receipt_by_a_key_that_was_given_up_before_is_untrusted() {
    let world = World::new("real", Lie::RetiredKey);
    let with_until = |until: u64| {
        let mut anchors = world.anchors();
        let retired = world.retired().verifier().to_string();
        let log = json!({"origin": world.knmi.origin, "verifierKey": retired, "from": 0, "until": until});
        anchors["parties"][1]["logs"].as_array_mut().unwrap().push(log);
        judge_one(&format!("until {until}"), world.dossier(), Some(anchors))
    };
    with_until(1_592_400_001_000).expect_here(Verdict::Untrusted, "did not count on");
    let later = with_until(1_600_000_000_000);
    let text = later.report.text(Language::English);
    assert_eq!(later.report.verdict, Verdict::Verified, "{text}");
}

#[test]
fn an_issuer_that_had_no_key_then_hides_no_other() {
    let expired = |world: &World| {
        let mut anchors = world.anchors();
        let mut issuer = anchors["issuers"][0].clone();
        issuer["did"] = json!("did:web:old.example");
        issuer["keys"][0]["id"] = json!("did:web:old.example#key-1");
        issuer["keys"][0]["until"] = json!(1);
        anchors["issuers"].as_array_mut().unwrap().insert(0, issuer);
        anchors
    };
    let honest = World::new("real", Lie::None);
    let judged = judge_here("honest", &honest.dossier(), &expired(&honest));
    let checked = judged.report.of(Verdict::Verified);
    assert_eq!(checked.filter(|element| element.check == Check::Credential).count(), 2);
    let forged = World::new("real", Lie::ForgedCredential);
    judge_here("forged", &forged.dossier(), &expired(&forged)).expect_here(Verdict::Untrusted, "forger.example");
}

#[test]
fn a_decision_may_rest_on_what_was_delivered() {
    let world = World::new("real", Lie::ReliesOnDelivery);
    let judged = judge_one("delivery", world.dossier(), Some(world.anchors()));
    let text = judged.report.text(Language::English);
    assert_eq!(judged.report.verdict, Verdict::Verified, "{text}");
    assert!(
        judged
            .report
            .of(Verdict::Verified)
            .any(|element| element.check == Check::Output)
    );
    let anchors = parse(&world.anchors());
    let case = verify(Cursor::new(world.dossier()), Some(&anchors), NOW_MS).case;
    let relied = &case.decision.as_ref().unwrap().facts.relies_on[0];
    assert_eq!(
        (relied.output.as_deref(), case.title_of_relied(relied)),
        (None, "Rain at Vlissingen")
    );
    let prov: Value = serde_json::from_slice(&herleid_verifier::prov::json(&case).unwrap()).unwrap();
    assert!(
        prov["entity"]
            .get(format!("sha256:{}", relied.sha256))
            .is_some_and(|entity| entity["prov:label"] == "Rain at Vlissingen")
    );
    assert!(herleid_verifier::report::html(&case, &[], 0).contains("Uitkomsten en gegevens waarop het besluit rust"));
}

#[test]
fn one_form_of_a_record_and_of_the_list_of_logs() {
    let world = World::new("real", Lie::None);
    let mut files = world.files();
    let mut record: Value = serde_json::from_slice(&files["records/1/3.json"]).unwrap();
    record["consistency"] = Value::Null;
    files.insert("records/1/3.json".to_owned(), record.to_string().into_bytes());
    judge_one("null", world.seal(&files), Some(world.anchors())).expect_here(Verdict::Failed, "records/1/3.json");

    // Every file of the third log under the first number that is too large.
    let large = "9007199254740992";
    let renamed = world.files().into_iter().map(|(name, content)| {
        let name = name.replace("records/3/", &format!("records/{large}/"));
        (
            name.replace("checkpoints/3.", &format!("checkpoints/{large}.")),
            content,
        )
    });
    let mut files: crate::build::Files = renamed.collect();
    let logs = String::from_utf8(files["logs.json"].clone()).unwrap();
    let logs = logs.replace("\"k\":3", &format!("\"k\":{large}"));
    assert!(logs.contains(large));
    files.insert("logs.json".to_owned(), logs.into_bytes());
    judge_one("a large number", world.seal(&files), Some(world.anchors())).expect_here(Verdict::Failed, "logs.json");
}

#[test]
fn a_decision_that_counts_what_is_no_stream_fails() {
    let world = World::new("real", Lie::StreamOfOtherKind);
    judge_one("other kind", world.dossier(), Some(world.anchors())).expect_here(Verdict::Failed, "facts.streams");
}

/// One key under two names would be a quorum of two, or a log that witnesses itself. Anchors that say so are not used.
#[test]
fn a_witness_counts_once_and_is_no_log() {
    let world = World::new("real", Lie::None);
    let again = Signer::cosigner("other.example/w1", signing_key("real witness")).unwrap();
    let log = Signer::cosigner("log.example/w1", signing_key("real app.example/log/1")).unwrap();
    for (name, signer) in [("twice", again), ("log", log)] {
        let mut anchors = world.anchors();
        let witness = json!({"name": name, "verifierKey": signer.verifier().to_string(), "outside": true});
        anchors["witnesses"].as_array_mut().unwrap().push(witness);
        let error = Anchors::parse(anchors.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("witnesses"), "{error}");
        if has_python() {
            let folder = tempfile::tempdir().unwrap();
            let (dossier, file) = (folder.path().join("case.zip"), folder.path().join("anchors.json"));
            std::fs::write(&dossier, world.dossier()).unwrap();
            std::fs::write(&file, anchors.to_string()).unwrap();
            let mut command = Command::new("python3");
            command.arg(script()).arg(&dossier).arg("--anchors").arg(&file);
            assert_eq!(command.output().unwrap().status.code(), Some(2), "{name}");
        }
    }
}

/// Records are kept in memory; a file that packs well must not fill it.
#[test]
fn more_records_than_are_read_fail() {
    const BYTES: usize = (256 << 20) + 1;
    let world = World::new("real", Lie::None);
    let mut files = unzip(&world.dossier());
    let at = files.iter().position(|(name, _)| name == MANIFEST).unwrap();
    let mut manifest = Manifest::parse(&files[at].1).unwrap();
    let spaces = vec![b' '; BYTES];
    let name = "records/1/999.json";
    let listed = Listed {
        sha256: sha256(&spaces),
        bytes: BYTES as u64,
    };
    manifest.files.insert(FileName::parse(name.as_bytes()).unwrap(), listed);
    files[at].1 = manifest.to_bytes().unwrap();
    // So much that cannot be packed that the zip is not taken for a bomb.
    let noise: Vec<u8> = (0..60_000_u32).flat_map(|i| sha256(&i.to_be_bytes())).collect();
    files.push(("noise".to_owned(), noise));
    let mut entries: Vec<Raw> = files.iter().map(|(name, content)| Raw::stored(name, content)).collect();
    let (mut encoder, mut crc) = (
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast()),
        flate2::Crc::new(),
    );
    encoder.write_all(&spaces).unwrap();
    crc.update(&spaces);
    drop(spaces);
    entries.push(Raw {
        name: name.to_owned(),
        deflated: true,
        packed: encoder.finish().unwrap(),
        claimed: BYTES as u32,
        crc: crc.sum(),
    });
    judge_one("too many", zip(&entries), Some(world.anchors())).expect_here(Verdict::Failed, "at most 268435456");
}
