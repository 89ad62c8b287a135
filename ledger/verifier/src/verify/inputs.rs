//! Where the inputs of a run came from: the pull that brought each one to the model's holder, and behind it those that brought it
//! to whoever passed it on, back to the one whose data it is (docs/decisions/0005-inputs-are-pulls.md).

use super::doubt::Doubt;
use super::exchanges::{Joined, whole};
use super::reason::Reason;
use super::records::Rec;
use super::runs::Told;
use crate::case::{Case, LogPlace, RunInput};
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};

/// Whose, which dataset, which version.
type Version<'a> = (&'a str, &'a str, &'a str);

/// What a pull brought where: to whom, under which agreement, which dataset, which version.
type Delivery<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Pulls and publications, by what they are looked up with.
pub(super) struct Sources<'a> {
    told: &'a Told<'a>,
    /// Pulls of the whole.
    delivered: BTreeMap<Delivery<'a>, Vec<&'a Joined<'a>>>,
    /// SHA-256 of what was published; none of an API, whose answers were not known then.
    published: BTreeMap<Version<'a>, Option<&'a str>>,
}

impl<'a> Sources<'a> {
    pub(super) fn of(told: &'a Told<'a>) -> Self {
        let mut delivered: BTreeMap<Delivery<'a>, Vec<&'a Joined<'a>>> = BTreeMap::new();
        for ((_, phase), segments) in told.exchanges {
            if let (Phase::Pull, Some(one)) = (phase, whole(segments))
                && let Some((dataset, version)) = dataset(&one.exchange)
            {
                let exchange = &one.exchange;
                let to = (
                    exchange.consumer.as_str(),
                    exchange.agreement.as_str(),
                    dataset,
                    version,
                );
                delivered.entry(to).or_default().push(one);
            }
        }
        let published = told.records.iter().filter_map(published).collect();
        Self {
            told,
            delivered,
            published,
        }
    }

    /// Checks an input that a pull brought to the provider of a run; `run` is an exchange of that run.
    pub(super) fn check(&self, run: Option<&Exchange>, input: &RunInput) -> Result<(), Doubt> {
        let transaction = input.transaction.clone().unwrap_or_default();
        let segments = self.told.exchanges.get(&(transaction.clone(), Phase::Pull));
        let segments = segments.map(Vec::as_slice).unwrap_or_default();
        let Some(first) = segments.first() else {
            return Err(Doubt::missing(Reason::NoPull { transaction }, None));
        };
        let exchange = &first.exchange;
        let named = input.dataset.as_deref().zip(input.version.as_deref());
        if named.is_none() || named != dataset(exchange) {
            return Err(Doubt::Failed(Reason::OtherDataset));
        }
        if input.agreement.as_deref() != Some(exchange.agreement.as_str()) {
            return Err(Doubt::Failed(Reason::OtherAgreement));
        }
        if run.is_some_and(|run| run.provider != exchange.consumer) {
            let consumer = exchange.consumer.to_string();
            return Err(Doubt::Failed(Reason::PulledByOther { consumer }));
        }
        let content = self.whole(segments, input)?;
        // Whoever had the model run also gave this input, so that it has another source before that.
        if run.is_some_and(|run| run.consumer == exchange.provider) {
            self.follow(first, content)
        } else {
            Ok(())
        }
    }

