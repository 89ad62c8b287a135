//! Puts a question to a policy: gathers what is known, decides, and keeps the reason.

mod asker;

pub use asker::Asker;

use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::LedgerError;
use herleid_ledger::record::Draft;
use herleid_policies::{Audience, Decision, Document, Explanation, Facts, Language, Policy, Request, Reservation};
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The action under which data may be had or a model run: all that the one who has the agreement may do for itself, so that a
/// prohibition of any part of it (`reproduce`, `execute`) applies.
pub const USE: &str = "use";
/// The action of passing data on to a model service: a permission of its own, never implied by `use`.
pub const DISTRIBUTE: &str = "distribute";

/// How it is known whether a party keeps a log.
const LOG_SOURCE: &str = "this connector's configuration and agreements";

/// And whether what has to be done before a use of our own was done.
const PRESUMED: &str = "presumed here; the other end knows";

/// Documents kept in memory, compiled, so that a pull does not read its agreement anew: 256, and 16 MiB of policies in all. One of a
/// year of working days has 66 KiB and takes 13 ms to read, 3 us to decide.
const MAX_KEPT: usize = 256;
const MAX_KEPT_BYTES: usize = 16 << 20;

/// A decision together with the policy's exact bytes.
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The policy as evaluated: evidence.
    pub policy_bytes: Vec<u8>,
    /// Those of its counters that count bytes.
    volumes: Vec<String>,
}

impl Decided {
    /// Whether it is a permit.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        self.decision.is_permit()
    }

    /// The record, as it stands in `facts.decision`.
    #[must_use]
    pub fn record(&self) -> Value {
        self.decision.record().to_json()
    }

    /// Whether a counter of its policy is one of bytes.
    #[must_use]
    pub fn is_of_bytes(&self, counter: &str) -> bool {
        self.volumes.iter().any(|volume| volume == counter)
    }

    /// Whether what it permits is counted in bytes.
    #[must_use]
    pub fn counts_bytes(&self) -> bool {
        let reserved = self.decision.reservations().iter();
        reserved
            .map(|one| &one.counter)
            .any(|counter| self.is_of_bytes(counter))
    }

    /// The reservations of this decision, added to a draft: taken in the commit that records it, or not at all.
    #[must_use]
    pub fn reserve(&self, mut draft: Draft) -> Draft {
        for reservation in self.decision.reservations() {
            draft = draft.reserve(reservation.counter.clone(), reservation.amount, reservation.at_most);
        }
        draft
    }

    /// Why not, for `party`: which condition, what was required, what was shown, who can change it; without what is none of its
    /// business.
    #[must_use]
    pub fn refusal(&self, party: &Did) -> String {
        let record = self.decision.record();
        let explanation = Explanation::of(record, Language::English, Audience::of(record, party.as_str()));
        explanation.to_string().replace('\n', " ")
    }

    /// The outcome in one sentence, for the holder's own count of denials; after it the first three terms that were not
    /// understood, if that is why.
    #[must_use]
    pub fn headline(&self) -> String {
        let record = self.decision.record();
        let Explanation { headline, points, .. } = Explanation::of(record, Language::English, Audience::Holder);
        // Problems come first among the points.
        let problems = points.into_iter().take(record.problems.len().min(3));
        problems.fold(headline, |text, problem| format!("{text} {}", problem.condition))
    }
}

/// Decides a request under an agreement. On the provider's side the other end asks; on the consumer's side (`distribute`) a third
/// party is the recipient, and we are the assignee.
///
/// # Errors
/// When a counter cannot be read: nothing is decided then.
pub fn under_agreement(
    node: &Node,
    agreement: &AgreementEntry,
    action: &str,
    recipient: &Asker<'_>,
) -> Result<Decided, LedgerError> {
    under_agreement_again(node, agreement, action, recipient, &[])
}

/// The same for a request that has the places `counted` already: there it is not in its own way.
///
/// # Errors
/// As [`under_agreement`].
pub fn under_agreement_again(
    node: &Node,
    agreement: &AgreementEntry,
    action: &str,
    recipient: &Asker<'_>,
    counted: &[Reservation],
) -> Result<Decided, LedgerError> {
    decided(node, agreement, action, recipient, counted, For::Using)
}

/// The same of an agreement that is being made, as its first use would be decided once what has to come before it is done.
///
/// # Errors
/// As [`under_agreement`].
pub fn under_new_agreement(
    node: &Node,
    agreement: &AgreementEntry,
    action: &str,
    recipient: &Asker<'_>,
) -> Result<Decided, LedgerError> {
    decided(node, agreement, action, recipient, &[], For::Making)
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Whether an agreement is made.
    Making,
    /// Whether something is done under it.
    Using,
}

