//! A request on the data plane: an access token of ours, and a signature by the key that the token is bound to.

mod bearer;
mod named;

pub(crate) use named::{agreement_with, seen, seen_of};

use super::grants;
use crate::deciding::Asker;
use crate::http::Refusal;
use crate::identity::{AuthenticationError, FirstUse, Lapse, Lost, Resolved, bearer as bearer_token, lost};
use crate::node::{Node, traceparent};
use crate::state::{Change, GrantEntry, GrantPurpose, Side};
use axum::http::{HeaderMap, Method, StatusCode};
use herleid_credentials::access_token;
use herleid_credentials::did_document::Relationship;
use herleid_credentials::http_signature::{self, Expected, Request};
use herleid_ledger::record::{Document, Draft, StreamKey};
use herleid_vocab::did::Did;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How old a signed request may be: the clocks' difference and a slow network, no more.
const MAX_AGE_MS: u64 = 60_000;
/// Header that names the transaction.
pub const TRANSACTION: &str = "herleid-transaction";
/// Header that names the agreement.
pub const AGREEMENT: &str = "herleid-agreement";
/// Header that names the segment of the transaction.
pub const SEGMENT: &str = "herleid-segment";
/// Header that carries a receipt, base64url; or [`RECEIPT_AFTER`].
pub const RECEIPT: &str = "herleid-receipt";
/// What stands there when the receipt can be had afterwards (`GET /receipts/{transaction}`).
pub const RECEIPT_AFTER: &str = "after";
/// Header that names the size of our log that the caller saw last.
pub const SEEN: &str = "herleid-log-seen";

/// A request whose token and signature hold. Only [`check`] makes one.
pub struct Access {
    grant: Arc<GrantEntry>,
    transaction: String,
    proof: Proof,
    seen: u64,
    beside: Vec<Change>,
    /// That its signature was used, until that is kept.
    first_use: Option<FirstUse>,
}

/// What a request showed.
enum Proof {
    /// A token that is bound to a key, and a signature by that key.
    Signed {
        token: String,
        base: String,
        signature: [u8; 64],
        document: Arc<Resolved>,
    },
    /// A token alone (one-sided peers); its SHA-256, in hex.
    Token { sha256: String },
    /// Nothing at this moment: it is a push, by this end. What there is, is what was checked and recorded when the consumer ordered it;
    /// or, of a one-sided peer, its transfer request.
    Push {
        is_one_sided: bool,
        evidence: Vec<Document>,
    },
}

impl Access {
    /// What the token refers to.
    #[must_use]
    pub fn grant(&self) -> &GrantEntry {
        &self.grant
    }

    /// The transaction that the consumer chose, covered by its signature.
    #[must_use]
    pub fn transaction(&self) -> &str {
        &self.transaction
    }

    /// Size of our log that the consumer saw last; 0 when it never did.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether the request is of a peer that keeps no log and signs nothing: it is owed no receipt, and gives none.
    #[must_use]
    pub fn is_one_sided(&self) -> bool {
        matches!(self.proof, Proof::Token { .. } | Proof::Push { is_one_sided: true, .. })
    }

    /// Whether its transaction is this one request: a token alone names none, so it is given a fresh one.
    pub(super) fn is_asked_once(&self) -> bool {
        matches!(self.proof, Proof::Token { .. })
    }

