//! From JSON-LD in any spelling to the model, or the list of what was not understood.
//!
//! Everything unknown is a problem, and one problem refuses the whole policy: a member that is skipped may be the very
//! condition that the other end relies on.

mod constraint;
mod policy;
mod right;
mod rule;

use crate::era::Era;
use crate::policy::Policy;
use crate::problem::{PolicyError, Problem, ProblemKind, Problems, cut, limits, quoted};
use crate::terms::{self, DROPPED, Name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads one policy, as decisions of that era understood it.
pub(crate) fn policy(json: &Value, era: Era) -> Result<Policy, PolicyError> {
    let mut reader = Reader {
        era,
        ..Reader::default()
    };
    reader.measure(json);
    let read = if reader.problems.is_empty() {
        reader.policy(json)
    } else {
        None
    };
    match (Problems::from_found(reader.problems), read) {
        (Some(problems), _) => Err(PolicyError::NotUnderstood(problems)),
        (None, Some(policy)) => Ok(policy),
        (None, None) => Err(PolicyError::NotUnderstood(Problems::one(Problem {
            at: String::new(),
            kind: ProblemKind::WrongShape,
            term: "policy".to_owned(),
            advice: "expected a policy object".to_owned(),
        }))),
    }
}

/// A value and its place.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    at: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The member or item below, its name escaped as RFC 6901 asks.
    fn below(&self, name: &str, value: &'a Value) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self {
            at: format!("{}/{name}", self.at),
            value,
        }
    }

    /// The items of an array; anything else is one item.
    fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.below(&index.to_string(), item))
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// The items of an array or of an `@list`, for the members that may be ordered.
    fn list_items(&self) -> Vec<Self> {
        let items = self.items();
        if let [only] = items.as_slice()
            && let Value::Object(map) = only.value
            && map.len() == 1
            && let Some(list @ Value::Array(_)) = map.get("@list")
        {
            return only.below("@list", list).items();
        }
        items
    }
}

/// Members of an object, by what their names mean.
pub(crate) type Members<'a> = BTreeMap<String, Field<'a>>;

/// Walks a document and collects what it does not understand.
#[derive(Default)]
pub(crate) struct Reader {
    era: Era,
    problems: Vec<Problem>,
    rules: usize,
    constraints: usize,
    /// Constraints once rules are written out; those of duties count with their permission too.
    expanded: usize,
}

/// Characters of a place that are quoted.
const MAX_PLACE: usize = 500;

/// More problems than this are not even counted: the document is refused anyway.
const ENOUGH_PROBLEMS: usize = 1000;

impl Reader {
    fn problem(&mut self, at: &str, kind: ProblemKind, term: &str, advice: impl Into<String>) {
        if self.problems.len() < ENOUGH_PROBLEMS {
            self.problems.push(Problem {
                at: cut(at, MAX_PLACE),
                kind,
                term: quoted(term),
                advice: advice.into(),
            });
        }
    }

    /// Refuses what is too large before anything else looks at it, so that all later recursion is bounded.
    fn measure(&mut self, json: &Value) {
        let (mut values, mut bytes) = (0, 0);
        match measure(json, limits::MAX_DEPTH, &mut values, &mut bytes) {
            Some(what) => self.problem("", ProblemKind::TooLarge, "policy", what),
            None if values > limits::MAX_VALUES => {
                let advice = format!("it has {values} values, at most {} are read", limits::MAX_VALUES);
                self.problem("", ProblemKind::TooLarge, "policy", advice);
            }
            None if bytes > limits::MAX_BYTES => {
                let advice = format!("it has {bytes} bytes of text, at most {} are read", limits::MAX_BYTES);
                self.problem("", ProblemKind::TooLarge, "policy", advice);
            }
            None => {}
        }
    }

    /// The members of an object, each understood and given once. `allowed` are keywords and local names.
    fn members<'a>(&mut self, field: &Field<'a>, map: &'a Map<String, Value>, allowed: &[&str]) -> Members<'a> {
        let mut members = Members::new();
        // In a fixed order, whatever order the map keeps: of two spellings of one name the later is the one to blame.
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        entries.sort_by_key(|(name, _)| *name);
        for (written, value) in entries {
            let member = field.below(written, value);
            let name = match terms::name(written) {
                Name::Note => continue,
                Name::Keyword(keyword) if allowed.contains(&keyword) => keyword.to_owned(),
                Name::Term(local) if allowed.contains(&local.as_str()) => local,
                Name::Term(local) if DROPPED.contains(&local.as_str()) => {
                    self.dropped(&member, &local);
                    continue;
                }
                _ => {
                    let advice = format!("expected one of {}", list(allowed));
                    self.problem(&member.at, ProblemKind::UnknownMember, written, advice);
                    continue;
                }
            };
            if members.contains_key(&name) {
                let advice = "it stands here in two spellings; keep one";
                self.problem(&member.at, ProblemKind::Contradiction, &name, advice);
            }
            members.insert(name, member);
        }
        members
    }

