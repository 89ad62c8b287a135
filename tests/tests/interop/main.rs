//! The connector and a real EDC, each as the other's provider and consumer: what is offered, agreed on, fetched, ended and refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod guide;
mod our_consumer;
mod our_provider;

use herleid_tests::edc::{self, Edc, PARTY, Pace};
use herleid_tests::http;
use herleid_tests::operated::{Made, Operated};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// What everybody offers.
const RAIN: &[u8] = b"station;rain_mm\nDe Bilt;3.2\nVlissingen;51.3\n";
/// What the EDC is called.
const EDC_DID: &str = "did:web:edc.example";

/// Both ends, and what they offer.
struct World {
    edc: Edc,
    ours: Operated,
    folder: tempfile::TempDir,
}

/// A condition that lets parties without a log in: each end of an EDC is one.
fn one_sided() -> Value {
    let log = |value: &str| format!("https://w3id.org/herleid/ns#{value}");
    json!({"leftOperand": log("counterpartyLog"), "operator": "isAnyOf", "rightOperand": [log("logKept"), log("logNone")]})
}

impl World {
    fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let edc = Edc::start(&folder.path().join("edc"), EDC_DID, Pace::Tuned);
        let development = format!(
            "edc_peers = [{{ did = \"{EDC_DID}\", name = \"{EDC_DID}\", address = \"{}\" }}]",
            edc.base()
        );
        // What is called so waits for somebody to decide, so that it can be ended half-way.
        let decisions = "[[negotiation]]\nrole = \"provider\"\nstate = \"REQUESTED\"\ndataset = \"urn:held\"\ndecide = \"person\"\n\
                         [[negotiation]]\nrole = \"consumer\"\nstate = \"AGREED\"\ndataset = \"held\"\ndecide = \"person\"\n";
        let ours = Made::new(&folder.path().join("ours")).start(&development, decisions);

        let port = http::source(RAIN);
        let anybody = json!({"action": "use"});
        let somebody = |party: &str| json!({"leftOperand": PARTY, "operator": "eq", "rightOperand": party});
        edc.offer("rain", port, &anybody);
        edc.offer("held", port, &anybody);
        let condition = somebody("did:web:another.example");
        edc.offer("secret", port, &json!({"action": "use", "constraint": [condition]}));

        let for_edc = json!({"action": "use", "constraint": [one_sided()]});
        ours.offer("urn:rain", RAIN, &for_edc);
        ours.offer("urn:held", RAIN, &for_edc);
        ours.offer("urn:logged", RAIN, &anybody);
        let conditions = json!([
            one_sided(),
            {"leftOperand": "odrl:recipient", "operator": "isAnyOf", "rightOperand": [EDC_DID, "did:web:another.example"]},
            {"leftOperand": "odrl:dateTime", "operator": "lteq", "rightOperand": "2099-12-31T23:59:59Z"},
            {"leftOperand": "odrl:count", "operator": "lteq", "rightOperand": "2"},
        ]);
        ours.offer("urn:counted", RAIN, &json!({"action": "use", "constraint": conditions}));
        Self { edc, ours, folder }
    }
}

impl World {
    /// What the trace says of a pull that only our log knows: the other end, and that it gave no receipt. The record is whole, and what
    /// is asked in PROV-O finds it.
    fn traced(&self, what: &str, ends: &str, associated: &str) {
        let tree = self.ours.run(&["trace", what]);
        let traced = tree.to_string();
        let said = format!("{ends} (one-sided: no receipt of the other end)");
        assert!(traced.contains(&said), "expected `{said}`: {traced}");
        assert!(!traced.contains("not recorded here"), "{traced}");
        // Of EDC, which keeps no log, there is a node without a record; every record is whole.
        let mut waiting = vec![&tree["tree"]];
        let mut records = 0;
        while let Some(node) = waiting.pop() {
            if node["index"].is_u64() {
                records += 1;
                assert_eq!(node["verified"], true, "{node}");
            }
            waiting.extend(node["children"].as_array().into_iter().flatten());
        }
        assert!(records > 0, "{traced}");
        let query = format!(
            "ASK {{ ?pull a <https://w3id.org/herleid/ns#OneSidedPull> ; <http://www.w3.org/ns/prov#used> ?data ; \
             <http://www.w3.org/ns/prov#wasAssociatedWith> <{associated}> . \
             ?data <http://www.w3.org/ns/prov#wasAttributedTo> ?provider }}"
        );
        let asked = self.ours.run(&["trace", what, "--sparql", &query]);
        assert_eq!(asked["sparql"]["boolean"], true, "{asked}");
    }
}

type Case = (&'static str, fn(&World));

const CASES: [Case; 13] = [
    ("our consumer reads EDC's catalogue", our_consumer::catalogue),
    ("our consumer and EDC agree", our_consumer::negotiation),
    ("our consumer pulls from EDC", our_consumer::pull),
    (
        "our consumer ends a negotiation with EDC",
        our_consumer::terminate_negotiation,
    ),
    (
        "our consumer ends a transfer from EDC",
        our_consumer::terminate_transfer,
    ),
    ("our consumer is refused by EDC's policy", our_consumer::refusal),
    ("EDC's consumer reads our catalogue", our_provider::catalogue),
    ("EDC's consumer agrees with us and pulls", our_provider::pull),
    (
        "EDC's consumer ends a negotiation with us",
        our_provider::terminate_negotiation,
    ),
    (
        "EDC's consumer ends a transfer from us",
        our_provider::terminate_transfer,
    ),
    ("EDC's consumer is refused by our policy", our_provider::refusal),
    ("EDC's consumer is held to a count", our_provider::counted),
    ("the guide works as it is written", guide::as_written),
];

#[test]
fn a_real_edc_and_the_connector_can_stand_in_for_each_other() {
    let verdict = edc::target().join("verdict");
    // What an earlier run found out must not be taken for what this one did.
    std::fs::remove_file(&verdict).unwrap_or_default();
    let world = World::set();
    let mut failures = String::new();
    let mut failed = 0;
    for (name, case) in CASES {
        match catch_unwind(AssertUnwindSafe(|| case(&world))) {
            Ok(()) => println!("good: {name}"),
            Err(why) => {
                failed += 1;
                let text = why.downcast_ref::<String>().cloned();
                let text = text.or_else(|| why.downcast_ref::<&str>().map(|&s| s.to_owned()));
                writeln!(failures, "FAILED: {name}: {}", text.unwrap_or_default()).unwrap();
            }
        }
    }
    let said = format!("edc-interop: {} passed, {failed} failed\n", CASES.len() - failed);
    std::fs::write(&verdict, &said).unwrap();
    if failed > 0 {
        let kept = kept(world);
        panic!(
            "{failures}{said}what EDC and the connector said is in {}",
            kept.display()
        );
    }
}

/// What both ends said, where it stays.
fn kept(world: World) -> PathBuf {
    let World { edc, ours, folder } = world;
    println!("{}", ours.log());
    drop((edc, ours));
    folder.keep()
}
