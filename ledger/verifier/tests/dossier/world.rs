//! A case among three parties: KNMI's rain, the water board's sewer model, the app builder's decision after three runs.

use crate::identity::{self, ISSUER, presentation};
pub use crate::lie::Lie;
use crate::log::{Draft, TestLog, sha256_hex, signing_key};
use crate::pieces::{decide, exchange, file, policy, rain, transaction};
use herleid_ledger::exchange::Phase;
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::Signer;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use serde_json::json;

pub const CASE: &str = "Z-2020-17";
pub const RAIN: &str = "urn:example:rain";
pub const MODEL: &str = "urn:example:sewer";
pub const PROGRAM: &[u8] = b"#!/bin/sh\necho sewer\n";
pub const RAIN_CSV: &[u8] = b"260,2020-06-17 14:00,0\n260,2020-06-17 15:00,513\n260,2020-06-17 16:00,2\n";
const LESS_RAIN_CSV: &[u8] = b"260,2020-06-17 14:00,0\n260,2020-06-17 15:00,13\n260,2020-06-17 16:00,2\n";
pub const AGREED_DATA: &str = "urn:uuid:0b3e1b5a-0000-4000-8000-00000000000a";
pub const AGREED_MODEL: &str = "urn:uuid:0b3e1b5a-0000-4000-8000-00000000000b";

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
        if lie.has_clock_set_back() {
            world.app.behind_ms = 3_600_000;
        }
        let agreed_data = world.agree(AGREED_DATA, RAIN);
        let agreed_model = world.agree(AGREED_MODEL, MODEL);
        let id = transaction(if lie == Lie::LateId { 90 } else { 1 });
        let pulled = match lie {
            Lie::LatePull => agreed_data,
            Lie::Resumed | Lie::ResumedDelivery | Lie::AlteredSegment => world.pull_in_segments(&id, agreed_data),
            Lie::OnTheWay => world.pull_on_the_way(&id, agreed_data),
            _ => world.pull(&id, agreed_data),
        };
        let received: Vec<Hash> = (1..=3).map(|n| world.run(n, agreed_model, pulled)).collect();
        if lie == Lie::LatePull {
            world.pull(&id, agreed_data);
        }
        world.add_what_is_false();
        world.decide(&received);
        if lie == Lie::AlteredPassOn {
            world.data.push(LESS_RAIN_CSV.to_vec());
        }
        world
    }

    /// The rain as the app passes it on.
    pub fn passed_on(&self) -> &'static [u8] {
        if self.lie == Lie::AlteredPassOn {
            LESS_RAIN_CSV
        } else {
            RAIN_CSV
        }
    }

    /// The key that KNMI's log was signed with once.
    pub fn retired(&self) -> Signer {
        Signer::ed25519(&self.knmi.origin, signing_key("retired")).unwrap()
    }

    /// Records of the app that nobody asked for.
    fn add_what_is_false(&mut self) {
        if self.lie == Lie::ForeignRun {
            let mut run = self.app.section(self.app.entries.len() - 1, S::Run);
            run["outputs"] = json!([file("flooding", b"wishes")]);
            let facts = json!({"transaction": self.runs[2], "verdict": "identical"});
            let draft = Draft {
                sections: vec![(S::Facts, facts), (S::Run, run)],
                ..Draft::default()
            };
            self.app.append(Kind::Replayed, draft);
        }
        if self.lie == Lie::OneParty {
            let (id, app) = (transaction(40), self.app.did.clone());
            let mut sections = exchange(Phase::Pull, &id, AGREED_DATA, (&app, &app), rain(), RAIN_CSV);
            sections.push((S::Facts, json!({"transaction": id})));
            let draft = Draft {
                sections,
                streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} onward"))],
                ..Draft::default()
            };
            self.app.append(Kind::PullServed, draft);
        }
    }

    fn publish(&mut self) {
        let mut facts = file("rain", RAIN_CSV);
        let offer = b"{}".to_vec();
        let members = facts.as_object_mut().unwrap();
        members.remove("name");
        if self.lie == Lie::OnTheWay {
            members.extend(["sha256", "blake3", "bytes"].map(|name| (name.to_owned(), json!(null))));
        }
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
        let at_ms = match self.app.behind_ms {
            0 => 1_592_400_500_000,
            _ => self.app.clock_ms(),
        };
        let mut decision = decide(&document, &app, &holder, target, "use", &app, at_ms);
        let mut leaf = [0; 32];
        for (side, is_app) in [("provider", false), ("consumer", true)] {
            if self.lie == Lie::OtherPolicyDecision && is_app {
                decision["outcome"] = json!("deny");
            }
            if self.lie == Lie::FalseEngine && is_app {
                decision["engine"] = json!("herleid-policies/9.9.9");
                decision["tables"] = json!("00");
                decision["grantedBy"] = json!("a rule of one's own");
            }
            let facts = json!({"agreement": id, "side": side, "provider": holder, "consumer": app, "logs": [], "policy": document.digest().hex(), "decision": decision});
            let issuer = if self.lie == Lie::ForgedCredential {
                "did:web:forger.example"
            } else {
                ISSUER
            };
            let shown = presentation(&holder, &app, issuer, self.app.clock_ms());
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
        let decision = decide(&document, &app, &knmi, RAIN, "use", &app, self.knmi.now_ms);
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
        let receipt = if self.lie == Lie::RetiredKey {
            let open = [S::Exchange, S::Content, S::StreamAgreement];
            self.knmi.receipt_by(index, &open, &self.retired())
        } else {
            self.knmi.receipt(index)
        };
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
    pub fn pass_on(&mut self, id: &str, pulled: Hash) -> Hash {
        let (app, board) = (self.app.did.clone(), self.board.did.clone());
        let signed_for = if self.lie == Lie::OtherRequest {
            transaction(99)
        } else {
            id.to_owned()
        };
        let document = policy(AGREED_DATA, &self.knmi.did, &app, RAIN);
        let action = if self.lie == Lie::BorrowedDecision {
            "use"
        } else {
            "distribute"
        };
        let now_ms = self.app.clock_ms();
        let decision = decide(&document, &app, &self.knmi.did, RAIN, action, &board, now_ms);
        let signed_ms = match self.lie {
            Lie::StaleRequest => now_ms - 7_200_000,
            _ => now_ms,
        };
        let key_name = match self.lie {
            Lie::FabricatedKey => format!("{board}#key-9"),
            _ => format!("{board}#key-1"),
        };
        let sections = exchange(Phase::Pull, id, AGREED_DATA, (&app, &board), rain(), self.passed_on());
        let mut served = sections.clone();
        served.push((
            S::Facts,
            json!({"transaction": id, "agreement": AGREED_DATA, "decision": decision}),
        ));
        let index = self.app.append(
            Kind::PullOpened,
            Draft {
                sections: served,
                documents: identity::request_as(&key_name, &board, &app, &signed_for, AGREED_DATA, signed_ms),
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

    fn decide(&mut self, received: &[Hash]) {
        let mut sha256 = sha256_hex(self.data.last().unwrap());
        if self.lie == Lie::OtherOutput {
            sha256 = sha256_hex(b"wishes");
        }
        let id = crate::log::stream_id(&self.board.origin, S::StreamModel, &format!("{MODEL} {}", self.app.did));
        let relied = if matches!(self.lie, Lie::ReliesOnDelivery | Lie::ResumedDelivery) {
            json!({"transaction": transaction(1), "output": null, "sha256": sha256_hex(RAIN_CSV)})
        } else {
            json!({"transaction": self.runs[2], "output": "flooding", "sha256": sha256})
        };
        let kind = if self.lie == Lie::StreamOfOtherKind {
            "exchange"
        } else {
            "stream-model"
        };
        let mut streams =
            vec![json!({"kind": kind, "id": id, "n": 3, "of": {"model": MODEL, "consumer": self.app.did}})];
        if self.lie == Lie::ManyStreams {
            let endless = |i: u64| json!({"kind": "stream-model", "id": format!("stream {i}"), "n": 9_007_199_254_740_991_u64, "of": null});
            streams.extend((0..150).map(endless));
        }
        let facts = json!({"case": CASE, "title": "No permit for paving", "legalBasis": ["urn:example:awb:3-2"], "reliesOn": [relied],
            "choices": "storage of 3 mm, as measured", "streams": streams});
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
