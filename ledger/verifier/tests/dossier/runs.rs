//! The runs of a world: what the app asks of the board's model, and what comes of it.

use crate::identity;
use crate::log::{Draft, receipt_without, sha256_hex};
use crate::pieces::{decide, exchange, file, policy, sewer, transaction};
use crate::world::{AGREED_DATA, AGREED_MODEL, CASE, Lie, MODEL, PROGRAM, RAIN, World};
use herleid_ledger::exchange::Phase;
use herleid_ledger::merkle::Hash;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_vocab::json;
use serde_json::{Value, json};

impl World {
    /// The n-th run; gives the leaf of the app's `run-received`.
    pub fn run(&mut self, n: u64, agreed: Hash, pulled: Hash) -> Hash {
        let (id, input_id) = (transaction(10 + n), transaction(20 + n));
        let passed_on = self.pass_on(&input_id, pulled);
        let (app, board) = (self.app.did.clone(), self.board.did.clone());
        let output = format!("hour,flooded\n15,{}\n", n * 7).into_bytes();
        let mut outputs = vec![file("flooding", &output)];
        if self.lie == Lie::TwoOutputs && n == 2 {
            outputs.push(file("flooding", b"wishes"));
        }
        let outputs = json!(outputs);
        let mut input = file("rain", self.passed_on());
        input.as_object_mut().unwrap().extend([
            ("dataset".to_owned(), json!(RAIN)),
            ("version".to_owned(), json!("2020-06-18")),
            ("agreement".to_owned(), json!(AGREED_DATA)),
            ("transaction".to_owned(), json!(input_id)),
        ]);
        let parameters = json!({"storage_mm": n.to_string(), "pump_mm_per_h": "0.7"});
        let model = if self.lie == Lie::SwappedModel && n == 2 {
            "urn:example:dike"
        } else {
            MODEL
        };
        let run = |status: &str, outputs: Value, program: bool, case: Value| {
            let mut run = json!({"transaction": id, "agreement": AGREED_MODEL, "model": model, "version": "1", "inputs": [input], "outputs": outputs,
                "seed": null, "status": status, "environment": null, "case": case});
            if program {
                run["program"] = json!(sha256_hex(PROGRAM));
            }
            if status == "failed" {
                run["reason"] = json!("the program stopped");
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
        let receipts = self.board_runs(n, request, &run, parameters, &outputs);
        let mut streams = vec![(S::StreamAgreement, format!("{AGREED_MODEL} consumer"))];
        let (kind, sections) = if self.fails(n) {
            let run = run("failed", json!([]), false, json!(CASE));
            (Kind::RunFailed, vec![(S::Run, run)])
        } else {
            let answer = json::canonical(&json!({"outputs": outputs})).unwrap();
            let mut sections = exchange(Phase::RunResult, &id, AGREED_MODEL, (&board, &app), sewer(), &answer);
            sections.push((S::Run, run("finished", outputs, true, json!(CASE))));
            streams.push((S::StreamCase, CASE.to_owned()));
            self.data.push(output);
            (Kind::RunReceived, sections)
        };
        let index = self.app.append(
            kind,
            Draft {
                sections,
                documents: receipts.into_iter().map(|receipt| ("receipt", receipt)).collect(),
                streams,
                prior: vec![self.app.leaf(requested)],
            },
        );
        self.runs.push(id.clone());
        self.app.leaf(index)
    }

    /// Whether this run fails.
    fn fails(&self, n: u64) -> bool {
        self.lie == Lie::FailedRun && n == 2
    }

    /// The board's two records of a run; gives their receipts.
    fn board_runs(
        &mut self,
        n: u64,
        request: Vec<(S, Value)>,
        run: &dyn Fn(&str, Value, bool, Value) -> Value,
        mut parameters: Value,
        outputs: &Value,
    ) -> [Vec<u8>; 2] {
        let (id, app, board) = (transaction(10 + n), self.app.did.clone(), self.board.did.clone());
        let document = policy(AGREED_MODEL, &board, &app, MODEL);
        let decision = decide(&document, &app, &board, MODEL, "use", &app, self.board.now_ms);
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
        let started = match self.lie {
            Lie::StrippedExchange => self.stripped(Lie::StrippedExchange, n, index, S::Exchange),
            _ => self.stripped(Lie::StrippedNumber, n, index, S::StreamModel),
        };
        let (kind, sections) = if self.fails(n) {
            let run = run("failed", json!([]), true, Value::Null);
            (Kind::RunFailed, vec![(S::Run, run)])
        } else {
            let answer = json::canonical(&json!({"outputs": outputs})).unwrap();
            let mut sections = exchange(Phase::RunResult, &id, AGREED_MODEL, (&board, &app), sewer(), &answer);
            sections.push((S::Run, run("finished", outputs.clone(), true, Value::Null)));
            (Kind::RunFinished, sections)
        };
        let index = self.board.append(
            kind,
            Draft {
                sections,
                streams: vec![(S::StreamAgreement, format!("{AGREED_MODEL} provider"))],
                ..Draft::default()
            },
        );
        let ended = if self.fails(n) {
            let open = [S::Run, S::StreamAgreement];
            self.board.receipt_by(index, &open, &self.board.signer)
        } else {
            self.stripped(Lie::StrippedContent, n, index, S::Content)
        };
        [started, ended]
    }

    /// The board's receipt; of the last run without a section, when that is the lie.
    fn stripped(&self, lie: Lie, n: u64, index: usize, closed: S) -> Vec<u8> {
        if self.lie == lie && n == 3 {
            let open = receipt_without(closed);
            self.board.receipt_by(index, &open, &self.board.signer)
        } else {
            self.board.receipt(index)
        }
    }
}
