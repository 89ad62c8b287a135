//! The `herleid` binary.

use herleid::cli::{Unplugged, run};

fn main() -> std::process::ExitCode {
    run(&Unplugged, std::env::args_os())
}
