//! Pulls whose digests were not known when they began, and pulls in several segments.

use crate::identity;
use crate::judge::judge_one;
use crate::log::Draft;
use crate::pieces::{decide, exchange, policy, rain, segment};
use crate::world::{AGREED_DATA, Lie, RAIN, RAIN_CSV, World};
use herleid_ledger::exchange::Phase;
use herleid_ledger::merkle::Hash;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::{Language, Verdict};
use serde_json::{Value, json};

/// Where the second segment begins.
const HALF: usize = 20;

impl World {
    /// KNMI opens a pull whose digests it knows, or not.
    fn open(&mut self, id: &str, sections: Vec<(S, Value)>, more: &Value) -> Hash {
        let (knmi, app) = (self.knmi.did.clone(), self.app.did.clone());
        let document = policy(AGREED_DATA, &knmi, &app, RAIN);
        let now_ms = self.knmi.now_ms;
        let decision = decide(&document, &app, &knmi, RAIN, "use", &app, now_ms);
        let mut facts = json!({"transaction": id, "agreement": AGREED_DATA, "decision": decision});
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut sections = sections;
        sections.push((S::Facts, facts));
        let draft = Draft {
            sections,
            documents: identity::request(&app, &knmi, id, AGREED_DATA, now_ms),
            streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} provider"))],
            ..Draft::default()
        };
        let index = self.knmi.append(Kind::PullOpened, draft);
        self.knmi.leaf(index)
    }

    fn knmi_says(&mut self, kind: Kind, sections: Vec<(S, Value)>, documents: Vec<(&'static str, Vec<u8>)>) -> usize {
        let draft = Draft {
            sections,
            documents,
            streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} provider"))],
            ..Draft::default()
        };
        self.knmi.append(kind, draft)
    }

    fn app_received(&mut self, sections: Vec<(S, Value)>, given: usize, prior: Vec<Hash>) -> usize {
        let receipt = self.knmi.receipt(given);
        let draft = Draft {
            sections,
            documents: vec![("receipt", receipt)],
            streams: vec![(S::StreamAgreement, format!("{AGREED_DATA} consumer"))],
            prior,
        };
        self.app.append(Kind::PullReceived, draft)
    }

    fn acknowledged(&mut self, id: &str, received: &[usize]) {
        let documents = received
            .iter()
            .map(|index| ("receipt", self.app.receipt(*index)))
            .collect();
        let facts = json!({"agreement": AGREED_DATA, "transactions": [id]});
        self.knmi_says(Kind::PullAcknowledged, vec![(S::Facts, facts)], documents);
    }

    /// The app pulls the rain; after some bytes the connection breaks, and the rest comes as the second segment.
    pub fn pull_in_segments(&mut self, id: &str, agreed: Hash) -> Hash {
        let (knmi, app) = (self.knmi.did.clone(), self.app.did.clone());
        let ends = (knmi.as_str(), app.as_str());
        let whole = exchange(Phase::Pull, id, AGREED_DATA, ends, rain(), RAIN_CSV);
        self.open(id, whole.clone(), &json!({}));
        let given = self.knmi.entries.len() - 1;
        let facts = json!({"transaction": id, "segment": 1, "bytesSent": HALF + 3, "reason": "the consumer broke off"});
        self.knmi_says(Kind::PullAborted, vec![(S::Facts, facts)], Vec::new());
        let part = |bytes: &[u8]| segment((2, HALF as u64), Phase::Pull, id, AGREED_DATA, ends, rain(), bytes);
        self.open(
            id,
            Vec::new(),
            &json!({"party": app, "segment": 2, "range": [HALF, RAIN_CSV.len()]}),
        );
        let mut served = part(&RAIN_CSV[HALF..]);
        let received = match self.lie {
            Lie::AlteredSegment => part(&vec![b'0'; RAIN_CSV.len() - HALF]),
            _ => served.clone(),
        };
        served.push((S::Facts, json!({"transaction": id})));
        let rest = self.knmi_says(Kind::PullServed, served, Vec::new());
        let first = self.app_received(whole, given, vec![agreed]);
        let second = self.app_received(received, rest, vec![agreed]);
        self.acknowledged(id, &[first, second]);
        self.app.leaf(first)
    }

    /// The app pulls rain that nobody knew beforehand.
    pub fn pull_on_the_way(&mut self, id: &str, agreed: Hash) -> Hash {
        let (knmi, app) = (self.knmi.did.clone(), self.app.did.clone());
        let sections = exchange(Phase::Pull, id, AGREED_DATA, (&knmi, &app), rain(), RAIN_CSV);
        self.open(id, Vec::new(), &json!({"party": app, "segment": 1, "range": [0, null]}));
        let mut served = sections.clone();
        served.push((S::Facts, json!({"transaction": id})));
        let given = self.knmi_says(Kind::PullServed, served, Vec::new());
        let received = self.app_received(sections, given, vec![agreed]);
        self.acknowledged(id, &[received]);
        self.app.leaf(received)
    }
}

#[test]
fn what_broke_off_and_went_on_and_what_was_digested_on_the_way_is_verified() {
    for lie in [Lie::Resumed, Lie::OnTheWay, Lie::ResumedDelivery] {
        let world = World::new("real", lie);
        let judged = judge_one(&format!("{lie:?}"), world.dossier(), Some(world.anchors()));
        let text = judged.report.text(Language::English);
        assert_eq!(judged.report.verdict, Verdict::Verified, "{lie:?}: {text}");
        assert!(
            text.contains("1 pull(s) between them") || lie != Lie::OnTheWay,
            "{text}"
        );
    }
}

#[test]
fn a_segment_that_the_ends_state_differently_fails() {
    let world = World::new("real", Lie::AlteredSegment);
    let judged = judge_one("altered segment", world.dossier(), Some(world.anchors()));
    judged.expect(Verdict::Failed, "altered exchange");
}
