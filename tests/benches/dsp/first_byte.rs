//! How soon data comes: one EDC is given access by our provider and by another EDC's; then both tokens are used in turns.

use crate::PAYLOAD;
use herleid_tests::edc::{EDC, Edc, Pace};
use herleid_tests::http::{self, Caller};
use herleid_tests::measured::median;
use herleid_tests::operated::Made;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;

/// Fetches before anything is measured.
const WARM: usize = 100;
/// Fetches that are measured.
const MEASURED: usize = 200;

/// Medians of one round.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) ours_ms: f64,
    pub(crate) edc_ms: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms from Herleid, {:.2} ms from EDC", self.ours_ms, self.edc_ms)
    }
}

pub(crate) fn measure(folder: &Path) -> Measured {
    let consumer = Edc::start(&folder.join("consumer"), "did:web:consumer.example", Pace::Tuned);
    let edc = Edc::start(&folder.join("edc"), "did:web:provider.example", Pace::Tuned);
    let peer = format!(
        "edc_peers = [{{ did = \"{0}\", name = \"{0}\", address = \"{1}\" }}]",
        consumer.did,
        consumer.base()
    );
    let ours = Made::new(&folder.join("ours")).start(&peer, "");
    let log = |value: &str| format!("https://w3id.org/herleid/ns#{value}");
    let anybody = json!({"leftOperand": log("counterpartyLog"), "operator": "isAnyOf", "rightOperand": [log("logKept"), log("logNone")]});
    ours.offer("urn:rain", PAYLOAD, &json!({"action": "use", "constraint": [anybody]}));
    edc.offer("rain", http::source(PAYLOAD), &json!({"action": "use"}));

    let from_ours = Access::given(&consumer, (ours.did(), &ours.base()), "urn:rain");
    let from_edc = Access::given(&consumer, (&edc.did, &edc.base()), "rain");
    for _ in 0..WARM {
        from_ours.fetch_ms();
        from_edc.fetch_ms();
    }
    let (mut ours_ms, mut edc_ms) = (Vec::new(), Vec::new());
    for _ in 0..MEASURED {
        ours_ms.push(from_ours.fetch_ms());
        edc_ms.push(from_edc.fetch_ms());
    }
    Measured {
        ours_ms: median(&ours_ms),
        edc_ms: median(&edc_ms),
    }
}

/// What a provider gave the EDC.
struct Access {
    caller: Caller,
    path: String,
}

impl Access {
    fn given(consumer: &Edc, provider: (&str, &str), dataset: &str) -> Self {
        let offer = Edc::offer_in(&consumer.catalogue(provider), dataset, provider.0);
        let negotiation = consumer.negotiate(provider.1, &offer);
        let agreed = consumer.reaches("contractnegotiations", &negotiation, &["FINALIZED"]);
        let transfer = consumer.transfer(provider.1, &agreed["contractAgreementId"]);
        consumer.reaches("transferprocesses", &transfer, &["STARTED"]);
        let reference = consumer.reference(&transfer);
        let property = |name: &str| {
            reference[format!("{EDC}{name}")]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let endpoint = property("endpoint");
        let place = endpoint
            .strip_prefix("http://localhost:")
            .and_then(|place| place.split_once('/'));
        let (port, path) = place.unwrap_or_else(|| panic!("an endpoint of this machine, not `{endpoint}`"));
        Self {
            caller: Caller::new(port.parse().unwrap(), &[("Authorization", &property("authorization"))]),
            path: format!("/{path}"),
        }
    }

    /// Fetches everything; milliseconds until the first byte of it came.
    fn fetch_ms(&self) -> f64 {
        let answer = self.caller.get(&self.path);
        assert_eq!(
            (answer.status, answer.body.len()),
            (200, PAYLOAD.len()),
            "{}",
            Value::from(answer.text())
        );
        answer.first_byte.as_secs_f64() * 1_000.0
    }
}
