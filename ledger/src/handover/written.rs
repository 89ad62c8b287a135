//! The usual form of a record handed over, written at once: every pull sends one.

use super::HandedOver;
use herleid_vocab::json::{MAX_INTEGER, put_number, put_text};
use std::collections::BTreeMap;

/// The bytes of a record in which there is no number or name but those that every reader reads alike, in RFC 8785 form. `None` when it is
/// another.
pub(super) fn usual(record: &HandedOver) -> Option<Vec<u8>> {
    let consistency = record.consistency.as_ref();
    let from = consistency.map_or(0, |consistency| consistency.from);
    if record.index > MAX_INTEGER || from > MAX_INTEGER {
        return None;
    }
    // Names that are printable ASCII sort by their bytes as they do by UTF-16 units.
    let is_plain = |name: &String| name.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !record.macs.keys().chain(record.opened.keys()).all(is_plain) {
        return None;
    }
    let opened: usize = record.opened.values().map(|opened| opened.text.len() + 128).sum();
    let hashes = record.proof.len() + consistency.map_or(0, |consistency| consistency.proof.len());
    let room = 256 + record.checkpoint.len() + record.macs.len() * 96 + opened * 5 / 4 + hashes * 48;
    let mut to = Vec::with_capacity(room);
    to.extend_from_slice(b"{\"checkpoint\":");
    put_text(&mut to, &record.checkpoint);
    if let Some(consistency) = consistency {
        to.extend_from_slice(b",\"consistency\":{\"from\":");
        put_number(&mut to, consistency.from);
        to.extend_from_slice(b",\"proof\":");
        put_texts(&mut to, &consistency.proof);
        to.push(b'}');
    }
    to.extend_from_slice(b",\"format\":");
    put_text(&mut to, &record.format);
    to.extend_from_slice(b",\"index\":");
    put_number(&mut to, record.index);
    to.extend_from_slice(b",\"macs\":");
    put_object(&mut to, &record.macs, |to, mac| put_text(to, mac));
    to.extend_from_slice(b",\"opened\":");
    put_object(&mut to, &record.opened, |to, opened| {
        to.extend_from_slice(b"{\"key\":");
        put_text(to, &opened.key);
        to.extend_from_slice(b",\"text\":");
        put_text(to, &opened.text);
        to.push(b'}');
    });
    to.extend_from_slice(b",\"origin\":");
    put_text(&mut to, &record.origin);
    to.extend_from_slice(b",\"proof\":");
    put_texts(&mut to, &record.proof);
    to.push(b'}');
    Some(to)
}

fn put_object<T>(to: &mut Vec<u8>, members: &BTreeMap<String, T>, put: impl Fn(&mut Vec<u8>, &T)) {
    to.push(b'{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            to.push(b',');
        }
        put_text(to, name);
        to.push(b':');
        put(to, value);
    }
    to.push(b'}');
}

fn put_texts(to: &mut Vec<u8>, texts: &[String]) {
    to.push(b'[');
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            to.push(b',');
        }
        put_text(to, text);
    }
    to.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::ConsistencyText;
    use crate::section::Opened;
    use herleid_vocab::json;
    use proptest::prelude::*;

    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("\\PC{0,20}", 0..4)
    }

    fn text() -> impl Strategy<Value = String> {
        "[\\x00-\\x7f\u{80}-\u{7ff}\u{fffe}\u{1f600}]{0,30}"
    }

    prop_compose! {
        fn records()(
            format in text(),
            origin in text(),
            index in any::<u64>(),
            macs in prop::collection::btree_map("[ -~\u{e9}]{0,6}", text(), 0..4),
            opened in prop::collection::btree_map("[ -~]{0,6}", (text(), text()), 0..4),
            proof in texts(),
            checkpoint in text(),
            consistency in prop::option::of((0..3u64, texts())),
        ) -> HandedOver {
            let opened = opened.into_iter().map(|(name, (text, key))| (name, Opened { text, key }));
            HandedOver {
                format,
                origin,
                index: if index % 2 == 0 { index >> 11 } else { index },
                macs,
                opened: opened.collect(),
                proof,
                checkpoint,
                consistency: consistency.map(|(from, proof)| ConsistencyText { from, proof }),
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_general_writer_writes(record in records()) {
            let Ok(general) = json::canonical(&record.to_value().unwrap()) else {
                // A number that not every reader reads alike: nobody writes it.
                prop_assert!(usual(&record).is_none() && record.to_bytes().is_err());
                return Ok(());
            };
            let plain = record.index <= MAX_INTEGER && record.macs.keys().all(|name| name.is_ascii());
            prop_assert_eq!(usual(&record).is_some(), plain);
            prop_assert_eq!(record.to_bytes().unwrap(), general);
        }
    }
}