fn decided(
    node: &Node,
    agreement: &AgreementEntry,
    action: &str,
    recipient: &Asker<'_>,
    counted: &[Reservation],
    purpose: For,
) -> Result<Decided, LedgerError> {
    // As the agreement calls the other end, which is not always by its DID.
    let other = node.participant_id(&agreement.other);
    let other = other.map_or_else(|_| agreement.other.to_string(), |id| id.to_string());
    let (assigner, assignee) = match agreement.side {
        Side::Provider => (node.did.as_str(), other.as_str()),
        Side::Consumer => (other.as_str(), node.did.as_str()),
    };
    let now_ms = node.now_ms();
    let document = read_once(&agreement.sha256, &agreement.agreement);
    let request = Request::new(assignee, assigner, &agreement.target, now_ms).for_action(action);
    let keeps_a_log =
        !node.is_one_sided(recipient.did) && (*recipient.did != agreement.other || agreement.other_log.is_some());
    let mut facts =
        facts(node, &document, recipient, counted, now_ms)?.with_counterparty_log(keeps_a_log, LOG_SOURCE, now_ms);
    if let Ok(policy) = document.policy() {
        facts = crate::duties::known(node, agreement, policy, facts)?;
        // Nothing can have been paid under an agreement that is being made.
        if purpose == For::Using {
            facts = crate::payments::known(node, agreement, policy, counted, facts, now_ms)?;
        }
        // Of our own use the other end knows whether what has to be done before it was done, and decides; nothing is given by this.
        let presumed = match purpose {
            For::Making => Some("nothing was used yet; to be done before the first use"),
            For::Using if agreement.side == Side::Consumer && action == USE => Some(PRESUMED),
            For::Using => None,
        };
        if let Some(source) = presumed {
            facts = policy.before_first_use(facts, source, now_ms);
        }
    }
    if action == DISTRIBUTE {
        // What one end passes on the other never sees.
        facts = facts.seen_by_the_consumer();
    }
    Ok(Decided {
        decision: document.decide(&request, &facts),
        policy_bytes: document.bytes().to_vec(),
        volumes: volumes(&document),
    })
}

/// Whether an offer of ours would grant the asker what it asks for.
///
/// # Errors
/// As [`under_agreement`].
pub fn under_offer(node: &Node, offer: &Value, target: &str, asker: &Asker<'_>) -> Result<Decided, LedgerError> {
    let now_ms = node.now_ms();
    let document = Document::read(offer);
    let request = Request::new(asker.did.as_str(), node.did.as_str(), target, now_ms).for_action(USE);
    let keeps_a_log = !node.is_one_sided(asker.did);
    let facts = facts(node, &document, asker, &[], now_ms)?.with_counterparty_log(keeps_a_log, LOG_SOURCE, now_ms);
    Ok(Decided {
        decision: document.would_grant(&request, &facts),
        policy_bytes: document.bytes().to_vec(),
        volumes: volumes(&document),
    })
}

fn volumes(document: &Document) -> Vec<String> {
    let volumes = document.policy().map(Policy::volumes).unwrap_or_default();
    volumes.into_iter().map(|(_, counter)| counter).collect()
}

fn facts(
    node: &Node,
    document: &Document,
    asker: &Asker<'_>,
    counted: &[Reservation],
    now_ms: u64,
) -> Result<Facts, LedgerError> {
    let required = &node.config.identity.required_credentials;
    let mut facts = asker.facts(now_ms, required, || node.trust.issuers());
    if let Ok(policy) = document.policy() {
        // Without what the transaction itself has taken.
        let used = |counter: &str| -> Result<(u64, &'static str), LedgerError> {
            let used = node.ledger.counter(counter)?;
            Ok(match counted.iter().find(|place| place.counter == counter) {
                Some(own) => (
                    used.saturating_sub(own.amount),
                    "this connector's ledger, without this transaction",
                ),
                None => (used, "this connector's ledger"),
            })
        };
        for counter in policy.counters() {
            let (used, source) = used(&counter)?;
            facts = facts.with_count(&counter, used, source, now_ms);
        }
        let volumes = policy.volumes();
        for (rule, counter) in &volumes {
            let (delivered, source) = used(counter)?;
            facts = facts.with_volume(rule, delivered, source, now_ms);
        }
        if let (false, Some(bytes)) = (volumes.is_empty(), asker.bytes) {
            facts = facts.with_size(bytes, "what leaves under this transaction, at most", now_ms);
        }
    }
    Ok(facts)
}

static KEPT: Mutex<BTreeMap<String, Arc<Document>>> = Mutex::new(BTreeMap::new());

fn kept() -> MutexGuard<'static, BTreeMap<String, Arc<Document>>> {
    // A panic while it was held leaves at worst a missing entry.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The policy `json`, whose digest ([`Document::digest`], in hex) was taken when it was agreed on. Policies never change, so what
/// was read once under a digest stays right; it is kept under the digest that it has, not the one that it is said to have.
fn read_once(sha256: &str, json: &Value) -> Arc<Document> {
    let known = kept().get(sha256).cloned();
    known.unwrap_or_else(|| {
        let document = Arc::new(Document::read(json));
        if document.bytes().len() <= MAX_KEPT_BYTES {
            let mut kept = kept();
            kept.insert(document.digest().hex(), Arc::clone(&document));
            let bytes =
                |kept: &BTreeMap<_, Arc<Document>>| kept.values().map(|document| document.bytes().len()).sum::<usize>();
            while kept.len() > MAX_KEPT || bytes(&kept) > MAX_KEPT_BYTES {
                // The first of digests is any.
                kept.pop_first();
            }
        }
        document
    })
}

