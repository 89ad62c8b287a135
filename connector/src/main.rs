//! The `herleid` binary.

use herleid::actions::Plugged;
use herleid::catalogue::sparql_worker;
use herleid::cli::run;

fn main() -> std::process::ExitCode {
    sparql_worker(std::env::args_os()).unwrap_or_else(|| run(&Plugged, std::env::args_os()))
}