    /// The content that the pull brought, when it is what the run says.
    fn whole<'b>(&self, segments: &'b [&'b Joined<'b>], input: &RunInput) -> Result<&'b Content, Doubt> {
        let is_same = |content: &&Content| {
            hex::encode(content.sha256) == input.sha256
                && hex::encode(content.blake3) == input.blake3
                && content.bytes == input.bytes
        };
        if let Some(whole) = whole(segments) {
            let content = whole.content(self.told.explanations)?;
            return Some(content)
                .filter(is_same)
                .ok_or(Doubt::Failed(Reason::OtherThanPulled));
        }
        // Digests of parts say nothing of the whole, unless one part is the whole.
        let from_start = segments.iter().filter(|segment| segment.exchange.from == 0);
        from_start
            .filter_map(|segment| segment.content.as_ref())
            .find(is_same)
            .ok_or_else(|| Doubt::missing(Reason::InSegments, None))
    }

    /// Follows data back from the one who passed it on.
    fn follow(&self, pull: &Joined<'_>, content: &Content) -> Result<(), Doubt> {
        let Some((dataset, version)) = dataset(&pull.exchange) else {
            return Ok(());
        };
        let mut pull = pull;
        // Back from the first delivery to each nobody is met twice; who would be has no source.
        let mut gone_through: BTreeSet<String> = BTreeSet::new();
        loop {
            let exchange = &pull.exchange;
            let giver = &exchange.provider;
            match self.published.get(&(giver.as_str(), dataset, version)) {
                Some(Some(sha256)) if hex::encode(content.sha256) != **sha256 => {
                    return Err(Doubt::Failed(Reason::OtherThanPublished { did: giver.to_string() }));
                }
                Some(_) => return Ok(()),
                None => {}
            }
            // The agreement is with the one whose data it is.
            if !gone_through.is_empty() && is_provider(self.told.case, exchange) {
                return Ok(());
            }
            let did = giver.to_string();
            if !gone_through.insert(did.clone()) {
                return Err(Doubt::missing(Reason::NoSource { did }, None));
            }
            pull = self.before(pull, content, (dataset, version))?;
        }
    }

    /// The first pull by which the giver had got the same.
    fn before(
        &self,
        pull: &Joined<'_>,
        content: &Content,
        (dataset, version): (&str, &str),
    ) -> Result<&Joined<'_>, Doubt> {
        let giver = &pull.exchange.provider;
        let did = giver.to_string();
        let Some(given) = place(pull, giver) else {
            return Err(Doubt::missing(Reason::NoSource { did }, None));
        };
        let to = (giver.as_str(), pull.exchange.agreement.as_str(), dataset, version);
        let all = self.delivered.get(&to).into_iter().flatten().copied();
        // Earlier by the giver's own log: the ids of transactions come from whoever asks, and can be of any time.
        let mut earlier: Vec<(LogPlace, &Joined<'_>)> = all
            .filter(|one| one.is_whole)
            .filter_map(|one| Some((place(one, giver)?, one)))
            .filter(|(received, _)| received.may_precede(&given))
            .collect();
        earlier.sort_by_key(|(received, _)| (received.origin != given.origin, received.index));
        let is_same = |other: &Content| {
            (other.sha256, other.blake3, other.bytes) == (content.sha256, content.blake3, content.bytes)
        };
        let same = earlier
            .iter()
            .find(|(_, one)| one.content.as_ref().is_some_and(is_same));
        if let Some((_, found)) = same {
            return Ok(*found);
        }
        if earlier.iter().any(|(_, one)| one.content.is_some()) {
            return Err(Doubt::Failed(Reason::OtherThanReceived { did }));
        }
        let closed = earlier.iter().flat_map(|(_, one)| one.ends.iter().copied());
        let explained = self.told.explanations.section_of_all(closed, SectionName::Content);
        Err(Doubt::missing(Reason::NoSource { did }, explained))
    }
}

/// Where a party recorded its end of an exchange.
fn place(one: &Joined<'_>, party: &Did) -> Option<LogPlace> {
    let own = one.ends.iter().find(|rec| rec.did == *party)?;
    Some(LogPlace::of(&own.record))
}

fn dataset(exchange: &Exchange) -> Option<(&str, &str)> {
    match &exchange.subject {
        Subject::Dataset { dataset, version } => Some((dataset.as_str(), version.as_str())),
        Subject::Model { .. } => None,
    }
}

fn is_provider(case: &Case, exchange: &Exchange) -> bool {
    let agreement = case.agreements.get(&exchange.agreement);
    agreement.is_some_and(|agreement| agreement.provider == exchange.provider.as_str())
}

fn published(rec: &Rec) -> Option<(Version<'_>, Option<&str>)> {
    if rec.kind() != Some(Kind::DatasetPublished) {
        return None;
    }
    let text = |member| rec.text(SectionName::Facts, member);
    Some(((rec.did.as_str(), text("dataset")?, text("version")?), text("sha256")))
}