#[cfg(test)]
mod called;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Declares;
    use herleid_credentials::credential::TrustedIssuers;
    use herleid_policies::Action;
    use serde_json::json;

    fn agreement(id: &str, rule: &Value) -> Value {
        json!({
            "@type": "Agreement", "@id": id, "target": "urn:rain", "permission": [rule],
            "assigner": "did:web:knmi.example", "assignee": "did:web:app.example",
        })
    }

    fn decided(rule: &Value) -> Decided {
        let document = Document::read(&agreement("urn:uuid:decided", rule));
        let request = Request::new("did:web:app.example", "did:web:knmi.example", "urn:rain", 0);
        Decided {
            decision: document.decide(&request, &Facts::none()),
            policy_bytes: document.bytes().to_vec(),
            volumes: Vec::new(),
        }
    }

    #[test]
    fn what_is_asked_for_is_what_policies_can_be_published_about() {
        for action in [USE, DISTRIBUTE] {
            assert!(Action::parse(action).is_some_and(Action::is_asked_for), "{action}");
        }
    }

    #[test]
    fn facts_say_how_they_are_known() {
        let did: Did = "did:web:app.example".parse().unwrap();
        let declares = Declares::purpose(Some("https://w3id.org/dpv#PublicBenefit".to_owned()));
        let mut seen = Vec::new();
        for (asker, recipient, stated) in [
            (Asker::by_token(&did), "self-issued token", "self-issued token"),
            (Asker::by_request_signature(&did), "RFC 9421", "since it was given"),
            (Asker::presumed(&did), "nothing shown", "this connector when it agreed"),
            (Asker::ourselves(&did), "itself", "itself"),
        ] {
            let facts = asker.declaring(&declares).facts(7, &[], TrustedIssuers::default);
            let source = |about: &str| facts.iter().find(|fact| fact.about == about).unwrap().source.clone();
            assert!(source("recipient").contains(recipient), "{}", source("recipient"));
            assert!(source("purpose").contains(stated), "{}", source("purpose"));
            seen.push((source("recipient"), source("purpose")));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4, "no two kinds of proof read the same");
        assert!(
            Asker::by_token(&did)
                .facts(7, &[], TrustedIssuers::default)
                .iter()
                .all(|f| f.about != "purpose")
        );
    }

    #[test]
    fn a_headline_names_what_was_not_understood() {
        let unknown = json!({"leftOperand": "partner", "operator": "eq", "rightOperand": "gold"});
        let headline = decided(&json!({"action": "use", "constraint": [unknown]})).headline();
        assert!(headline.contains("`partner`"), "{headline}");
        let many: Vec<Value> = vec![unknown; 9];
        let headline = decided(&json!({"action": "use", "constraint": many})).headline();
        assert_eq!(headline.matches("`partner`").count(), 3, "{headline}");
        let late = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": "1969-01-01Z"});
        let headline = decided(&json!({"action": "use", "constraint": [late]})).headline();
        assert!(
            headline.starts_with("Refused") && !headline.contains("1969"),
            "{headline}"
        );
    }

    #[test]
    fn a_policy_is_read_once_and_only_so_many_are_kept() {
        let json = agreement("urn:uuid:read-once", &json!({"action": "use"}));
        let sha256 = Document::read(&json).digest().hex();
        let first = read_once(&sha256, &json);
        assert!(Arc::ptr_eq(&first, &read_once(&sha256, &json)));
        assert_eq!(*first, Document::read(&json));
        let other = agreement("urn:uuid:other", &json!({"action": "odrl:distribute"}));
        let claimed = "00".repeat(32);
        assert_eq!(*read_once(&claimed, &other), Document::read(&other));
        assert!(!kept().contains_key(&claimed), "kept under the digest that it has");
        for n in 0..=MAX_KEPT {
            let json = agreement(&format!("urn:uuid:many-{n}"), &json!({"action": "use"}));
            read_once(&Document::read(&json).digest().hex(), &json);
        }
        assert!(kept().len() <= MAX_KEPT);
        let purpose =
            json!({"leftOperand": "purpose", "operator": "eq", "rightOperand": format!("urn:{}", "y".repeat(2000))});
        let rule = json!({"action": "use", "constraint": [{"or": vec![purpose; 230]}]});
        for n in 0..40 {
            let large = agreement(&format!("urn:uuid:large-{n}"), &rule);
            assert!(read_once("", &large).policy().is_ok());
            let bytes: usize = kept().values().map(|document| document.bytes().len()).sum();
            assert!((1..=MAX_KEPT_BYTES).contains(&bytes), "{n}: {bytes}");
        }
    }
}