    fn dropped(&mut self, member: &Field<'_>, local: &str) {
        let advice = "the protocol's JSON-LD context does not define it, so a peer may drop it without a word; \
                      say it with constraints, or leave it out";
        self.problem(&member.at, ProblemKind::DroppedByProtocol, local, advice);
    }

    /// The only item, where an array of one stands for its item (expanded JSON-LD).
    fn one<'a>(&mut self, field: &Field<'a>) -> Option<Field<'a>> {
        let items = field.items();
        if let [only] = items.as_slice() {
            return Some(only.clone());
        }
        let advice = format!("expected one value, found {}", items.len());
        self.problem(&field.at, ProblemKind::WrongShape, last_name(&field.at), advice);
        None
    }

    fn object<'a>(&mut self, field: &Field<'a>) -> Option<(Field<'a>, &'a Map<String, Value>)> {
        let field = self.one(field)?;
        if let Value::Object(map) = field.value {
            return Some((field, map));
        }
        self.problem(
            &field.at,
            ProblemKind::WrongShape,
            &shown(field.value),
            "expected an object",
        );
        None
    }

    /// A text, in whatever way JSON-LD wraps one; `types` are the types that an object with `@id` may state.
    fn text(&mut self, field: &Field<'_>, types: &[&str]) -> Option<String> {
        let field = self.one(field)?;
        match field.value {
            Value::String(text) => self.checked(&field.at, text),
            Value::Object(map) => {
                let members = self.members(&field, map, &["@id", "@type", "@value"]);
                if let Some(value) = members.get("@value") {
                    if members.contains_key("@id") {
                        let advice = "either `@id` or `@value`, not both";
                        self.problem(&field.at, ProblemKind::Contradiction, "@value", advice);
                    }
                    if let Some(datatype) = members.get("@type") {
                        self.stated_datatype(datatype, &["string", "anyURI"]);
                    }
                    return self.plain(value);
                }
                if let Some(stated) = members.get("@type") {
                    self.stated_type(stated, types);
                }
                match members.get("@id") {
                    Some(id) => self.plain(id),
                    None => {
                        self.problem(
                            &field.at,
                            ProblemKind::Missing,
                            "@id",
                            "an object here must say which by `@id`",
                        );
                        None
                    }
                }
            }
            other => {
                self.problem(&field.at, ProblemKind::WrongShape, &shown(other), "expected a text");
                None
            }
        }
    }

    fn plain(&mut self, field: &Field<'_>) -> Option<String> {
        match field.value {
            Value::String(text) => self.checked(&field.at, text),
            other => {
                self.problem(&field.at, ProblemKind::WrongShape, &shown(other), "expected a text");
                None
            }
        }
    }

    fn checked(&mut self, at: &str, text: &str) -> Option<String> {
        if text.is_empty() || text.len() > limits::MAX_TEXT || text.chars().any(char::is_control) {
            let advice = format!("expected 1 to {} bytes without control characters", limits::MAX_TEXT);
            self.problem(at, ProblemKind::WrongShape, text, advice);
            return None;
        }
        Some(text.to_owned())
    }

    /// The name of an asset, a party or a policy, known prefixes written out. The protocol's schemas ask for a text and no
    /// more, and connectors use identifiers that are no absolute IRIs; a blank node names nothing outside its document and
    /// is refused.
    fn iri(&mut self, field: &Field<'_>, types: &[&str]) -> Option<String> {
        let text = self.text(field, types)?;
        if text.starts_with("_:") {
            let advice = "a blank node names nothing outside this document; give it an IRI, as `urn:uuid:...`";
            self.problem(&field.at, ProblemKind::WrongShape, &text, advice);
            return None;
        }
        Some(terms::expand(&text))
    }

    /// All names of a member, sorted. A member that is there names something: read as unsaid, an empty one would speak of
    /// every asset or party.
    fn iris(&mut self, field: Option<&Field<'_>>, types: &[&str]) -> Vec<String> {
        let Some(field) = field else { return Vec::new() };
        let items = field.items();
        if items.is_empty() {
            self.empty(field);
        }
        let mut iris: Vec<String> = items.iter().filter_map(|item| self.iri(item, types)).collect();
        iris.sort();
        iris.dedup();
        iris
    }

    /// Says that a member is there and names nothing.
    fn empty(&mut self, field: &Field<'_>) {
        let advice = "it is empty; say what is meant, or leave the member out";
        self.problem(&field.at, ProblemKind::Missing, last_name(&field.at), advice);
    }

    /// Checks that every `@type` given is one of `types`, local names of ODRL, and returns them.
    fn stated_type(&mut self, field: &Field<'_>, types: &[&str]) -> Vec<String> {
        let items = field.items();
        if items.is_empty() {
            self.empty(field);
        }
        let local = |text: &str| terms::odrl_local(text).map(str::to_owned);
        items
            .iter()
            .filter_map(|item| self.stated(item, types, local))
            .collect()
    }

    /// The one datatype of a literal: a local name of XML Schema, which has to be written with a prefix or in full.
    fn stated_datatype(&mut self, field: &Field<'_>, types: &[&str]) -> Option<String> {
        let field = self.one(field)?;
        self.stated(&field, types, |text| {
            terms::expand(text).strip_prefix(terms::XSD).map(str::to_owned)
        })
    }

    fn stated(&mut self, item: &Field<'_>, types: &[&str], local: fn(&str) -> Option<String>) -> Option<String> {
        let text = self.plain(item)?;
        let known = local(&text).filter(|local| types.contains(&local.as_str()));
        if known.is_none() {
            let advice = match types {
                _ if matches!(terms::odrl_local(&text), Some("PartyCollection" | "AssetCollection")) => {
                    "nobody here knows who or what belongs to a collection; name each in a rule of its own, or by a condition"
                        .to_owned()
                }
                [] => "no type belongs here".to_owned(),
                types => format!("expected {}", list(types)),
            };
            self.problem(&item.at, ProblemKind::UnknownType, &text, advice);
        }
        known
    }

    /// The last line of defence for everything that is read into a list: what was not read must have been reported, or a
    /// condition would be gone without a word.
    fn accounted<T>(&mut self, read: Option<T>, field: &Field<'_>) -> Option<T> {
        if read.is_none() && self.problems.is_empty() {
            let advice = "it cannot be read; write it as docs/policies.md shows";
            self.problem(&field.at, ProblemKind::WrongShape, &shown(field.value), advice);
        }
        read
    }
}

