//! A pull of ours: decided, recorded with its receipt, and only then served.

use super::access::Access;
use crate::deciding::{self, Asker, DISTRIBUTE, Decided, USE};
use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, Digests, GrantPurpose, ModelEntry, Side, VersionEntry, digest_bytes};
use herleid_ledger::AppendError;
use herleid_ledger::At;
use herleid_ledger::Recorded;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject};
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// A pull that is recorded: its bytes may leave. Only [`open`] makes one.
pub struct Opened {
    recorded: Recorded,
    receipt: HandedOver,
    digests: Digests,
    media_type: String,
    agreement: AgreementEntry,
    transaction: String,
}

impl Opened {
    /// The receipt for the consumer.
    #[must_use]
    pub fn receipt(&self) -> &HandedOver {
        &self.receipt
    }

    /// What will be sent.
    #[must_use]
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Whether this is the repetition of an earlier request, with the old proof.
    #[must_use]
    pub fn repeated(&self) -> bool {
        self.recorded.replayed()
    }

    /// Records that the bytes did not all leave.
    ///
    /// # Errors
    /// When the log cannot be written: the process ends then.
    pub async fn aborted(&self, node: &Node, bytes_sent: u64, reason: &str, trace: &str) -> Result<(), AppendError> {
        let facts = json!({"transaction": self.transaction, "segment": 1, "bytesSent": bytes_sent, "reason": reason});
        let draft = Draft::new(Kind::PullAborted, trace)
            .section(SectionName::Facts, facts)
            .stream(stream(&self.agreement))
            .prior(*self.recorded.leaf())
            .term(Term::Transaction(self.transaction.clone()))
            .term(Term::Agreement(self.agreement.id.clone()));
        node.append(draft).await.map(|_| ())
    }
}

/// The key under which a pull waits for its receipt from the consumer.
#[must_use]
pub fn outstanding_key(agreement: &str, transaction: &str) -> String {
    format!("outstanding/{agreement}/{transaction}")
}

fn stream(agreement: &AgreementEntry) -> StreamKey {
    StreamKey::Agreement {
        agreement: agreement.id.clone(),
        side: Side::Provider.into(),
        other: agreement.other.clone(),
    }
}

/// Decides the request anew, records it durably and makes the receipt.
///
/// # Errors
/// The refusal that the consumer is told; a denial is recorded first.
pub async fn open(node: &Node, access: &Access, trace: &str) -> Result<Opened, Refusal> {
    let grant = access.grant();
    let (agreement, action) = agreement_of(node, access)?;
    if let Some(why) = &agreement.terminated {
        return Err(Refusal::denied(&format!(
            "agreement `{}` has ended: {why}",
            agreement.id
        )));
    }
    let (Some(digests), Some(version), Some(media_type)) = (&grant.digests, &grant.version, &grant.media_type) else {
        return Err(Refusal::not_found(&"this access is for running a model, not for data"));
    };
    if grant.kind == GrantPurpose::Pull {
        check_published(node, &grant.subject, version)?;
    }
    let asker = Asker {
        did: &grant.consumer,
        purpose: grant.purpose.as_deref(),
    };
    let decided = deciding::under_agreement(node, &agreement, action, &asker).map_err(|e| Refusal::internal(&e))?;
    let other = AgreementEntry {
        other: grant.consumer.clone(),
        ..agreement
    };
    if !decided.is_permit() {
        deny(node, &other, access, &decided, trace).await?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)));
    }
    check_outstanding(node, &other)?;
    record(node, access, other, &decided, digests, version, media_type, trace).await
}

/// A version that was withdrawn gives nothing any more, whatever the agreement says.
fn check_published(node: &Node, subject: &str, version: &str) -> Result<(), Refusal> {
    let internal = |e: crate::state::StateError| Refusal::internal(&e);
    let dataset: Option<VersionEntry> = node
        .state
        .get(&format!("dataset/{subject}/{version}"))
        .map_err(internal)?;
    let model: Option<ModelEntry> = node
        .state
        .get(&format!("model/{subject}/{version}"))
        .map_err(internal)?;
    match (dataset.map(|d| d.withdrawn), model.map(|m| m.withdrawn)) {
        (Some(None), _) | (None, Some(None)) => Ok(()),
        (Some(Some(why)), _) | (None, Some(Some(why))) => Err(Refusal::denied(&format!(
            "version `{version}` of `{subject}` was withdrawn: {why}"
        ))),
        (None, None) => Err(Refusal::internal(&format!(
            "access was given to version `{version}` of `{subject}`, which is not here"
        ))),
    }
}

/// The agreement of a grant and the action that the request needs under it. For an input passed on we stand on the consumer's
/// side, and the recipient is a third party.
fn agreement_of(node: &Node, access: &Access) -> Result<(AgreementEntry, &'static str), Refusal> {
    let grant = access.grant();
    let (side, action) = match grant.kind {
        GrantPurpose::Pull | GrantPurpose::Run => (Side::Provider, USE),
        GrantPurpose::Onward => (Side::Consumer, DISTRIBUTE),
    };
    let entry: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&grant.agreement, side))
        .map_err(|e| Refusal::internal(&e))?;
    let entry = entry
        .ok_or_else(|| Refusal::internal(&format!("grant `{}` refers to an agreement that is not here", grant.id)))?;
    Ok((entry, action))
}

