//! Reading one JSON object of a message: members by name, each with its place for the error.

use super::id::{Address, Id, IdError, excerpt};
use herleid_vocab::json::JsonError;
use serde_json::{Map, Value};
use std::str::FromStr;

/// Why a message cannot be accepted as it stands. Places are JSON pointers (RFC 6901) into the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, or too much of it.
    #[error("the body cannot be read: {0}")]
    Json(#[from] JsonError),
    /// JSON, but no object.
    #[error("the body is {found}; a protocol message is a JSON object")]
    NotAnObject {
        /// The kind of value found.
        found: &'static str,
    },
    /// No `@context`, or one without the protocol's.
    #[error("`@context` must be an array that contains `https://w3id.org/dspace/2025/1/context.jsonld`")]
    ContextMissing,
    /// `@context` is not an array.
    #[error("`@context` must be an array of context addresses, even for a single one")]
    ContextForm,
    /// A context that could change what names mean.
    #[error(
        "the context `{context}` is not known here: messages are read as plain JSON and no context is fetched; leave it out, \
         or ask for it to be added to the embedded list"
    )]
    ContextUnknown {
        /// The first unknown one, cut short.
        context: String,
    },
    /// `@type` is missing or another one.
    #[error("`{at}/@type` must be `{expected}`, found {found}")]
    Type {
        /// Place of the node.
        at: String,
        /// The type that belongs there.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A required member is not there.
    #[error("`{at}` is missing")]
    Missing {
        /// Place where it should stand.
        at: String,
    },
    /// A member has a value of the wrong kind.
    #[error("`{at}` must be {expected}, found {found}")]
    Form {
        /// Place of the member.
        at: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A member is a text that is no identifier or no address.
    #[error("`{at}`: {source}")]
    Id {
        /// Place of the member.
        at: String,
        /// What is wrong with it.
        source: IdError,
    },
    /// Two members of which exactly one must be there.
    #[error("exactly one of `{one}` and `{other}` must be there, found {found}")]
    ExactlyOne {
        /// The first name.
        one: &'static str,
        /// The second name.
        other: &'static str,
        /// `both` or `neither`.
        found: &'static str,
    },
    /// A rule of the protocol that is about more than one member.
    #[error("`{at}` is not allowed: {why}")]
    NotAllowed {
        /// Place of the member.
        at: String,
        /// The rule.
        why: &'static str,
    },
}

/// The kind of a JSON value, for messages.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// One object of a message and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    members: &'a Map<String, Value>,
    at: String,
}

impl<'a> Node<'a> {
    /// The whole message.
    ///
    /// # Errors
    /// When it is no object.
    pub fn root(value: &'a Value) -> Result<Self, MessageError> {
        match value {
            Value::Object(members) => Ok(Self {
                members,
                at: String::new(),
            }),
            other => Err(MessageError::NotAnObject { found: kind_of(other) }),
        }
    }

    /// `value`, which stands at `at`, as an object.
    ///
    /// # Errors
    /// When it is no object.
    pub fn at(value: &'a Value, at: String) -> Result<Self, MessageError> {
        match value {
            Value::Object(members) => Ok(Self { members, at }),
            other => Err(wrong(at, "an object", other)),
        }
    }

