//! What the people at the keyboards do.

use super::setup::Parties;
use super::{DemoError, Made, Telling, descriptions, offers, text};
use crate::audit;
use crate::control::error::Code;
use crate::control::protocol::TraceAnswer;
use herleid_verifier::{Language, Verdict};
use herleid_vocab::rim::Clock as _;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const RAIN: &[u8] = include_bytes!("../../../tests/models/data/vlissingen-2020-06.json");
const SEWER: &[u8] = include_bytes!("../../../tests/models/data/sewer.json");
const MODEL: &str = include_str!("../../../tests/models/model.toml");

const RAIN_ID: &str = "urn:knmi:vlissingen:neerslag-uur";
const PILOT_ID: &str = "urn:knmi:vlissingen:neerslag-proef";
const SEWER_ID: &str = "urn:gemeente-vlissingen:riool";
const MODEL_ID: &str = "sewer-storage-pump";
const CASE: &str = "Z2026-001";
/// How long the pilot offer lasts: long enough to conclude an agreement, short enough to watch it expire.
const PILOT_MS: u64 = 3_000;

pub(super) async fn play(directory: &Path, mut parties: Parties, telling: &mut Telling) -> Result<Made, DemoError> {
    let program = std::env::current_exe().map_err(|e| DemoError::Setup {
        what: "this program",
        why: e.to_string(),
    })?;
    for party in parties.all_mut() {
        party.start(&program)?;
    }
    telling.step("demo-started", &[("count", "4"), ("others", "2")]);

    publish(directory, &program, &parties, telling).await?;
    let mut refusals = vec![without_credential(&parties, telling).await?];
    credentials(&parties, telling).await?;
    refusals.push(wrong_purpose(&parties, telling).await?);
    let agreements = negotiate(&parties, telling).await?;
    refusals.push(expired(&parties, telling).await?);
    let output = pull_and_run(&parties, &agreements, telling).await?;
    decide(&parties, &output, telling).await?;
    let (dossier, anchors) = hand_over(directory, &parties, telling).await?;
    let (verdict, replay) = examine(&dossier, &anchors, telling).await?;
    let trace = parties.app.call("trace", json!({"what": CASE})).await?;
    telling.step("demo-trace", &[("case", CASE)]);
    let trace: TraceAnswer = serde_json::from_value(trace).map_err(|e| DemoError::Answer {
        pointer: "/".to_owned(),
        answer: e.to_string(),
    })?;
    if let TraceAnswer::Tree(root) = trace {
        telling.block(&telling.tree(&root));
    }
    Ok(Made {
        dossier,
        anchors,
        verdict,
        replay,
        refusals,
    })
}

fn far() -> String {
    format_rfc3339_ms(crate::rim::SystemClock.now_ms() + 365 * 24 * 3_600_000)
}

async fn publish(directory: &Path, program: &Path, parties: &Parties, telling: &mut Telling) -> Result<(), DemoError> {
    let write = |path: PathBuf, bytes: &[u8]| {
        fs::write(&path, bytes).map(|()| path).map_err(|e| DemoError::Setup {
            what: "the data",
            why: e.to_string(),
        })
    };
    let rain = write(directory.join("knmi/neerslag.json"), RAIN)?;
    let sewer = write(directory.join("municipality/riool.json"), SEWER)?;
    let water_board = parties.water_board.did.as_str();

    let offer = offers::data("urn:knmi:offer:neerslag", &far(), water_board);
    let made = parties
        .knmi
        .publish(
            &rain,
            RAIN_ID,
            &descriptions::rain("Neerslag per uur, Vlissingen, 16 tot en met 18 juni 2020")?,
            offer,
        )
        .await?;
    telling.step("demo-published-rain", &[("sha256", &short(&made, "/sha256")?)]);
    let offer = offers::data("urn:gemeente-vlissingen:offer:riool", &far(), water_board);
    let made = parties
        .municipality
        .publish(&sewer, SEWER_ID, &descriptions::sewer()?, offer)
        .await?;
    telling.step("demo-published-sewer", &[("sha256", &short(&made, "/sha256")?)]);

    let binary = program.with_file_name("herleid-sewer");
    let place = directory.join("water-board");
    fs::copy(&binary, place.join("herleid-sewer")).map_err(|e| DemoError::Setup {
        what: "the model program beside this one (`cargo build -p herleid-sewer`)",
        why: e.to_string(),
    })?;
    let package = write(place.join("model.toml"), MODEL.as_bytes())?;
    let offer = offers::model("urn:waterschap:offer:bergingsmodel", &far());
    let made = parties
        .water_board
        .call(
            "publish",
            json!({"source": {"model": package}, "id": MODEL_ID, "policy": offer, "metadata": descriptions::model()?}),
        )
        .await?;
    telling.step("demo-published-model", &[("program", &short(&made, "/sha256")?)]);
    Ok(())
}

