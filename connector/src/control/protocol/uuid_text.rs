//! UUIDs as lower-case text with hyphens (RFC 9562 section 4), the one form in which they stand in records.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use uuid::Uuid;

pub(super) fn serialize<S: Serializer>(uuid: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&uuid.hyphenated())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    match Uuid::try_parse(&text) {
        Ok(uuid) if uuid.hyphenated().to_string() == text => Ok(uuid),
        _ => Err(D::Error::custom(format!(
            "`{text}` is not a transaction: expected a UUID in lower case"
        ))),
    }
}
