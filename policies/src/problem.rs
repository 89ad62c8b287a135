//! What a policy says that is not understood, and where.

use std::fmt;

/// Limits on a policy. One that exceeds them is not understood, whatever it says.
pub mod limits {
    /// Deepest nesting of arrays and objects: that of a message and of a section of the log.
    pub const MAX_DEPTH: usize = 32;
    /// Values of all kinds in the document. 2,000 constraints of about 8 values each in expanded form, and room.
    pub const MAX_VALUES: usize = 50_000;
    /// Bytes of all names and texts together: a policy is stored, sent and logged whole within a message of 1 MiB.
    pub const MAX_BYTES: usize = 512 * 1024;
    /// Longest name of a member, in bytes: a full IRI of a term. Places in messages are made of these names.
    pub const MAX_NAME: usize = 256;
    /// Longest text, in bytes: the longest URL that is in practical use.
    pub const MAX_TEXT: usize = 2048;
    /// Constraints, simple and logical, once rules with several actions, assets or parties are written out. A trace line
    /// of at most 200 bytes each stays within a section of 1 MiB; a year of working days in an `or` needs 800.
    pub const MAX_CONSTRAINTS: usize = 2000;
    /// Rules, duties included.
    pub const MAX_RULES: usize = 500;
    /// Logical constraints within each other. Each level takes two of the 32 levels of a document in compact form, three
    /// with an `@list`.
    pub const MAX_NESTING: usize = 8;
    /// Values of one right operand.
    pub const MAX_RIGHT_VALUES: usize = 200;
    /// Members of the minimal failing set that a record lists; more are only counted.
    pub const MAX_FAILING: usize = 50;
    /// Values that one member of the minimal failing set quotes; all of them stand in the policy and in the facts.
    pub const MAX_QUOTED: usize = 8;
    /// Problems listed; more are only counted.
    pub const MAX_PROBLEMS: usize = 20;
}

/// What kind of thing is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// Larger, deeper or more than the limits allow.
    TooLarge,
    /// Not the kind of JSON value that belongs there.
    WrongShape,
    /// Something that must be there is not.
    Missing,
    /// Given more than once, or in two ways that differ.
    Contradiction,
    /// A member that neither ODRL nor the protocol defines.
    UnknownMember,
    /// A term of ODRL that the protocol's JSON-LD context drops.
    DroppedByProtocol,
    /// An `@type` that is not a policy, rule or constraint, or not the one that belongs there.
    UnknownType,
    /// An `@context` whose meaning is not built in.
    UnknownContext,
    /// A profile that is not built in.
    UnknownProfile,
    /// An action that is not in the table.
    UnknownAction,
    /// A left operand that nobody here can evaluate.
    UnknownOperand,
    /// An operator that is not one of the twelve.
    UnknownOperator,
    /// An operator that has no meaning for this left operand.
    OperatorForOperand,
    /// A right operand that cannot be a value of this left operand.
    RightOperand,
    /// Understood, but nothing in this version could ever enforce or satisfy it.
    NotEnforceable,
    /// Understood, but not fit to be published.
    NotForOffer,
}

