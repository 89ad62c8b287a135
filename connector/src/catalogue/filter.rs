//! What may be asked of a catalogue: the `filter` of a catalogue request (catalog protocol, "Catalog Request Message"), which the protocol
//! leaves to each provider.
//!
//! Each item of the array is an object with exactly one member, and all items must fit:
//! `{"text": "rain vlissingen"}`, `{"theme": "ENVI"}`, `{"keyword": "rain"}`, `{"publisher": "KNMI"}`, `{"format": "HttpData-PULL"}`,
//! `{"id": "rain"}`, `{"kind": "model"}`, `{"bbox": [w, s, e, n]}`, `{"temporal": {"start": "2020-06-17", "end": "2020-06-18"}}`.
//! What EDC sends, a `QuerySpec`, is understood as far as offset, limit and equality of the identifier go.

use super::Describer;
use super::complete::is_bbox;
use super::entries::Entry;
use super::fold::{self, Word};
use super::metadata::Said;
use super::moments::instant_ms;
use super::words::{ACCESS_RIGHTS, THEMES};
use crate::dsp::catalog::ResourceKind;
use serde_json::{Map, Value, json};

/// Most items of a filter: each costs a look at each dataset.
const MAX_ITEMS: usize = 16;
/// Longest text of an item.
const MAX_CHARS: usize = 500;
/// Longest filter as JSON, as it is understood: it has to fit into the links of pages, and those into the headers that others read.
pub(super) const FILTER_BYTES: usize = 4_096;
/// Most different words of an item: each costs a look through each text.
const MAX_WORDS: usize = 32;
/// What is understood, for an error.
const UNDERSTOOD: &str = "`text`, `theme`, `keyword`, `publisher`, `format`, `id`, `kind`, `bbox` and `temporal`";

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A member that is not understood.
    #[error("the filter `{found}` is not supported here: {UNDERSTOOD} are")]
    Unknown {
        /// What was found.
        found: String,
    },
    /// Not the shape of a filter.
    #[error("item {item} of the filter: expected {expected}")]
    Form {
        /// Which item, from 1.
        item: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// Too many.
    #[error("the filter has {found} items; at most {MAX_ITEMS} are understood")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// Too long.
    #[error("the filter has {bytes} bytes; at most {FILTER_BYTES} are understood, in all its items together")]
    TooLong {
        /// How long, without what was passed over.
        bytes: usize,
    },
}

/// One thing that must fit.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// These words, in title, description, keywords or publisher.
    Text(Vec<Word>),
    /// This theme.
    Theme(String),
    /// This keyword.
    Keyword(Vec<Word>),
    /// This publisher, by name or IRI.
    Publisher(Vec<Word>, String),
    /// In this format, or of this media type.
    Format(String),
    /// This identifier.
    Id(String),
    /// A dataset, or a model service.
    Kind(ResourceKind),
    /// Overlapping this box: west, south, east, north.
    Bbox([f64; 4]),
    /// Overlapping this period, in milliseconds since 1970.
    Temporal(Option<i64>, Option<i64>),
    /// What follows so many (EDC).
    Offset(usize),
    /// At most so many on a page (EDC).
    Limit(usize),
}

/// What a dataset or model service is found by.
pub(super) struct Facets {
    kind: ResourceKind,
    pub(super) is_public: bool,
    text: String,
    pub(super) themes: Vec<String>,
    keywords: Vec<String>,
    publisher: (String, String),
    formats: Vec<String>,
    bbox: Option<[f64; 4]>,
    period: Option<(Option<i64>, Option<i64>)>,
}

impl Facets {
    pub(super) fn of(entry: &Entry, describer: &Describer) -> Self {
        let metadata = entry.metadata();
        let publisher = describer.publisher_of(&metadata);
        let name = publisher.map_or("", |p| p.name.as_str());
        let said = [&metadata.title, &metadata.description, &metadata.provenance];
        let said: Vec<(String, String)> = said
            .into_iter()
            .flatten()
            .flat_map(|said| Said::texts(said, ""))
            .collect();
        let texts = said.iter().map(|(_, text)| text.as_str());
        let texts = texts
            .chain(metadata.keyword.iter().map(String::as_str))
            .chain([name, entry.id()]);
        let rights = metadata
            .access_rights
            .as_deref()
            .or(describer.defaults.access_rights.as_deref());
        let themes = if metadata.theme.is_empty() {
            &describer.defaults.theme
        } else {
            &metadata.theme
        };
        let mut formats: Vec<String> = entry.formats(describer.push).into_iter().map(str::to_owned).collect();
        if let Entry::Dataset(v) = entry {
            formats.push(v.media_type.clone());
        }
        Self {
            kind: entry.kind(),
            is_public: rights
                .and_then(|r| ACCESS_RIGHTS.find(r))
                .is_some_and(|r| r.word == "public"),
            text: fold::folded(texts),
            themes: themes.iter().map(|theme| theme_key(theme)).collect(),
            keywords: metadata
                .keyword
                .iter()
                .map(|k| fold::folded(std::iter::once(k.as_str())))
                .collect(),
            publisher: (fold::folded(std::iter::once(name)), describer.agent_iri(publisher)),
            formats,
            bbox: metadata.spatial.as_ref().and_then(|s| s.bbox),
            period: metadata.temporal.as_ref().map(|t| {
                let start = t.start.as_deref().and_then(|s| instant_ms(s, false));
                (start, t.end.as_deref().and_then(|e| instant_ms(e, true)))
            }),
        }
    }
}

