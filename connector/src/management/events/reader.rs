//! Reads what happened, from the log and the journal, after a place in both.

use super::cloud_event::{self, CloudEvent};
use crate::management::problem::Problem;
use crate::node::Node;
use herleid_ledger::LedgerError;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// What is read at once of each: so much one reader keeps in memory, at about a kilobyte an event.
const AT_ONCE: u64 = 64;

/// A place in what happened: so many records and so many entries of the journal were told. Written `<records>.<changes>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Records of the log.
    pub(super) records: u64,
    /// Entries of the journal.
    pub(super) changes: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.records, self.changes)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |part: &str| part.parse::<u64>().ok().filter(|n| n.to_string() == part);
        let (records, changes) = text.split_once('.').ok_or(())?;
        match (number(records), number(changes)) {
            (Some(records), Some(changes)) => Ok(Self { records, changes }),
            _ => Err(()),
        }
    }
}

impl Place {
    /// Where everything that has happened was told.
    pub(super) fn now(node: &Node) -> Self {
        Self {
            records: node.ledger.size(),
            changes: node.journal.settled(),
        }
    }

    /// The place that somebody names.
    ///
    /// # Errors
    /// When it is none, or one that this connector has not come to: of another one, or of a store that was put back.
    pub(super) fn named(node: &Node, text: &str) -> Result<Self, Problem> {
        let here = Self::now(node);
        match text.parse::<Self>() {
            Ok(place) if place.records <= here.records && place.changes <= here.changes => Ok(place),
            _ => Err(
                Problem::malformed(format!("`{text}` is not a place in what happened here"))
                    .expected("the `id` of the last event that was received, or `0.0` for everything that is kept")
                    .next(format!("begin with what happens from now on, or after `{here}`")),
            ),
        }
    }

    /// How many events lie between this place and now.
    pub(super) fn behind(self, node: &Node) -> u64 {
        let here = Self::now(node);
        here.records.saturating_sub(self.records) + here.changes.saturating_sub(self.changes)
    }
}

/// Which events somebody wants: those whose type is one of these, or begins with one that ends in `*`; with none, all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Types(pub(super) Vec<String>);

impl Types {
    /// Whether an event of this type is wanted. That something was missed is told to everybody.
    pub(super) fn want(&self, kind: &str) -> bool {
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => wanted == kind,
        };
        self.0.is_empty() || kind.ends_with(".events-missed") || self.0.iter().any(fits)
    }

    /// Refuses what would never fit anything.
    ///
    /// # Errors
    /// Names it.
    pub(super) fn check(self) -> Result<Self, Problem> {
        match self.0.iter().find(|wanted| !wanted.starts_with(cloud_event::PREFIX) || wanted.len() > 128) {
            Some(wrong) => Err(Problem::malformed(format!("`{wrong}` is not a type of events"))
                .expected("a type such as `eu.herleid.negotiation.finalized`, or its beginning and a star: `eu.herleid.negotiation.*`")),
            None if self.0.len() > 64 => Err(Problem::malformed("too many types").expected("at most 64")),
            None => Ok(self),
        }
    }
}

/// Reads on from a place.
pub(super) struct Reader {
    place: Place,
    read: VecDeque<(Place, CloudEvent)>,
}

impl Reader {
    /// Reads what happened after `place`.
    pub(super) const fn after(place: Place) -> Self {
        Self {
            place,
            read: VecDeque::new(),
        }
    }

    /// The next event, with the place after it; `None` when all that has happened was read.
    ///
    /// # Errors
    /// When the log or the journal cannot be read: nothing is passed over then.
    pub(super) fn next(&mut self, node: &Node) -> Result<Option<(Place, CloudEvent)>, ReadError> {
        while self.read.is_empty() {
            let before = self.place;
            self.fill(node)?;
            if self.place == before {
                break;
            }
        }
        let next = self.read.pop_front();
        if let Some((place, _)) = &next {
            self.place = *place;
        }
        Ok(next)
    }

