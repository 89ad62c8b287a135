//! Backups, as a person reads of them.

use super::{Shown, clean, size, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::BackupAnswer;

impl Shown for BackupAnswer {
    fn show(&self, language: Language) -> String {
        let values = [
            ("size", self.size.to_string()),
            ("origin", clean(&self.origin)),
            ("time", when(self.made_ms)),
            ("files", self.files.to_string()),
            ("bytes", size(self.bytes)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (out, keys) = (
            clean(&self.out.display().to_string()),
            clean(&self.keys.display().to_string()),
        );
        let mut lines = vec![
            text(language, "cli-backup", &values),
            text(language, "cli-backup-out", &[("out", &out)]),
            text(language, "cli-backup-keys", &[("keys", &keys)]),
        ];
        let told = |what: &String| text(language, "cli-backup-unsound", &[("what", &clean(what))]);
        lines.extend(self.unsound.iter().map(told));
        let told = |what: &String| text(language, "cli-backup-left-out", &[("what", &clean(what))]);
        lines.extend(self.left_out.iter().map(told));
        lines.join("\n")
    }
}
