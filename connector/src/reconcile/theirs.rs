//! What the other end recorded of an agreement's exchanges, as it hands it over: nothing of it is believed unchecked.

use super::chain::{Broken, Chain};
use super::compare::{End, Entry, Gone, phase_of};
use super::ours::recorded_at_ms;
use super::said::Said;
use crate::commands::Failure;
use crate::consumer::pull::shrunk;
use crate::dsp_shell::base_url;
use crate::net::error::ClientError;
use crate::node::Node;
use crate::peers::{ReceiptError, Shown};
use crate::provider::access::SEEN;
use crate::state::{AgreementEntry, LogIdentity, Side, digest_bytes};
use herleid_ledger::handover::{Exchange, HandedOver, VerifiedRecord};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use url::form_urlencoded;

/// The other end's records, as far as they were read.
pub(super) struct Theirs {
    pub(super) end: End,
    pub(super) chain: Chain,
    /// Numbers of the records whose exchange it keeps closed.
    pub(super) withheld: Vec<u64>,
    /// Id of the stream that is known to be the agreement's.
    tied: Option<String>,
    /// Records that were read.
    records: usize,
    /// Bytes that were read.
    bytes: usize,
}

/// Why the other end's records are not read on. Only what its own log has signed counts against it: a proxy, an expired certificate or
/// a broken answer is no contradiction.
#[derive(Debug)]
pub(super) enum Stop {
    /// What it handed over contradicts itself, or what it said before.
    Contradiction(String),
    /// It could not be asked, said no, or answered what cannot be used.
    Unfinished(String),
    /// This end's own fault.
    Own(Failure),
}

/// Records that are read of one agreement: about 200 bytes of each are kept at either end while they are compared, 50 MB.
const MOST: usize = 250_000;
/// Bytes that are read of one agreement: a record of a few kilobytes, as often as that.
const MOST_BYTES: usize = 1 << 30;

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Unfinished(error.to_string())
    }
}

impl From<ReceiptError> for Stop {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::Lie(lie) => Self::Contradiction(lie.to_string()),
            ReceiptError::Unproved { .. } | ReceiptError::Key { .. } => Self::Unfinished(error.to_string()),
            ReceiptError::State(error) => Self::Own(error.into()),
        }
    }
}

/// The side on which the other end stands.
pub(crate) const fn their_side(entry: &AgreementEntry) -> Side {
    match entry.side {
        Side::Provider => Side::Consumer,
        Side::Consumer => Side::Provider,
    }
}