    /// Where the member `name` stands: a JSON pointer.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    /// The object's members.
    #[must_use]
    pub fn members(&self) -> &'a Map<String, Value> {
        self.members
    }

    /// The member `name`, if there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    /// Checks `@type`.
    ///
    /// # Errors
    /// When it is missing or another one.
    pub fn typed(&self, expected: &'static str) -> Result<(), MessageError> {
        let found = match self.get("@type") {
            Some(Value::String(found)) if found == expected => return Ok(()),
            Some(Value::String(found)) => format!("`{}`", excerpt(found)),
            Some(other) => kind_of(other).to_owned(),
            None => "nothing".to_owned(),
        };
        Err(MessageError::Type {
            at: self.at.clone(),
            expected,
            found,
        })
    }

    /// Checks `@type` only if it is there (nodes whose schema does not require it).
    ///
    /// # Errors
    /// When it is another one.
    pub fn typed_if_there(&self, expected: &'static str) -> Result<(), MessageError> {
        match self.get("@type") {
            None => Ok(()),
            Some(_) => self.typed(expected),
        }
    }

    /// A required member of any kind.
    ///
    /// # Errors
    /// When it is missing.
    pub fn require(&self, name: &str) -> Result<&'a Value, MessageError> {
        self.get(name)
            .ok_or_else(|| MessageError::Missing { at: self.place(name) })
    }

    /// A required text.
    ///
    /// # Errors
    /// When it is missing or no string.
    pub fn text(&self, name: &str) -> Result<&'a str, MessageError> {
        match self.require(name)? {
            Value::String(text) => Ok(text),
            other => Err(wrong(self.place(name), "a string", other)),
        }
    }

    /// An optional text.
    ///
    /// # Errors
    /// When it is there and no string.
    pub fn text_if_there(&self, name: &str) -> Result<Option<&'a str>, MessageError> {
        self.get(name).map(|_| self.text(name)).transpose()
    }

    fn parsed<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<T, MessageError> {
        self.text(name)?.parse().map_err(|source| MessageError::Id {
            at: self.place(name),
            source,
        })
    }

    /// A required identifier.
    ///
    /// # Errors
    /// When it is missing or no identifier.
    pub fn id(&self, name: &str) -> Result<Id, MessageError> {
        self.parsed(name)
    }

    /// An optional identifier.
    ///
    /// # Errors
    /// When it is there and no identifier.
    pub fn id_if_there(&self, name: &str) -> Result<Option<Id>, MessageError> {
        self.get(name).map(|_| self.parsed(name)).transpose()
    }

    /// A required address.
    ///
    /// # Errors
    /// When it is missing or no address.
    pub fn address(&self, name: &str) -> Result<Address, MessageError> {
        self.parsed(name)
    }

    /// An optional address.
    ///
    /// # Errors
    /// When it is there and no address.
    pub fn address_if_there(&self, name: &str) -> Result<Option<Address>, MessageError> {
        self.get(name).map(|_| self.parsed(name)).transpose()
    }

    /// An optional array; with `at_least_one`, an empty one is refused (schemas: `minItems: 1`).
    ///
    /// # Errors
    /// When it is there and no array, or empty against the rule.
    pub fn array_if_there(&self, name: &str, at_least_one: bool) -> Result<Option<&'a [Value]>, MessageError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) if items.is_empty() && at_least_one => Err(MessageError::Form {
                at: self.place(name),
                expected: "an array with at least one item, or left out",
                found: "an empty array".to_owned(),
            }),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong(self.place(name), "an array", other)),
        }
    }

    /// A required object.
    ///
    /// # Errors
    /// When it is missing or no object.
    pub fn child(&self, name: &str) -> Result<Node<'a>, MessageError> {
        Node::at(self.require(name)?, self.place(name))
    }

    /// The objects of an optional array.
    ///
    /// # Errors
    /// As [`Node::array_if_there`], and when an item is no object.
    pub fn children(&self, name: &str, at_least_one: bool) -> Result<Vec<Node<'a>>, MessageError> {
        let items = self.array_if_there(name, at_least_one)?.unwrap_or_default();
        let place = self.place(name);
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Node::at(item, format!("{place}/{index}")))
            .collect()
    }

    /// Refuses a member that must not be here.
    ///
    /// # Errors
    /// When it is there.
    pub fn without(&self, name: &str, why: &'static str) -> Result<(), MessageError> {
        match self.get(name) {
            None => Ok(()),
            Some(_) => Err(MessageError::NotAllowed {
                at: self.place(name),
                why,
            }),
        }
    }

    /// An error at the member `name`.
    #[must_use]
    pub fn form(&self, name: &str, expected: &'static str) -> MessageError {
        let found = self.get(name);
        MessageError::Form {
            at: self.place(name),
            expected,
            found: match found {
                Some(Value::String(text)) => format!("`{}`", excerpt(text)),
                Some(other) => kind_of(other).to_owned(),
                None => "nothing".to_owned(),
            },
        }
    }
}

fn wrong(at: String, expected: &'static str, found: &Value) -> MessageError {
    MessageError::Form {
        at,
        expected,
        found: kind_of(found).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_say_where() {
        let value = json!({"a": {"b/c": 1, "list": [{}, 2], "empty": []}, "id": "x y"});
        let root = Node::root(&value).unwrap();
        let a = root.child("a").unwrap();
        assert_eq!(
            a.text("b/c").unwrap_err().to_string(),
            "`/a/b~1c` must be a string, found a number"
        );
        assert_eq!(a.text("d").unwrap_err().to_string(), "`/a/d` is missing");
        assert_eq!(
            a.children("list", false).unwrap_err().to_string(),
            "`/a/list/1` must be an object, found a number"
        );
        assert!(a.children("empty", true).is_err());
        assert!(a.children("empty", false).unwrap().is_empty());
        assert!(root.id("id").unwrap_err().to_string().contains("has a space"));
        assert_eq!(
            Node::root(&json!([])).unwrap_err().to_string(),
            "the body is an array; a protocol message is a JSON object"
        );
    }
}
