//! The `herleid` binary.

use herleid::actions::Plugged;
use herleid::catalogue::sparql_worker;
use herleid::cli::run;
use tikv_jemallocator::Jemalloc;

/// Memory of a service that runs for months: what was freed goes back, to other threads and to the system (docs/decisions/0032-jemalloc.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> std::process::ExitCode {
    sparql_worker(std::env::args_os()).unwrap_or_else(|| run(&Plugged, std::env::args_os()))
}
