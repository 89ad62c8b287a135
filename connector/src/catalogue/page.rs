//! One page of the catalogue, and the tokens that name the next and the previous one (catalog HTTPS binding, "Pagination").

use super::entries::{CatalogueError, entry};
use super::filter::{FILTER_BYTES, Filter, FilterError};
use super::index::{Contents, Index, Listed, Snapshot};
use super::rdf::{DocumentFormat, document};
use crate::dsp::catalog::{Catalogue, PROCESSES_CONFORMANCE, Service, Text};
use crate::dsp::id::Id;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Longest the datasets of a page may be together: half of what a connector accepts as an answer unless told otherwise (`network.max_response_bytes`,
/// 4 MiB).
const PAGE_BYTES: usize = 2 << 20;
/// Longest token.
const TOKEN_CHARS: usize = 8_192;
/// Longest identifier (`herleid publish`).
const ID_BYTES: usize = 256;
/// Of a token, what is neither filter nor identifier, and more.
const FRAME_BYTES: usize = 64;
// What we give we take back: in base64, three bytes are four characters.
const _: () = assert!((FILTER_BYTES + ID_BYTES + FRAME_BYTES).div_ceil(3) * 4 <= TOKEN_CHARS);

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours.
    #[error(
        "the `continuationToken` is not one that this connector gives: follow the `Link` header as it stands, or begin again without it"
    )]
    Malformed,
    /// A token for another question.
    #[error(
        "the `continuationToken` belongs to another filter than the request has: repeat the request that it came with, or leave the filter out"
    )]
    OtherFilter,
    /// What it holds is refused.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

/// Where a page begins or ends, and of what question: nothing that its bearer could not ask anyway, so it is not signed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The page has what comes after this identifier ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// ... or before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The filter as it was understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    filter: Vec<Value>,
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() <= TOKEN_CHARS);
        let token: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Exactly one end: a token without would be the first page over again, for ever.
        token
            .filter(|token| token.after.is_some() != token.before.is_some())
            .ok_or(TokenError::Malformed)
    }

    fn text(&self) -> String {
        // A token of ours has a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    token: Token,
    filters: Vec<Filter>,
    limit: usize,
    public_only: bool,
}

impl Query {
    /// A request's filter and token. A token that comes alone is for the filter it was given for.
    ///
    /// # Errors
    /// When the filter is not supported or the token is not one of ours.
    pub fn new(filter: &[Value], token: Option<&str>, limit: usize) -> Result<Self, TokenError> {
        let (asked, normal) = Filter::read(filter)?;
        let (token, filters) = match token {
            Some(text) => {
                let mut token = Token::parse(text)?;
                // It may be a token of an older build, or one that somebody made.
                let (filters, of_token) = Filter::read(&token.filter)?;
                if !filter.is_empty() && of_token != normal {
                    return Err(TokenError::OtherFilter);
                }
                token.filter = of_token;
                (token, filters)
            }
            None => (
                Token {
                    filter: normal,
                    ..Token::default()
                },
                asked,
            ),
        };
        Ok(Self {
            filters,
            token,
            limit,
            public_only: false,
        })
    }

    /// Of what is for everybody, alone, and without a filter: strangers read the catalogue from its beginning to its end. A token is not
    /// signed, so one that has a filter is refused.
    ///
    /// # Errors
    /// When the token is not one of ours.
    pub fn public(token: Option<&str>, limit: usize) -> Result<Self, TokenError> {
        let token = token.map(Token::parse).transpose()?.unwrap_or_default();
        if !token.filter.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            token,
            filters: Vec::new(),
            limit,
            public_only: true,
        })
    }

    fn limit(&self) -> usize {
        let asked = self.filters.iter().filter_map(|f| match f {
            Filter::Limit(limit) => Some(*limit),
            _ => None,
        });
        asked.min().unwrap_or(self.limit).min(self.limit)
    }

    fn offset(&self) -> usize {
        // After a token, the offset has been counted.
        let asked = self.filters.iter().filter_map(|f| match f {
            Filter::Offset(offset) if self.token.after.is_none() && self.token.before.is_none() => Some(*offset),
            _ => None,
        });
        asked.max().unwrap_or(0)
    }

    /// Whether the one who asks may know that it is there.
    fn may_see(&self, listed: &Listed) -> bool {
        !self.public_only || listed.is_public
    }

    fn fits(&self, listed: &Listed) -> bool {
        self.filters.iter().all(|f| f.fits(&listed.id, &listed.facets))
    }
}

/// A page.
pub struct Page {
    /// The catalogue with the datasets of this page, as JSON.
    pub body: String,
    /// How many datasets there are in all.
    pub total: usize,
    /// How many are on this page.
    pub shown: usize,
    /// Token of the next page.
    pub next: Option<String>,
    /// Token of the previous page.
    pub previous: Option<String>,
}

/// What of the contents a page shows.
struct Selected {
    listed: Vec<Arc<Listed>>,
    total: usize,
    more_before: bool,
    more_after: bool,
    /// Of all that may be seen, whether it fits or not: the services give access to it. As words or IRIs, each once.
    themes: Vec<String>,
}

