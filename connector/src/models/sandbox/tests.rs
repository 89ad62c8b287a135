//! The walls, tried from inside by programs that mean no good. Each of these tests runs real programs.

mod abuse;
mod programs;
mod stopped;

use super::*;
use herleid_vocab::rim::FixedClock;
use programs::{Case, case, runs};
use serde_json::Value;
use std::fs;

/// Runs one script under `limits` (TOML) and gives the run; `None` where the machine cannot build the walls at all.
macro_rules! run {
    ($name:expr, $limits:expr, $script:expr) => {
        match runs($name, $limits, $script).await {
            Some(run) => run,
            None => return,
        }
    };
}
use run;

fn result(run: &Run) -> String {
    let outputs = run
        .outcome
        .as_ref()
        .unwrap_or_else(|failure| panic!("{failure}\n{}", run.stderr_tail));
    String::from_utf8(outputs[0].bytes.to_vec()).unwrap()
}

fn failure(run: &Run) -> &Failure {
    assert_eq!(run.status(), "failed");
    run.outcome.as_ref().unwrap_err()
}

#[tokio::test]
async fn a_program_reads_its_job_and_writes_its_output() {
    let run = run!(
        "plain",
        "",
        "cat in/given.txt job.json > out/result.txt; echo heard >&2; echo said"
    );
    let text = result(&run);
    assert!(text.starts_with("hello{"), "{text}");
    let job: Value = serde_json::from_str(text.strip_prefix("hello").unwrap()).unwrap();
    assert_eq!(job["format"], "herleid-job/1");
    assert_eq!(job["inputs"]["given"]["file"], "in/given.txt");
    assert_eq!(job["inputs"]["given"]["bytes"], 5);
    assert_eq!(job["parameters"]["depth"], "0.5");
    assert_eq!(job["outputs"]["result"]["mediaType"], "text/plain");
    assert_eq!(
        (run.status(), run.stderr_tail.as_str(), run.stdout_tail.as_str()),
        ("finished", "heard\n", "said\n")
    );
    let outputs = run.outcome.as_ref().unwrap();
    let recorded = outputs[0].recorded();
    assert_eq!(recorded["bytes"], text.len());
    herleid_vocab::json::section_bytes(&serde_json::json!({"outputs": [recorded], "environment": run.environment}))
        .unwrap();
    assert_eq!(run.environment["interpreter"]["path"], "/bin/sh");
}

