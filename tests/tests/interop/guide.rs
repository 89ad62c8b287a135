//! The guide of `docs/dsp.md`, line by line as it stands there, but for the ports and the folder.

use crate::World;
use herleid_tests::machine::free_port;
use herleid_tests::process::herleid;
use std::path::Path;
use std::process::{Command, Stdio};

/// The guide's section, and the one after it.
const FROM: &str = "\n## Connect an EDC to a Herleid in ten minutes\n";
const TO: &str = "\n## ";
/// The ports in the guide.
const PORTS: [&str; 6] = ["7101", "8181", "8182", "8183", "8185", "8282"];

/// What stands between the lines that open and close a block of commands.
fn commands(guide: &str) -> String {
    let mut inside = false;
    let mut lines = String::new();
    for line in guide.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                lines.push_str(line);
                lines.push('\n');
            }
            _ => {}
        }
    }
    lines
}

pub(crate) fn as_written(world: &World) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/dsp.md")).unwrap();
    let (_, guide) = page.split_once(FROM).expect("the guide is in docs/dsp.md");
    let guide = guide.split_once(TO).map_or(guide, |(guide, _)| guide);
    let folder = world.folder.path().join("guide");
    std::fs::create_dir_all(&folder).unwrap();
    let mut script = commands(guide).replace("try/", &format!("{}/try/", folder.display()));
    assert!(script.lines().count() > 50, "the guide's commands: {script}");
    for port in PORTS {
        assert!(script.contains(port), "port {port} is not in the guide any more");
        script = script.replace(port, &free_port().to_string());
    }
    // What the guide starts in the background ends with it, however that ends.
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{script}");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args(["300", "bash", "-c", &script])
        .env("PATH", format!("{}:{path}", herleid().parent().unwrap().display()))
        .env("HERLEID_LANG", "en")
        .current_dir(&root)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&said)
    );
    // It comes from the provider of the last step, over both ends.
    let pulled = std::fs::read_to_string(folder.join("try/weather.json")).unwrap();
    assert!(pulled.contains("protocolVersions"), "{pulled}");
}

#[test]
fn only_what_stands_in_blocks_of_commands_is_run() {
    let guide = "a\n```sh\nb\n```\nc\n```json\n{}\n```\n```sh\nd\n```\n";
    assert_eq!(commands(guide), "b\nd\n");
}
