//! The left operands and operators of ODRL 2.2, and which operators have a meaning for which operand.

use crate::era::Era;
use crate::facts::EnforcedBy;
use crate::terms::odrl_local;
use herleid_vocab::terms::HERLEID;
use serde::{Deserialize, Serialize};

/// A left operand that this version can evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operand {
    /// When the action is exercised; an instant or a day.
    DateTime,
    /// What for: an IRI of the Data Privacy Vocabulary or of our own scheme below it.
    Purpose,
    /// Who receives the result: a DID.
    Recipient,
    /// How often the action of the rule has been exercised, this time included.
    Count,
    /// For which area: IRIs that a credential of the asker names.
    Spatial,
    /// How many bytes the rule has let leave, this delivery included. Not of ODRL, whose sizes are those of an asset: ours.
    Volume,
    /// What a use costs: of a duty to compensate, with the currency as its unit. It is taken from what was paid beforehand.
    PayAmount,
    /// Why it is lawful: the IRI of a legal basis, or of a law. Stated by the asker, apart from its purpose. Not of ODRL: ours.
    LegalBasis,
    /// For which area the asker says that it will use it, apart from those that its credentials are for. Not of ODRL: ours.
    AreaOfUse,
    /// Whether the other end keeps a log of its own: [`LOG_KEPT`] or [`LOG_NONE`]. Not of ODRL: ours.
    CounterpartyLog,
}

/// The other end keeps a log: what is exchanged stands in both.
pub const LOG_KEPT: &str = "https://w3id.org/herleid/ns#logKept";
/// The other end keeps no log, a one-sided peer. A permission that does not name it does not hold for one.
pub const LOG_NONE: &str = "https://w3id.org/herleid/ns#logNone";

/// Operands of the Common Vocabulary (section 4.1.1) that are known by name but cannot be evaluated by this version.
const NOT_YET: [&str; 28] = [
    "absolutePosition",
    "absoluteSpatialPosition",
    "absoluteTemporalPosition",
    "absoluteSize",
    "delayPeriod",
    "deliveryChannel",
    "device",
    "elapsedTime",
    "event",
    "fileFormat",
    "industry",
    "language",
    "media",
    "meteredTime",
    "percentage",
    "product",
    "relativePosition",
    "relativeSpatialPosition",
    "relativeTemporalPosition",
    "relativeSize",
    "resolution",
    "spatialCoordinates",
    "system",
    "systemDevice",
    "timeInterval",
    "unitOfCount",
    "version",
    "virtualLocation",
];

/// The operands that an era knows, and what each can be compared with, for its digest; of those before Seven they stood in none.
pub(crate) fn table(era: Era) -> Vec<String> {
    if era < Era::Seven {
        return Vec::new();
    }
    let row = |operand: Operand| {
        let operators: Vec<&str> = operand.operators().iter().map(|operator| operator.name()).collect();
        format!("operand {} {}", operand.iri(), operators.join(" "))
    };
    let known = Operand::ALL.into_iter().filter(|operand| operand.is_of(era));
    known.map(row).collect()
}

impl Operand {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::DateTime,
        Self::Purpose,
        Self::Recipient,
        Self::Spatial,
        Self::Count,
        Self::Volume,
        Self::CounterpartyLog,
        Self::PayAmount,
        Self::LegalBasis,
        Self::AreaOfUse,
    ];

    /// Reads an operand in any spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(own) = text.strip_prefix(HERLEID) {
            return Self::ALL
                .into_iter()
                .find(|operand| operand.is_ours() && operand.name() == own);
        }
        let local = odrl_local(text)?;
        Self::ALL
            .into_iter()
            .find(|operand| !operand.is_ours() && operand.name() == local)
    }

    /// Whether decisions of that era could evaluate it.
    pub(crate) fn is_of(self, era: Era) -> bool {
        match self {
            Self::DateTime | Self::Purpose | Self::Recipient | Self::Count | Self::CounterpartyLog => true,
            Self::Spatial | Self::Volume => era >= Era::Five,
            Self::PayAmount | Self::LegalBasis | Self::AreaOfUse => era >= Era::Eight,
        }
    }

    /// Whether it is of our own profile, and not of ODRL.
    const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::Volume | Self::CounterpartyLog | Self::LegalBasis | Self::AreaOfUse
        )
    }

    /// As it stands in canonical documents.
    #[must_use]
    pub fn wire(self) -> String {
        if self.is_ours() {
            format!("{HERLEID}{}", self.name())
        } else {
            format!("odrl:{}", self.name())
        }
    }

    /// Full IRI.
    #[must_use]
    pub(crate) fn iri(self) -> String {
        crate::terms::expand(&self.wire())
    }

    /// Whether the text names an operand of ODRL that decisions of that era cannot evaluate.
    #[must_use]
    pub(crate) fn is_not_built_yet(text: &str, era: Era) -> bool {
        let is_later = |operand: Self| !operand.is_ours() && !operand.is_of(era);
        odrl_local(text).is_some_and(|local| NOT_YET.contains(&local)) || Self::parse(text).is_some_and(is_later)
    }

    /// Local name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DateTime => "dateTime",
            Self::Purpose => "purpose",
            Self::Recipient => "recipient",
            Self::Spatial => "spatial",
            Self::Count => "count",
            Self::Volume => "volume",
            Self::PayAmount => "payAmount",
            Self::LegalBasis => "legalBasis",
            Self::AreaOfUse => "areaOfUse",
            Self::CounterpartyLog => "counterpartyLog",
        }
    }

    /// Who makes sure of its value. A purpose is what the asker says it is: nobody can look into its head.
    #[must_use]
    pub const fn enforced_by(self) -> EnforcedBy {
        match self {
            Self::DateTime
            | Self::Recipient
            | Self::Spatial
            | Self::Count
            | Self::Volume
            | Self::PayAmount
            | Self::CounterpartyLog => EnforcedBy::Provider,
            Self::Purpose | Self::LegalBasis | Self::AreaOfUse => EnforcedBy::Declared,
        }
    }

    /// The operators that have a meaning for this operand. `isPartOf` and `hasPart` follow the hierarchy of purposes as
    /// `isA` does, downwards and upwards.
    #[must_use]
    pub const fn operators(self) -> &'static [Operator] {
        use Operator::{Eq, Gt, Gteq, HasPart, IsA, IsAllOf, IsAnyOf, IsNoneOf, IsPartOf, Lt, Lteq, Neq};
        match self {
            Self::DateTime => &[Eq, Neq, Lt, Lteq, Gt, Gteq],
            Self::Purpose => &[Eq, Neq, IsA, IsPartOf, HasPart, IsAllOf, IsAnyOf, IsNoneOf],
            Self::Recipient => &[Eq, Neq, IsAnyOf, IsNoneOf],
            Self::Spatial => &[Eq, Neq, IsPartOf, HasPart, IsAnyOf, IsNoneOf],
            // Only these say "at most", which a counter can hold under parallel requests.
            Self::Count => &[Eq, Lt, Lteq],
            Self::Volume => &[Lt, Lteq],
            Self::PayAmount => &[Eq],
            // What it rests on, and where it is used, has to be named, never left over.
            Self::LegalBasis => &[Eq, IsA, IsAnyOf],
            Self::AreaOfUse => &[Eq, IsPartOf, IsAnyOf],
            // Whom it is permitted to likewise.
            Self::CounterpartyLog => &[Eq, IsAnyOf],
        }
    }
}