impl ProblemKind {
    /// Every kind with its name in records, its name in English and in Dutch.
    const NAMES: [(Self, &'static str, &'static str, &'static str); 16] = [
        (Self::TooLarge, "too-large", "too large", "te groot"),
        (
            Self::WrongShape,
            "wrong-shape",
            "of the wrong shape",
            "van de verkeerde vorm",
        ),
        (Self::Missing, "missing", "missing", "ontbreekt"),
        (
            Self::Contradiction,
            "contradiction",
            "given twice or contradictory",
            "dubbel of tegenstrijdig",
        ),
        (
            Self::UnknownMember,
            "unknown-member",
            "an unknown member",
            "een onbekend onderdeel",
        ),
        (
            Self::DroppedByProtocol,
            "dropped-by-protocol",
            "a term that the Dataspace Protocol drops",
            "een term die het Dataspace Protocol laat vallen",
        ),
        (
            Self::UnknownType,
            "unknown-type",
            "an unknown type",
            "een onbekend type",
        ),
        (
            Self::UnknownContext,
            "unknown-context",
            "an unknown context",
            "een onbekende context",
        ),
        (
            Self::UnknownProfile,
            "unknown-profile",
            "an unknown profile",
            "een onbekend profiel",
        ),
        (
            Self::UnknownAction,
            "unknown-action",
            "an unknown action",
            "een onbekende handeling",
        ),
        (
            Self::UnknownOperand,
            "unknown-operand",
            "an unknown left operand",
            "een onbekende linkeroperand",
        ),
        (
            Self::UnknownOperator,
            "unknown-operator",
            "an unknown operator",
            "een onbekende operator",
        ),
        (
            Self::OperatorForOperand,
            "operator-for-operand",
            "an operator that does not fit its operand",
            "een operator die niet bij zijn operand past",
        ),
        (
            Self::RightOperand,
            "right-operand",
            "a right operand that cannot be read",
            "een rechteroperand die niet te lezen is",
        ),
        (
            Self::NotEnforceable,
            "not-enforceable",
            "not enforceable here",
            "hier niet af te dwingen",
        ),
        (
            Self::NotForOffer,
            "not-for-offer",
            "not fit to be published",
            "niet geschikt om te publiceren",
        ),
    ];

    fn names(self) -> (&'static str, &'static str, &'static str) {
        Self::NAMES
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(("", "", ""), |(_, code, english, dutch)| (*code, *english, *dutch))
    }

    /// The kind with this name in records.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, name, ..)| *name == code)
            .map(|(kind, ..)| *kind)
    }

    /// Name in records, for example `unknown-operand`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.names().0
    }

    /// In English.
    #[must_use]
    pub fn english(self) -> &'static str {
        self.names().1
    }

    /// In Dutch.
    #[must_use]
    pub fn dutch(self) -> &'static str {
        self.names().2
    }
}

/// One thing that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON Pointer (RFC 6901) into the document as it was given.
    pub at: String,
    /// What kind of thing.
    pub kind: ProblemKind,
    /// The term itself, cut at 120 characters.
    pub term: String,
    /// What was expected there and what to do.
    pub advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "/" } else { &self.at };
        write!(
            f,
            "`{}` at `{at}` is {}: {}",
            self.term,
            self.kind.english(),
            self.advice
        )
    }
}

/// The first problems of a policy, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    listed: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(crate) fn one(problem: Problem) -> Self {
        Self {
            listed: vec![problem],
            more: 0,
        }
    }

    /// `None` when there is no problem.
    pub(crate) fn from_found(mut found: Vec<Problem>) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        found.sort_by(|a, b| (&a.at, a.kind, &a.term).cmp(&(&b.at, b.kind, &b.term)));
        let more = found.len().saturating_sub(limits::MAX_PROBLEMS);
        found.truncate(limits::MAX_PROBLEMS);
        Some(Self { listed: found, more })
    }

    /// Those listed, at most [`limits::MAX_PROBLEMS`], in order of place.
    #[must_use]
    pub fn listed(&self) -> &[Problem] {
        &self.listed
    }

    /// How many more there are.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.listed.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

/// Why a document is no policy that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Something in it is not understood. Ignoring it could widen what it permits, so the whole of it is refused.
    #[error("the policy is not understood: {0}")]
    NotUnderstood(Problems),
    /// It is understood, but must not be published like this.
    #[error("the policy cannot be published: {0}")]
    NotForOffer(Problems),
    /// The agreement that was to be made of it would not be one.
    #[error("no agreement can be made of this policy: {why}")]
    NoAgreement {
        /// What is wrong, and what to do.
        why: String,
    },
}

impl PolicyError {
    /// The problems behind it.
    #[must_use]
    pub fn problems(&self) -> Option<&Problems> {
        match self {
            Self::NotUnderstood(problems) | Self::NotForOffer(problems) => Some(problems),
            Self::NoAgreement { .. } => None,
        }
    }
}

/// A term as it is quoted in messages.
pub(crate) fn quoted(text: &str) -> String {
    cut(text, 120)
}

/// At most `longest` characters of a text, made [`visible`].
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => visible(text),
        Some((end, _)) => format!("{}...", visible(text.get(..end).unwrap_or_default())),
    }
}

/// What somebody else wrote, without what could move a cursor, start a line or turn the direction of writing: messages end
/// up on terminals, in logs and in reports.
pub(crate) fn visible(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}