    /// Who asks, and how that is known.
    pub(super) fn asker(&self) -> Asker<'_> {
        let did = &self.grant.consumer;
        let asker = match &self.proof {
            // The order of a push was signed as any other request.
            Proof::Signed { .. }
            | Proof::Push {
                is_one_sided: false, ..
            } => Asker::by_request_signature(did),
            Proof::Token { .. } => Asker::by_secret_token(did),
            Proof::Push { is_one_sided: true, .. } => Asker::by_token(did),
        };
        asker.declaring(&self.grant.declares)
    }

    /// A push under `grant`, with what is recorded of its order; or, to a peer that keeps no log, with its request.
    pub(super) fn pushed(grant: GrantEntry, transaction: String, is_one_sided: bool, evidence: Vec<Document>) -> Self {
        Self {
            grant: Arc::new(grant),
            transaction,
            proof: Proof::Push { is_one_sided, evidence },
            seen: 0,
            beside: Vec::new(),
            first_use: None,
        }
    }

    /// The same; what it opens is recorded in one commit with this change.
    pub(super) fn with(mut self, change: Change) -> Self {
        self.beside.push(change);
        self
    }

    /// What is written in the commit of the record.
    pub(super) fn beside(&self, draft: Draft) -> Draft {
        let put = |draft: Draft, (key, value): &Change| draft.put(key.clone(), value.clone());
        let first_use = self.first_use.iter().map(FirstUse::change);
        self.beside.iter().chain(first_use).fold(draft, put)
    }

    /// Says whether the commit with [`Self::beside`] is durable; otherwise nothing of it was written.
    pub(super) fn settled(&self, is_kept: bool) {
        match &self.first_use {
            Some(first_use) if is_kept => first_use.was_kept(),
            Some(first_use) => first_use.was_refused(),
            None => {}
        }
    }

    /// Keeps that the request was used, if no commit has done so yet: it is durable when this returns, and no answer goes out before, whatever it
    /// says.
    ///
    /// # Errors
    /// When it cannot be kept: that is answered then.
    pub async fn keep(&self) -> Result<(), Refusal> {
        keep(self.first_use.as_ref()).await
    }

    /// What the consumer cannot deny later: its signed request, the token, its DID document. Of a token that is a secret, the digest.
    #[must_use]
    pub fn evidence(&self) -> Vec<Document> {
        let document = |role: &str, media_type: &str, bytes: &[u8]| Document {
            role: role.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
        };
        match &self.proof {
            Proof::Signed {
                token,
                base,
                signature,
                document: did_document,
            } => vec![
                document("signature-base", "text/plain", base.as_bytes()),
                document("signature", "application/octet-stream", signature),
                document("access-token", "application/jwt", token.as_bytes()),
                document("did-document", "application/did+json", did_document.bytes()),
            ],
            Proof::Token { sha256 } => vec![document("access-token-sha256", "text/plain", sha256.as_bytes())],
            Proof::Push { evidence, .. } => evidence.clone(),
        }
    }
}

async fn keep(first_use: Option<&FirstUse>) -> Result<(), Refusal> {
    match first_use {
        Some(first_use) => first_use.keep().await.map_err(|e| Refusal::internal(&e)),
        None => Ok(()),
    }
}