    fn fill(&mut self, node: &Node) -> Result<(), ReadError> {
        let mut place = self.place;
        let oldest = node.journal.oldest();
        if place.changes + 1 < oldest {
            let gap = cloud_event::of_gap(node, place.changes + 1, oldest - 1);
            place.changes = oldest - 1;
            self.read.push_back((place, gap));
        }
        let records = place.records..node.ledger.size().min(place.records + AT_ONCE);
        let records = records.map(|index| {
            node.ledger
                .record(index)
                .map(|record| cloud_event::of_record(node, &record))
        });
        let mut records: VecDeque<_> = records.collect::<Result<_, _>>()?;
        let last_change = node.journal.settled().min(place.changes + AT_ONCE);
        let changes = node.journal.after(&node.state, place.changes, AT_ONCE)?.into_iter();
        let mut changes: VecDeque<_> = changes
            .map(|(number, entry)| (number, cloud_event::of_change(node, number, entry)))
            .collect();
        // In the order of their times, each in its own order: one that is read later than another may still be older than it.
        loop {
            let record_first = match (records.front(), changes.front()) {
                (Some((record, _)), Some((_, (change, _)))) => record <= change,
                (Some(_), None) => true,
                (None, _) => false,
            };
            let event = if record_first {
                records.pop_front().map(|(_, event)| {
                    place.records += 1;
                    event
                })
            } else {
                changes.pop_front().map(|(number, (_, event))| {
                    place.changes = number;
                    event
                })
            };
            match event {
                Some(event) => self.read.push_back((place, event)),
                None => break,
            }
        }
        // Numbers at the end that no entry was kept under.
        if self.read.is_empty() {
            self.place.changes = self.place.changes.max(last_change);
        }
        Ok(())
    }
}

