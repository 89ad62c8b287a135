//! A peer's catalogue, page by page (catalog HTTPS binding, "Pagination"), as far as it is needed.

mod gather;

use super::catalogue::peer_base;
use crate::catalogue::TOTAL_ITEMS;
use crate::commands::Failure;
use crate::dsp::catalog::{Catalogue, Resource};
use crate::dsp::id::Id;
use crate::dsp::message::{CatalogRequest, Message as _};
use crate::dsp::path;
use crate::net::client::Response;
use crate::node::Node;
use gather::{MOST_TIME, Page, gather};
use herleid_vocab::did::Did;
use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use url::Url;

/// How many datasets a catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Known(u64),
    /// The peer does not say, and not all pages were read: more than so many.
    MoreThan(u64),
}

/// What was read of a peer's catalogue.
pub struct Read {
    /// The catalogue, with the datasets of the pages that were read.
    pub catalogue: Catalogue,
    /// How many there are in all.
    pub total: Total,
    /// Where the peer speaks the Dataspace Protocol.
    pub base: String,
}

/// The catalogue of `did`, as far as `filter` lets through, and of that at least the first `wanted` datasets, if they lie within what is
/// read of one catalogue.
///
/// # Errors
/// When the peer refuses, with its reason, does not answer, or leads elsewhere.
pub async fn read_catalogue(
    node: &Node,
    did: &Did,
    trace: &str,
    filter: &[Value],
    wanted: usize,
) -> Result<Read, Failure> {
    let base = peer_base(node, did).await?;
    let request = CatalogRequest {
        filter: filter.to_vec(),
    };
    let body = request.to_json(None).to_string();
    let first = format!("{base}/{}", path::CATALOG);
    let fetch = |url: String| {
        let (base, body) = (&base, body.clone());
        async move {
            let headers = node.message_headers(did, None, trace)?;
            let answer = node.client.post_json(&url, headers, body.into()).await?;
            Ok::<_, Failure>(Page {
                catalogue: parsed(node, did, &answer)?,
                bytes: answer.body.len(),
                next: next_page(did, base, &url, &answer.headers)?,
            })
        }
    };
    let (catalogue, more) = gather(did, first, wanted, tokio::time::sleep(MOST_TIME), fetch).await?;
    let read = catalogue.resources().len() as u64;
    let total = match (stated_total(&catalogue), more) {
        // A peer cannot have fewer than it showed.
        (Some(stated), _) => Total::Known(stated.max(read)),
        (None, false) => Total::Known(read),
        (None, true) => Total::MoreThan(read),
    };
    Ok(Read { catalogue, total, base })
}

/// How many there are in all, if the peer says so.
fn stated_total(catalogue: &Catalogue) -> Option<u64> {
    let stated = catalogue.more().get(TOTAL_ITEMS)?;
    stated.get("@value").unwrap_or(stated).as_u64()
}

/// One dataset or model service of `did`, and its versioned base: asked for by its identifier, so that a catalogue of thousands need not
/// be read for it.
///
/// # Errors
/// When the peer has none such, refuses, or does not answer.
pub async fn peer_resource(node: &Node, did: &Did, trace: &str, id: &Id) -> Result<(Resource, String), Failure> {
    let base = peer_base(node, did).await?;
    let headers = node.message_headers(did, None, trace)?;
    let answer = node
        .client
        .get_json(&format!("{base}/{}", path::dataset(id)), headers)
        .await?;
    if answer.status.as_u16() == 404 {
        return Err(Failure::missing(format!("`{did}` does not offer `{id}`"))
            .next(format!("`herleid catalog {did}` lists what it offers")));
    }
    refused(did, &answer)?;
    let (resource, ignored) = Resource::parse(&answer.body)
        .map_err(|e| Failure::failed(format!("what `{did}` says of `{id}` is not understood: {e}")))?;
    for passed_over in ignored {
        tracing::warn!(?passed_over, "part of a dataset's description was passed over");
    }
    if resource.id() != id {
        return Err(Failure::untrusted(format!(
            "`{did}` was asked for `{id}` and served `{}`",
            resource.id()
        )));
    }
    Ok((resource, base))
}

fn refused(did: &Did, answer: &Response) -> Result<(), Failure> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(());
    }
    let reason = crate::dsp::error::reason_in(status, &answer.body);
    let message = format!("`{did}` refused its catalogue: {reason}");
    Err(if status < 500 {
        Failure::refused(message)
    } else {
        Failure::failed(message)
    })
}

