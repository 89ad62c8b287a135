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
        let mut sound = text(language, "cli-doctor", &values);
        let (payloads, bytes) = (self.payloads.to_string(), self.payload_bytes.to_string());
        let beside = [("payloads", payloads.as_str()), ("bytes", &bytes)];
        sound.push('\n');
        sound.push_str(&text(language, "cli-doctor-payloads", &beside));
        for over in &self.over {
            let (origin, size) = (clean(&over.origin), over.size.to_string());
            let why = over.wrong.as_deref().map(clean);
            let line = match &why {
                None => text(language, "cli-doctor-over", &[("origin", &origin), ("size", &size)]),
                Some(why) => text(language, "cli-doctor-over-wrong", &[("origin", &origin), ("why", why)]),
            };
            sound.push('\n');
            sound.push_str(&line);
        }
        match &self.found_before {
            None => sound,
            Some(found) => {
                let again = text(language, "cli-doctor-again", &[("found", &clean(found))]);
                format!("{sound}\n{again}")
            }
        }
    }
}