/// A theme by its word, however it was given.
fn theme_key(written: &str) -> String {
    let found = THEMES.find(written).or_else(|| THEMES.of_iri(written));
    found.map_or_else(|| written.to_owned(), |word| word.word.to_owned())
}

impl Filter {
    /// Reads the `filter` of a request; gives it also as it was understood, without what was passed over, for the links of its pages.
    ///
    /// # Errors
    /// Names what is not supported.
    pub fn read(items: &[Value]) -> Result<(Vec<Self>, Vec<Value>), FilterError> {
        limited(items.len())?;
        let (mut all, mut normal) = (Vec::new(), Vec::new());
        for (n, item) in items.iter().enumerate() {
            let form = |expected| FilterError::Form { item: n + 1, expected };
            let object = item.as_object().ok_or_else(|| form("an object with one member"))?;
            if is_query_spec(object) {
                query_spec(object, &form, &mut all, &mut normal)?;
                continue;
            }
            let mut members = object.iter();
            match (members.next(), members.next()) {
                (Some((name, value)), None) => {
                    all.push(Self::one(name, value, &form)?);
                    normal.push(item.clone());
                }
                _ => return Err(form("an object with one member; several conditions are several items")),
            }
        }
        limited(normal.len())?;
        let bytes = serde_json::to_string(&normal).map_or(usize::MAX, |text| text.len());
        if bytes > FILTER_BYTES {
            return Err(FilterError::TooLong { bytes });
        }
        Ok((all, normal))
    }

