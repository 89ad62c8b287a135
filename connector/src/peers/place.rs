//! Places in streams as another log states them, read strictly (docs/log-format.md, section 4).

use super::lies::Lie;
use crate::state::{Side, digest_bytes};
use herleid_ledger::handover::{Exchange, Subject, VerifiedRecord};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;

/// A record's place in one stream of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which section states it.
    pub(crate) section: SectionName,
    /// Id of the stream.
    pub(crate) id: String,
    /// Number, from 1.
    pub(crate) n: u64,
    /// Leaf hash of the record with the number before; `None` for the first.
    pub(crate) prev: Option<String>,
    /// What the stream is of, as far as the record's exchange says: its key, in one text.
    pub(crate) of: Option<String>,
}

/// The places that `record` opens, as the log of `owner` states them.
///
/// # Errors
/// [`Lie::ReceiptMalformed`] for a place that no log gives.
pub(super) fn read(owner: &Did, record: &VerifiedRecord) -> Result<Vec<Place>, Lie> {
    let malformed = |section: SectionName, why: String| Lie::ReceiptMalformed {
        peer: owner.to_string(),
        section,
        why,
    };
    let mut places = Vec::new();
    for section in [
        SectionName::StreamAgreement,
        SectionName::StreamModel,
        SectionName::StreamCase,
    ] {
        let Some(value) = record.section(section) else { continue };
        let exchange = record
            .exchange()
            .transpose()
            .map_err(|e| malformed(SectionName::Exchange, e.to_string()))?;
        let (id, n, prev) = parse(value).map_err(|why| malformed(section, why))?;
        let of = exchange.and_then(|exchange| stream_of(owner, section, &exchange));
        places.push(Place {
            section,
            id,
            n,
            prev,
            of,
        });
    }
    Ok(places)
}

fn parse(value: &Value) -> Result<(String, u64, Option<String>), String> {
    let wrong = |member: &str, expected: &str| {
        let found = value.get(member).map_or("missing".to_owned(), Value::to_string);
        let found: String = found.chars().take(80).collect();
        format!("`{member}` is {found}, expected {expected}")
    };
    if value.as_object().is_none_or(|members| members.len() != 3) {
        return Err("expected the members `id`, `n` and `prev`, and no others".to_owned());
    }
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    let random = uuid::Uuid::try_parse(id).is_ok_and(|u| u.get_version_num() == 4 && u.to_string() == id);
    if !random {
        return Err(wrong("id", "a UUIDv4 in lower case"));
    }
    let n = value.get("n").and_then(Value::as_u64).filter(|n| *n > 0);
    let n = n.ok_or_else(|| wrong("n", "a number from 1"))?;
    let prev = match value.get("prev") {
        Some(Value::Null) if n == 1 => None,
        Some(Value::String(leaf)) if n > 1 && digest_bytes(leaf).is_some() => Some(leaf.clone()),
        _ if n == 1 => return Err(wrong("prev", "null for the number 1")),
        _ => return Err(wrong("prev", "64 hexadecimal digits in lower case")),
    };
    Ok((id.to_owned(), n, prev))
}

/// The key of the stream (docs/log-format.md, section 4) as the record's exchange tells it: whose side `owner` is on, and who
/// is the other. `None` when the exchange is not one of `owner`'s, which whoever asked for the record refuses by itself.
fn stream_of(owner: &Did, section: SectionName, exchange: &Exchange) -> Option<String> {
    let gives = exchange.provider == *owner;
    match (section, &exchange.subject) {
        (SectionName::StreamAgreement, _) if gives => {
            Some(agreement_of(Side::Provider, &exchange.consumer, &exchange.agreement))
        }
        (SectionName::StreamAgreement, _) if exchange.consumer == *owner => {
            Some(agreement_of(Side::Consumer, &exchange.provider, &exchange.agreement))
        }
        (SectionName::StreamModel, Subject::Model { model, .. }) if gives => {
            Some(format!("{}/{model}", exchange.consumer))
        }
        _ => None,
    }
}

/// The key of the stream in which an agreement is numbered by the end that stands on `side`.
pub(crate) fn agreement_of(side: Side, other: &Did, agreement: &str) -> String {
    format!("{}/{other}/{agreement}", side.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "3f2b8e0a-7a51-4c1e-9d52-0a6a5f4f6c11";

    #[test]
    fn a_place_has_an_id_a_number_and_the_leaf_before() {
        let leaf = "ab".repeat(32);
        let first = parse(&json!({"id": ID, "n": 1, "prev": null})).unwrap();
        assert_eq!(first, (ID.to_owned(), 1, None));
        let second = parse(&json!({"id": ID, "n": 2, "prev": leaf})).unwrap();
        assert_eq!(second, (ID.to_owned(), 2, Some(leaf.clone())));
        for (wrong, member) in [
            (json!({"n": 1, "prev": null}), "`id`"),
            (json!({"id": "", "n": 1, "prev": null}), "`id`"),
            (json!({"id": ID.to_uppercase(), "n": 1, "prev": null}), "`id`"),
            (
                json!({"id": "0192f0c1-2b3c-7d4e-8f50-112233445566", "n": 1, "prev": null}),
                "`id`",
            ),
            (json!({"id": ID, "prev": null, "m": 1}), "`n`"),
            (json!({"id": ID, "n": 0, "prev": null}), "`n`"),
            (json!({"id": ID, "n": "1", "prev": null}), "`n`"),
            (json!({"id": ID, "n": 1, "prev": leaf}), "`prev`"),
            (json!({"id": ID, "n": 2, "prev": null}), "`prev`"),
            (json!({"id": ID, "n": 2, "prev": "ab"}), "`prev`"),
            (json!({"id": ID, "n": 2, "prev": "AB".repeat(32)}), "`prev`"),
            (json!({"id": ID, "n": 1, "prev": null, "more": 1}), "no others"),
            (json!([ID, 1]), "no others"),
        ] {
            let why = parse(&wrong).unwrap_err();
            assert!(why.contains(member), "{wrong}: {why}");
        }
    }
}