fn select(contents: &Contents, query: &Query) -> Selected {
    let (limit, offset) = (query.limit(), query.offset());
    let (mut total, mut earlier, mut later) = (0, 0, 0);
    let mut listed: VecDeque<&Arc<Listed>> = VecDeque::new();
    let mut themes: BTreeSet<&String> = BTreeSet::new();
    // One look at each: how many fit has to be known in any case.
    for one in contents.all().filter(|one| query.may_see(one)) {
        themes.extend(&one.facets.themes);
        if !query.fits(one) {
            continue;
        }
        total += 1;
        let before_page = query.token.after.as_ref().is_some_and(|after| one.id <= *after) || total <= offset;
        if before_page {
            earlier += 1;
        } else if query.token.before.as_ref().is_some_and(|before| one.id >= *before) {
            later += 1;
        } else if listed.len() < limit {
            listed.push_back(one);
        } else if query.token.before.is_some() {
            // Towards the front the page is the last that fits before its end.
            listed.pop_front();
            listed.push_back(one);
            earlier += 1;
        } else {
            later += 1;
        }
    }
    Selected {
        listed: listed.into_iter().cloned().collect(),
        total,
        more_before: earlier > 0,
        more_after: later > 0,
        themes: themes.into_iter().cloned().collect(),
    }
}

/// The page that `query` asks for.
///
/// # Errors
/// When the state cannot be read.
pub async fn page(index: &Index, query: &Query) -> Result<Page, CatalogueError> {
    let query = query.clone();
    let is_public = query.public_only;
    index.apart(is_public, move |index| made(index, &query)).await
}

/// The same, and the page as an RDF document.
///
/// # Errors
/// When the state cannot be read, or the document cannot be written.
pub async fn page_as(index: &Index, query: &Query, format: DocumentFormat) -> Result<(Page, Vec<u8>), CatalogueError> {
    let query = query.clone();
    let is_public = query.public_only;
    let made = move |index: &Snapshot| {
        let page = made(index, &query)?;
        let json = serde_json::from_str(&page.body).map_err(|e| entry(&e))?;
        let document = document(&index.describer, &json, format).map_err(|e| entry(&e))?;
        Ok((page, document))
    };
    index.apart(is_public, made).await
}

fn made(index: &Snapshot, query: &Query) -> Result<Page, CatalogueError> {
    let Selected {
        listed,
        total,
        mut more_before,
        mut more_after,
        themes,
    } = select(&index.contents, query);
    let is_backwards = query.token.before.is_some();
    let mut in_turn: Vec<&Arc<Listed>> = listed.iter().collect();
    if is_backwards {
        // It ends where the page after it begins, so it is filled from there.
        in_turn.reverse();
    }
    let (mut datasets, mut bytes) = (Vec::new(), 0);
    let (mut first, mut last) = (None, None);
    let mut is_full = false;
    for one in in_turn {
        if let Some(json) = index.json(one)? {
            // One that is longer than a page has a page of its own.
            is_full = !datasets.is_empty() && bytes + json.len() > PAGE_BYTES;
            if is_full {
                break;
            }
            // It is followed by a comma.
            bytes += json.len() + 1;
            datasets.push(json);
        }
        // Passed over or shown, the next page begins after it.
        last = Some(one.id.clone());
        first = first.or_else(|| last.clone());
    }
    if is_backwards {
        datasets.reverse();
        std::mem::swap(&mut first, &mut last);
        more_before |= is_full;
    } else {
        more_after |= is_full;
    }
    let token = |after: Option<String>, before: Option<String>| {
        let filter = query.token.filter.clone();
        Token { after, before, filter }.text()
    };
    let next = last.filter(|_| more_after).map(|last| token(Some(last), None));
    let previous = first.filter(|_| more_before).map(|first| token(None, Some(first)));
    let shown = datasets.len();
    Ok(Page {
        body: with_datasets(&index.catalogue(total, &themes)?, &datasets),
        total,
        shown,
        next,
        previous,
    })
}

/// The catalogue with these datasets, which are JSON already. Without any there is no `dataset`: an empty array is against the schema.
fn with_datasets(catalogue: &Catalogue, datasets: &[Arc<str>]) -> String {
    let envelope = catalogue.to_json().to_string();
    match envelope.strip_suffix('}').filter(|_| !datasets.is_empty()) {
        Some(open) => format!("{open},\"dataset\":[{}]}}", datasets.join(",")),
        None => envelope,
    }
}

impl Snapshot {
    /// The catalogue without its datasets.
    fn catalogue(&self, total: usize, themes: &[String]) -> Result<Catalogue, CatalogueError> {
        let about = &self.describer;
        let id: Id = format!("{}#catalogue", about.did).parse().map_err(|e| entry(&e))?;
        let participant: Id = about.did.parse().map_err(|e| entry(&e))?;
        let mut connector = about.connector()?;
        connector.more = about.of_service(
            "connector",
            "Dataspace Protocol",
            "Negotiates agreements about the datasets of this catalogue and opens transfers (Dataspace Protocol 2025-1).",
            themes,
        );
        let mut processes = Service {
            id: format!("{}#processes", about.did).parse().map_err(|e| entry(&e))?,
            endpoint: about.public_url.parse().map_err(|e| entry(&e))?,
            conforms_to: vec![PROCESSES_CONFORMANCE.to_owned()],
            more: about.of_service(
                "processes",
                "Model services",
                "Runs the model services of this catalogue under an agreement (OGC API - Processes).",
                themes,
            ),
        };
        processes.more.insert(
            "dcat:endpointDescription".to_owned(),
            serde_json::json!({"@id": format!("{}/processes", about.public_url)}),
        );
        let title = Some(Text {
            text: about.name.clone(),
            language: None,
        });
        let made = Catalogue::new(id, participant, title, vec![connector, processes], Vec::new())?;
        Ok(made.with(about.of_catalogue(total)))
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
