//! One attempt: the bytes are read, checked on the way as those of a pull are, and sent.

use super::{Entry, Target, http, s3, target_of, whole};
use crate::dsp::transfer::Transfer;
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::pull::{self, Opened};
use crate::sources::SourceError;
use crate::state::{AgreementEntry, GrantEntry, Side};
use herleid_ledger::record::Document;
use serde_json::json;
use std::sync::Arc;

/// Why an attempt did not deliver. What it says is recorded, and told to the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// Access ended.
    Ended(String),
    /// Another attempt may.
    Passing(String),
    /// No other one will.
    Final(String),
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
    // As the configuration is now: what the operator has taken back is not called.
    let (target, internal) = target_of(node, process, &grant.consumer).map_err(|e| Failed::Final(e.to_string()))?;
    let access = access(node, process, grant, entry, &target).map_err(Failed::Passing)?;
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
        delivered = delivering => delivered,
        why = pull::ended(node, grant, opened) => Err(Failed::Ended(why)),
    };
    opened.stop();
    delivered
}

/// What the push stands on: an order that is recorded; or, of a peer that keeps no log, its transfer request, without what is secret in it.
fn access(
    node: &Node,
    process: &Transfer,
    grant: &GrantEntry,
    entry: &Entry,
    target: &Target,
) -> Result<Access, String> {
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&grant.agreement, Side::Provider))
        .map_err(|e| e.to_string())?;
    let agreement = agreement.ok_or("the agreement is not here any more")?;
    let request = agreement.is_one_sided().then(|| {
        let says = json!({
            "consumerPid": process.peer_pid(), "agreementId": process.agreement(), "format": process.format(),
            "endpointType": process.address().map(|address| &address.endpoint_type), "host": target.to_string(),
        });
        Document {
            role: "transfer-request".to_owned(),
            media_type: "application/json".to_owned(),
            bytes: says.to_string().into_bytes(),
        }
    });
    Ok(Access::pushed(grant.clone(), entry.transaction.clone(), request))
}
