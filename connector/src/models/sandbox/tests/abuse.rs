//! Programs that take more than they may.

use super::{failure, result, run};
use crate::models::sandbox::tests::programs::runs;
use crate::models::sandbox::{Failure, TMP_BYTES};
use std::fs;

#[tokio::test]
async fn an_endless_loop_is_stopped_by_its_processor_time() {
    let run = run!("loop", "cpu_s = 1", "while :; do :; done");
    assert_eq!(failure(&run), &Failure::CpuLimit { cpu_s: 1 });
}

#[tokio::test]
async fn an_endless_wait_is_stopped_by_the_clock() {
    let run = run!("wait", "wall_ms = 300", "echo waiting >&2; (sleep 1000 &) ; sleep 1000");
    assert_eq!(failure(&run), &Failure::TimeLimit { wall_ms: 300 });
    assert_eq!(run.stderr_tail, "waiting\n");
}

#[tokio::test]
async fn a_memory_bomb_stops_at_its_limit() {
    // One process that asks for more and more: the kernel refuses it at its address space.
    let one = run!(
        "memory-one",
        "memory_bytes = 67108864",
        "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
    );
    assert!(
        matches!(failure(&one), Failure::Exit { .. } | Failure::MemoryLimit { .. }),
        "{:?}",
        one.outcome
    );
    assert!(
        one.max_rss_bytes.is_none_or(|most| most <= 2 * 67_108_864),
        "{:?}",
        one.max_rss_bytes
    );
    // Many that each stay below it: seen together from outside.
    let grow = "grow() { x=aaaaaaaaaaaaaaaa; i=0; while [ $i -lt 21 ]; do x=$x$x; i=$((i+1)); done; sleep 1000; }";
    let many = run!(
        "memory-many",
        "memory_bytes = 134217728",
        &format!("{grow}; for n in 1 2 3 4 5 6; do grow & done; wait")
    );
    assert!(
        matches!(failure(&many), Failure::MemoryLimit { .. }),
        "{:?}",
        many.outcome
    );
}

#[tokio::test]
async fn private_places_in_memory_are_bounded() {
    let script =
        "head -c 300000000 /dev/zero > /tmp/a 2>/dev/null; head -c 300000000 /dev/zero > /dev/shm/a 2>/dev/null
        stat -c %s /tmp/a /dev/shm/a > out/result.txt";
    let run = run!("tmp", "output_bytes = 268435456", script);
    let sizes: Vec<u64> = result(&run).lines().map(|size| size.parse().unwrap()).collect();
    assert!(sizes[0] <= TMP_BYTES && sizes[1] <= 16 << 20, "{sizes:?}");
}

#[tokio::test]
async fn endless_output_stops_at_its_limit() {
    let one = run!("output", "output_bytes = 1000000", "cat /dev/zero > out/result.txt");
    assert_eq!(
        failure(&one),
        &Failure::OutputLimit {
            output_bytes: 1_000_000
        }
    );
    let many = run!(
        "files",
        "output_bytes = 1000000",
        "while :; do i=$((i+1)); head -c 400000 /dev/zero > out/$i; done"
    );
    assert_eq!(
        failure(&many),
        &Failure::OutputLimit {
            output_bytes: 1_000_000
        }
    );
    let empty = run!("empty-files", "", "while :; do i=$((i+1)); : > out/$i; done");
    assert_eq!(failure(&empty), &Failure::FileLimit { files: 1_024 });
    let log = run!("log", "", "yes");
    assert!(matches!(failure(&log), Failure::LogLimit { .. }), "{:?}", log.outcome);
    assert!(log.stdout_tail.len() <= 16 * 1_024 && log.stdout_tail.ends_with('\n'));
}

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_leaves_nobody_behind() {
    let count = run!(
        "count",
        "processes = 10",
        "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); echo $i >&2; done"
    );
    assert!(matches!(failure(&count), Failure::Exit { .. }), "{:?}", count.outcome);
    // The two shells and what they start: never more than ten.
    let started: Vec<u32> = count.stderr_tail.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(
        started.last().is_some_and(|most| (1..=8).contains(most)),
        "{}",
        count.stderr_tail
    );

    let bomb = run!(
        "bomb",
        "processes = 30\nwall_ms = 500",
        "f() { sleep 98765 & f | f & }; while :; do f; done 2>/dev/null"
    );
    assert!(bomb.outcome.is_err());
    let left: Vec<_> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| line.windows(5).any(|word| word == b"98765"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_a_program_leaves_running_ends_with_it_and_writes_no_more() {
    let script = "(while :; do echo more >> out/result.txt; done) & echo first > out/result.txt; exec sleep 0.1";
    let run = run!("background", "", script);
    assert!(result(&run).contains("first"));
}