impl Theirs {
    /// Nothing is read yet; `known` is what was known before of the stream in which the other end numbers them.
    pub(super) fn new(peer: &Did, known: Option<(String, u64)>) -> Self {
        Self {
            tied: known.as_ref().map(|(id, _)| id.clone()),
            end: End::default(),
            chain: Chain::new(peer.as_str(), known),
            withheld: Vec::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// Asks for them, page by page. What was read stays also when it stops.
    ///
    /// # Errors
    /// Says why they were not read to the first.
    pub(super) async fn read(
        &mut self,
        node: &Node,
        entry: &AgreementEntry,
        log: &LogIdentity,
        trace: &str,
    ) -> Result<(), Stop> {
        let unusable =
            |why: &str| Stop::Unfinished(format!("what `{}` answered is no page of records: {why}", entry.other));
        let mut from = None::<String>;
        loop {
            let page = self.page(node, entry, log, from.as_deref(), trace).await?;
            let member = |name: &str| page.get(name).ok_or_else(|| unusable(&format!("`{name}` is missing")));
            let records = member("records")?;
            let records = records.as_array().ok_or_else(|| unusable("`records` is no list"))?;
            let n = member("n")?.as_u64().ok_or_else(|| unusable("`n` is no number"))?;
            let next = match member("next")? {
                Value::Null => None,
                Value::String(leaf) if digest_bytes(leaf).is_some() => Some(leaf.clone()),
                _ => return Err(unusable("`next` is neither null nor a leaf hash")),
            };
            if from.is_none() {
                // Later its log may have grown.
                self.chain.claims(n);
            }
            if records.is_empty() && next.is_some() {
                return Err(unusable("it goes on without showing more"));
            }
            // Versions before this one hand over no proof of what they erased.
            let tombstones = match page.get("erased") {
                None => &[][..],
                Some(erased) => {
                    let all = erased.as_array().map(Vec::as_slice);
                    all.ok_or_else(|| unusable("`erased` is no list"))?
                }
            };
            if tombstones.len() > records.len() {
                return Err(unusable("it shows more that erases than records"));
            }
            let (mut shown, mut erasing) = (Vec::new(), Vec::new());
            for (record, into) in records
                .iter()
                .map(|record| (record, false))
                .chain(tombstones.iter().map(|record| (record, true)))
            {
                let handed = HandedOver::from_value(record.clone()).map_err(|e| unusable(&e.to_string()))?;
                let record = node.peers.show(log, handed).await?;
                match into {
                    true => erasing.push(record),
                    false => shown.push(record),
                }
            }
            self.take(node, entry, log, shown, erasing).await?;
            from = next;
            if from.is_none() {
                self.chain.end();
                return Ok(());
            }
            if self.records > MOST || self.bytes > MOST_BYTES {
                return Err(Stop::Unfinished(format!(
                    "it has more records of this agreement than the {} that were read",
                    self.records
                )));
            }
        }
    }

    /// A page of records, each checked by itself.
    async fn take(
        &mut self,
        node: &Node,
        entry: &AgreementEntry,
        log: &LogIdentity,
        mut page: Vec<Shown>,
        mut erasing: Vec<Shown>,
    ) -> Result<(), Stop> {
        let mut read = Vec::new();
        for shown in &page {
            read.push(exchange(node, entry, shown)?);
        }
        // What ties a stream to the agreement is an exchange in it; numbers of any other are not worth remembering.
        if self.tied.is_none() {
            let first = page.iter().zip(&read).find(|(_, exchange)| exchange.is_some());
            let place = first.and_then(|(shown, _)| shown.place(SectionName::StreamAgreement));
            self.tied = place.map(|place| place.id.clone());
        }
        let mut places = Vec::new();
        for (shown, exchange) in page.iter_mut().zip(&read) {
            let place = shown.place(SectionName::StreamAgreement).cloned();
            let is_tied = place
                .as_ref()
                .is_some_and(|place| self.tied.as_ref() == Some(&place.id));
            // One that has an exchange and another stream is a lie, which is found and kept there.
            if !is_tied && exchange.is_none() {
                shown.without_numbers();
            }
            places.push(place);
        }
        node.peers.accept_all(log, &page).await?;
        // Its log stands for what it says is erased, as for the rest. They are in no stream.
        erasing.iter_mut().for_each(Shown::without_numbers);
        node.peers.accept_all(log, &erasing).await?;
        for ((shown, place), exchange) in page.iter().zip(places).zip(read) {
            let record = shown.record();
            let Some(place) = place else {
                let text = format!(
                    "record {} that `{}` handed over keeps its number closed",
                    record.index(),
                    entry.other
                );
                return Err(Stop::Unfinished(text));
            };
            self.records += 1;
            let link = self.chain.add(&place, &hex::encode(record.leaf()));
            link.map_err(|broken| match broken {
                Broken::Lie(lie) => Stop::Contradiction(lie.to_string()),
                Broken::Order(why) => {
                    Stop::Unfinished(format!("what `{}` answered is no page of records: {why}", entry.other))
                }
            })?;
            match exchange {
                Some((exchange, said)) => {
                    let entry = Entry {
                        index: record.index(),
                        recorded_at_ms: recorded_at_ms(record.section(SectionName::Envelope)),
                        said,
                    };
                    self.end.add(&exchange, entry);
                }
                // Whoever could close what it does not like to show would never be caught. That it was erased counts where the same log
                // proves a record `erased` with this index and these MACs.
                None if record.macs().contains_key(&SectionName::Exchange) => {
                    match erasing.iter().find(|tombstone| erases(tombstone.record(), record)) {
                        Some(tombstone) => self.end.gone.push(Gone {
                            index: record.index(),
                            tombstone: tombstone.record().index(),
                            phase: kind(record).and_then(phase_of),
                        }),
                        None => self.withheld.push(record.index()),
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    async fn page(
        &mut self,
        node: &Node,
        entry: &AgreementEntry,
        log: &LogIdentity,
        from: Option<&str>,
        trace: &str,
    ) -> Result<Value, Stop> {
        let seen = node.peers.seen_size(log)?;
        let headers = node.message_headers(&entry.other, None, trace);
        let mut headers = headers.map_err(|e| Stop::Unfinished(e.to_string()))?;
        headers.insert(SEEN, seen.into());
        let mut asked = vec![("agreement", entry.id.as_str()), ("side", their_side(entry).as_str())];
        asked.extend(from.map(|from| ("from", from)));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(asked)
            .finish();
        let url = format!("{}/exchanges?{query}", base_url(&entry.other_base));
        let answer = node.client.get_json(&url, headers).await?;
        if let Some(lie) = shrunk(log, seen, answer.status, &answer.body) {
            return Err(Stop::Contradiction(lie.to_string()));
        }
        let answer = answer.success()?;
        self.bytes = self.bytes.saturating_add(answer.body.len());
        Ok(answer.json()?)
    }
}

fn kind(record: &VerifiedRecord) -> Option<Kind> {
    record
        .section(SectionName::Envelope)?
        .get("kind")?
        .as_str()?
        .parse()
        .ok()
}

/// Whether one record of a log says that the exchange of another was erased (docs/log-format.md, section 6).
fn erases(tombstone: &VerifiedRecord, record: &VerifiedRecord) -> bool {
    let Some(proof) = tombstone
        .section(SectionName::Parameters)
        .filter(|_| kind(tombstone) == Some(Kind::Erased))
    else {
        return false;
    };
    let sections = proof.get("sections").and_then(Value::as_array);
    let macs: serde_json::Map<String, Value> = record
        .macs()
        .iter()
        .map(|(name, mac)| (name.to_string(), hex::encode(mac).into()))
        .collect();
    let name = SectionName::Exchange.as_str();
    tombstone.index() > record.index()
        && proof.get("index").and_then(Value::as_u64) == Some(record.index())
        && proof.get("macs").and_then(Value::as_object) == Some(&macs)
        && sections.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
}

/// The exchange that a record opens, if it does.
fn exchange(node: &Node, entry: &AgreementEntry, shown: &Shown) -> Result<Option<(Exchange, Said)>, Stop> {
    let record = shown.record();
    let contradiction = |why: &str| {
        let text = format!("record {} that `{}` handed over {why}", record.index(), entry.other);
        Stop::Contradiction(text)
    };
    let Some(section) = record.opened().get(&SectionName::Exchange) else {
        return Ok(None);
    };
    let exchange = Exchange::from_value(section.value().clone())
        .map_err(|e| contradiction(&format!("has no exchange that is one: {e}")))?;
    if !is_between(&exchange, entry, &node.did) {
        return Err(contradiction("is of another agreement, or of others"));
    }
    Ok(Some((exchange, Said::of(section.text().as_bytes()))))
}

fn is_between(exchange: &Exchange, entry: &AgreementEntry, own: &Did) -> bool {
    let (provider, consumer) = match entry.side {
        Side::Provider => (own, &entry.other),
        Side::Consumer => (&entry.other, own),
    };
    exchange.agreement == entry.id && exchange.provider == *provider && exchange.consumer == *consumer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::error::TlsFault;
    use crate::peers::Lie;

    #[test]
    fn only_what_its_log_signed_counts_against_the_other_end() {
        let host = || "them.example".to_owned();
        let not_json = herleid_vocab::json::parse(b"<html>", &herleid_vocab::json::Limits::MESSAGE).unwrap_err();
        let faults = [
            ClientError::Tls {
                host: host(),
                fault: TlsFault::Expired,
            },
            ClientError::NotJson {
                host: host(),
                why: not_json,
            },
            ClientError::Status {
                host: host(),
                status: 503,
                excerpt: String::new(),
            },
        ];
        for fault in faults {
            let stop = Stop::from(fault);
            assert!(matches!(stop, Stop::Unfinished(_)), "{stop:?}");
        }
        let unproved = Stop::from(ReceiptError::Unproved {
            origin: "them.example/log/1".to_owned(),
            why: String::new(),
        });
        assert!(matches!(unproved, Stop::Unfinished(_)), "{unproved:?}");
        let lie = Stop::from(ReceiptError::Lie(Lie::LogShrunk {
            origin: "them.example/log/1".to_owned(),
            known: 9,
        }));
        assert!(matches!(lie, Stop::Contradiction(_)), "{lie:?}");
    }
}
