//! What who has an agreement has to do besides using it: by when, and who sees to it.

use crate::facts::EnforcedBy;
use crate::model::{Constraint, Logic, Right, Rule, RuleKind};
use crate::moment::Moment;
use crate::operand::Operator;

/// The action that leaves nothing of what was had.
const DELETE: &str = "delete";
/// The action that tells the assigner what was done.
const INFORM: &str = "inform";

/// What has to come before a use, and that it did the one who uses says so: a statement of its own, in its own log.
const STATED_FIRST: [&str; 5] = ["acceptTracking", "attribute", INFORM, "obtainConsent", "reviewPolicy"];

/// Whether an action is one of which a statement can come before a use; a local name.
pub(crate) fn is_stated_first(action: &str) -> bool {
    STATED_FIRST.contains(&action)
}

/// A moment, and the first millisecond at which it may be past.
type Past<'a> = (u64, &'a Moment);

impl Rule {
    /// By when a duty or an obligation has to be done: the earliest moment that always holds as a deadline. A choice of deadlines is
    /// past when the last of them is. A moment without a zone counts as early as it can be meant.
    #[must_use]
    pub fn deadline(&self) -> Option<&Moment> {
        self.past().map(|(_, moment)| moment)
    }

    /// From when on its deadline is past, in UTC milliseconds since 1970.
    #[must_use]
    pub fn over_from_ms(&self) -> Option<u64> {
        self.past().map(|(from_ms, _)| from_ms)
    }

    fn past(&self) -> Option<Past<'_>> {
        if !matches!(self.kind, RuleKind::Obligation | RuleKind::Duty) {
            return None;
        }
        earliest(&self.constraints)
    }

    /// Whether its deadline ends what was granted with it: nothing is given that had to be deleted already.
    pub(crate) fn ends_use(&self) -> bool {
        self.kind == RuleKind::Obligation && self.action.name() == DELETE
    }

    /// Who sees to it that this is done, as far as anybody can. The consumer's connector deletes what it keeps itself; that a statement
    /// came, the provider's connector knows; of everything else somebody says so.
    #[must_use]
    pub fn seen_to_by(&self) -> EnforcedBy {
        match self.action.name() {
            DELETE => EnforcedBy::ConsumerConnector,
            INFORM => EnforcedBy::Provider,
            _ if self.is_stated_first() => EnforcedBy::Provider,
            _ => EnforcedBy::Declared,
        }
    }

    /// Whether it is a duty of a permission that a statement of the one who uses meets: it comes before the first use, once under an
    /// agreement.
    #[must_use]
    pub fn is_stated_first(&self) -> bool {
        self.kind == RuleKind::Duty && is_stated_first(self.action.name())
    }

    /// Whether this version follows up such an obligation: it may be published.
    pub(crate) fn is_followed_up(&self) -> bool {
        matches!(self.action.name(), DELETE | INFORM)
    }

    /// Whether it needs a deadline to mean anything: what is never late is never looked at.
    pub(crate) fn needs_deadline(&self) -> bool {
        self.action.name() == DELETE
    }
}

fn earliest(constraints: &[Constraint]) -> Option<Past<'_>> {
    constraints.iter().filter_map(past).min_by_key(|(from_ms, _)| *from_ms)
}

fn past(constraint: &Constraint) -> Option<Past<'_>> {
    match constraint {
        Constraint::Atomic(atomic) => {
            let Right::Moment(moment) = &atomic.right else {
                return None;
            };
            let (start, end, doubt) = moment.edges_ns();
            let edge = match atomic.operator {
                Operator::Lt => start - doubt,
                Operator::Lteq | Operator::Eq => end - doubt,
                _ => return None,
            };
            // The first millisecond that is not before: rounded up. Before 1970 everything is past.
            let from_ms = u64::try_from(-(-edge).div_euclid(1_000_000)).unwrap_or(0);
            Some((from_ms, moment))
        }
        Constraint::Logical {
            logic: Logic::And | Logic::AndSequence,
            parts,
            ..
        } => earliest(parts),
        Constraint::Logical { parts, .. } => {
            let all: Option<Vec<Past<'_>>> = parts.iter().map(past).collect();
            all?.into_iter().max_by_key(|(from_ms, _)| *from_ms)
        }
    }
}
