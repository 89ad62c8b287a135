//! A run of which nothing more is wanted.

use super::programs::{self, Case, case};
use super::*;

#[tokio::test]
async fn a_run_that_is_stopped_is_killed_and_says_why() {
    let Some(Case {
        sandbox,
        job,
        folder: _folder,
    }) = case("stopped", "", "exec sleep 87653").await
    else {
        return;
    };
    let prepared = sandbox.prepare(job).await.unwrap();
    let clock = FixedClock::new(0);
    let up = async {
        loop {
            if let Some(life) = programs::sleeper("87653") {
                break life;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let stop = async {
        tell.send(up.await).unwrap();
        "the agreement has ended".to_owned()
    };
    let run = sandbox.run_until(prepared, &clock, stop).await.unwrap();
    let why = "the agreement has ended".to_owned();
    assert_eq!(run.outcome, Err(Failure::Stopped { why }));
    assert!(told.await.unwrap().ended().await);
}
