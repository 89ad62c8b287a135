//! The file that `herleid init` writes.

use super::keys::{Absent, KEYS, Key};
use crate::messages::{Language, Messages};
use herleid_vocab::did::Did;
use std::net::SocketAddr;

/// What `herleid init` knows of a new participant.
#[derive(Debug, Clone)]
pub struct NewParticipant<'a> {
    /// Its identifier.
    pub did: &'a Did,
    /// Its name.
    pub name: &'a str,
    /// Where it will listen.
    pub address: SocketAddr,
    /// Where others will reach it.
    pub public_url: &'a str,
    /// Origin of its log.
    pub origin: &'a str,
    /// Certificate chain and key, as they are to stand in the file; `None` if there are none yet.
    pub tls: Option<(&'a str, &'a str)>,
}

impl NewParticipant<'_> {
    fn value(&self, key: &Key) -> Option<String> {
        let text = match (key.section, key.name) {
            ("participant", "did") => self.did.as_str(),
            ("participant", "name") => self.name,
            ("listen", "address") => return Some(quoted(&self.address.to_string())),
            ("listen", "public_url") => self.public_url,
            ("listen", "tls_certificate") => self.tls?.0,
            ("listen", "tls_key") => self.tls?.1,
            ("ledger", "origin") => self.origin,
            _ => return None,
        };
        Some(quoted(text))
    }
}

/// A `herleid.toml` with every key there is: those of `participant` set, the others commented out with their value when left
/// out, each below a comment that says what it is for.
#[must_use]
pub fn commented_file(participant: &NewParticipant<'_>) -> String {
    let english = Messages::shared(Language::English);
    let mut text = String::from(
        "# Configuration of Herleid. A key that is commented out shows what holds without it. An environment variable\n\
         # overrides a key: HERLEID_LISTEN__ADDRESS is `address` under [listen].\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text.push_str(&header(section));
        }
        text.push_str(&format!("\n# {}: {}.\n", key.about, key.kind.expected(english)));
        text.push_str(&match (participant.value(key), key.absent) {
            (Some(value), _) => format!("{} = {value}\n", key.name),
            (None, Absent::Means(value)) => format!("#{} = {value}\n", key.name),
            (None, Absent::Nothing | Absent::Refused) => format!("#{} =\n", key.name),
        });
    }
    text
}

fn header(section: &str) -> String {
    if section == "development" {
        // The section may not even be there without the flag.
        return "\n# Shortcuts for development; only with the flag `--development`, and every record says so.\n#[development]\n"
            .to_owned();
    }
    format!("\n[{section}]\n")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
