//! Offers and agreements as the protocol carries them: identifiers, parties, target and the shape of rules. What the rules mean is
//! read by `herleid_policies` from the same JSON, which is kept as it came.
//!
//! Sources: `negotiation/contract-schema.json`; contract negotiation protocol, "Contract Request Message", "Contract Offer
//! Message", "Contract Agreement Message" (a target on the policy, none on its rules); catalog protocol, "ACK - Dataset" (no target).

mod rules;

use super::id::Id;
use super::node::{MessageError, Node};
use super::xsd;
use rules::{RULES, as_retold, as_set, check_rules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// An offer within a message: it names its dataset.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Offer {
    json: Value,
    id: Id,
    target: Id,
}

/// An offer within a catalogue: its dataset is the one it stands in, and it must not name one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct CatalogueOffer {
    json: Value,
    id: Id,
}

/// An agreement.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Agreement {
    json: Value,
    id: Id,
    target: Id,
    assigner: Id,
    assignee: Id,
}

/// How an agreement or a request departs from what was negotiated or published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy mismatch: `{member}` differs from {negotiated}")]
pub struct Mismatch {
    /// The member that differs.
    pub member: &'static str,
    /// What it should equal.
    pub negotiated: &'static str,
}

macro_rules! as_json {
    ($type:ident, $read:path) => {
        impl $type {
            /// The policy's identifier.
            #[must_use]
            pub fn id(&self) -> &Id {
                &self.id
            }

            /// The policy as JSON.
            #[must_use]
            pub fn as_value(&self) -> &Value {
                &self.json
            }
        }

        impl TryFrom<Value> for $type {
            type Error = MessageError;

            fn try_from(json: Value) -> Result<Self, MessageError> {
                $read(&Node::root(&json)?)
            }
        }

        impl From<$type> for Value {
            fn from(policy: $type) -> Value {
                policy.json
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self.json)
            }
        }
    };
}

as_json!(Offer, Offer::read);
as_json!(CatalogueOffer, CatalogueOffer::read);
as_json!(Agreement, Agreement::read);

impl Offer {
    /// Reads the offer of a message: `@type`, `@id`, `target`, and a permission or a prohibition.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        node.typed("Offer")?;
        check_rules(node)?;
        Ok(Self {
            json: Value::Object(node.members().clone()),
            id: node.id("@id")?,
            target: node.id("target")?,
        })
    }

    /// The dataset.
    #[must_use]
    pub fn target(&self) -> &Id {
        &self.target
    }

    /// Whether this, from a consumer, is the offer `ours`: the same dataset, profile and rules. Right operands may have lost their
    /// datatypes on their way through the consumer. What is then agreed on is `ours`, in our own words.
    ///
    /// # Errors
    /// Names the first member that differs.
    pub fn asks_for(&self, ours: &Offer) -> Result<(), Mismatch> {
        let negotiated = "the offer that was published";
        if self.target != ours.target {
            return Err(Mismatch {
                member: "target",
                negotiated,
            });
        }
        match std::iter::once("profile")
            .chain(RULES)
            .find(|name| as_retold(self.json.get(*name)) != as_retold(ours.json.get(*name)))
        {
            None => Ok(()),
            Some(member) => Err(Mismatch { member, negotiated }),
        }
    }
}

impl CatalogueOffer {
    /// Reads an offer of a catalogue: `@id`, a permission or a prohibition, no `target`.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not allowed.
    pub fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        node.typed_if_there("Offer")?;
        node.without(
            "target",
            "in a catalogue an offer's target is the dataset that it stands in",
        )?;
        check_rules(node)?;
        let mut members = node.members().clone();
        members.insert("@type".to_owned(), json!("Offer"));
        Ok(Self {
            json: Value::Object(members),
            id: node.id("@id")?,
        })
    }

    /// The same offer as it stands in a message about `dataset`.
    #[must_use]
    pub fn with_target(&self, dataset: &Id) -> Offer {
        let mut json = self.json.clone();
        if let Value::Object(members) = &mut json {
            members.insert("target".to_owned(), json!(dataset));
        }
        Offer {
            json,
            id: self.id.clone(),
            target: dataset.clone(),
        }
    }
}

impl Agreement {
    /// Reads an agreement: `@type`, `@id`, `target`, `assigner`, `assignee`, `timestamp`, and a permission or a prohibition.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        node.typed("Agreement")?;
        check_rules(node)?;
        if !xsd::is_date_time(node.text("timestamp")?) {
            return Err(node.form("timestamp", "an xsd:dateTime such as `2026-11-22T03:55:18Z`"));
        }
        Ok(Self {
            json: Value::Object(node.members().clone()),
            id: node.id("@id")?,
            target: node.id("target")?,
            assigner: node.id("assigner")?,
            assignee: node.id("assignee")?,
        })
    }

    /// The agreement that an offer becomes: the same target, profile and rules, with parties and time.
    #[must_use]
    pub fn from_offer(offer: &Offer, id: &Id, assigner: &Id, assignee: &Id, now_ms: u64) -> Self {
        let mut members = Map::new();
        members.insert("@id".to_owned(), json!(id));
        members.insert("@type".to_owned(), json!("Agreement"));
        members.insert("target".to_owned(), json!(offer.target));
        members.insert("assigner".to_owned(), json!(assigner));
        members.insert("assignee".to_owned(), json!(assignee));
        members.insert(
            "timestamp".to_owned(),
            json!(herleid_vocab::time::format_rfc3339_ms(now_ms)),
        );
        for name in std::iter::once("profile").chain(RULES) {
            if let Some(value) = offer.json.get(name) {
                members.insert(name.to_owned(), value.clone());
            }
        }
        Self {
            json: Value::Object(members),
            id: id.clone(),
            target: offer.target.clone(),
            assigner: assigner.clone(),
            assignee: assignee.clone(),
        }
    }

    /// The dataset.
    #[must_use]
    pub fn target(&self) -> &Id {
        &self.target
    }

    /// Whether the agreement says what was negotiated: the parties, the target, and rules that are the offer's. Rules are compared as
    /// JSON-LD sees them: the order of an array does not matter (but in `andSequence`), and an empty array is no array.
    ///
    /// # Errors
    /// Names the first member that differs.
    pub fn check(&self, offer: &Offer, provider: &Id, consumer: &Id) -> Result<(), Mismatch> {
        let differs = |member, negotiated| Err(Mismatch { member, negotiated });
        if self.target != offer.target {
            return differs("target", "the dataset of the last offer");
        }
        if self.assigner != *provider {
            return differs("assigner", "the provider");
        }
        if self.assignee != *consumer {
            return differs("assignee", "the consumer");
        }
        for member in std::iter::once("profile").chain(RULES) {
            if as_set(self.json.get(member)) != as_set(offer.json.get(member)) {
                return differs(member, "the last offer");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
