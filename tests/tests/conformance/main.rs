//! The conformance kit of the Dataspace Protocol against the real binary: all of its tests, no fewer. What it needs of the world is made as
//! users make it: datasets are published, agreements negotiated, decisions taken by a script, negotiations begun by the management API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod agreeing;
mod connector;
mod http;
mod kit;
mod names;
mod result;
mod triggers;

use connector::Connector;
use herleid_tests::machine::free_port;
use result::Verdict;

#[test]
fn the_kit_passes_whole() {
    let kit = kit::Kit::prepared();
    let verdict_file = kit.folder.join("verdict");
    // What an earlier run found out must not be taken for what this one did.
    std::fs::remove_file(&verdict_file).unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let (kit_port, trigger_port) = (free_port(), free_port());
    let log = kit.folder.join("connector.log");
    let connector = Connector::start(&folder.path().join("connector"), kit_port);
    for dataset in names::offered() {
        connector.publish(&dataset);
    }
    let agreements = agreeing::agreements(&connector, kit_port);
    let triggers = triggers::serve(trigger_port, connector.management.clone());
    let properties = names::properties(
        kit_port,
        (&connector.outside.root(), &connector.outside.did()),
        &format!("http://localhost:{trigger_port}"),
        &agreements,
    );
    let output = kit.run(&properties);
    drop(triggers);
    std::fs::write(&log, connector.log()).unwrap();
    let verdict = Verdict::read(&output).unwrap_or_else(|why| panic!("{why}:\n{output}"));
    std::fs::write(&verdict_file, format!("{verdict}\n")).unwrap();
    assert!(
        verdict.is_success(),
        "{verdict}, {} were expected to pass; not good: {:?}; what the connector said is in {}\n{output}",
        result::TESTS,
        verdict.failures,
        log.display()
    );
}
