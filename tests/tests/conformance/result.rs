//! What the kit says at its end, and whether that is success. Its exit code says nothing: it is 0 when tests failed, too.

use std::collections::BTreeSet;
use std::fmt;

/// The tests that the kit has, without the two that it has switched off.
pub(crate) const TESTS: usize = 65;

/// What came of a run of the kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Names of the tests that failed, such as `CN:01-03`, and of the groups that could not be set up.
    pub(crate) failures: BTreeSet<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsp-tck: {} passed, {} failed", self.passed, self.failed)
    }
}

impl Verdict {
    /// Reads what the kit wrote. Three counts have to agree, since each of them has been seen to leave tests out: the kit's own two
    /// lines, the launcher's line, and the tests that are reported one by one.
    ///
    /// # Errors
    /// When the kit did not come to its end, or its counts contradict each other.
    pub(crate) fn read(output: &str) -> Result<Self, String> {
        let lines: Vec<&str> = output.lines().map(without_time).collect();
        let counted = |label: &str| {
            let mut found = lines
                .iter()
                .filter_map(|line| line.strip_prefix(label)?.trim().parse().ok());
            match (found.next(), found.next()) {
                (Some(count), None) => Ok(count),
                (None, _) => Err(format!("the kit did not say `{label}`; it did not come to its end")),
                _ => Err(format!("the kit said `{label}` more than once")),
            }
        };
        let (passed, failed): (usize, usize) = (counted("Passed tests:")?, counted("Failed tests:")?);
        let named = |label: &str| -> BTreeSet<String> {
            let names = lines.iter().filter_map(|line| line.strip_prefix(label));
            names.map(|name| name.trim().to_owned()).collect()
        };
        let good = named("SUCCESSFUL:");
        let mut failures = named("FAILED:");
        failures.extend(named("ABORTED:"));
        failures.extend(named("set-up failed:"));
        let launcher = lines.iter().find_map(|line| launched(line));
        let launcher = launcher.ok_or("the launcher's counts are missing; it did not come to its end")?;
        if launcher != (passed, failed) || good.len() != passed {
            return Err(format!(
                "the counts differ: the kit has {passed} passed and {failed} failed, the launcher {} and {}, and {} tests are reported as successful",
                launcher.0,
                launcher.1,
                good.len()
            ));
        }
        Ok(Self {
            passed,
            failed,
            failures,
        })
    }

    /// All there is has passed. A run of fewer tests is none.
    pub(crate) fn is_success(&self) -> bool {
        self.passed == TESTS && self.failed == 0 && self.failures.is_empty()
    }
}

/// Every line of the kit starts with the time, in brackets.
fn without_time(line: &str) -> &str {
    let rest = line.strip_prefix('[').and_then(|l| l.split_once("] "));
    rest.map_or(line, |(_, rest)| rest).trim()
}

/// `found 67, started 65, passed 65, failed 0, skipped 2`: passed and failed.
fn launched(line: &str) -> Option<(usize, usize)> {
    let counts = line.strip_prefix("found ")?;
    let count = |name: &str| {
        counts
            .split(", ")
            .find_map(|part| part.strip_prefix(name)?.parse().ok())
    };
    Some((count("passed ")?, count("failed ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kit wrote when it was run against a connector that does all it wants, and against one that leaves two things out.
    const GOOD: &str = include_str!("recorded/all-passed.txt");
    const BAD: &str = include_str!("recorded/two-failed.txt");
    const UNREACHABLE: &str = include_str!("recorded/nobody-there.txt");

    #[test]
    fn all_passed_is_success() {
        let verdict = Verdict::read(GOOD).unwrap();
        assert_eq!(verdict.to_string(), "dsp-tck: 65 passed, 0 failed");
        assert!(verdict.is_success(), "{verdict:?}");
    }

    #[test]
    fn failures_are_none_and_are_named() {
        let verdict = Verdict::read(BAD).unwrap();
        assert_eq!(verdict.to_string(), "dsp-tck: 6 passed, 2 failed");
        assert!(!verdict.is_success());
        assert_eq!(verdict.failures, ["CN_C:02-03", "TP:01-05"].map(str::to_owned).into());
        let verdict = Verdict::read(UNREACHABLE).unwrap();
        assert_eq!((verdict.passed, verdict.failed, verdict.is_success()), (0, 4, false));
    }

    /// A run of which one test is missing, however consistently, is no success.
    #[test]
    fn one_test_less_is_no_success() {
        let fewer = GOOD
            .replace("SUCCESSFUL: CN:01-03", "")
            .replace("Passed tests: 65", "Passed tests: 64")
            .replace("passed 65", "passed 64");
        let verdict = Verdict::read(&fewer).unwrap();
        assert_eq!((verdict.passed, verdict.failed, verdict.is_success()), (64, 0, false));
    }

    #[test]
    fn counts_that_contradict_each_other_are_no_verdict() {
        for (one, other) in [
            ("SUCCESSFUL: CN:01-03", ""),
            ("SUCCESSFUL: CN:01-03", "SUCCESSFUL: CN:01-04"),
            ("SUCCESSFUL: CN:01-03", "FAILED: CN:01-03"),
            ("Passed tests: 65", "Passed tests: 66"),
            ("Failed tests: 0", "Failed tests: 1"),
            ("Failed tests: 0", "Failed tests: 0\nFailed tests: 0"),
            ("failed 0", "failed 1"),
            ("Passed tests: 65", ""),
            ("Failed tests: 0", "Failed tests: none"),
            ("found 67", "fond 67"),
        ] {
            assert!(GOOD.contains(one), "{one}");
            assert!(Verdict::read(&GOOD.replace(one, other)).is_err(), "{one} -> {other}");
        }
        let half = &GOOD[..GOOD.len() / 2];
        assert!(Verdict::read(half).is_err() && Verdict::read("").is_err());
    }

    #[test]
    fn a_group_that_could_not_be_set_up_is_a_failure() {
        let verdict = Verdict::read(&format!(
            "{GOOD}\nset-up failed: Catalog01Test: java.lang.NoClassDefFoundError\n"
        ));
        assert!(!verdict.unwrap().is_success());
    }
}
