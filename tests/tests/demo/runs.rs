//! Model runs that do not go to plan: a caller that hangs up, a connector that is stopped, ceilings that were lowered.

use herleid_tests::connector::{Connector, good};
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::free_port;
use herleid_tests::patience::{self, publish};
use herleid_tests::process::told;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A holder of a model that runs for a while, and somebody with an agreement about it.
struct Scene {
    _folder: tempfile::TempDir,
    holder: Connector,
    asker: Connector,
    agreement: String,
}

impl Scene {
    fn set() -> Self {
        let port = free_port();
        Self::with_holder((port, port))
    }

    /// The holder is reached through one that lies.
    fn behind_a_proxy() -> (Self, LyingProxy) {
        let (public, real) = (free_port(), free_port());
        let proxy = LyingProxy::start(public, real);
        (Self::with_holder((public, real)), proxy)
    }

    /// The holder is reached at the first port, and listens at the second.
    fn with_holder((public, real): (u16, u16)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connector = |name: &str, (public, real): (u16, u16)| {
            let mut connector = Connector::new(folder.path().join(name), real, public);
            connector.start();
            connector
        };
        let port = free_port();
        let (holder, asker) = (connector("holder", (public, real)), connector("asker", (port, port)));
        publish(&holder, folder.path(), patience::MODEL);
        let agreed = good(&asker.run(&["negotiate", &holder.did, "patience"]));
        let agreement = agreed["agreement"].as_str().unwrap().to_owned();
        Self {
            _folder: folder,
            holder,
            asker,
            agreement,
        }
    }

    /// Asks for a run of so many seconds, and returns once the holder has recorded that it started.
    fn started(&self, seconds: &str) -> std::process::Child {
        let before = size(&self.holder);
        let seconds = format!("seconds={seconds}");
        let mut asking = self.asker.command(&["run", &self.agreement, "--set", &seconds]);
        let child = asking.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(&self.holder, |size| size > before);
        child
    }

    /// What the holder says of the one run.
    fn traced(&self) -> String {
        self.traced_by(&self.holder)
    }

    fn traced_by(&self, party: &Connector) -> String {
        let tree = good(&party.run(&["trace", &self.agreement]));
        let run = &tree["tree"]["children"][0];
        assert_eq!(
            (run["kind"].as_str(), run["verified"].as_bool()),
            (Some("run"), Some(true)),
            "{tree}"
        );
        run["label"].as_str().unwrap().to_owned()
    }
}

fn size(connector: &Connector) -> u64 {
    good(&connector.run(&["status"]))["size"].as_u64().unwrap()
}

/// Looks at a log until it has the size that is wanted; each look is a command of its own, so that a thousand are half a minute.
fn until(connector: &Connector, wanted: impl Fn(u64) -> bool) {
    assert!((0..1000).any(|_| wanted(size(connector))), "the log does not grow");
}

#[test]
fn a_run_whose_caller_is_gone_still_has_its_end_in_the_log() {
    let mut scene = Scene::set();
    let mut asking = scene.started("2");
    let during = size(&scene.holder);
    assert_eq!(scene.traced(), "patience 1: no end of it is recorded here");
    scene.asker.kill();
    asking.wait().unwrap();
    until(&scene.holder, |size| size > during);
    assert_eq!(scene.traced(), "patience 1");
}

/// Whoever asked for another run instead would pay for two.
#[test]
fn a_run_of_which_the_answer_is_lost_is_asked_for_again_and_counts_once() {
    let (scene, proxy) = Scene::behind_a_proxy();
    let lost = Arc::new(AtomicUsize::new(0));
    let counted = lost.clone();
    proxy.lie_about("POST /processes/", move |answer| {
        if counted.fetch_add(1, Ordering::SeqCst) < 2 {
            answer.cut(7);
        }
    });
    let ran = good(&scene.asker.run(&["run", &scene.agreement, "--set", "seconds=0"]));
    assert_eq!(lost.load(Ordering::SeqCst), 3, "{ran}");
    let tree = good(&scene.holder.run(&["trace", &scene.agreement]));
    assert_eq!(tree["tree"]["children"].as_array().unwrap().len(), 1, "{tree}");
    assert_eq!(scene.traced_by(&scene.asker), "patience 1");
}

/// The connection breaks while the model runs: who asks again waits for that run.
#[test]
fn a_run_that_goes_on_when_its_connection_breaks_is_waited_for() {
    let (scene, proxy) = Scene::behind_a_proxy();
    let told_to_wait = Arc::new(AtomicUsize::new(0));
    let counted = told_to_wait.clone();
    proxy.lie_about("POST /processes/", move |answer| {
        if answer.head[0].contains(" 503") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    proxy.break_off("POST /processes/");
    good(&scene.asker.run(&["run", &scene.agreement, "--set", "seconds=4"]));
    assert!(told_to_wait.load(Ordering::SeqCst) >= 1);
    let tree = good(&scene.holder.run(&["trace", &scene.agreement]));
    assert_eq!(tree["tree"]["children"].as_array().unwrap().len(), 1, "{tree}");
    assert_eq!(scene.traced_by(&scene.asker), "patience 1");
}

#[test]
fn a_run_that_a_stop_interrupts_is_recorded_as_failed() {
    let mut scene = Scene::set();
    let mut asking = scene.started("60");
    scene.holder.kill();
    asking.wait().unwrap();
    scene.holder.start();
    assert_eq!(scene.traced(), "patience 1: failed: interrupted");
}

#[test]
fn a_model_beyond_todays_ceilings_does_not_run() {
    let mut scene = Scene::set();
    good(&scene.asker.run(&["run", &scene.agreement]));
    scene.holder.kill();
    scene.holder.set("models.sandbox", "wall_ms = 1000");
    scene.holder.start();
    let refused = scene.asker.run(&["run", &scene.agreement]);
    assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
    assert!(told(&refused).contains("does not run here now"), "{}", told(&refused));
}

#[test]
fn a_run_that_fails_is_recorded_at_both_ends() {
    let scene = Scene::set();
    let failed = scene.asker.run(&["run", &scene.agreement, "--set", "seconds=13"]);
    assert!(!failed.status.success(), "{}", told(&failed));
    assert!(told(&failed).contains("not on the thirteenth"), "{}", told(&failed));
    for party in [&scene.holder, &scene.asker] {
        let traced = scene.traced_by(party);
        assert!(traced.starts_with("patience 1: failed: "), "{traced}");
        assert!(traced.contains("not on the thirteenth"), "{traced}");
    }
}
