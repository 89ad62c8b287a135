//! Requests of one-sided peers, which sign nothing: the token alone, a secret that was given for one transfer.

use super::{Access, Proof};
use crate::http::Refusal;
use crate::node::Node;
use crate::state::GrantEntry;
use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

/// The access of a request under a grant whose token is a secret; `None` when the address names no such grant, and the request has to
/// be signed.
///
/// # Errors
/// 401 without the right token, 403 when the access has ended.
pub(super) fn check(node: &Node, grant_id: Option<&str>, headers: &HeaderMap) -> Result<Option<Access>, Refusal> {
    let Some(id) = grant_id else { return Ok(None) };
    let grant = node.state.get_shared::<GrantEntry>(&GrantEntry::key(id));
    let grant = grant.map_err(|e| Refusal::internal(&e))?;
    let Some((grant, expected)) = grant.and_then(|grant| grant.bearer_sha256.clone().map(|digest| (grant, digest)))
    else {
        return Ok(None);
    };
    // Digests are compared, so how long the comparison takes tells nothing of the token.
    let found = presented(headers).map(|token| hex::encode(Sha256::digest(token.as_bytes())));
    if found.as_ref() != Some(&expected) {
        return Err(Refusal::unauthenticated(
            &"the request has not the token of this access in `Authorization`; start a transfer for one",
        ));
    }
    // An agreement from before the configuration was narrowed gives no access.
    node.admit(&grant.consumer).map_err(|e| Refusal::unauthenticated(&e))?;
    if !node.is_one_sided(&grant.consumer) {
        return Err(Refusal::denied(
            &"access has ended: who keeps no log is dealt with only as long as `trust.one_sided` names it here",
        ));
    }
    if let Some(why) = &grant.closed {
        return Err(Refusal::denied(&format!("access has ended: {why}")));
    }
    if grant.until_ms <= node.now_ms() {
        return Err(Refusal::denied(
            &"access has ended: its time is over; start a transfer again",
        ));
    }
    Ok(Some(Access {
        grant,
        transaction: node.fresh_id(),
        proof: Proof::Token { sha256: expected },
        seen: 0,
        beside: Vec::new(),
        first_use: None,
    }))
}

/// The token, with or without the word `Bearer` before it: the Eclipse Dataspace Components send it bare.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
        return None;
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => None,
        None => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_or_without_its_scheme_and_only_once() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(presented(&headers(&["abc"])), Some("abc"));
        assert_eq!(presented(&headers(&["Bearer abc"])), Some("abc"));
        assert_eq!(presented(&headers(&["bearer  abc"])), Some("abc"));
        for wrong in [&["Basic abc"][..], &[], &["abc", "abc"]] {
            assert_eq!(presented(&headers(wrong)), None, "{wrong:?}");
        }
    }
}
