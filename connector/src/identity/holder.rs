//! Our own credentials: kept, and shown to whoever we asked something of (DCP 1.0, "Resolution API").

use super::Authenticated;
use crate::commands::Failure;
use crate::control::protocol::CredentialLine;
use crate::node::Node;
use crate::state::{Digests, State, StateError, set};
use herleid_credentials::credential::{self, CredentialError, Profile, StatusLists, VerifiedCredential};
use herleid_credentials::did_document::DidDocument;
use herleid_credentials::jose::{self, MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::presentation::{self, NewPresentation, PresentationQuery, PresentationResponse};
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Type of the token that lets one verifier ask our credential service, for as long as the self-issued token that carries it.
const ACCESS_TYPE: &str = "herleid-presentation+jwt";

/// Why a query is not answered.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// The access token is not ours, not the caller's, or over.
    #[error("the presentation access token is refused: {0}")]
    Access(String),
    /// Our own store or key failed.
    #[error("{0}")]
    Own(String),
}

/// A credential as kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    jwt: String,
    issuer: Did,
    types: Vec<String>,
    id: Option<String>,
    profile_2_0: bool,
    valid_until_ms: Option<u64>,
}

/// The store of our own credentials.
pub struct Holder {
    state: State,
}

impl Holder {
    /// Keeps credentials in `state`.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state }
    }

    /// Keeps a credential, after checking that it is about us and verifies.
    ///
    /// # Errors
    /// When it does not verify: what we cannot check ourselves nobody else would accept.
    pub async fn add(&self, node: &Node, jwt: &str) -> Result<CredentialLine, Failure> {
        let jwt = jwt.trim();
        let issuer =
            credential::claimed_issuer(jwt).map_err(|e| Failure::usage(format!("this is not a credential: {e}")))?;
        let document = node.documents.resolve(&issuer).await.map_err(|e| {
            Failure::new(
                Failure::from(e.clone()).code(),
                format!("the issuer is not known: {}", e.why()),
            )
        })?;
        let mut lists = StatusLists::none();
        let checked = loop {
            match node.check_credential(jwt, document.document(), &lists) {
                Ok(checked) => break checked,
                Err(CredentialError::StatusNotAtHand { list, issuer }) if !lists.has(&list) => {
                    let had = super::standing::fetch(node, &list, &issuer, &mut lists).await;
                    had.map_err(|e| Failure::untrusted(format!("the credential is refused: {e}")))?;
                }
                Err(e) => return Err(Failure::untrusted(format!("the credential is refused: {e}"))),
            }
        };
        let kept = Kept {
            jwt: jwt.to_owned(),
            issuer,
            types: checked.types().iter().cloned().collect(),
            id: checked.id().map(str::to_owned),
            profile_2_0: checked.profile() == Profile::Vc20Jose,
            valid_until_ms: checked.valid_until_ms(),
        };
        let digest = Digests::of(jwt.as_bytes()).sha256;
        self.state.write(vec![set(format!("credential/{digest}"), &kept)?])?;
        Ok(line(digest, &kept, &node.did, node.now_ms()))
    }

    /// The credentials kept, for people.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lines(&self, node: &Node) -> Result<Vec<CredentialLine>, StateError> {
        let kept = self.state.scan::<Kept>("credential/")?;
        Ok(kept
            .into_iter()
            .map(|(key, k)| {
                line(
                    key.trim_start_matches("credential/").to_owned(),
                    &k,
                    &node.did,
                    node.now_ms(),
                )
            })
            .collect())
    }

    /// The token that lets `verifier` ask for presentations for a few minutes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn access_token(&self, node: &Node, verifier: &Did) -> Result<String, HolderError> {
        let issued_at = node.now_ms() / 1000;
        let expires_at = issued_at + node.token_lifetime_ms() / 1000;
        let claims = json!({
            "iss": node.did.as_str(), "aud": verifier.as_str(), "iat": issued_at, "exp": expires_at,
            "jti": jose::fresh_id(node.entropy.as_ref()),
        });
        jose::sign(&node.identity, &node.key_id, ACCESS_TYPE, None, &claims)
            .map_err(|e| HolderError::Own(e.to_string()))
    }

    /// Answers a presentation query of `caller`, who brings `token`.
    ///
    /// # Errors
    /// When the token is not one that we gave to this caller.
    pub fn present(
        &self,
        node: &Node,
        caller: &Authenticated,
        query: &PresentationQuery,
    ) -> Result<PresentationResponse, HolderError> {
        let own = |e: &dyn std::fmt::Display| HolderError::Own(e.to_string());
        let token = caller
            .presentation_token()
            .ok_or_else(|| HolderError::Access("the self-issued token carries no `token`".to_owned()))?;
        check_access(node, token, caller.did())?;
        let mut by_profile: BTreeMap<bool, Vec<String>> = BTreeMap::new();
        for (_, kept) in self.state.scan::<Kept>("credential/").map_err(|e| own(&e))? {
            let types: Vec<&str> = kept.types.iter().map(String::as_str).collect();
            let alive = kept.valid_until_ms.is_none_or(|until| node.now_ms() < until);
            if alive
                && query
                    .scopes()
                    .iter()
                    .any(|scope| scope.matches(kept.id.as_deref(), &types))
            {
                by_profile.entry(kept.profile_2_0).or_default().push(kept.jwt);
            }
        }
        let mut presentations = Vec::new();
        for (two, jwts) in by_profile {
            let credentials: Vec<&str> = jwts
                .iter()
                .take(presentation::MAX_CREDENTIALS)
                .map(String::as_str)
                .collect();
            let new = NewPresentation {
                holder: &node.did,
                audience: caller.did(),
                jti: &jose::fresh_id(node.entropy.as_ref()),
                nonce: None,
                issued_at_ms: node.now_ms(),
                lifetime_ms: node.token_lifetime_ms(),
                credentials: &credentials,
                profile: if two { Profile::Vc20Jose } else { Profile::Vc11Jwt },
            };
            presentations.push(presentation::build(&node.identity, &node.key_id, &new).map_err(|e| own(&e))?);
        }
        PresentationResponse::new(presentations).map_err(|e| own(&e))
    }
}

