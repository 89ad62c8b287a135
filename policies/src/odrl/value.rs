//! Values that are compared, and which left operand has which.

use super::graph::Term;
use super::number::{Decimal, Duration};
use crate::moment::Moment;
use crate::terms::{XSD, expand};
use herleid_vocab::terms::ODRL;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An instant or a day.
    Moment(Moment),
    /// A length of time.
    Duration(Duration),
    /// A number.
    Number(Decimal),
    /// An IRI or a text: equal or not, and no more.
    Name(String),
}

/// What kind of values a left operand has (Common Vocabulary, section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Moment,
    Duration,
    Number,
    Name,
    /// An event: before, during or after it.
    Event,
    /// Whatever the right operand is: positions may be times, lengths or parts.
    Any,
}

/// The 34 left operands of ODRL 2.2.
const OPERANDS: [(&str, Kind); 34] = [
    ("absolutePosition", Kind::Any),
    ("absoluteSize", Kind::Number),
    ("absoluteSpatialPosition", Kind::Any),
    ("absoluteTemporalPosition", Kind::Any),
    ("count", Kind::Number),
    ("dateTime", Kind::Moment),
    ("delayPeriod", Kind::Duration),
    ("deliveryChannel", Kind::Name),
    ("device", Kind::Name),
    ("elapsedTime", Kind::Duration),
    ("event", Kind::Event),
    ("fileFormat", Kind::Name),
    ("industry", Kind::Name),
    ("language", Kind::Name),
    ("media", Kind::Name),
    ("meteredTime", Kind::Duration),
    ("payAmount", Kind::Number),
    ("percentage", Kind::Number),
    ("product", Kind::Name),
    ("purpose", Kind::Name),
    ("recipient", Kind::Name),
    ("relativePosition", Kind::Any),
    ("relativeSize", Kind::Number),
    ("relativeSpatialPosition", Kind::Any),
    ("relativeTemporalPosition", Kind::Any),
    ("resolution", Kind::Number),
    ("spatial", Kind::Name),
    ("spatialCoordinates", Kind::Name),
    ("system", Kind::Name),
    ("systemDevice", Kind::Name),
    ("timeInterval", Kind::Duration),
    ("unitOfCount", Kind::Name),
    ("version", Kind::Any),
    ("virtualLocation", Kind::Name),
];

impl Kind {
    /// Of an operand of ODRL, by its full IRI; `None` for any other.
    pub(crate) fn of(operand: &str) -> Option<Self> {
        let local = operand.strip_prefix(ODRL)?;
        OPERANDS.iter().find(|(name, _)| *name == local).map(|(_, kind)| *kind)
    }
}

impl Value {
    /// Reads an object of a triple as a value of this kind.
    pub(crate) fn read(kind: Kind, term: &Term, stated: Option<&str>) -> Result<Self, &'static str> {
        let (text, datatype) = match term {
            Term::Node(iri) => {
                return match kind {
                    Kind::Name | Kind::Event | Kind::Any => Ok(Self::Name(iri.clone())),
                    _ => Err("expected a literal"),
                };
            }
            Term::Literal { text, datatype } => (text.as_str(), datatype.as_deref().or(stated)),
        };
        let local = match datatype {
            None => None,
            Some(iri) => Some(iri.strip_prefix(XSD).ok_or("expected a datatype of XML Schema")?),
        };
        let moment = || {
            let moment = Moment::parse(text)?;
            match local {
                Some("date") if !moment.is_day() => Err("expected a day, as `xsd:date` says"),
                Some("dateTime" | "dateTimeStamp") if moment.is_day() => Err("expected a time, as `xsd:dateTime` says"),
                _ => Ok(Self::Moment(moment)),
            }
        };
        match (kind, local) {
            (Kind::Moment, None | Some("date" | "dateTime" | "dateTimeStamp")) => moment(),
            (Kind::Any, Some("date" | "dateTime" | "dateTimeStamp")) => moment(),
            (Kind::Duration, None) => Duration::parse(text).map(Self::Duration),
            (Kind::Duration | Kind::Any, Some("duration" | "dayTimeDuration" | "yearMonthDuration")) => {
                Duration::parse(text).map(Self::Duration)
            }
            (Kind::Number, None) => Decimal::parse(text).map(Self::Number),
            (Kind::Number | Kind::Any, Some(numeric)) if NUMERIC.contains(&numeric) => {
                Decimal::parse(text).map(Self::Number)
            }
            (Kind::Name | Kind::Any, None | Some("anyURI" | "string" | "token" | "language")) => {
                Ok(Self::Name(expand(text)))
            }
            (Kind::Event, None | Some("anyURI")) => Ok(Self::Name(expand(text))),
            _ => Err("its datatype is none that this left operand has"),
        }
    }
}

/// Datatypes whose values are decimal numbers.
const NUMERIC: [&str; 14] = [
    "decimal",
    "integer",
    "nonNegativeInteger",
    "positiveInteger",
    "nonPositiveInteger",
    "negativeInteger",
    "int",
    "long",
    "short",
    "byte",
    "unsignedInt",
    "unsignedLong",
    "double",
    "float",
];

/// A value with its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The value.
    pub value: Value,
    /// Full IRI of the unit. Units are never converted: another one than the policy's leaves the answer unknown.
    pub unit: Option<String>,
}

impl Quantity {
    /// Reads an object of a triple as a value of a left operand, given in any spelling.
    ///
    /// # Errors
    /// Says what is expected.
    pub fn read(operand: &str, term: &Term, unit: Option<&str>) -> Result<Self, &'static str> {
        let kind = Kind::of(&super::world::operand_iri(operand)).unwrap_or(Kind::Any);
        Ok(Self {
            value: Value::read(kind, term, None)?,
            unit: unit.map(str::to_owned),
        })
    }

    /// A value without a unit.
    #[must_use]
    pub fn plain(value: Value) -> Self {
        Self { value, unit: None }
    }

    /// A number with a unit.
    #[must_use]
    pub fn number(number: Decimal, unit: Option<&str>) -> Self {
        Self {
            value: Value::Number(number),
            unit: unit.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_34_operands_have_a_kind() {
        let mut names: Vec<&str> = OPERANDS.iter().map(|(name, _)| *name).collect();
        names.dedup();
        assert_eq!(names.len(), 34);
        assert_eq!(Kind::of("http://www.w3.org/ns/odrl/2/event"), Some(Kind::Event));
        assert_eq!(Kind::of("event"), None);
    }
}
