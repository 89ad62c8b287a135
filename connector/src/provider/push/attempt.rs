//! One attempt: the bytes are read, checked on the way as those of a pull are, and sent.

use super::{Entry, Target, http, s3, target_of, whole};
use crate::dsp::transfer::Transfer;
use crate::identity::{Lapse, Lost, lost};
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::kind_of;
use crate::provider::pull::{self, BrokeOff, Opened};
use crate::sources::SourceError;
use crate::state::{AgreementEntry, GrantEntry, Side, digest_bytes};
use herleid_ledger::LedgerError;
use herleid_ledger::record::{Document, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::sync::Arc;

/// Why an attempt did not deliver. What it says is recorded, and told to the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// Access ended.
    Ended(String),
    /// Nothing may be sent now, and access has not ended: no attempt is lost by it.
    Waits(String),
    /// Another attempt may.
    Passing(String),
    /// No other one will.
    Final(String),
}

impl From<BrokeOff> for Failed {
    fn from(broke: BrokeOff) -> Self {
        if broke.for_good {
            Self::Final(broke.why)
        } else {
            Self::Passing(broke.why)
        }
    }
}

/// What is sent, and how it is recorded.
pub(super) struct Sending<'a> {
    pub(super) node: &'a Node,
    pub(super) opened: &'a Arc<Opened>,
    pub(super) transaction: &'a str,
    pub(super) agreement: &'a str,
    pub(super) trace: &'a str,
}

pub(super) async fn attempt(
    node: &Node,
    process: &Transfer,
    grant: &GrantEntry,
    entry: &Entry,
    opened: &mut Option<Arc<Opened>>,
    trace: &str,
) -> Result<(), Failed> {
    let agreement = agreement(node, grant)?;
    // As the configuration is now: who is not dealt with any more gets nothing, and what the operator has taken back is not called.
    if let Some(why) = pull::untrusted(node, grant) {
        return Err(Failed::Ended(why));
    }
    if let Some(lost) = lost(node, grant).await {
        if let Some(opened) = opened {
            opened.because_of(lost.evidence());
        }
        return Err(without_credentials(node, grant, opened.as_ref(), lost.of_access()));
    }
    let (target, internal) = target_of(node, process, &grant.consumer).map_err(|e| Failed::Final(e.to_string()))?;
    if let Some(spent) = opened.as_ref().filter(|opened| opened.is_spent()) {
        again(node, grant, spent, trace).await?;
        *opened = None;
    }
    let access = access(
        node,
        process,
        grant,
        entry,
        &target,
        (agreement.is_one_sided(), opened.is_some()),
    )?;
    let refused = |refusal: crate::http::Refusal| {
        let why = refusal.detail().to_owned();
        if refusal.status().is_client_error() {
            Failed::Final(why)
        } else {
            Failed::Passing(why)
        }
    };
    let plan = pull::plan(node, &access, &whole(), "", None).map_err(refused)?;
    let opened = match opened {
        Some(opened) => opened,
        // Recorded before a stop, and found again; or, to a peer that keeps no log, recorded now.
        None => opened.insert(Arc::new(
            pull::open_planned(node, &access, &plan, trace).await.map_err(refused)?,
        )),
    };
    opened.anew();
    match pull::over(node, grant, opened) {
        Ok(None) => {}
        Ok(Some(why)) => return Err(Failed::Ended(why)),
        Err(why) => return Err(Failed::Passing(why)),
    }
    let reading = plan.source().open(&plan.wanted()).await.map_err(|error| match error {
        SourceError::Failed(_) => Failed::Passing(error.to_string()),
        // What is wrong here is told in words that say nothing of what is behind.
        other => Failed::Final(pull::refused(&other).detail().to_owned()),
    })?;
    if let (None, Some(media_type)) = (plan.known(), &reading.media_type) {
        opened.set_media_type(media_type.clone());
    }
    let sending = Sending {
        node,
        opened,
        transaction: &entry.transaction,
        agreement: &grant.agreement,
        trace,
    };
    let client = node.pushing.client(internal);
    let delivering = async {
        match &target {
            Target::Http(http) => http::deliver(&sending, client, http, reading).await,
            Target::S3(s3) => s3::deliver(&sending, client, s3, reading).await,
        }
    };
    let delivered = tokio::select! {
        // It is known as being sent, and may still be, before the first byte leaves.
        biased;
        lost = pull::ended(node, grant, opened) => Err(without_credentials(node, grant, Some(opened), lost)),
        delivered = delivering => delivered,
    };
    opened.stop();
    delivered
}

