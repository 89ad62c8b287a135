//! What a request on the data plane asks for: whence it comes, and which part of it.

use super::range::{self, Asked};
use crate::http::Refusal;
use crate::node::Node;
use crate::provider::access::{Access, SEGMENT};
use crate::sources::{Allowed, NotAllowed, Resource, Source, SourceError, Wanted};
use crate::state::{Digests, GrantPurpose, SourceEntry, VersionEntry};
use axum::http::{HeaderMap, StatusCode};

/// What is asked for.
pub struct Plan {
    source: Box<dyn Source>,
    known: Option<Digests>,
    resource: Option<Resource>,
    /// Which segment the consumer says that it is.
    pub(super) segment: Option<u64>,
    asked: Asked,
}

impl Plan {
    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// What is wanted of it.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let (from, to) = self.range();
        Wanted {
            from,
            to,
            resource: self.resource.clone(),
        }
    }

    /// Digests of the whole, if they were published.
    #[must_use]
    pub fn known(&self) -> Option<&Digests> {
        self.known.as_ref()
    }

    /// First byte, and the byte after the last; `None` when nobody knows yet.
    #[must_use]
    pub fn range(&self) -> (u64, Option<u64>) {
        match self.asked {
            Asked::Whole => (0, self.known.as_ref().map(|known| known.bytes)),
            Asked::Part { from, to } => (from, Some(to)),
        }
    }

    /// How many bytes that is; `None` when nobody knows yet.
    pub(super) fn bytes(&self) -> Option<u64> {
        let (from, to) = self.range();
        Some(to?.saturating_sub(from))
    }

    /// Whether a part was asked for, and is given as one.
    #[must_use]
    pub fn is_part(&self) -> bool {
        matches!(self.asked, Asked::Part { .. })
    }

    /// Whether the digests of what will leave are known: then they stand in `pull-opened`.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let whole = self
            .known
            .as_ref()
            .is_some_and(|known| self.range() == (0, Some(known.bytes)));
        whole && matches!(self.segment, None | Some(1))
    }

    /// Path and query of an API, for what is compared.
    pub(super) fn resource(&self) -> String {
        self.resource.as_ref().map(Resource::text).unwrap_or_default()
    }
}

/// Reads what is asked for; `path` and `query` are what follows the grant in the address. Nothing has been decided then.
///
/// # Errors
/// What is not given out, or not in that way; 416 for a range that nobody can give.
pub fn plan(
    node: &Node,
    access: &Access,
    headers: &HeaderMap,
    path: &str,
    query: Option<&str>,
) -> Result<Plan, Refusal> {
    let grant = access.grant();
    if grant.kind == GrantPurpose::Run {
        return Err(Refusal::not_found(&"this access is for running a model, not for data"));
    }
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let version = match (&grant.version, grant.kind) {
        (Some(version), GrantPurpose::Pull) => {
            let key = format!("dataset/{}/{version}", grant.subject);
            node.state.get_shared::<VersionEntry>(&key).map_err(|e| internal(&e))?
        }
        _ => None,
    };
    let resource = match version.as_ref().map(|v| &v.source) {
        Some(SourceEntry::Api { paths, queries, .. }) => {
            let allowed = Allowed::new(paths, queries).map_err(|e| internal(&e))?;
            let resource = allowed.check(path, query).map_err(|e| not_allowed(&e))?;
            Some(resource)
        }
        _ if !path.is_empty() || query.is_some() => return Err(not_allowed(&NotAllowed::NoResource)),
        _ => None,
    };
    let source: Box<dyn Source> = match (&version, &grant.digests) {
        (Some(version), _) => node.sources.of_version(version).map_err(|e| refused(&e))?,
        // A model's program, or an input that is passed on.
        (None, Some(digests)) => Box::new(node.sources.of_payload(digests)),
        (None, None) => return Err(internal(&"access was given to something that is not here")),
    };
    let segment = if access.is_one_sided() { None } else { segment(headers)? };
    let asked = match &grant.digests {
        // Who keeps no log records no segments: it gets the whole, as RFC 9110 (section 14.2) allows.
        Some(_) if access.is_one_sided() => Asked::Whole,
        None if access.is_one_sided() => {
            return Err(Refusal::denied(
                &"answers of this dataset are digested on the way, with a receipt; they are not given to participants that keep no log",
            ));
        }
        Some(known) if source.has_ranges() => range::asked(headers, known)?,
        // Whoever gives no parts overlooks that one was asked for (RFC 9110, section 14.2).
        _ if segment.is_some_and(|n| n > 1) => {
            return Err(Refusal::malformed(
                &"this dataset has no segments: its answers are given whole, each in a transaction of its own",
            ));
        }
        _ => Asked::Whole,
    };
    Ok(Plan {
        source,
        known: grant.digests.clone(),
        resource,
        segment,
        asked,
    })
}

fn segment(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(SEGMENT) else {
        return Ok(None);
    };
    let number = value
        .to_str()
        .ok()
        .filter(|text| !text.starts_with(['+', '0']))
        .and_then(|text| text.parse().ok());
    match number {
        Some(n @ 1..) => Ok(Some(n)),
        _ => Err(Refusal::malformed(&format!(
            "`{SEGMENT}` is {value:?}; expected a number from 1"
        ))),
    }
}

fn not_allowed(why: &NotAllowed) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "not-part-of-the-dataset", why)
}

/// What a consumer is told when the source gives nothing.
#[must_use]
pub fn refused(error: &SourceError) -> Refusal {
    match error {
        SourceError::NotAllowed(why) => not_allowed(why),
        SourceError::Absent(_) => Refusal::new(StatusCode::NOT_FOUND, "source-absent", error),
        SourceError::Changed(_) => {
            tracing::error!(%error, "a published version cannot be given");
            let told = "what was published has changed at its source, and nothing of it is given; ask the provider";
            Refusal::new(StatusCode::BAD_GATEWAY, "source-changed", &told)
        }
        SourceError::Failed(_) => Refusal::new(StatusCode::BAD_GATEWAY, "source-failed", error),
        SourceError::Unknown(_) => Refusal::internal(error),
    }
}
