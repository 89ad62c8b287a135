//! A case among three parties: KNMI's rain, the water board's sewer model, the app builder's decision after three runs.

use crate::identity::{self, ISSUER, presentation};
use crate::log::{Draft, TestLog, sha256_hex, signing_key};
use crate::pieces::{decide, exchange, file, policy, rain, sewer, transaction};
use herleid_ledger::exchange::Phase;
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::Signer;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_vocab::json;
use serde_json::{Value, json};

pub const CASE: &str = "Z-2020-17";
pub const RAIN: &str = "urn:example:rain";
pub const MODEL: &str = "urn:example:sewer";
const PROGRAM: &[u8] = b"#!/bin/sh\necho sewer\n";
const RAIN_CSV: &[u8] = b"260,2020-06-17 14:00,0\n260,2020-06-17 15:00,513\n260,2020-06-17 16:00,2\n";
const AGREED_DATA: &str = "urn:uuid:0b3e1b5a-0000-4000-8000-00000000000a";
const AGREED_MODEL: &str = "urn:uuid:0b3e1b5a-0000-4000-8000-00000000000b";

/// What somebody in the case does that they should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    /// KNMI records another exchange than it made.
    AlteredExchange,
    /// The water board records other parameters than it was asked for.
    SwappedParameter,
    /// The water board gives two runs one number.
    ReusedNumber,
    /// The app gives no receipts of KNMI's delivery to the auditor.
    WithheldReceipt,
    /// The decision relies on an output with another digest.
    OtherOutput,
    /// The app records a decision of the policy engine that the engine does not reach.
    OtherPolicyDecision,
    /// The app shows a request that was signed for something else.
    OtherRequest,
    /// The app shows a credential by somebody whom nobody trusts.
    ForgedCredential,
}

pub struct World {
    pub app: TestLog,
    pub knmi: TestLog,
    pub board: TestLog,
    pub witness: Signer,
    pub lie: Lie,
    /// Index of the decision in the app's log.
    pub decision: usize,
    /// Transactions of the three runs.
    pub runs: Vec<String>,
    /// Data files of the case.
    pub data: Vec<Vec<u8>>,
    /// Index of the last `run-started` in the board's log.
    pub last_started: usize,
}

impl World {
    pub fn new(seed: &str, lie: Lie) -> Self {
        let witness = Signer::cosigner("witness.example/w1", signing_key(&format!("{seed} witness"))).unwrap();
        let mut world = Self {
            app: TestLog::new("app", seed),
            knmi: TestLog::new("knmi", seed),
            board: TestLog::new("board", seed),
            witness,
            lie,
            decision: 0,
            runs: Vec::new(),
            data: vec![RAIN_CSV.to_vec()],
            last_started: 0,
        };
        world.publish();
        let agreed_data = world.agree(AGREED_DATA, RAIN);
        let agreed_model = world.agree(AGREED_MODEL, MODEL);
        let pulled = world.pull(&transaction(1), agreed_data);
        let received: Vec<Hash> = (1..=3).map(|n| world.run(n, agreed_model, pulled)).collect();
        world.decide(&received);
        world
    }

    fn publish(&mut self) {
        let mut facts = file("rain", RAIN_CSV);
        let offer = b"{}".to_vec();
        let members = facts.as_object_mut().unwrap();
        members.remove("name");
        members.extend([
            ("dataset".to_owned(), json!(RAIN)),
            ("version".to_owned(), json!("2020-06-18")),
            ("title".to_owned(), json!("Rain at Vlissingen")),
            (
                "offers".to_owned(),
                json!([{"id": "urn:example:offer", "policy": sha256_hex(&offer)}]),
            ),
        ]);
        let draft = Draft {
            sections: vec![(S::Facts, facts)],
            documents: vec![("offer", offer)],
            ..Draft::default()
        };
        self.knmi.append(Kind::DatasetPublished, draft);
        let (environment, process) = (b"{\"os\":\"debian 12\"}".to_vec(), b"{\"id\":\"sewer\"}".to_vec());
        let facts = json!({"model": MODEL, "version": "1", "title": "Sewer storage and pump", "program": sha256_hex(PROGRAM),
            "environment": sha256_hex(&environment), "process": sha256_hex(&process), "canonicalisation": "none", "offers": []});
        let documents = vec![("environment", environment), ("process", process)];
        self.board.append(
            Kind::ModelPublished,
            Draft {
                sections: vec![(S::Facts, facts)],
                documents,
                ..Draft::default()
            },
        );
    }