#[tokio::test]
async fn the_environment_is_the_same_everywhere() {
    let run = run!(
        "environment",
        "",
        "env | grep -v ^PWD= | sort > out/result.txt; id -u >> out/result.txt; hostname >> out/result.txt; pwd >> out/result.txt"
    );
    assert_eq!(
        result(&run),
        "HOME=/tmp\nLC_ALL=C.UTF-8\nPATH=/usr/bin:/bin\nPYTHONHASHSEED=0\nTMPDIR=/tmp\nTZ=UTC\n65534\nsandbox\n/job\n"
    );
    assert_eq!(run.environment["sandbox"]["network"], "none");
    assert_eq!(run.environment["libraries"]["libc.so.6"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn no_open_file_is_passed_on() {
    // This test starts itself once more with files open that a careless parent would have left open.
    if std::env::var_os("HERLEID_TEST_OPEN_FILES").is_none() {
        let child = std::process::Command::new("/bin/bash")
            .args([
                "-c",
                r#"exec 7</etc/hostname 33</etc/hostname; exec "$0" --exact "$1" --nocapture"#,
            ])
            .arg(std::env::current_exe().unwrap())
            .arg("models::sandbox::tests::no_open_file_is_passed_on")
            .env("HERLEID_TEST_OPEN_FILES", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    assert!(fs::read_link("/proc/self/fd/33").is_ok());
    // What `ls` lists is itself: three streams, and the folder that it reads.
    let run = run!(
        "open",
        "",
        "exec /bin/bash -c 'ls -l /proc/self/fd > /tmp/list; wc -l < /tmp/list > out/result.txt'"
    );
    assert_eq!(
        result(&run).trim(),
        "5",
        "a line for the total and one for each open file"
    );
}

#[tokio::test]
async fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    // The same words work outside, so what fails inside is the network and not the words.
    assert!(
        std::process::Command::new("/bin/bash")
            .args(["-c", &connect])
            .status()
            .unwrap()
            .success()
    );
    let run = run!(
        "network",
        "",
        &format!(
            "if /bin/bash -c '{connect}' 2>/dev/null; then echo open; else echo shut; fi > out/result.txt; ls /sys/class/net >> out/result.txt 2>&1 || true; cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' ' >> out/result.txt"
        )
    );
    let text = result(&run);
    assert!(text.starts_with("shut\n") && text.ends_with("lo\n"), "{text}");
}

#[tokio::test]
async fn nothing_outside_the_job_can_be_written_or_seen() {
    let script = "for place in / /usr /usr/bin /dev /etc /job /job/in /job/bin /proc; do touch $place/mine 2>/dev/null && echo wrote $place; done
        echo x >> job.json 2>/dev/null && echo wrote job; echo x >> in/given.txt 2>/dev/null && echo wrote in; echo x >> bin/program 2>/dev/null && echo wrote program
        ln in/given.txt out/result.txt 2>/dev/null && echo linked; chmod 777 in 2>/dev/null && echo chmod
        for place in /home /root /work /var /run /sys /boot /srv /mnt /opt; do [ -e $place ] && echo sees $place; done
        touch /tmp/mine && touch /dev/shm/mine && echo done > out/result.txt
        exec > /dev/null; true";
    let run = run!("writes", "", &format!("{{ {script}\n}} "));
    assert_eq!(run.stdout_tail, "", "{}", run.stdout_tail);
    assert_eq!(result(&run), "done\n");
}

#[tokio::test]
async fn only_declared_plain_files_are_outputs() {
    for (name, script, expected) in [
        ("link", "ln -s /job/in/given.txt out/result.txt", "not a plain file"),
        ("outside", "ln -s /etc/passwd out/result.txt", "not a plain file"),
        ("fifo", "mkfifo out/result.txt", "not a plain file"),
        ("folder", "mkdir out/result.txt", "not a plain file"),
        (
            "more",
            "echo a > out/result.txt; echo b > out/more.txt",
            "output `more.txt`: the model does not declare it",
        ),
        ("less", "true", "output `result.txt`: it is missing"),
        (
            "deep",
            "mkdir -p out/result.txt/a/b; chmod 000 out/result.txt/a out/result.txt",
            "not a plain file",
        ),
    ] {
        let run = run!(name, "", script);
        let found = failure(&run).to_string();
        assert!(found.contains(expected), "{name}: {found}");
    }
    let shut = run!("shut", "", "echo a > out/result.txt; chmod 000 out");
    assert_eq!(result(&shut), "a\n");
}

#[tokio::test]
async fn a_failing_program_is_a_run_with_its_last_words() {
    let run = run!("fails", "", "echo 'input `rain` is refused' >&2; exit 7");
    assert_eq!(failure(&run), &Failure::Exit { code: 7 });
    assert_eq!(run.stderr_tail, "input `rain` is refused\n");
    let killed = run!("killed", "", "kill -SEGV $$");
    assert!(
        failure(&killed).to_string().contains("as after signal 11"),
        "{:?}",
        killed.outcome
    );
    let nowhere = run!("interpreter", "", "#!/opt/python\n");
    assert!(
        failure(&nowhere).to_string().contains("interpreter"),
        "{:?}",
        nowhere.outcome
    );
}

#[tokio::test]
async fn what_runs_is_what_was_hashed() {
    let Some(Case { sandbox, job, folder }) = case("swap", "", "echo first > out/result.txt").await else {
        return;
    };
    let program = job.program.clone();
    let published = job.process.program_sha256().to_owned();
    let prepared = sandbox.prepare(job.clone()).await.unwrap();
    fs::write(&program, "#!/bin/sh\necho second > out/result.txt\n").unwrap();
    let run = sandbox.run(prepared, &FixedClock::new(0)).await.unwrap();
    assert_eq!(result(&run), "first\n");
    assert_eq!(run.program_sha256, published);
    let later = Job {
        id: "swap-2".to_owned(),
        ..job
    };
    assert!(matches!(
        sandbox.prepare(later).await,
        Err(SandboxError::ProgramChanged { .. })
    ));
    assert_eq!(
        programs::left_in(&folder.0),
        0,
        "job directories go when their run is over"
    );
}

#[tokio::test]
async fn a_job_that_does_not_fit_is_refused_and_leaves_nothing() {
    let Some(Case { sandbox, job, folder }) = case("unfit", "", "true").await else {
        return;
    };
    let with = |change: &dyn Fn(&mut Job)| {
        let mut changed = job.clone();
        change(&mut changed);
        changed
    };
    for (changed, expected) in [
        (with(&|job| job.id = "../up".to_owned()), "cannot name a job"),
        (with(&|job| job.inputs.clear()), "expected `given`"),
        (with(&|job| job.inputs[0].name = "other".to_owned()), "inputs `other`"),
        (
            with(&|job| job.inputs.push(job.inputs[0].clone())),
            "inputs `given`, `given`",
        ),
        (with(&|job| job.inputs[0].sha256 = "00".repeat(32)), "was recorded"),
        (
            with(&|job| job.inputs[0].source = InputSource::File("/nonexistent".into())),
            "input `given`",
        ),
        (with(&|job| job.parameters.clear()), "parameter `depth` is missing"),
        (
            with(&|job| drop(job.parameters.insert("depth".into(), "x".into()))),
            "parameter `depth`",
        ),
        (
            with(&|job| drop(job.parameters.insert("more".into(), "1".into()))),
            "2 parameters",
        ),
        (with(&|job| job.seed = Some(1)), "no seed"),
        (with(&|job| job.program = "/".into()), "not a plain file"),
        (with(&|job| job.program = "/dev/null".into()), "not a plain file"),
        (with(&|job| job.program = "/nonexistent".into()), "/nonexistent"),
    ] {
        let found = sandbox.prepare(changed).await.unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
        assert_eq!(programs::left_in(&folder.0), 0);
    }
    let prepared = sandbox.prepare(job.clone()).await.unwrap();
    assert!(
        matches!(sandbox.prepare(job).await, Err(SandboxError::Io { .. })),
        "a job directory is used once"
    );
    fs::create_dir_all(folder.0.join("job-left/out/deep")).unwrap();
    assert_eq!(sweep(&folder.0).unwrap(), 1);
    assert_eq!(programs::left_in(&folder.0), 1, "what is used stays");
    drop(prepared);
    assert_eq!(programs::left_in(&folder.0), 0);
}

#[tokio::test]
async fn a_dropped_run_is_killed() {
    let Some(Case {
        sandbox,
        job,
        folder: _folder,
    }) = case("dropped", "", "echo up >&2; exec sleep 87654").await
    else {
        return;
    };
    let prepared = sandbox.prepare(job).await.unwrap();
    let inside = {
        let clock = FixedClock::new(0);
        let mut run = std::pin::pin!(sandbox.run(prepared, &clock));
        // Polls the run until the program is up, then lets it fall.
        loop {
            tokio::select! {
                _ = &mut run => panic!("it does not end by itself"),
                () = tokio::task::yield_now() => {}
            }
            if let Some(life) = programs::sleeper("87654") {
                break life;
            }
        }
    };
    assert!(inside.ended().await);
}

#[tokio::test]
async fn nothing_is_copied_for_a_job_without_a_slot_and_too_many_are_sent_away() {
    let Some(Case { sandbox, job, folder }) = case("busy", "", "true").await else {
        return;
    };
    let places: Vec<Place> = std::iter::from_fn(|| sandbox.place().ok()).collect();
    assert_eq!(places.len(), 4, "two that run and two that wait");
    let refused = sandbox.place().unwrap_err().to_string();
    assert!(refused.contains("2 model programs run here at once"), "{refused}");
    drop(places);
    assert!(sandbox.place().is_ok());

    let named = |id: &str| Job {
        id: id.to_owned(),
        ..job.clone()
    };
    let first = sandbox.prepare(named("busy-1")).await.unwrap();
    let second = sandbox.prepare(named("busy-2")).await.unwrap();
    let soon = std::time::Duration::from_millis(200);
    let place = sandbox.place().unwrap();
    let refused = sandbox.slot(&place, soon).await.unwrap_err().to_string();
    assert!(refused.contains("none of them ended within 200 ms"), "{refused}");
    let mut third = std::pin::pin!(sandbox.prepare(named("busy-3")));
    assert!(tokio::time::timeout(soon, third.as_mut()).await.is_err());
    assert_eq!(programs::left_in(&folder.0), 2);
    drop(first);
    third.await.unwrap();
    drop(second);
}

#[tokio::test]
async fn places_that_cannot_hold_jobs_are_refused() {
    assert!(matches!(
        Sandbox::open("/nonexistent/jobs".as_ref(), 1).await,
        Err(SandboxError::Jobs { .. })
    ));
    let Some(Case { folder, .. }) = case("place", "", "true").await else {
        return;
    };
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let shut = folder.0.join("shut");
        fs::create_dir(&shut).unwrap();
        fs::set_permissions(&shut, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let refused = Sandbox::open(&shut, 1).await.unwrap_err().to_string();
        assert!(
            refused.contains("cannot enter") && refused.contains("/var/tmp"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn the_sewer_model_gives_the_expected_answer_twice() {
    let Some(first) = programs::sewer("sewer-1").await else {
        return;
    };
    let second = programs::sewer("sewer-2").await.unwrap();
    let expected = include_str!("../../../../tests/models/data/result.sha256").trim();
    for run in [&first, &second] {
        let outputs = run
            .outcome
            .as_ref()
            .unwrap_or_else(|failure| panic!("{failure}\n{}", run.stderr_tail));
        assert_eq!(hex::encode(outputs[0].sha256), expected);
    }
    assert_eq!(first.environment, second.environment);
    let (then, now) = (first.outcome.unwrap(), second.outcome.unwrap());
    let recorded = crate::models::replay_compare::RecordedOutput {
        name: "result",
        sha256: expected,
        bytes: Some(&then[0].bytes),
    };
    let replayed = crate::models::replay_compare::ReplayedOutput {
        name: "result",
        bytes: &now[0].bytes,
    };
    let comparison = crate::models::replay_compare::compare(
        &[recorded],
        &[replayed],
        crate::models::replay_compare::Canonicalisation::Jcs,
    );
    assert_eq!(
        comparison.unwrap().verdict,
        crate::models::replay_compare::Verdict::Identical
    );
}
