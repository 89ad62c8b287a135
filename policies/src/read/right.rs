//! Right operands, read as their left operand requires.

use super::{Field, Reader, is_iri, number_text, shown};
use crate::amount::Amount;
use crate::basis;
use crate::model::Right;
use crate::moment::Moment;
use crate::operand::{LOG_KEPT, LOG_NONE, Operand, Operator};
use crate::problem::{ProblemKind, limits};
use crate::terms::{self, XSD};
use herleid_vocab::did::Did;
use serde_json::Value;

/// A literal or an IRI.
struct Literal {
    text: String,
    /// Local name of an XML Schema datatype; `None` for a plain text, `@id` for an IRI.
    datatype: Option<String>,
}

/// Datatypes that a literal may state.
const DATATYPES: [&str; 10] = [
    "string",
    "anyURI",
    "dateTime",
    "date",
    "integer",
    "nonNegativeInteger",
    "positiveInteger",
    "int",
    "long",
    "decimal",
];

impl Reader {
    pub(super) fn right(&mut self, field: &Field<'_>, operand: Operand, operator: Operator) -> Option<Right> {
        let items = field.list_items();
        let most = if operator.takes_many() {
            limits::MAX_RIGHT_VALUES
        } else {
            1
        };
        if items.is_empty() || items.len() > most {
            let advice = format!("`{}` takes 1 to {most} values, found {}", operator.name(), items.len());
            self.problem(&field.at, ProblemKind::RightOperand, "rightOperand", advice);
            return None;
        }
        let mut iris = Vec::new();
        let mut single = None;
        for item in &items {
            let literal = self.literal(item)?;
            match typed(operand, &literal) {
                Ok(Right::Iris(found)) => iris.extend(found),
                Ok(other) => single = Some(other),
                Err(advice) => {
                    self.problem(&item.at, ProblemKind::RightOperand, &literal.text, advice);
                    return None;
                }
            }
        }
        iris.sort();
        iris.dedup();
        single.or_else(|| (!iris.is_empty()).then_some(Right::Iris(iris)))
    }

    fn literal(&mut self, field: &Field<'_>) -> Option<Literal> {
        match field.value {
            Value::String(_) => Some(Literal {
                text: self.plain(field)?,
                datatype: None,
            }),
            Value::Number(number) => {
                let text = number_text(number);
                let whole = text.bytes().all(|b| b.is_ascii_digit());
                let datatype = Some(if whole { "integer" } else { "other" }.to_owned());
                Some(Literal { text, datatype })
            }
            Value::Bool(_) => Some(Literal {
                text: field.value.to_string(),
                datatype: Some("other".to_owned()),
            }),
            Value::Object(map) => {
                let members = self.members(field, map, &["@id", "@value", "@type"]);
                match (members.get("@id"), members.get("@value")) {
                    (Some(id), None) if !members.contains_key("@type") => Some(Literal {
                        text: self.plain(id)?,
                        datatype: Some("@id".to_owned()),
                    }),
                    (None, Some(value)) => {
                        let mut literal = self.literal_value(value)?;
                        if let Some(stated) = members.get("@type") {
                            literal.datatype = Some(self.stated_datatype(stated, &DATATYPES)?);
                        }
                        Some(literal)
                    }
                    _ => {
                        let advice = "expected `@id`, or `@value` with or without `@type`";
                        self.problem(&field.at, ProblemKind::WrongShape, "rightOperand", advice);
                        None
                    }
                }
            }
            other => {
                let advice = "expected a text, a number, an IRI or a typed value";
                self.problem(&field.at, ProblemKind::WrongShape, &shown(other), advice);
                None
            }
        }
    }

    fn literal_value(&mut self, field: &Field<'_>) -> Option<Literal> {
        match field.value {
            Value::Object(_) | Value::Array(_) | Value::Null => {
                self.problem(
                    &field.at,
                    ProblemKind::WrongShape,
                    &shown(field.value),
                    "expected a text or a number",
                );
                None
            }
            _ => self.literal(field),
        }
    }
}

/// Reads a literal as a value of `operand`, or says what was expected.
fn typed(operand: Operand, literal: &Literal) -> Result<Right, String> {
    let datatype = literal.datatype.as_deref();
    let text = literal.text.as_str();
    match operand {
        Operand::DateTime => {
            let moment = Moment::parse(text)?;
            match datatype {
                None => Ok(Right::Moment(moment)),
                Some("dateTime") if !moment.is_day() => Ok(Right::Moment(moment)),
                Some("date") if moment.is_day() => Ok(Right::Moment(moment)),
                Some(_) => Err(format!("expected a plain text, `{XSD}dateTime` or `{XSD}date`")),
            }
        }
        Operand::Purpose => match datatype {
            None | Some("@id" | "anyURI" | "string") if is_iri(text) => Ok(Right::Iris(vec![terms::expand(text)])),
            _ => Err("expected the IRI of a purpose, as `https://w3id.org/dpv#PublicBenefit`".to_owned()),
        },
        Operand::Recipient => match (datatype, text.parse::<Did>()) {
            (None | Some("@id" | "anyURI" | "string"), Ok(did)) => Ok(Right::Iris(vec![did.to_string()])),
            (_, Err(why)) => Err(why.to_string()),
            _ => Err("expected the DID of a participant".to_owned()),
        },
        Operand::CounterpartyLog => match (datatype, text) {
            (None | Some("@id" | "anyURI" | "string"), LOG_KEPT | LOG_NONE) => Ok(Right::Iris(vec![text.to_owned()])),
            _ => Err(format!("expected `{LOG_KEPT}` or `{LOG_NONE}`")),
        },
        Operand::LegalBasis => match datatype {
            None | Some("@id" | "anyURI" | "string") if is_iri(text) => Ok(Right::Iris(vec![basis::expand(text)])),
            _ => Err(
                "expected the IRI of a legal basis, as `https://w3id.org/herleid/legal-basis#PubliekeTaak`, or of a law, as \
                 `https://wetten.overheid.nl/jci1.3:c:BWBR0037885&artikel=5.1`"
                    .to_owned(),
            ),
        },
        Operand::Spatial | Operand::AreaOfUse => match datatype {
            None | Some("@id" | "anyURI" | "string") if is_iri(text) => Ok(Right::Iris(vec![text.to_owned()])),
            _ => Err(
                "expected the IRI of an area, as `https://identifier.overheid.nl/tooi/id/gemeente/gm0718`".to_owned(),
            ),
        },
        Operand::PayAmount => {
            // A number of JSON with a point is one of binary fractions for whoever reads it next: `0.1` is not one tenth there.
            let is_exact = matches!(
                datatype,
                None | Some("decimal" | "integer" | "nonNegativeInteger" | "positiveInteger")
            );
            match text.parse::<Amount>() {
                Ok(amount) if is_exact => Ok(Right::Amount(amount)),
                Ok(_) => Err(format!(
                    "expected the amount as a text, so that every reader has all its digits: `\"{text}\"`"
                )),
                Err(why) => Err(why.to_string()),
            }
        }
        Operand::Count | Operand::Volume => {
            const MAX_COUNT: u64 = herleid_vocab::json::MAX_INTEGER;
            let whole = matches!(
                datatype,
                None | Some("integer" | "nonNegativeInteger" | "positiveInteger" | "int" | "long")
            );
            let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            match text.parse::<u64>() {
                Ok(limit) if whole && plain && limit <= MAX_COUNT => Ok(Right::Count(limit)),
                _ => Err("expected a whole number from 0, without sign or leading zeros".to_owned()),
            }
        }
    }
}