    fn one(name: &str, value: &Value, form: &impl Fn(&'static str) -> FilterError) -> Result<Self, FilterError> {
        let text = || {
            let text = value.as_str().filter(|t| is_text(t));
            text.ok_or_else(|| form("a text that is not empty, of at most 500 characters"))
        };
        let distinct = || {
            let mut words: Vec<Word> = Vec::new();
            for word in fold::words(text()?) {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            (words.len() <= MAX_WORDS)
                .then_some(words)
                .ok_or_else(|| form("at most 32 different words"))
        };
        let words = || {
            let words = distinct()?;
            (!words.is_empty()).then_some(words).ok_or_else(|| form("words"))
        };
        Ok(match name {
            "text" => Self::Text(words()?),
            "theme" => Self::Theme(theme_key(text()?)),
            "keyword" => Self::Keyword(words()?),
            "publisher" => Self::Publisher(distinct()?, text()?.to_owned()),
            "format" => Self::Format(text()?.to_owned()),
            "id" => Self::Id(text()?.to_owned()),
            "kind" => Self::Kind(match text()? {
                "dataset" => ResourceKind::Dataset,
                "model" => ResourceKind::ModelService,
                _ => return Err(form("`dataset` or `model`")),
            }),
            "bbox" => Self::Bbox(bbox(value).ok_or_else(|| {
                form("`bbox` as [west, south, east, north] in degrees, west of east and south of north")
            })?),
            "temporal" => temporal(value).ok_or_else(|| {
                form("`temporal` as {\"start\": ..., \"end\": ...}, each a day or a moment, one of them at least")
            })?,
            other => {
                return Err(FilterError::Unknown {
                    found: crate::dsp::id::excerpt(other),
                });
            }
        })
    }

    /// Whether it fits.
    pub(super) fn fits(&self, id: &str, facets: &Facets) -> bool {
        match self {
            Self::Text(words) => fold::holds(&facets.text, words),
            Self::Theme(theme) => facets.themes.contains(theme),
            Self::Keyword(words) => facets.keywords.iter().any(|k| fold::holds(k, words)),
            Self::Publisher(words, iri) => {
                facets.publisher.1 == *iri || (!words.is_empty() && fold::holds(&facets.publisher.0, words))
            }
            Self::Format(format) => facets.formats.iter().any(|f| f.eq_ignore_ascii_case(format)),
            Self::Id(wanted) => id == wanted,
            Self::Kind(kind) => facets.kind == *kind,
            Self::Bbox([west, south, east, north]) => facets
                .bbox
                .is_some_and(|[w, s, e, n]| w <= *east && e >= *west && s <= *north && n >= *south),
            Self::Temporal(start, end) => facets.period.is_some_and(|(first, last)| {
                let begins_before_end = first.zip(*end).is_none_or(|(first, end)| first <= end);
                begins_before_end && last.zip(*start).is_none_or(|(last, start)| last >= start)
            }),
            Self::Offset(_) | Self::Limit(_) => true,
        }
    }
}

fn limited(found: usize) -> Result<(), FilterError> {
    if found > MAX_ITEMS {
        return Err(FilterError::TooMany { found });
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    // A character has at most four bytes: a long text need not be counted.
    text.len() <= 4 * MAX_CHARS && !text.trim().is_empty() && text.chars().count() <= MAX_CHARS
}

fn bbox(value: &Value) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = value.as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
    let bbox: [f64; 4] = numbers.try_into().ok()?;
    is_bbox(bbox).then_some(bbox)
}

fn temporal(value: &Value) -> Option<Filter> {
    let members = value.as_object()?;
    if members.is_empty() || members.keys().any(|name| name != "start" && name != "end") {
        return None;
    }
    let end = |name: &str, last: bool| match members.get(name) {
        None => Some(None),
        Some(value) => instant_ms(value.as_str()?, last).map(Some),
    };
    let (start, end) = (end("start", false)?, end("end", true)?);
    (start.zip(end).is_none_or(|(start, end)| start <= end)).then_some(Filter::Temporal(start, end))
}

/// The last part of a name that may be an IRI or have a prefix.
fn local(name: &str) -> &str {
    name.rsplit(['/', '#', ':']).next().unwrap_or(name)
}

fn is_query_spec(object: &Map<String, Value>) -> bool {
    let named = |value: &Value| value.as_str().is_some_and(|t| local(t) == "QuerySpec");
    match object.get("@type") {
        Some(Value::Array(types)) => types.iter().any(named),
        Some(one) => named(one),
        None => false,
    }
}

/// EDC's `QuerySpec`: offset, limit, and equality of the identifier; a wish for an order is no wish for other datasets.
fn query_spec(
    object: &Map<String, Value>,
    form: &impl Fn(&'static str) -> FilterError,
    all: &mut Vec<Filter>,
    normal: &mut Vec<Value>,
) -> Result<(), FilterError> {
    let (mut offset, mut limit) = (None, None);
    for (name, value) in object {
        let value = value.get("@value").unwrap_or(value);
        let number = || {
            let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
            number.ok_or_else(|| form("`offset` and `limit` as whole numbers"))
        };
        match local(name) {
            "@type" | "@id" | "type" | "sortOrder" | "sortField" => {}
            "offset" => offset = offset.max(Some(number()?)),
            "limit" => limit = Some(number()?.max(1).min(limit.unwrap_or(usize::MAX))),
            "filterExpression" => {
                let criteria = match value {
                    Value::Array(criteria) => criteria.as_slice(),
                    one => std::slice::from_ref(one),
                };
                // Each is looked at like an item.
                limited(criteria.len() + normal.len())?;
                for criterion in criteria {
                    let id = equal_id(criterion, form)?;
                    normal.push(json!({"id": id}));
                    all.push(Filter::Id(id));
                }
            }
            other => {
                return Err(FilterError::Unknown {
                    found: format!("QuerySpec with {}", crate::dsp::id::excerpt(other)),
                });
            }
        }
    }
    let mut window = Map::new();
    for (name, number) in [("offset", offset), ("limit", limit)] {
        if let Some(number) = number {
            window.insert(name.to_owned(), json!(number));
        }
    }
    if !window.is_empty() {
        window.insert("@type".to_owned(), json!("QuerySpec"));
        normal.push(Value::Object(window));
    }
    all.extend(offset.map(Filter::Offset));
    all.extend(limit.map(Filter::Limit));
    Ok(())
}

fn equal_id(criterion: &Value, form: &impl Fn(&'static str) -> FilterError) -> Result<String, FilterError> {
    let unknown = || FilterError::Unknown {
        found: crate::dsp::id::excerpt(&criterion.to_string()),
    };
    let members = criterion.as_object().ok_or_else(unknown)?;
    let text = |wanted: &str| {
        let (_, value) = members.iter().find(|(name, _)| local(name) == wanted)?;
        value.get("@value").unwrap_or(value).as_str()
    };
    match (text("operandLeft").map(local), text("operator"), text("operandRight")) {
        (Some("id"), Some("="), Some(id)) if is_text(id) => Ok(id.to_owned()),
        (Some("id"), Some("="), Some(_)) => Err(form("an identifier of at most 500 characters")),
        _ => Err(unknown()),
    }
}
