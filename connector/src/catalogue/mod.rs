//! The catalogue: what is published, described as DCAT-AP-NL 3.0 wants it, kept in an index, shown page by page, searched and queried.
//!
//! The state is the truth. The index in memory is made from it once, after the start, and each publication or withdrawal has the entry
//! concerned made anew, so that no request reads everything. What RDF there is comes from the same JSON-LD that goes over the protocol.

mod complete;
mod describe;
mod entries;
mod filter;
mod fold;
mod index;
mod jsonld;
mod metadata;
mod moments;
mod page;
mod rdf;
mod sparql;
mod sparql_answer;
#[cfg(test)]
pub(crate) mod tests;
pub mod words;

pub use complete::{Complete, Defaults, Incomplete, complete};
pub(crate) use complete::{is_email, is_iri, is_name};
pub use describe::TOTAL_ITEMS;
pub use entries::{CatalogueError, Entry};
pub use filter::{Filter, FilterError};
pub use index::{Index, Turn};
pub use metadata::{Agent, Contact, Metadata, Said, Spatial, Temporal};
pub use page::{Page, Query, Token, TokenError, page, page_as};
pub use rdf::{DocumentFormat, document};
pub use sparql::{Answered, Asked, IDLE, QUERY_BYTES, QueryError, Sparql, answer, sparql_worker};

use crate::config::Config;

/// The licence of whatever may be used as its offer says, and in no other way.
pub const BY_OFFER: &str = "offer";

/// What descriptions are made with: who publishes, where, and what holds for all of it.
#[derive(Debug, Clone)]
pub struct Describer {
    /// The participant.
    pub did: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub public_url: String,
    /// Where it speaks the Dataspace Protocol.
    pub base: String,
    /// What holds for all that it publishes.
    pub defaults: Defaults,
    /// Whether anything may be pushed from here.
    pub push: bool,
}

impl Describer {
    /// As the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let (said, name) = (&config.catalogue, &config.participant.name);
        let public_url = config.listen.public_url.to_string();
        Self {
            did: config.participant.did.to_string(),
            name: name.clone(),
            base: format!("{public_url}{}", crate::http::DSP_PATH),
            push: config.push.is_on(),
            defaults: Defaults {
                // Somebody who says nothing else is asked at the connector's own address.
                contact: Some(Contact {
                    name: said.contact_name.clone().unwrap_or_else(|| name.clone()),
                    email: said.contact_email.clone(),
                    url: said
                        .contact_url
                        .clone()
                        .or_else(|| said.contact_email.is_none().then(|| public_url.clone())),
                }),
                publisher: Some(Agent {
                    name: said.publisher.clone().unwrap_or_else(|| name.clone()),
                    iri: Some(config.participant.did.to_string()),
                    kind: said.publisher_type.clone(),
                }),
                language: Some(said.language.clone()),
                licence: Some(said.licence.clone()),
                access_rights: Some(said.access_rights.clone()),
                theme: said.theme.clone(),
            },
            public_url,
        }
    }
}
