//! Where tests find the material of others (schemas, examples, test vectors, measurements), which is not part of the
//! product: a folder `shared` beside the checkout. Test support; nothing that ships calls it.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The path of `relative` below the folder `shared` beside the checkout, or `None` where it does not exist. In the second
/// case it says so on standard error in a line that starts with `SKIPPED`, naming `test`; the caller then returns.
///
/// `deploy/build/test.sh` counts those lines. They are written to the stream itself, because what a passing test writes
/// with `eprintln!` is swallowed by the test runner, and a silent skip looks like a pass.
///
/// ```
/// if let Some(schemas) = herleid_vocab::reference::find("every example is valid", "spec/dsp") {
///     assert!(schemas.is_dir());
/// }
/// ```
#[must_use]
pub fn find(test: &str, relative: &str) -> Option<PathBuf> {
    look(&beside_the_checkout(), test, relative, &mut std::io::stderr())
}

fn beside_the_checkout() -> PathBuf {
    // This crate's folder, the checkout, the folder that holds the checkout.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).join("shared")
}

fn look(shared: &Path, test: &str, relative: &str, out: &mut dyn Write) -> Option<PathBuf> {
    let path = shared.join(relative);
    if path.exists() {
        return Some(path);
    }
    // One write for the whole line: other tests write to the same stream at the same time.
    let line = format!("SKIPPED {test}: ../shared/{relative} is absent\n");
    // Nothing better can be done about a standard error that is closed; the test is skipped all the same.
    let _ = out.write_all(line.as_bytes());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_and_nothing_is_said() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut said = Vec::new();
        assert_eq!(look(here, "t", "Cargo.toml", &mut said), Some(here.join("Cargo.toml")));
        assert!(said.is_empty());
    }

    #[test]
    fn what_is_absent_is_named_in_one_line() {
        let mut said = Vec::new();
        assert_eq!(
            look(Path::new(env!("CARGO_MANIFEST_DIR")), "rain", "no/such", &mut said),
            None
        );
        assert_eq!(
            String::from_utf8(said).unwrap(),
            "SKIPPED rain: ../shared/no/such is absent\n"
        );
    }

    #[test]
    fn the_folder_is_beside_the_checkout() {
        assert_eq!(beside_the_checkout().file_name().unwrap(), "shared");
        assert!(beside_the_checkout().parent().unwrap().is_dir());
    }
}