    /// Concludes at both ends; gives the leaf at the app's.
    fn agree(&mut self, id: &str, target: &str) -> Hash {
        let app = self.app.did.clone();
        let holder = if target == RAIN {
            self.knmi.did.clone()
        } else {
            self.board.did.clone()
        };
        let document = policy(id, &holder, &app, target);
        let mut decision = decide(&document, &app, &holder, target, "use", 1_592_400_500_000);
        let mut leaf = [0; 32];
        for (side, is_app) in [("provider", false), ("consumer", true)] {
            if self.lie == Lie::OtherPolicyDecision && is_app {
                decision["outcome"] = json!("deny");
            }
            let facts = json!({"agreement": id, "side": side, "provider": holder, "consumer": app, "logs": [], "policy": document.digest().hex(), "decision": decision});
            let issuer = if self.lie == Lie::ForgedCredential {
                "did:web:forger.example"
            } else {
                ISSUER
            };
            let shown = presentation(&holder, &app, issuer, self.app.now_ms);
            let draft = Draft {
                sections: vec![(S::Facts, facts)],
                documents: vec![("agreement", document.bytes().to_vec()), ("presentation", shown)],
                streams: vec![(S::StreamAgreement, format!("{id} {side}"))],
                ..Draft::default()
            };
            let log = if is_app {
                &mut self.app
            } else if target == RAIN {
                &mut self.knmi
            } else {
                &mut self.board
            };
            let index = log.append(Kind::AgreementConcluded, draft);
            leaf = log.leaf(index);
        }
        leaf
    }