async fn without_credential(parties: &Parties, telling: &mut Telling) -> Result<String, DemoError> {
    telling.step("demo-no-credential", &[]);
    let tried = parties.app.call("catalog", json!({"peer": parties.knmi.did})).await;
    refused(tried, "a catalogue request without a credential", telling)
}

async fn wrong_purpose(parties: &Parties, telling: &mut Telling) -> Result<String, DemoError> {
    telling.step("demo-wrong-purpose", &[]);
    let tried = parties
        .app
        .negotiate(&parties.knmi, RAIN_ID, &offers::other_purpose())
        .await;
    refused(
        tried,
        "a negotiation for a purpose that the policy does not allow",
        telling,
    )
}

async fn expired(parties: &Parties, telling: &mut Telling) -> Result<String, DemoError> {
    let clock = crate::rim::SystemClock;
    let until = clock.now_ms() + PILOT_MS;
    let offer = offers::data(
        "urn:knmi:offer:proef",
        &format_rfc3339_ms(until),
        &parties.water_board.did,
    );
    let rain = parties.knmi.directory.join("neerslag.json");
    let metadata = descriptions::rain("Neerslag per uur, proef van enkele seconden")?;
    parties.knmi.publish(&rain, PILOT_ID, &metadata, offer).await?;
    let agreement = parties
        .app
        .negotiate(&parties.knmi, PILOT_ID, &offers::purpose())
        .await?;
    telling.step("demo-expired", &[("until", &format_rfc3339_ms(until))]);
    let left = until.saturating_sub(clock.now_ms()) + 1;
    tokio::time::sleep(std::time::Duration::from_millis(left)).await;
    let tried = parties.app.call("pull", json!({"agreement": agreement})).await;
    refused(tried, "a pull under an expired agreement", telling)
}

/// The refusal's message; an error of another kind, or none at all, ends the demonstration.
fn refused<T>(tried: Result<T, DemoError>, what: &'static str, telling: &Telling) -> Result<String, DemoError> {
    match tried {
        Ok(_) => Err(DemoError::NotRefused { what }),
        Err(DemoError::Command { error, .. }) if matches!(error.code, Code::Refused) => {
            telling.block(&error.to_string());
            Ok(error.to_string())
        }
        Err(other) => Err(other),
    }
}

async fn credentials(parties: &Parties, telling: &mut Telling) -> Result<(), DemoError> {
    let members = [&parties.knmi, &parties.municipality, &parties.water_board, &parties.app];
    for party in members {
        give(
            parties,
            party,
            "MembershipCredential",
            json!({"memberOf": "Digitale tweeling Zeeland (demonstration)"}),
        )
        .await?;
    }
    give(
        parties,
        &parties.water_board,
        "ModelAccreditationCredential",
        json!({"model": MODEL_ID}),
    )
    .await?;
    telling.step("demo-credentials", &[("count", &(members.len() + 1).to_string())]);
    Ok(())
}

async fn give(parties: &Parties, to: &super::party::Party, kind: &str, claims: Value) -> Result<(), DemoError> {
    let issue = json!({"action": "issue", "subject": to.did, "types": [kind], "claims": claims, "valid_days": 30});
    let issued = parties.issuer.call("credential", issue).await?;
    to.call(
        "credential",
        json!({"action": "add", "jwt": text(&issued, "/issued/jwt")?}),
    )
    .await?;
    Ok(())
}

struct Agreements {
    rain: String,
    sewer: String,
    model: String,
}

async fn negotiate(parties: &Parties, telling: &mut Telling) -> Result<Agreements, DemoError> {
    for holder in [&parties.knmi, &parties.municipality, &parties.water_board] {
        let found = parties.app.call("catalog", json!({"peer": holder.did})).await?;
        let count = found.pointer("/datasets").and_then(Value::as_array).map_or(0, Vec::len);
        telling.step(
            "demo-catalogue",
            &[("holder", holder.name), ("count", &count.to_string())],
        );
    }
    let purpose = offers::purpose();
    let agreements = Agreements {
        rain: parties.app.negotiate(&parties.knmi, RAIN_ID, &purpose).await?,
        sewer: parties.app.negotiate(&parties.municipality, SEWER_ID, &purpose).await?,
        model: parties.app.negotiate(&parties.water_board, MODEL_ID, &purpose).await?,
    };
    telling.step("demo-negotiated", &[("count", "3"), ("purpose", &purpose)]);
    Ok(agreements)
}