/// What an attempt of which something left makes of the next one: where bytes are counted that is opened anew, and counts. The answer of an API
/// is not sent again: it would be another one.
async fn again(node: &Node, grant: &GrantEntry, spent: &Opened, trace: &str) -> Result<(), Failed> {
    if grant.digests.is_none() {
        let why = "it broke off, and the answers of this dataset are not kept; ask for another transfer, which counts as another use";
        return Err(Failed::Final(why.to_owned()));
    }
    let recorded = spent
        .is_tried_again(node, "the push broke off, and is tried again", trace)
        .await;
    recorded.map_err(|e| unreadable(&e))
}

/// A member that was suspended, or of which its issuer says nothing now, is sent nothing, and has not lost what it was promised: the push
/// waits, as long as everything else lets it.
fn without_credentials(node: &Node, grant: &GrantEntry, opened: Option<&Arc<Opened>>, lost: Lost) -> Failed {
    if lost.how == Lapse::Over {
        return Failed::Ended(lost.why);
    }
    if grant.until_ms <= node.now_ms() {
        let until = format_rfc3339_ms(grant.until_ms);
        return Failed::Ended(format!("access was given until {until}"));
    }
    match opened.map(|opened| pull::over(node, grant, opened)) {
        Some(Ok(Some(why))) => Failed::Ended(why),
        Some(Err(why)) => Failed::Passing(why),
        Some(Ok(None)) | None => Failed::Waits(lost.why),
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Failed {
    Failed::Passing(format!("this connector could not read its own state: {error}"))
}

fn agreement(node: &Node, grant: &GrantEntry) -> Result<AgreementEntry, Failed> {
    let key = AgreementEntry::key(&grant.agreement, Side::Provider);
    let agreement: Option<AgreementEntry> = node.state.get(&key).map_err(|e| unreadable(&e))?;
    agreement.ok_or_else(|| Failed::Final("the agreement is not here any more".to_owned()))
}

/// What the push stands on: the order, as it is recorded; or, of a peer that keeps no log, its transfer request, without what is secret
/// in it.
fn access(
    node: &Node,
    process: &Transfer,
    grant: &GrantEntry,
    entry: &Entry,
    target: &Target,
    (is_one_sided, is_opened): (bool, bool),
) -> Result<Access, Failed> {
    let evidence = match (is_one_sided, is_opened) {
        (true, _) => {
            let says = json!({
                "consumerPid": process.peer_pid(), "agreementId": process.agreement(), "format": process.format(),
                "endpointType": process.address().map(|address| &address.endpoint_type), "host": target.to_string(),
            });
            vec![Document {
                role: "transfer-request".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: says.to_string().into_bytes(),
            }]
        }
        // Nothing is recorded any more.
        (false, true) => Vec::new(),
        (false, false) => {
            let recorded = recorded(node, grant, &entry.transaction).map_err(|e| unreadable(&e))?;
            recorded.ok_or_else(|| Failed::Final("the order of the push is not on record any more".to_owned()))?
        }
    };
    let transaction = entry.transaction.clone();
    Ok(Access::pushed(grant.clone(), transaction, is_one_sided, evidence))
}

/// What the consumer showed with its order, as it stands in the record of it.
fn recorded(node: &Node, grant: &GrantEntry, transaction: &str) -> Result<Option<Vec<Document>>, LedgerError> {
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let stored = node.ledger.record(index)?;
        let party = |section: SectionName, name: &str| {
            let found = stored
                .value(section)
                .and_then(|value| Some(value.get(name)?.as_str()?.to_owned()));
            found.as_deref() == Some(grant.consumer.as_str())
        };
        // Consumers choose their transactions: another one's may have the same.
        let is_its = party(SectionName::Exchange, "consumer") || party(SectionName::Facts, "party");
        if kind_of(&stored) != Some(Kind::PullOpened) || !is_its {
            continue;
        }
        let evidence = stored.value(SectionName::Evidence).unwrap_or_default();
        let listed = evidence
            .get("documents")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut documents = Vec::new();
        for document in listed {
            let text = |name: &str| {
                document
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let bytes = match digest_bytes(&text("sha256")) {
                Some(digest) => node.ledger.evidence(&digest)?,
                None => None,
            };
            // Erased, in whole or in part: it proves nothing any more.
            let Some(bytes) = bytes else { return Ok(None) };
            documents.push(Document {
                role: text("role"),
                media_type: text("mediaType"),
                bytes,
            });
        }
        return Ok(Some(documents));
    }
    Ok(None)
}
