//! What the kit calls things, and what we call the kit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Our identifier of the participant that the kit plays.
pub(crate) const DID: &str = "did:web:kit.example";
/// What it is called in messages; the kit has no other name.
pub(crate) const NAME: &str = "TCK_PARTICIPANT";
/// What it sends and is sent as `Authorization`.
pub(crate) const TOKEN: &str = "Bearer tck";
/// The connector's versioned base.
pub(crate) const DSP_PATH: &str = "/dsp/2025-1";
/// The context of every message.
pub(crate) const CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";
/// How transfers are done.
pub(crate) const FORMAT: &str = "HttpData-PULL";

/// The kit's numbers of tests, by group.
const CATALOGUE: [&str; 2] = ["01_01", "01_02"];
const NEGOTIATIONS: [&str; 15] = [
    "01_01", "01_02", "01_03", "01_04", "02_01", "02_02", "02_03", "02_04", "02_05", "02_06", "02_07", "03_01",
    "03_02", "03_03", "03_04",
];
const CONSUMER_NEGOTIATIONS: [&str; 16] = [
    "01_01", "01_02", "01_03", "01_04", "02_01", "02_02", "02_03", "02_04", "02_05", "02_06", "03_01", "03_02",
    "03_03", "03_04", "03_05", "03_06",
];
/// Without 02_04, which the kit has switched off.
const TRANSFERS: [&str; 15] = [
    "01_01", "01_02", "01_03", "01_04", "01_05", "02_01", "02_02", "02_03", "02_05", "03_01", "03_02", "03_03",
    "03_04", "03_05", "03_06",
];

fn named(prefix: &str, tests: &[&str]) -> Vec<String> {
    tests
        .iter()
        .map(|test| format!("{prefix}{}", test.replace('_', "")))
        .collect()
}

/// The datasets that the connector offers.
pub(crate) fn offered() -> Vec<String> {
    [named("CAT", &CATALOGUE), named("ACN", &NEGOTIATIONS), provided()].concat()
}

/// The datasets that the kit asks data of.
pub(crate) fn provided() -> Vec<String> {
    named("ATP", &TRANSFERS)
}

/// The datasets that the connector asks the kit's data of.
pub(crate) fn consumed() -> Vec<String> {
    named("ATPC", &TRANSFERS)
}

/// The offer of a dataset; the counter-offer in one of the kit's tests has it hard-coded.
pub(crate) fn offer(dataset: &str) -> String {
    format!("CD123:{dataset}:456")
}

/// The kit's configuration. `agreements` are the agreements by their datasets.
pub(crate) fn properties(
    kit_port: u16,
    connector: (&str, &str),
    triggers: &str,
    agreements: &BTreeMap<String, String>,
) -> String {
    let (root, did) = connector;
    let mut text = format!(
        "dataspacetck.debug=false
dataspacetck.ansi=false
dataspacetck.host=127.0.0.1
dataspacetck.port={kit_port}
dataspacetck.callback.address=http://localhost:{kit_port}
dataspacetck.dsp.local.connector=false
dataspacetck.dsp.connector.agent.id={did}
dataspacetck.dsp.connector.http.url={root}{DSP_PATH}
dataspacetck.dsp.connector.http.base.url={root}
dataspacetck.dsp.connector.negotiation.initiate.url={triggers}/negotiations
dataspacetck.dsp.connector.transfer.initiate.url={triggers}/transfers
dataspacetck.dsp.connector.http.headers.authorization={TOKEN}
dataspacetck.dsp.default.wait=15
"
    );
    let mut line = |key: String, value: &str| writeln!(text, "{key}={value}").unwrap();
    for test in CATALOGUE {
        line(format!("CAT_{test}_DATASETID"), &named("CAT", &[test])[0]);
    }
    for test in NEGOTIATIONS {
        let dataset = &named("ACN", &[test])[0];
        line(format!("CN_{test}_DATASETID"), dataset);
        line(format!("CN_{test}_OFFERID"), &offer(dataset));
    }
    for test in CONSUMER_NEGOTIATIONS {
        line(format!("CN_C_{test}_DATASETID"), &named("ACNC", &[test])[0]);
    }
    for (group, prefix) in [("TP", "ATP"), ("TP_C", "ATPC")] {
        for test in TRANSFERS {
            line(
                format!("{group}_{test}_AGREEMENTID"),
                &agreements[&named(prefix, &[test])[0]],
            );
            line(format!("{group}_{test}_FORMAT"), FORMAT);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_of_the_kit_has_its_lines() {
        // One test of metadata and one of a dataset that is absent need none.
        let tests = 2 + CATALOGUE.len() + NEGOTIATIONS.len() + CONSUMER_NEGOTIATIONS.len() + 2 * TRANSFERS.len();
        assert_eq!(tests, crate::result::TESTS);
        let agreements = provided().into_iter().chain(consumed());
        let agreements = agreements.map(|d| (d.clone(), format!("urn:agreement:{d}"))).collect();
        let text = properties(
            1,
            ("http://localhost:2", "did:web:a"),
            "http://localhost:3",
            &agreements,
        );
        for line in [
            "CN_01_03_OFFERID=CD123:ACN0103:456",
            "CN_C_03_06_DATASETID=ACNC0306",
            "TP_02_05_AGREEMENTID=urn:agreement:ATP0205",
            "TP_C_01_05_AGREEMENTID=urn:agreement:ATPC0105",
            "dataspacetck.dsp.connector.agent.id=did:web:a",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}");
        }
        assert_eq!(text.lines().count(), 13 + 2 + 2 * 15 + 16 + 4 * 15);
    }
}