/// Checks token, signature, and that both belong to one grant; to `grant_id`, when the address names one. That the request was used is durable when
/// this returns.
///
/// # Errors
/// 401 when the caller is not who the token is for; 404 when there is no such grant for this caller; the same for both, so
/// that nobody can find out which grants exist. 403 when access has ended. 409 when the caller has seen more of our log than there is. 503 when its document
/// could not be had for a reason that passes.
pub async fn check(
    node: &Node,
    grant_id: Option<&str>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Access, Refusal> {
    let access = check_first(node, grant_id, method, path, headers, body).await?;
    access.keep().await?;
    // It is known from now on: nothing has to be held for it.
    Ok(Access {
        first_use: None,
        ..access
    })
}

/// The same for a caller that keeps that the request was used before it answers anything: in the commit of what it opens ([`Access::beside`]), or
/// with [`Access::keep`]. Nobody else can use the request meanwhile. A refusal from here is kept already.
///
/// # Errors
/// As [`check`].
pub async fn check_first(
    node: &Node,
    grant_id: Option<&str>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Access, Refusal> {
    let mut first_use = None;
    let mut checked = checked(node, grant_id, method, path, headers, body, &mut first_use).await;
    // Last, for it may ask an issuer: only whoever has access can make it.
    if let Ok(access) = &checked
        && let Some(lost) = lost(node, access.grant()).await
    {
        keep(first_use.as_ref()).await?;
        checked = Err(refuse_lost(node, access, lost, &traceparent(node, headers)).await);
    }
    if checked
        .as_ref()
        .is_err_and(|refusal| refusal.status() == StatusCode::UNAUTHORIZED)
    {
        node.unauthenticated.fetch_add(1, Ordering::Relaxed);
    }
    match checked {
        Ok(access) => Ok(Access { first_use, ..access }),
        Err(refusal) => {
            keep(first_use.as_ref()).await?;
            Err(refusal)
        }
    }
}

/// What whoever asks is told when the credentials give no access now. That they hold no more is recorded, with what says so. That this
/// cannot be found out is nothing against anybody, and passes: 403 would be taken for the end of access.
pub(super) async fn refuse_lost(node: &Node, access: &Access, lost: Lost, trace: &str) -> Refusal {
    let (evidence, lost) = (lost.evidence(), lost.of_access());
    if lost.how == Lapse::Unknown {
        return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &lost.why);
    }
    let grant = access.grant();
    let what = match grant.kind {
        GrantPurpose::Run => "run",
        GrantPurpose::Pull | GrantPurpose::Onward => "pull",
    };
    let facts = json!({"what": what, "party": grant.consumer.as_str(), "transaction": access.transaction(), "agreement": grant.agreement});
    let stream = StreamKey::Agreement {
        agreement: grant.agreement.clone(),
        side: Side::Provider.into(),
        other: grant.consumer.clone(),
    };
    match grants::record_lost(node, facts, Some(stream), &lost.why, evidence, trace).await {
        Ok(()) => Refusal::denied(&lost.why),
        Err(e) => Refusal::internal(&e),
    }
}

async fn checked(
    node: &Node,
    grant_id: Option<&str>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
    first_use: &mut Option<FirstUse>,
) -> Result<Access, Refusal> {
    if *method == Method::GET
        && let Some(access) = bearer::check(node, grant_id, headers)?
    {
        return Ok(access);
    }
    let no_token = || {
        Refusal::unauthenticated(
            &"the request has no `Authorization: Bearer` token of this data plane; start a transfer for one",
        )
    };
    let token = bearer_token(headers).ok_or_else(no_token)?.to_owned();
    let target_uri = format!("{}{path}", node.public_url);
    let request = Request {
        method,
        target_uri: &target_uri,
        headers,
    };
    let unverified = http_signature::parse(request).map_err(|e| Refusal::unauthenticated(&e))?;
    let key_id = unverified
        .key_id()
        .map_err(|e| Refusal::unauthenticated(&e))?
        .to_owned();
    let caller: Did = key_id
        .split('#')
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|e| Refusal::unauthenticated(&e))?;
    // An agreement from before the configuration was narrowed gives no access.
    node.admit(&caller).map_err(|e| Refusal::unauthenticated(&e))?;
    let document = node.documents.resolve_claimed(&caller).await;
    let document = document.map_err(|e| Refusal::from(AuthenticationError::from(e)))?;
    let (_, key) = document
        .document()
        .key_for(Some(&key_id), Relationship::CapabilityInvocation)
        .map_err(|e| Refusal::unauthenticated(&e))?;
    let required = [TRANSACTION, AGREEMENT, "traceparent"];
    let expected = Expected {
        required: &required,
        now: node.now(),
        max_age_ms: MAX_AGE_MS,
    };
    let verified = unverified
        .verify(key, &expected, body)
        .map_err(|e| Refusal::unauthenticated(&e))?;
    node.documents.keep(&document);
    let first = node.used.begin(&verified.replay_key(), node.now_ms());
    *first_use = first.map_err(|e| Refusal::internal(&e))?;
    if first_use.is_none() {
        return Err(Refusal::unauthenticated(
            &"this signed request was received before; sign every request afresh",
        ));
    }
    let own = node.identity.public_key();
    let expected = access_token::Expected {
        issuer: &node.did,
        key_id: &node.key_id,
        key: &own,
        audience: &node.public_url,
        request_key: verified.key_thumbprint(),
        now: node.now(),
    };
    let token_says =
        access_token::verify_known(&token, &expected, &node.known_tokens).map_err(|e| Refusal::unauthenticated(&e))?;
    let absent = || Refusal::not_found(&format!("there is nothing for `{caller}` at this address"));
    let named = token_says.grant().transfer.as_str();
    if grant_id.is_some_and(|id| id != named) || token_says.grant().subject != caller {
        return Err(absent());
    }
    let grant = node.state.get_shared::<GrantEntry>(&GrantEntry::key(named));
    let grant = grant.map_err(|e| Refusal::internal(&e))?;
    let grant = grant.filter(|g| g.consumer == caller).ok_or_else(absent)?;
    if let Some(why) = &grant.closed {
        return Err(Refusal::denied(&format!("access has ended: {why}")));
    }
    let signed = |name: &str| verified.base().value(name).unwrap_or_default().to_owned();
    let transaction = signed(TRANSACTION);
    let agreement = signed(AGREEMENT);
    if agreement != grant.agreement {
        return Err(Refusal::malformed(&format!(
            "`{AGREEMENT}` is `{agreement}`, but the token is for `{}`",
            grant.agreement
        )));
    }
    if uuid::Uuid::parse_str(&transaction)
        .ok()
        .filter(|u| u.get_version_num() == 7 && u.to_string() == transaction)
        .is_none()
    {
        return Err(Refusal::malformed(&format!(
            "`{TRANSACTION}` is `{transaction}`; expected a UUIDv7 in lower case"
        )));
    }
    if grant.transaction.as_ref().is_some_and(|bound| *bound != transaction) {
        return Err(Refusal::malformed(&format!(
            "`{TRANSACTION}` is `{transaction}`, but this access is for another transaction"
        )));
    }
    let seen = seen(node, headers)?;
    Ok(Access {
        grant,
        transaction,
        proof: Proof::Signed {
            token,
            base: verified.base().text().to_owned(),
            signature: *verified.signature(),
            document,
        },
        seen,
        beside: Vec::new(),
        first_use: None,
    })
}