async fn deny(
    node: &Node,
    agreement: &AgreementEntry,
    access: &Access,
    decided: &Decided,
    trace: &str,
) -> Result<(), Refusal> {
    let facts = json!({
        "what": "pull", "party": agreement.other.as_str(), "transaction": access.transaction(), "agreement": agreement.id,
        "decision": decided.record(),
    });
    super::grants::record_denial(node, facts, Some(stream(agreement)), decided, trace)
        .await
        .map_err(|e| Refusal::internal(&e))
}

/// More than so many pulls without the consumer's receipt, and nothing more is given: the consumer must not be able to deny them all.
fn check_outstanding(node: &Node, agreement: &AgreementEntry) -> Result<(), Refusal> {
    let limit = node.config.limits.outstanding_per_agreement;
    let waiting = node
        .ledger
        .scan(&outstanding_key(&agreement.id, ""))
        .map_err(|e| Refusal::internal(&e))?
        .len() as u64;
    if waiting < limit {
        return Ok(());
    }
    Err(Refusal::denied(&format!(
        "{waiting} pulls under agreement `{}` wait for your receipts, at most {limit} may: send them to `{}/receipts`",
        agreement.id, node.public_url
    )))
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a different part of one record, and all come from checked sources"
)]
async fn record(
    node: &Node,
    access: &Access,
    agreement: AgreementEntry,
    decided: &Decided,
    digests: &Digests,
    version: &str,
    media_type: &str,
    trace: &str,
) -> Result<Opened, Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let grant = access.grant();
    let (content, exchange) = exchange(node, access, digests, version, media_type)
        .ok_or_else(|| internal(&"a published digest is not a digest"))?;
    let facts =
        json!({"transaction": access.transaction(), "agreement": grant.agreement, "decision": decided.record()});
    // What makes two requests one: everything but the fresh salt.
    let same = Sha256::digest(
        json!([
            grant.agreement,
            grant.consumer.as_str(),
            grant.subject,
            version,
            digests.blake3,
            digests.sha256
        ])
        .to_string(),
    );
    let mut draft = Draft::new(Kind::PullOpened, trace)
        .section(SectionName::Facts, facts)
        .section(SectionName::Exchange, exchange.to_value())
        .section(SectionName::Content, content.to_value())
        .stream(stream(&agreement))
        .once(format!("pull/{}/1", access.transaction()), same.into())
        .term(Term::Transaction(access.transaction().to_owned()))
        .term(Term::Agreement(grant.agreement.clone()))
        .term(Term::Party(grant.consumer.clone()))
        .term(Term::Digest(content.sha256))
        .put(
            outstanding_key(&agreement.id, access.transaction()),
            Some(node.now_ms().to_be_bytes().to_vec()),
        );
    for document in access.evidence() {
        draft = draft.evidence(document);
    }
    if let Some(source) = &grant.source {
        // What is passed on rests on the pull that brought it.
        for index in node
            .ledger
            .by_term(&Term::Transaction(source.clone()))
            .map_err(|e| internal(&e))?
        {
            draft = draft.prior(*node.ledger.record(index).map_err(|e| internal(&e))?.leaf());
        }
    }
    let recorded = match node.append(decided.reserve(draft)).await {
        Ok(recorded) => recorded,
        Err(e @ AppendError::Conflict { .. }) => {
            return Err(Refusal::denied(&format!(
                "transaction {} was used for something else before: {e}",
                access.transaction()
            )));
        }
        Err(e @ AppendError::Exhausted { .. }) => {
            return Err(Refusal::denied(&format!("the agreement's count is used up: {e}")));
        }
        Err(e) => return Err(internal(&e)),
    };
    let sections = [
        SectionName::Exchange,
        SectionName::Content,
        SectionName::StreamAgreement,
    ];
    let receipt = node
        .ledger
        .hand_over(
            recorded.index(),
            &sections,
            Some(access.seen()).filter(|s| *s > 0),
            At::Latest,
        )
        .map_err(|e| internal(&e))?;
    Ok(Opened {
        recorded,
        receipt,
        digests: digests.clone(),
        media_type: media_type.to_owned(),
        agreement,
        transaction: access.transaction().to_owned(),
    })
}

fn exchange(
    node: &Node,
    access: &Access,
    digests: &Digests,
    version: &str,
    media_type: &str,
) -> Option<(Content, Exchange)> {
    let grant = access.grant();
    let content = Content {
        salt: node.entropy.bytes32(),
        blake3: digest_bytes(&digests.blake3)?,
        sha256: digest_bytes(&digests.sha256)?,
        bytes: digests.bytes,
        media_type: media_type.to_owned(),
    };
    let exchange = Exchange {
        transaction: access.transaction().parse().ok()?,
        segment: 1,
        phase: Phase::Pull,
        agreement: grant.agreement.clone(),
        provider: node.did.clone(),
        consumer: grant.consumer.clone(),
        subject: Subject::Dataset {
            dataset: grant.subject.clone(),
            version: version.to_owned(),
        },
        from: 0,
        to: digests.bytes,
        content: content.mac(),
    };
    Some((content, exchange))
}