fn parsed(node: &Node, did: &Did, answer: &Response) -> Result<Catalogue, Failure> {
    refused(did, answer)?;
    let (catalogue, ignored) = Catalogue::parse(&answer.body)
        .map_err(|e| Failure::failed(format!("the catalogue of `{did}` is not understood: {e}")))?;
    for passed_over in ignored {
        tracing::warn!(?passed_over, "part of a catalogue was passed over");
    }
    if *catalogue.participant() != node.participant_id(did).map_err(Failure::failed)? {
        return Err(Failure::untrusted(format!(
            "`{did}` served the catalogue of `{}`",
            catalogue.participant()
        )));
    }
    Ok(catalogue)
}

/// The page after the one at `url`. It is on the peer's own host, or our token would go to somebody else.
fn next_page(did: &Did, base: &str, url: &str, headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(target) = next_link(headers) else {
        return Ok(None);
    };
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::untrusted(format!(
            "the next page of the catalogue of `{did}` cannot be asked for: {why}"
        ))
    };
    let next = Url::parse(url)
        .and_then(|url| url.join(&target))
        .map_err(|e| unusable(&e))?;
    let own = Url::parse(base).map_err(|e| unusable(&e))?;
    if next.origin() != own.origin() {
        return Err(unusable(&format!(
            "`{next}` is not on `{}`",
            own.origin().ascii_serialization()
        )));
    }
    Ok(Some(next.into()))
}

/// The target of the link with the relation `next` (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    let lines = headers
        .get_all(LINK)
        .into_iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok());
    lines.flat_map(links).find_map(|(target, parameters)| {
        let is_next = parameters.split(';').any(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("rel") => {
                let relations = value.trim().trim_matches('"');
                relations
                    .split_ascii_whitespace()
                    .any(|r| r.eq_ignore_ascii_case("next"))
            }
            _ => false,
        });
        is_next.then(|| target.to_owned())
    })
}

/// The links of a header's value: target and parameters. Commas between `<` and `>` belong to an address.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (_, opened) = rest.split_once('<')?;
        let (target, after) = opened.split_once('>')?;
        let end = after.find(",").map_or(after.len(), |comma| {
            // A comma in a quoted parameter is followed by no `<` before the quote closes; links are told apart by what begins them.
            after
                .get(comma..)
                .and_then(|t| t.find('<'))
                .map_or(after.len(), |at| comma + at)
        });
        let parameters = after.get(..end).unwrap_or(after);
        rest = after.get(end..).unwrap_or_default();
        Some((target.trim(), parameters.trim_end_matches([',', ' '])))
    })
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_next_link_is_found_however_links_are_written() {
        for values in [
            &["<https://p.example/c?a=1>; rel=\"next\""][..],
            &[
                "<https://p.example/c?a=0>; rel=previous",
                "<https://p.example/c?a=1>; rel=next",
            ],
            &["<https://p.example/c?a=0>; rel=\"prev\", <https://p.example/c?a=1>; title=\"x, y\"; REL=\"last next\""],
        ] {
            assert_eq!(
                next_link(&headers(values)).as_deref(),
                Some("https://p.example/c?a=1"),
                "{values:?}"
            );
        }
        for values in [
            &["<https://p.example/c?rel=next>"][..],
            &["https://p.example/c; rel=next"],
            &[],
        ] {
            assert_eq!(next_link(&headers(values)), None, "{values:?}");
        }
    }

    #[test]
    fn a_page_elsewhere_is_not_asked_for() {
        let did: Did = "did:web:p.example".parse().unwrap();
        let base = "https://p.example/dsp/2025-1";
        let from = "https://p.example/dsp/2025-1/catalog/request";
        let next = |value| next_page(&did, base, from, &headers(&[value]));
        assert_eq!(
            next("<?continuationToken=x>; rel=\"next\"").unwrap().as_deref(),
            Some("https://p.example/dsp/2025-1/catalog/request?continuationToken=x")
        );
        for elsewhere in [
            "<https://evil.example/catalog>; rel=\"next\"",
            "<http://p.example/catalog>; rel=\"next\"",
            "<//p.example:8443/catalog>; rel=\"next\"",
            "<file:///etc/passwd>; rel=\"next\"",
        ] {
            assert!(
                next(elsewhere).unwrap_err().to_string().contains("is not on"),
                "{elsewhere}"
            );
        }
    }
}
