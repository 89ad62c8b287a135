//! A decision in words: which rule, which condition, what was required, what was shown, who can change it.
//!
//! Written from the record alone, in English and in plain Dutch (level B1). What a refused party may see is less than what
//! the holder may see: see [`Audience`].

mod named;
mod words;

use crate::problem::visible;
use crate::record::{DecisionRecord, Failing, Mode, Obstacle, Outcome, Reason};
use crate::truth::Truth;
use std::fmt;

/// The language of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Dutch.
    Dutch,
}

/// Who reads an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The party whose policy it is. Sees everything, sources of facts included.
    Holder,
    /// The party that a rule addresses, or that an offer was weighed for; and who asked under a policy that is not
    /// understood, since then nobody can tell whom it addresses. Sees its rules, conditions, and what it showed itself; not
    /// who else is named in them, nor where the holder's facts come from.
    Addressee,
    /// Anybody else. Learns that nothing permits it, and whom to ask; not what the policy says, nor that it exists for others.
    Stranger,
}

impl Audience {
    /// Who `party` is to the decision.
    #[must_use]
    pub fn of(record: &DecisionRecord, party: &str) -> Self {
        let is_addressed = || {
            let mut fits = record.trace.iter().filter_map(|step| step.fit.as_ref());
            fits.any(|fit| fit.assignee == Truth::True)
        };
        // Without a trace there is no rule to be addressed by. What is wrong then lies in a text that the asker holds itself,
        // and that nobody mends who is told to ask for an agreement.
        let asked = record.mode == Mode::WouldGrant || is_about_text(record.reason) || is_addressed();
        if party == record.request.assigner {
            Self::Holder
        } else if party == record.request.assignee && asked {
            Self::Addressee
        } else {
            Self::Stranger
        }
    }
}

/// One point of an explanation. Absent members are not for this audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Name of the rule.
    pub rule: Option<String>,
    /// Place in the policy.
    pub at: String,
    /// Which condition failed, in words.
    pub condition: String,
    /// What was shown, in words.
    pub shown: Option<String>,
    /// Who can change it, and how.
    pub remedy: String,
}

/// A decision explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The outcome and why, in one sentence.
    pub headline: String,
    /// What stood in the way.
    pub points: Vec<Point>,
    /// Facts with their sources, one a line; only for the holder.
    pub facts: Vec<String>,
}

impl Explanation {
    /// Explains a record.
    #[must_use]
    pub fn of(record: &DecisionRecord, language: Language, audience: Audience) -> Self {
        if audience == Audience::Stranger && record.outcome == Outcome::Deny {
            return Self {
                headline: words::stranger(&record.request, language),
                points: Vec::new(),
                facts: Vec::new(),
            };
        }
        let mut points: Vec<Point> = record
            .problems
            .iter()
            .map(|problem| words::problem(problem, record.reason, language))
            .collect();
        points.extend(
            record
                .failing
                .iter()
                .map(|failing| point(failing, record, language, audience)),
        );
        let facts = match audience {
            Audience::Holder => record.facts.iter().map(|fact| words::fact(fact, language)).collect(),
            Audience::Addressee | Audience::Stranger => Vec::new(),
        };
        Self {
            headline: words::headline(record, language),
            points,
            facts,
        }
    }
}

fn point(failing: &Failing, record: &DecisionRecord, language: Language, audience: Audience) -> Point {
    // Names of other parties are theirs: a refused party learns that it is not among them, not who is.
    let hides_names = audience != Audience::Holder
        && (failing.operand.as_deref() == Some("recipient")
            || matches!(failing.obstacle, Obstacle::Assignee | Obstacle::Assigner));
    Point {
        rule: failing.rule.as_deref().map(visible),
        at: visible(&failing.at),
        condition: words::condition(failing, hides_names, language),
        shown: words::shown(failing, language),
        remedy: words::remedy(failing, &record.request, language),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)?;
        for point in &self.points {
            write!(f, "\n- {}", point.condition)?;
            if let Some(shown) = &point.shown {
                write!(f, " {shown}")?;
            }
            write!(f, " {}", point.remedy)?;
            match (&point.rule, point.at.as_str()) {
                (Some(rule), at) => write!(f, " [{rule}, {at}]")?,
                (None, "") => {}
                (None, at) => write!(f, " [{at}]")?,
            }
        }
        for fact in &self.facts {
            write!(f, "\n  {fact}")?;
        }
        Ok(())
    }
}

/// Whether a reason lies in the text of the policy or of the request rather than in what was shown.
const fn is_about_text(reason: Reason) -> bool {
    matches!(reason, Reason::NotUnderstood | Reason::UnknownAction)
}