/// Pulls rain and sewer parameters, runs the model on both; gives transaction of the run.
async fn pull_and_run(parties: &Parties, agreements: &Agreements, telling: &mut Telling) -> Result<String, DemoError> {
    let rain = parties.app.call("pull", json!({"agreement": agreements.rain})).await?;
    telling.step(
        "demo-pulled",
        &[("what", RAIN_ID), ("sha256", &short(&rain, "/sha256")?)],
    );
    let sewer = parties.app.call("pull", json!({"agreement": agreements.sewer})).await?;
    telling.step(
        "demo-pulled",
        &[("what", SEWER_ID), ("sha256", &short(&sewer, "/sha256")?)],
    );
    let inputs = json!({"rain": {"transaction": text(&rain, "/transaction")?}, "sewer": {"transaction": text(&sewer, "/transaction")?}});
    let mut last = String::new();
    // Two runs: the choice between them is part of what a court wants to see, so both stand in the dossier.
    for pump in ["0.7", "1.4"] {
        let run = json!({"agreement": agreements.model, "inputs": inputs, "parameters": {"pump_mm_per_h": pump}, "case": CASE});
        let run = parties.app.call("run", run).await?;
        telling.step(
            "demo-ran",
            &[("pump", pump), ("sha256", &short(&run, "/outputs/0/sha256")?)],
        );
        if last.is_empty() {
            last = text(&run, "/transaction")?;
        }
    }
    Ok(last)
}

async fn decide(parties: &Parties, run: &str, telling: &mut Telling) -> Result<(), DemoError> {
    let decision = json!({
        "case": CASE, "title": "Afsluiten van de Boulevard bij hevige regen",
        "legal_basis": ["https://wetten.overheid.nl/BWBR0037885"],
        "relies_on": [{"transaction": run, "output": "result"}],
        "author": "A. de Vries", "role": "beleidsadviseur water", "organisation": "Gemeente Vlissingen (demonstration)",
        "choices": "De standaardwaarde van de pompcapaciteit is aangehouden; de run met dubbele capaciteit is ter vergelijking gedaan.",
    });
    parties.app.call("decide", decision).await?;
    telling.step("demo-decided", &[("case", CASE), ("author", "A. de Vries")]);
    Ok(())
}

async fn hand_over(
    directory: &Path,
    parties: &Parties,
    telling: &mut Telling,
) -> Result<(PathBuf, PathBuf), DemoError> {
    let dossier = directory.join("dossier.zip");
    let made = parties
        .app
        .call("dossier", json!({"case": CASE, "out": dossier}))
        .await?;
    telling.step(
        "demo-dossier",
        &[
            ("path", &dossier.display().to_string()),
            ("manifest", &short(&made, "/manifest_sha256")?),
        ],
    );
    // Each party states its keys, its log and what it knows of the others' streams; nobody else may speak for it.
    let mut statements = Vec::new();
    for party in parties.all() {
        let path = party.directory.join("anchors.json");
        party.call("anchors", json!({"out": path})).await?;
        statements.push(audit::read_statement(&path).map_err(|e| DemoError::NotVerified(e.to_string()))?);
    }
    let anchors = directory.join("anchors.json");
    let merged = audit::merge_anchors(&statements).map_err(|e| DemoError::NotVerified(e.to_string()))?;
    fs::write(&anchors, merged).map_err(|e| DemoError::Setup {
        what: "the anchors",
        why: e.to_string(),
    })?;
    telling.step("demo-anchors", &[("path", &anchors.display().to_string())]);
    Ok((dossier, anchors))
}

async fn examine(dossier: &Path, anchors: &Path, telling: &mut Telling) -> Result<(String, String), DemoError> {
    let verified = audit::verify(dossier, Some(anchors), crate::rim::SystemClock.now_ms())
        .map_err(|e| DemoError::NotVerified(e.to_string()))?;
    let report = verified.report;
    let count = report.of(Verdict::Verified).count().to_string();
    let unchecked = report.of(Verdict::NotChecked).count().to_string();
    if report.verdict != Verdict::Verified {
        return Err(DemoError::NotVerified(report.text(Language::English)));
    }
    telling.step("demo-verified", &[("count", &count), ("unchecked", &unchecked)]);
    let replays = audit::replay_runs(dossier, &verified.case, None, &[])
        .await
        .map_err(|e| DemoError::Replay(e.to_string()))?;
    let mut verdicts = Vec::new();
    for replay in &replays {
        let verdict = audit::words(&replay.comparison.verdict);
        telling.step("demo-replayed", &[("model", &replay.model), ("verdict", &verdict)]);
        if !replay.comparison.verdict.is_same() {
            return Err(DemoError::Replay(verdict));
        }
        verdicts.push(verdict);
    }
    Ok(("verified".to_owned(), verdicts.join(", ")))
}

/// The first digits of a digest, enough for people to compare.
fn short(answer: &Value, pointer: &str) -> Result<String, DemoError> {
    Ok(text(answer, pointer)?.chars().take(16).collect())
}
