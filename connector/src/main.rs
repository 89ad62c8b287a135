//! The `herleid` binary.

use herleid::actions::Plugged;
use herleid::cli::run;

fn main() -> std::process::ExitCode {
    run(&Plugged, std::env::args_os())
}