/// Why what happened cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The journal.
    #[error(transparent)]
    State(#[from] crate::state::StateError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::journal::{Entry, KEPT};
    use crate::node::{Secrets, fresh_trace, open};
    use crate::rim::SystemEntropy;
    use crate::state::set;
    use herleid_ledger::record::{Draft, Kind};
    use herleid_ledger::section::SectionName;
    use std::path::Path;
    use std::sync::Arc;

    fn node(directory: &Path) -> Arc<Node> {
        let text = "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
                    [listen]\npublic_url = \"http://localhost:7101\"\n\
                    [ledger]\norigin = \"localhost:7101/log/1\"\n\
                    [development]\nplain_http = true\n";
        let config = Config::read(&directory.join("herleid.toml"), text, std::iter::empty(), true).unwrap();
        if !directory.join("keys").exists() {
            Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
        }
        open(config).unwrap()
    }

    fn change(node: &Node, at_ms: u64, to: &str) {
        let entry = Entry {
            at_ms,
            of: "transfer".to_owned(),
            pid: "urn:uuid:1".to_owned(),
            role: "provider".to_owned(),
            counterparty: "did:web:app.example".to_owned(),
            from: None,
            to: to.to_owned(),
            by: "consumer".to_owned(),
            about: std::collections::BTreeMap::new(),
            code: None,
        };
        let mut changes = Vec::new();
        let noted = node.journal.note(&[entry], &mut changes).unwrap();
        node.state.write(changes).unwrap();
        drop(noted);
    }

    fn read(node: &Node, reader: &mut Reader) -> Vec<(String, String)> {
        std::iter::from_fn(|| reader.next(node).unwrap())
            .map(|(place, event)| (place.to_string(), event.id))
            .collect()
    }

    fn told(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|(place, id)| ((*place).to_owned(), (*id).to_owned()))
            .collect()
    }

    #[tokio::test]
    async fn records_and_changes_are_told_in_the_order_of_their_times_and_from_any_place() {
        let directory = tempfile::tempdir().unwrap();
        let node = node(directory.path());
        change(&node, 1, "REQUESTED");
        change(&node, u64::MAX, "STARTED");
        let withdrawn = serde_json::json!({"dataset": "rain", "version": "1", "reason": "x"});
        let draft = Draft::new(Kind::DatasetWithdrawn, fresh_trace(&node)).section(SectionName::Facts, withdrawn);
        node.append(draft).await.unwrap();
        let mut reader = Reader::after(Place::default());
        let all = told(&[
            ("0.1", "change-1"),
            ("1.1", "record-0"),
            ("2.1", "record-1"),
            ("2.2", "change-2"),
        ]);
        assert_eq!(read(&node, &mut reader), all);
        assert_eq!(read(&node, &mut reader), []);
        // What is written later is told later, whatever its time.
        change(&node, 2, "COMPLETED");
        assert_eq!(read(&node, &mut reader), told(&[("2.3", "change-3")]));
        for (from, (place, _)) in all.iter().enumerate() {
            let mut reader = Reader::after(place.parse().unwrap());
            let rest: Vec<String> = read(&node, &mut reader).into_iter().map(|(_, id)| id).collect();
            let expected: Vec<String> = all[from + 1..]
                .iter()
                .map(|(_, id)| id.clone())
                .chain(["change-3".to_owned()])
                .collect();
            assert_eq!(rest, expected, "after {place}");
        }
        assert_eq!(Place::now(&node).behind(&node), 0);
        assert_eq!(Place::default().behind(&node), 5);
        assert!(Place::named(&node, "2.3").is_ok() && Place::named(&node, "3.3").is_err());
    }

    #[tokio::test]
    async fn whoever_was_too_long_away_is_told_how_much_was_missed() {
        let directory = tempfile::tempdir().unwrap();
        let first = node(directory.path());
        // As if there had been so many changes.
        first
            .state
            .write(vec![set("journal-head", &(2 * KEPT)).unwrap()])
            .unwrap();
        drop(first);
        let node = node(directory.path());
        change(&node, 5, "STARTED");
        let mut reader = Reader::after(Place { records: 1, changes: 7 });
        let (place, gap) = reader.next(&node).unwrap().unwrap();
        let oldest = KEPT + 2;
        assert_eq!(
            (place.records, place.changes, gap.kind.as_str()),
            (1, oldest - 1, "eu.herleid.events-missed")
        );
        let missed =
            serde_json::json!({"from": "change-8", "to": format!("change-{}", oldest - 1), "missed": oldest - 8});
        assert_eq!(gap.data, missed);
        // Nothing lies under the numbers between; the reader comes to the end all the same.
        let mut reader = Reader::after(Place {
            records: 1,
            changes: 2 * KEPT - 5_000,
        });
        assert_eq!(
            read(&node, &mut reader),
            told(&[(&format!("1.{}", 2 * KEPT + 1), &format!("change-{}", 2 * KEPT + 1))])
        );
    }

    #[test]
    fn a_place_has_one_form() {
        let place = Place {
            records: 12,
            changes: 40,
        };
        assert_eq!("12.40".parse(), Ok(place));
        assert_eq!(place.to_string(), "12.40");
        for wrong in [
            "",
            "12",
            "12.",
            ".40",
            "12.40.1",
            "-1.0",
            "012.40",
            "12.4e1",
            "12.18446744073709551616",
            " 1.1",
        ] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn types_fit_whole_or_by_their_beginning() {
        let types = |all: &[&str]| Types(all.iter().map(|&t| t.to_owned()).collect());
        let finalized = "eu.herleid.negotiation.finalized";
        assert!(types(&[]).want(finalized));
        assert!(types(&["eu.herleid.negotiation.*"]).want(finalized));
        assert!(types(&["eu.herleid.denied", finalized]).want(finalized));
        assert!(!types(&["eu.herleid.negotiation"]).want(finalized));
        assert!(!types(&["eu.herleid.transfer.*"]).want(finalized));
        assert!(types(&["eu.herleid.denied"]).want("eu.herleid.events-missed"));
        assert!(types(&["negotiation.*"]).check().is_err());
        assert!(types(&["eu.herleid.*"]).check().is_ok());
    }
}
