//! The `herleid` binary.

fn main() -> std::process::ExitCode {
    eprintln!("herleid: this version has no commands yet");
    std::process::ExitCode::from(2)
}