    /// The app pulls the rain from KNMI; gives the leaf of `pull-received`.
    fn pull(&mut self, id: &str, agreed: Hash) -> Hash {
        let (knmi, app) = (self.knmi.did.clone(), self.app.did.clone());
        let document = policy(AGREED_DATA, &knmi, &app, RAIN);
        let decision = decide(&document, &app, &knmi, RAIN, "use", self.knmi.now_ms);
        let sections = exchange(Phase::Pull, id, AGREED_DATA, (&knmi, &app), rain(), RAIN_CSV);
        let mut served = sections.clone();
        if self.lie == Lie::AlteredExchange {
            served = exchange(Phase::Pull, id, AGREED_DATA, (&knmi, &app), rain(), b"another rain");
        }
        served.push((
            S::Facts,
            json!({"transaction": id, "agreement": AGREED_DATA, "decision": decision}),
        ));
        let index = self.knmi.append(
            Kind::PullOpened,
            Draft {
                sections: served,
                documents: identity::request(&app, &knmi, id, AGREED_DATA, self.knmi.now_ms),
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} provider"))],
                ..Draft::default()
            },
        );
        let receipt = self.knmi.receipt(index);
        let index = self.app.append(
            Kind::PullReceived,
            Draft {
                sections,
                documents: vec![("receipt", receipt)],
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} consumer"))],
                prior: vec![agreed],
            },
        );
        let receipt = self.app.receipt(index);
        self.knmi.append(
            Kind::PullAcknowledged,
            Draft {
                sections: vec![(S::Facts, json!({"agreement": AGREED_DATA, "transactions": [id]}))],
                documents: vec![("receipt", receipt)],
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} provider"))],
                ..Draft::default()
            },
        );
        self.app.leaf(index)
    }

    /// The app passes the rain on to the board, under KNMI's agreement; gives the leaf at the app.
    fn pass_on(&mut self, id: &str, pulled: Hash) -> Hash {
        let (app, board) = (self.app.did.clone(), self.board.did.clone());
        let signed_for = if self.lie == Lie::OtherRequest {
            transaction(99)
        } else {
            id.to_owned()
        };
        let document = policy(AGREED_DATA, &self.knmi.did, &app, RAIN);
        let decision = decide(&document, &app, &self.knmi.did, RAIN, "distribute", self.app.now_ms);
        let sections = exchange(Phase::Pull, id, AGREED_DATA, (&app, &board), rain(), RAIN_CSV);
        let mut served = sections.clone();
        served.push((
            S::Facts,
            json!({"transaction": id, "agreement": AGREED_DATA, "decision": decision}),
        ));
        let index = self.app.append(
            Kind::PullOpened,
            Draft {
                sections: served,
                documents: identity::request(&board, &app, &signed_for, AGREED_DATA, self.app.now_ms),
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} onward"))],
                prior: vec![pulled],
            },
        );
        let leaf = self.app.leaf(index);
        let receipt = self.app.receipt(index);
        let index = self.board.append(
            Kind::PullReceived,
            Draft {
                sections,
                documents: vec![("receipt", receipt)],
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} consumer"))],
                ..Draft::default()
            },
        );
        let receipt = self.board.receipt(index);
        self.app.append(
            Kind::PullAcknowledged,
            Draft {
                sections: vec![(S::Facts, json!({"agreement": AGREED_DATA, "transactions": [id]}))],
                documents: vec![("receipt", receipt)],
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} onward"))],
                prior: vec![leaf],
            },
        );
        leaf
    }

    /// The n-th run; gives the leaf of the app's `run-received`.
    fn run(&mut self, n: u64, agreed: Hash, pulled: Hash) -> Hash {
        let (id, input_id) = (transaction(10 + n), transaction(20 + n));
        let passed_on = self.pass_on(&input_id, pulled);
        let (app, board) = (self.app.did.clone(), self.board.did.clone());
        let output = format!("hour,flooded\n15,{}\n", n * 7).into_bytes();
        let mut input = file("rain", RAIN_CSV);
        input.as_object_mut().unwrap().extend([
            ("dataset".to_owned(), json!(RAIN)),
            ("version".to_owned(), json!("2020-06-18")),
            ("agreement".to_owned(), json!(AGREED_DATA)),
            ("transaction".to_owned(), json!(input_id)),
        ]);
        let parameters = json!({"storage_mm": n.to_string(), "pump_mm_per_h": "0.7"});
        let run = |status: &str, outputs: Value, program: bool, case: Value| {
            let mut run = json!({"transaction": id, "agreement": AGREED_MODEL, "model": MODEL, "version": "1", "inputs": [input], "outputs": outputs,
                "seed": null, "status": status, "environment": null, "case": case});
            if program {
                run["program"] = json!(sha256_hex(PROGRAM));
            }
            run
        };
        let asked = json::canonical(&json!({"inputs": [input], "parameters": parameters})).unwrap();
        let request = exchange(Phase::RunRequest, &id, AGREED_MODEL, (&board, &app), sewer(), &asked);
        let mut sections = request.clone();
        sections.extend([
            (S::Run, run("requested", json!([]), false, json!(CASE))),
            (S::Parameters, parameters.clone()),
        ]);
        let requested = self.app.append(
            Kind::RunRequested,
            Draft {
                sections,
                streams: vec![(S::StreamAgreement, format!("{AGREED_MODEL} consumer"))],
                prior: vec![agreed, passed_on],
                ..Draft::default()
            },
        );
        let receipts = self.board_runs(n, request, &run, parameters, &output);
        let answer = json::canonical(&json!({"outputs": [file("flooding", &output)]})).unwrap();
        let mut sections = exchange(Phase::RunResult, &id, AGREED_MODEL, (&board, &app), sewer(), &answer);
        sections.push((
            S::Run,
            run("finished", json!([file("flooding", &output)]), true, json!(CASE)),
        ));
        let index = self.app.append(
            Kind::RunReceived,
            Draft {
                sections,
                documents: receipts.into_iter().map(|receipt| ("receipt", receipt)).collect(),
                streams: vec![
                    (S::StreamAgreement, format!("{AGREED_MODEL} consumer")),
                    (S::StreamCase, CASE.to_owned()),
                ],
                prior: vec![self.app.leaf(requested)],
            },
        );
        self.runs.push(id.clone());
        self.data.push(output);
        self.app.leaf(index)
    }

    /// The board's two records of a run; gives their receipts.
    fn board_runs(
        &mut self,
        n: u64,
        request: Vec<(S, Value)>,
        run: &dyn Fn(&str, Value, bool, Value) -> Value,
        mut parameters: Value,
        output: &[u8],
    ) -> [Vec<u8>; 2] {
        let (id, app, board) = (transaction(10 + n), self.app.did.clone(), self.board.did.clone());
        let document = policy(AGREED_MODEL, &board, &app, MODEL);
        let decision = decide(&document, &app, &board, MODEL, "use", self.board.now_ms);
        if self.lie == Lie::SwappedParameter && n == 2 {
            parameters["storage_mm"] = json!("70");
        }
        let model_stream = (S::StreamModel, format!("{MODEL} {app}"));
        let before = self.board.streams.get(&model_stream).copied();
        let mut sections = request;
        sections.extend([
            (S::Run, run("started", json!([]), true, Value::Null)),
            (S::Parameters, parameters),
            (S::Facts, json!({"transaction": id, "decision": decision})),
        ]);
        let index = self.board.append(
            Kind::RunStarted,
            Draft {
                sections,
                documents: identity::request(&app, &board, &id, AGREED_MODEL, self.board.now_ms),
                streams: vec![
                    (S::StreamAgreement, format!("{AGREED_MODEL} provider")),
                    model_stream.clone(),
                ],
                ..Draft::default()
            },
        );
        if self.lie == Lie::ReusedNumber && n == 2 {
            self.board.streams.insert(model_stream, before.unwrap());
        }
        self.last_started = index;
        let started = self.board.receipt(index);
        let answer = json::canonical(&json!({"outputs": [file("flooding", output)]})).unwrap();
        let mut sections = exchange(Phase::RunResult, &id, AGREED_MODEL, (&board, &app), sewer(), &answer);
        sections.push((
            S::Run,
            run("finished", json!([file("flooding", output)]), true, Value::Null),
        ));
        let index = self.board.append(
            Kind::RunFinished,
            Draft {
                sections,
                streams: vec![(S::StreamAgreement, format!("{AGREED_MODEL} provider"))],
                ..Draft::default()
            },
        );
        [started, self.board.receipt(index)]
    }

    fn decide(&mut self, received: &[Hash]) {
        let mut sha256 = sha256_hex(&self.data[3]);
        if self.lie == Lie::OtherOutput {
            sha256 = sha256_hex(b"wishes");
        }
        let id = crate::log::stream_id(&self.board.origin, S::StreamModel, &format!("{MODEL} {}", self.app.did));
        let facts = json!({"case": CASE, "title": "No permit for paving", "legalBasis": ["urn:example:awb:3-2"],
            "reliesOn": [{"transaction": self.runs[2], "output": "flooding", "sha256": sha256}],
            "choices": "storage of 3 mm, as measured", "streams": [{"kind": "stream-model", "id": id, "n": 3, "of": {"model": MODEL, "consumer": self.app.did}}]});
        let people = json!({"author": {"name": "A. de Vries", "role": "advisor", "organisation": "Example"}});
        self.decision = self.app.append(
            Kind::DecisionMade,
            Draft {
                sections: vec![(S::Facts, facts), (S::People, people)],
                streams: vec![(S::StreamCase, CASE.to_owned())],
                prior: received.to_vec(),
                ..Draft::default()
            },
        );
    }
}

/// The model's program, as the board would pass it on.
pub fn program() -> &'static [u8] {
    PROGRAM
}
