//! A model that runs for somebody whose credential is taken back meanwhile.

use super::*;
use herleid_tests::patience;

/// What is asked for would take a minute; it ends long before, and what ended it stands in the log.
#[test]
fn a_run_ends_when_the_credential_is_taken_back_for_which_it_was_permitted() {
    let (mut pair, _proxy) = pair(&json!({"@type": "Offer", "permission": [{"action": "use"}]}));
    let issuer = Issuer::start();
    let file = asks_for_membership(&mut pair, &issuer);
    issuer.says(Some(false));
    let consumer = &pair.consumer.connector;
    let add = ["credential", "add", file.to_str().unwrap()];
    wait_for(|| consumer.run(&add).status.success().then_some(()));
    let provider = &pair.provider.connector;
    patience::publish(provider, &provider.directory, patience::MODEL);
    let agreed = good(&consumer.run(&["negotiate", &pair.provider.connector.did, "patience"]));
    let agreement = agreed["agreement"].as_str().unwrap();

    // While it holds it is run.
    good(&consumer.run(&["run", agreement, "--set", "seconds=0"]));
    let before = size(&pair.provider.connector);
    let mut running = consumer.command(&["run", agreement, "--set", "seconds=60"]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| (size(&pair.provider.connector) > before).then_some(()));
    issuer.says(Some(true));
    let output = running.wait_with_output().unwrap();
    assert!(
        !output.status.success() && told(&output).contains("was revoked by its issuer"),
        "{}",
        told(&output)
    );
    let again = consumer.run(&["run", agreement, "--set", "seconds=0"]);
    assert!(told(&again).contains("was revoked by its issuer"), "{}", told(&again));

    pair.provider.connector.kill();
    let ends = ends(&pair.provider.connector);
    let [(finished, None), (failed, Some(why))] = ends.as_slice() else {
        panic!("{ends:?}")
    };
    assert_eq!((finished.as_str(), failed.as_str()), ("finished", "failed"));
    assert!(why.contains("was revoked by its issuer"), "{why}");
}

fn size(connector: &Connector) -> u64 {
    good(&connector.run(&["status"]))["size"].as_u64().unwrap()
}

/// How the runs ended, as the log of a connector says that does not run, and why.
fn ends(connector: &Connector) -> Vec<(String, Option<String>)> {
    let config = Config::load(&connector.directory.join("herleid.toml"), std::iter::empty(), true).unwrap();
    let node = herleid::node::open(config).unwrap();
    let records = (0..node.ledger.size()).map(|index| node.ledger.record(index).unwrap());
    let runs = records.filter_map(|record| record.value(SectionName::Run));
    let text = |run: &Value, member: &str| run[member].as_str().map(str::to_owned);
    runs.filter(|run| run["status"] != "started")
        .map(|run| (text(&run, "status").unwrap(), text(&run, "reason")))
        .collect()
}