/// An absolute IRI as far as policies care: a scheme, something after it, no white space, no blank node.
fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    scheme_ok && !rest.is_empty() && !text.chars().any(|c| c.is_whitespace() || "<>\"{}|\\^`".contains(c))
}

fn measure(value: &Value, depth_left: usize, values: &mut usize, bytes: &mut usize) -> Option<String> {
    *values += 1;
    match value {
        Value::Array(_) | Value::Object(_) if depth_left == 0 => {
            Some(format!("it is nested more than {} levels deep", limits::MAX_DEPTH))
        }
        Value::Array(items) => items
            .iter()
            .find_map(|item| measure(item, depth_left - 1, values, bytes)),
        Value::Object(map) => map.iter().find_map(|(name, member)| {
            *bytes += name.len();
            if name.len() > limits::MAX_NAME {
                return Some(format!(
                    "a member's name has {} bytes, at most {} are read",
                    name.len(),
                    limits::MAX_NAME
                ));
            }
            measure(member, depth_left - 1, values, bytes)
        }),
        Value::String(text) => {
            *bytes += text.len();
            None
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn last_name(at: &str) -> &str {
    at.rsplit('/').next().unwrap_or(at)
}

/// A number as RFC 8785 writes it, so that a document means the same before and after it is put in that form.
fn number_text(number: &serde_json::Number) -> String {
    let bytes = herleid_vocab::json::canonical(&Value::Number(number.clone())).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// A JSON value as it is quoted: texts without their quotation marks, objects and arrays only by kind.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => "[...]".to_owned(),
        Value::Object(_) => "{...}".to_owned(),
        Value::Number(number) => number_text(number),
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}
