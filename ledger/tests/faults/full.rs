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

/// Leaves so much room, erases, gives room again, and checks what was erased and what was not.
const ERASING: &str = r#"
mount -t tmpfs -o size=48m tmpfs "$DIR" || exit 90
"$BINARY" child erase-full "$DIR/log" "$DIR/ballast" "$ROOM" > "$ACKS" 2> "$MESSAGE"
echo "$?" > "$STATUS"
rm -f "$DIR/ballast"
mount -o remount,size=400m "$DIR" || exit 91
"$BINARY" child erased "$DIR/log" < "$ACKS"
"#;

/// Bytes that are left when something is erased: for nothing; for the tombstone; for part of what has to be rewritten.
const ROOMS: [u64; 3] = [0, 256 << 10, 1 << 20];

fn is_possible() -> bool {
    let possible = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    possible.is_ok_and(|output| output.status.success())
}

const NEEDS_ROOT: &str = "`unshare -m` and `mount` need root";

/// On a disk that is full, or nearly, something is erased or it is not, and with room all of it goes.
pub(crate) fn check_erasing() -> Outcome {
    if !is_possible() {
        return Outcome::Skipped(NEEDS_ROOT.to_owned());
    }
    let mut named = 0;
    for room in ROOMS {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("disk")).unwrap();
        let output = Command::new("unshare")
            .args(["-m", "sh", "-c", ERASING])
            .env("BINARY", std::env::current_exe().unwrap())
            .env("DIR", path("disk"))
            .env("ROOM", room.to_string())
            .env("ACKS", path("acks"))
            .env("MESSAGE", path("message"))
            .env("STATUS", path("status"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let (message, acks) = (
            std::fs::read_to_string(path("message")).unwrap(),
            std::fs::read_to_string(path("acks")).unwrap(),
        );
        let status = std::fs::read_to_string(path("status")).unwrap();
        // It ended by itself, or says that files hold it still, and why; or there was room enough.
        let told = format!("{room}: {status} {message} {acks}");
        match status.trim() {
            "134" => assert!(message.contains("No space left on device"), "{told}"),
            "0" if acks.contains("unburied ") => assert!(acks.contains("No space left on device"), "{told}"),
            "0" => assert!(acks.contains("erased "), "{told}"),
            _ => panic!("{told}"),
        }
        named += usize::from(told.contains("No space left on device"));
        crate::injected(1);
        crate::checked(|| assert!(output.status.success() && said.contains("examined "), "{room}: {said}"));
    }
    assert!(named > 0, "the disk was never full");
    Outcome::Passed
}

pub(crate) fn check() -> Outcome {
    if !is_possible() {
        return Outcome::Skipped(NEEDS_ROOT.to_owned());
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
