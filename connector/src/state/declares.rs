//! What somebody says of its own use, and nobody can check: *declared*.

use serde::{Deserialize, Serialize};

/// What is said with a request: each an IRI, each recorded as it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Declares {
    /// What for.
    pub purpose: Option<String>,
    /// Why it is lawful.
    pub legal_basis: Option<String>,
    /// For which area.
    pub area_of_use: Option<String>,
}

/// As it is kept: a purpose alone as versions wrote it that knew nothing else.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Purpose(Option<String>),
    All(All),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    purpose: Option<String>,
    legal_basis: Option<String>,
    area_of_use: Option<String>,
}

impl From<Kept> for Declares {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Purpose(purpose) => Self::purpose(purpose),
            Kept::All(All {
                purpose,
                legal_basis,
                area_of_use,
            }) => Self {
                purpose,
                legal_basis,
                area_of_use,
            },
        }
    }
}

impl From<Declares> for Kept {
    fn from(declares: Declares) -> Self {
        match declares {
            Declares {
                purpose,
                legal_basis: None,
                area_of_use: None,
            } => Self::Purpose(purpose),
            Declares {
                purpose,
                legal_basis,
                area_of_use,
            } => Self::All(All {
                purpose,
                legal_basis,
                area_of_use,
            }),
        }
    }
}

impl Declares {
    /// A purpose, or nothing.
    #[must_use]
    pub fn purpose(purpose: Option<String>) -> Self {
        Self {
            purpose,
            ..Self::default()
        }
    }

    /// What counts now: all that is said here, or where nothing is, all that was said `before`. Never something of both: what was said of one
    /// purpose is not said of another.
    #[must_use]
    pub fn or(&self, before: &Self) -> Self {
        if *self == Self::default() { before } else { self }.clone()
    }

    /// A text that differs where what is said does; of a purpose alone it is the purpose.
    #[must_use]
    pub fn key(&self) -> String {
        let purpose = self.purpose.clone().unwrap_or_default();
        match (&self.legal_basis, &self.area_of_use) {
            (None, None) => purpose,
            (basis, area) => serde_json::json!([purpose, basis, area]).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_purpose_alone_is_kept_as_ever_and_what_was_kept_is_read() {
        let purpose = Declares::purpose(Some("urn:p".to_owned()));
        let all = Declares {
            legal_basis: Some("urn:b".to_owned()),
            ..purpose.clone()
        };
        for (declares, kept) in [
            (Declares::default(), json!(null)),
            (purpose.clone(), json!("urn:p")),
            (
                all.clone(),
                json!({"purpose": "urn:p", "legal_basis": "urn:b", "area_of_use": null}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&declares).unwrap(), kept);
            assert_eq!(serde_json::from_value::<Declares>(kept).unwrap(), declares);
        }
        // What is misspelt must not be read as nothing declared.
        assert!(serde_json::from_value::<Declares>(json!({"purpos": "urn:p"})).is_err());
        assert_eq!(purpose.key(), "urn:p");
        assert_ne!(all.key(), purpose.key());
        let later = Declares {
            area_of_use: Some("urn:a".to_owned()),
            ..Declares::default()
        };
        // What was said of one purpose is not said of another.
        assert_eq!(later.or(&all), later);
        let other = Declares::purpose(Some("urn:q".to_owned()));
        assert_eq!(other.or(&all), other);
        assert_eq!(Declares::default().or(&all), all);
    }
}
