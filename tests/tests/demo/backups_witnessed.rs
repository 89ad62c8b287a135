//! Whose word counts for a log that was restored: that of a witness that had seen what is in the backup before.

use crate::backups::Parts;
use crate::continuing::continued;
use crate::witness::{Watched, refused};
use herleid_tests::connector::{good, serve};
use serde_json::json;

/// What every way to go on says, in any order and again.
fn refuses(watched: &Watched, size: u64) {
    for _ in 0..2 {
        let output = serve(&watched.log.directory).output().unwrap();
        refused(&output, 4, &format!("restored from a backup of {size} records"));
        refused(&output, 4, "and 0 witnesses");
        let would = good(&continued(&watched.log, &[]));
        assert_eq!(would["lost"], json!("unknown"), "{would}");
    }
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "and 0 witnesses");
}

fn lose_and_restore(watched: &mut Watched, parts: &Parts) {
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    good(&parts.restore_saying(&watched.log, &["--without-erasures"]));
}

#[test]
fn a_witness_that_is_new_to_a_restored_log_confirms_nothing_however_often_it_is_asked() {
    let mut watched = Watched::set();
    watched.log.set("trust", "");
    watched.grow("rain");
    let parts = Parts::within(watched.folder.path(), "one");
    good(&parts.backup(&watched.log));
    watched.log.publish("snow", b"4 5 6");
    lose_and_restore(&mut watched, &parts);
    // It forgets what it saw of the first start: one that was named after the loss.
    watched.witness.kill();
    std::fs::remove_dir_all(watched.witness.storage().join("witness")).unwrap();
    watched.witness.start();
    watched.log.set("trust", &watched.trust);
    refuses(&watched, 2);
}

#[test]
fn a_witness_that_lagged_behind_the_backup_confirms_nothing_of_what_came_after_it() {
    let mut watched = Watched::set();
    // From here on it sees nothing more.
    watched.log.set("trust", "");
    watched.log.kill();
    watched.log.start();
    watched.log.publish("rain", b"1 2 3");
    let parts = Parts::within(watched.folder.path(), "one");
    good(&parts.backup(&watched.log));
    watched.log.publish("snow", b"4 5 6");
    lose_and_restore(&mut watched, &parts);
    watched.log.set("trust", &watched.trust);
    refuses(&watched, 2);
}