fn check_access(node: &Node, token: &str, caller: &Did) -> Result<(), HolderError> {
    let refuse = |why: &dyn std::fmt::Display| HolderError::Access(why.to_string());
    let jws = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES).map_err(|e| refuse(&e))?;
    jws.check_type(&[Some(ACCESS_TYPE)], "a token of our credential service")
        .map_err(|e| refuse(&e))?;
    let jws = jws.verify(&node.identity.public_key()).map_err(|e| refuse(&e))?;
    let text = |name: &str| jws.claims().get(name).and_then(serde_json::Value::as_str);
    if text("iss") != Some(node.did.as_str()) || text("aud") != Some(caller.as_str()) {
        return Err(refuse(&"it was given to somebody else"));
    }
    let expires = jws.claims().get("exp").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if expires.saturating_mul(1000) < node.now_ms() {
        Err(refuse(&"it has expired"))
    } else {
        Ok(())
    }
}

fn line(digest: String, kept: &Kept, subject: &Did, now_ms: u64) -> CredentialLine {
    let over = kept.valid_until_ms.is_some_and(|until| until <= now_ms);
    CredentialLine {
        digest,
        issuer: kept.issuer.to_string(),
        subject: subject.to_string(),
        types: kept.types.clone(),
        valid_until_ms: kept.valid_until_ms,
        problem: over.then(|| "it has expired".to_owned()),
    }
}

impl Node {
    fn check_credential(
        &self,
        jwt: &str,
        issuer_document: &DidDocument,
        lists: &StatusLists,
    ) -> Result<VerifiedCredential, CredentialError> {
        let expected = credential::Expected {
            issuer_document,
            trusted: &self.trust.issuers(),
            holder: &self.did,
            now: self.now(),
        };
        credential::verify_with(jwt, &expected, lists)
    }
}
