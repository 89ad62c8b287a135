//! Programs that read the whole log.

use crate::damage::DAMAGES;
use crate::tools::said;
use crate::world::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tessera's fsck: every bundle and every tile, byte by byte, and the root.
pub(crate) fn fsck(world: &mut World) {
    let size = world.witnessed()["size"].as_u64().unwrap();
    let good = run_fsck(world).unwrap();
    let expected = format!("Successfully fsck'd log with size {size} and root");
    assert!(good.contains(&expected), "{good}");
    each_damage(world, run_fsck);
}

/// All that fsck said. This release ends with 0 whatever it finds: only its last words tell, and where it breaks off there are none.
fn run_fsck(world: &World) -> Result<String, String> {
    let key = world.folder.path().join("log.vkey");
    std::fs::write(&key, world.key()).unwrap();
    let output = world
        .tools
        .command("fsck")
        .args(["--ui=false", "--logtostderr", "--N=4", "--storage_url"])
        .arg(format!("{}/", world.url()))
        .arg("--public_key")
        .arg(&key)
        .output()
        .unwrap();
    let all = said(&output);
    if output.status.success() && all.contains("Successfully fsck'd log") && !all.contains("fsck failed") {
        Ok(all)
    } else {
        Err(all)
    }
}

/// `golang.org/x/mod/sumdb`: `note` opens the checkpoint, `tlog` proves each record and each earlier size.
pub(crate) fn sumdb(world: &mut World) {
    let size = world.witnessed()["size"].as_u64().unwrap();
    let check = |world: &World| world.tools.logcheck(&["tlog", &world.url(), &world.key()]);
    let good = check(world).unwrap();
    assert!(
        good.starts_with(&format!("{size} records and {size} sizes under ")),
        "{good}"
    );
    each_damage(world, check);
    let refused = world
        .tools
        .logcheck(&["tlog", &world.url(), &world.other_key])
        .unwrap_err();
    assert!(refused.contains("the checkpoint's signature"), "{refused}");
}

/// Damages the log in every way, each by itself, and expects that each is served and refused.
fn each_damage(world: &World, check: impl Fn(&World) -> Result<String, String>) {
    for damage in DAMAGES {
        let done = Arc::new(AtomicUsize::new(0));
        let (counted, change) = (done.clone(), damage.change);
        world.lie_about_log(damage.about, move |answer| {
            counted.fetch_add(1, Ordering::Relaxed);
            change(answer);
        });
        let found = check(world);
        world.lie_about_log("", |_| {});
        assert!(
            done.load(Ordering::Relaxed) > 0,
            "{}: not even read: {found:?}",
            damage.name
        );
        assert!(found.is_err(), "{}, and nothing was noticed: {found:?}", damage.name);
    }
    check(world).expect("the log as it is, after all damages");
}
