//! Puts a question to a policy: gathers what is known, decides, and keeps the reason.

use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::Draft;
use herleid_policies::{Audience, Decision, Document, Explanation, Facts, Language, Request};
use herleid_vocab::did::Did;
use serde_json::Value;

/// Uses of the action under which data may be had or a model run.
pub const USE: &str = "use";
/// The action of passing data on to a model service: a permission of its own, never implied by `use`.
pub const DISTRIBUTE: &str = "distribute";

/// Who asks, and what they say of it.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The party, as authenticated.
    pub did: &'a Did,
    /// The purpose that it declares, if it does.
    pub purpose: Option<&'a str>,
}

/// A decision together with the policy's exact bytes.
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The policy as evaluated: evidence.
    pub policy_bytes: Vec<u8>,
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

    /// The reservations of this decision, added to a draft: taken in the commit that records it, or not at all.
    #[must_use]
    pub fn reserve(&self, mut draft: Draft) -> Draft {
        for reservation in self.decision.reservations() {
            draft = draft.reserve(reservation.counter.clone(), 1, reservation.at_most);
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

    /// The outcome in one sentence, for the holder's own count of denials.
    #[must_use]
    pub fn headline(&self) -> String {
        Explanation::of(self.decision.record(), Language::English, Audience::Holder).headline
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
) -> Result<Decided, herleid_ledger::LedgerError> {
    let (assigner, assignee) = match agreement.side {
        Side::Provider => (&node.did, &agreement.other),
        Side::Consumer => (&agreement.other, &node.did),
    };
    let now_ms = node.now_ms();
    let document = Document::read(&agreement.agreement);
    let request = Request::new(assignee.as_str(), assigner.as_str(), &agreement.target, now_ms).for_action(action);
    let facts = facts(node, &document, recipient, now_ms)?;
    Ok(Decided {
        decision: document.decide(&request, &facts),
        policy_bytes: document.bytes().to_vec(),
    })
}

/// Whether an offer of ours would grant the asker what it asks for.
///
/// # Errors
/// As [`under_agreement`].
pub fn under_offer(
    node: &Node,
    offer: &Value,
    target: &str,
    asker: &Asker<'_>,
) -> Result<Decided, herleid_ledger::LedgerError> {
    let now_ms = node.now_ms();
    let document = Document::read(offer);
    let request = Request::new(asker.did.as_str(), node.did.as_str(), target, now_ms).for_action(USE);
    let facts = facts(node, &document, asker, now_ms)?;
    Ok(Decided {
        decision: document.would_grant(&request, &facts),
        policy_bytes: document.bytes().to_vec(),
    })
}

fn facts(
    node: &Node,
    document: &Document,
    asker: &Asker<'_>,
    now_ms: u64,
) -> Result<Facts, herleid_ledger::LedgerError> {
    let mut facts = Facts::none().with_recipient(asker.did.as_str(), "self-issued token, signature checked", now_ms);
    if let Some(purpose) = asker.purpose {
        facts = facts.with_purpose([purpose], "stated in the self-issued token", now_ms);
    }
    if let Ok(policy) = document.policy() {
        for counter in policy.counters() {
            let used = node.ledger.counter(&counter)?;
            facts = facts.with_count(&counter, used, "this connector's ledger", now_ms);
        }
    }
    Ok(facts)
}
