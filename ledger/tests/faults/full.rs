//! A disk that is full: a small file system of this check's own, in a mount namespace of its own.

use crate::Outcome;
use std::process::Command;

/// Fills the disk until the log stops, gives it room again, and checks what was acknowledged.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=48m tmpfs "$DIR" || exit 90
"$BINARY" child fill "$DIR/log" > "$ACKS" 2> "$MESSAGE"
echo "$?" > "$STATUS"
mount -o remount,size=400m "$DIR" || exit 91
"$BINARY" child examine "$DIR/log" < "$ACKS"
"#;

pub(crate) fn check() -> Outcome {
    let possible = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return Outcome::Skipped("`unshare -m` and `mount` need root".to_owned());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("disk")).unwrap();
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", SCRIPT])
        .env("BINARY", std::env::current_exe().unwrap())
        .env("DIR", path("disk"))
        .env("ACKS", path("acks"))
        .env("MESSAGE", path("message"))
        .env("STATUS", path("status"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let message = std::fs::read_to_string(path("message")).unwrap();
    let status = std::fs::read_to_string(path("status")).unwrap();
    // 128 + SIGABRT: ended by itself at the failed write.
    assert_eq!(status.trim(), "134", "{message}");
    assert!(message.contains("No space left on device"), "{message}");
    assert!(
        message.contains(&path("disk").join("log").display().to_string()),
        "{message}"
    );
    crate::injected(1);
    assert!(output.status.success() && said.contains("examined "), "{said}");
    Outcome::Passed
}
