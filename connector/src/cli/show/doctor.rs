//! What a check of the log found, as a person reads it.

use super::{Shown, clean};
use crate::cli::text::{Language, text};
use crate::control::protocol::DoctorAnswer;

impl Shown for DoctorAnswer {
    fn show(&self, language: Language) -> String {
        let numbers = [self.size, self.streams, self.documents, self.erased_sections].map(|number| number.to_string());
        let [size, streams, documents, erased] = &numbers;
        let origin = clean(&self.origin);
        let root = clean(&self.root);
        let values = [
            ("origin", origin.as_str()),
            ("size", size),
            ("root", &root),
            ("streams", streams),
            ("documents", documents),
            ("erased", erased),
        ];
        let sound = text(language, "cli-doctor", &values);
        match &self.found_before {
            None => sound,
            Some(found) => {
                let again = text(language, "cli-doctor-again", &[("found", &clean(found))]);
                format!("{sound}\n{again}")
            }
        }
    }
}