/// The twelve operators of ODRL 2.2 (Common Vocabulary, section 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operator {
    /// Equals.
    Eq,
    /// Greater than; for times: after.
    Gt,
    /// Greater than or equal.
    Gteq,
    /// Contains the right operand.
    HasPart,
    /// Is an instance of the right operand.
    IsA,
    /// Is all of the right operand.
    IsAllOf,
    /// Is any of the right operand.
    IsAnyOf,
    /// Is none of the right operand.
    IsNoneOf,
    /// Is contained by the right operand.
    IsPartOf,
    /// Less than; for times: before.
    Lt,
    /// Less than or equal.
    Lteq,
    /// Does not equal.
    Neq,
}

impl Operator {
    /// All twelve.
    pub const ALL: [Self; 12] = [
        Self::Eq,
        Self::Gt,
        Self::Gteq,
        Self::HasPart,
        Self::IsA,
        Self::IsAllOf,
        Self::IsAnyOf,
        Self::IsNoneOf,
        Self::IsPartOf,
        Self::Lt,
        Self::Lteq,
        Self::Neq,
    ];

    /// Reads an operator in any spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let local = odrl_local(text)?;
        Self::ALL.into_iter().find(|operator| operator.name() == local)
    }

    /// Local name; each is a term of the protocol's context, so it is also the form sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Gt => "gt",
            Self::Gteq => "gteq",
            Self::HasPart => "hasPart",
            Self::IsA => "isA",
            Self::IsAllOf => "isAllOf",
            Self::IsAnyOf => "isAnyOf",
            Self::IsNoneOf => "isNoneOf",
            Self::IsPartOf => "isPartOf",
            Self::Lt => "lt",
            Self::Lteq => "lteq",
            Self::Neq => "neq",
        }
    }

    /// Whether the right operand may be several values.
    #[must_use]
    pub(crate) const fn takes_many(self) -> bool {
        matches!(self, Self::IsAllOf | Self::IsAnyOf | Self::IsNoneOf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_34_operands_and_12_operators_are_known_by_name() {
        // 34 of ODRL, and four of ours.
        assert_eq!(Operand::ALL.len() + NOT_YET.len(), 34 + 4);
        assert!(NOT_YET.iter().all(|name| Operand::parse(name).is_none()));
        for operator in Operator::ALL {
            assert_eq!(Operator::parse(&format!("odrl:{}", operator.name())), Some(operator));
        }
        assert_eq!(Operator::parse("term-lteq"), None);
        assert_eq!(
            Operand::parse("http://www.w3.org/ns/odrl/2/purpose"),
            Some(Operand::Purpose)
        );
        assert!(Operand::is_not_built_yet("odrl:percentage", Era::default()));
        assert!(!Operand::is_not_built_yet("partner", Era::default()));
        // As it was then: what an old record says of an operand stays so.
        for (operand, known_from) in [("odrl:spatial", Era::Five), ("payAmount", Era::Eight)] {
            for era in Era::ALL {
                let is_known = era >= known_from;
                assert_eq!(Operand::is_not_built_yet(operand, era), !is_known, "{operand} {era:?}");
                assert_eq!(Operand::parse(operand).is_some_and(|found| found.is_of(era)), is_known);
            }
        }
        let own = "https://w3id.org/herleid/ns#counterpartyLog";
        assert_eq!(Operand::parse(own), Some(Operand::CounterpartyLog));
        assert_eq!(Operand::CounterpartyLog.wire(), own);
        for other in [
            "counterpartyLog",
            "odrl:counterpartyLog",
            "https://w3id.org/herleid/ns#purpose",
        ] {
            assert_eq!(Operand::parse(other), None, "{other}");
        }
    }
}
