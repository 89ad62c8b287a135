//! Evaluating a decision again, from its record and the policy alone.

use crate::action::Action;
use crate::decide::Decision;
use crate::document::Document;
use crate::era::Era;
use crate::facts::{EnforcedBy, Fact, Facts};
use crate::record::{DecisionRecord, Mode, RecordError, RecordedProblem};
use serde_json::Value;

/// Why a record does not follow from its policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Another policy than the one decided on.
    #[error("the record is about a policy with SHA-256 `{recorded}`, this one has `{found}`")]
    Policy {
        /// Digest in the record.
        recorded: String,
        /// Digest of the policy given.
        found: String,
    },
    /// The same policy, request and facts give something else.
    #[error("evaluated again, the record's `{member}` comes out differently")]
    Result {
        /// The first member that differs.
        member: String,
    },
    /// They give something else, or the policy is kept in another form, and the record says that it was made with other tables than any
    /// that are known here. It may say so falsely: whoever relies on the record has to be shown by that engine that it follows.
    #[error(
        "evaluated again, the record's `{member}` comes out differently; it says that it was made by `{engine}` with other \
         tables of actions and purposes than this version knows, so evaluate it with that version before you rely on it"
    )]
    Tables {
        /// The first member that differs.
        member: String,
        /// The engine that the record names.
        engine: String,
    },
}

/// Evaluates again and compares every member of the record, the engine's name and tables excepted.
///
/// # Errors
/// What differs. A record that was altered in any member that the evaluator computes is found out; the request and the facts
/// are taken as recorded, since they are what the decision rests on. The policy is read, and the request decided, as it was by the tables
/// that the record names, if any version had them: what was right then stays so when they change. What was not understood then has to be
/// the same, at the same place; how it was said may have been worded otherwise, save by the tables of now.
pub fn reevaluate(policy: &Value, record: &Value) -> Result<Decision, Mismatch> {
    let record = DecisionRecord::parse(record)?;
    // Tables that no version had are taken for those of now, and a difference says so.
    let era = Era::of(&record.tables);
    let differs = |member: String| match era {
        Some(_) => Mismatch::Result { member },
        None => Mismatch::Tables {
            member,
            engine: crate::problem::quoted(&record.engine),
        },
    };
    let document = Document::read_in(policy, era.unwrap_or_default());
    let found = document.digest().hex();
    if found != record.policy.sha256 {
        return Err(match era {
            Some(_) => Mismatch::Policy {
                recorded: crate::problem::quoted(&record.policy.sha256),
                found,
            },
            // What a version understands it keeps in another form than what it does not.
            None => differs("policy".to_owned()),
        });
    }
    let facts = record
        .facts
        .iter()
        .filter(|fact| fact.about != "dateTime")
        .cloned()
        .fold(Facts::none(), Facts::with);
    // Who saw the time is taken as recorded, as of every other fact.
    let of_consumer = |fact: &Fact| fact.about == "dateTime" && fact.enforced_by == EnforcedBy::ConsumerConnector;
    let facts = match record.facts.iter().any(of_consumer) {
        true => facts.seen_by_the_consumer(),
        false => facts,
    };
    let facts = facts.in_era(era.unwrap_or_default());
    let decision = match record.mode {
        Mode::Decide => document.decide(&record.request, &facts),
        Mode::WouldGrant => document.would_grant(&record.request, &facts),
    };
    let mut again = DecisionRecord {
        engine: record.engine.clone(),
        tables: record.tables.clone(),
        ..decision.record().clone()
    };
    if era.is_some_and(|era| era < Era::default()) {
        again.problems = worded(again.problems, &record.problems);
    }
    match first_difference(&record.to_json(), &again.to_json()) {
        None => Ok(decision),
        Some(member) => Err(differs(member)),
    }
}

/// The problems that were found, in the words of those that were recorded where they are the same.
fn worded(mut found: Vec<RecordedProblem>, recorded: &[RecordedProblem]) -> Vec<RecordedProblem> {
    for (found, recorded) in found.iter_mut().zip(recorded) {
        let what = |problem: &RecordedProblem| (problem.at.clone(), problem.kind.clone(), problem.term.clone());
        if what(found) == what(recorded) {
            found.message.clone_from(&recorded.message);
        }
    }
    found
}

impl Action {
    /// Whether it is a way of using something oneself: `use`, or an action within it that puts nothing into the hands of
    /// others. This is what a holder decides about who gives something or runs a model; passing on is asked for by name.
    #[must_use]
    pub fn is_own_use(self) -> bool {
        Self::parse("use").is_some_and(|all| all.permits(self))
    }
}

fn first_difference(recorded: &Value, again: &Value) -> Option<String> {
    let (Value::Object(recorded), Value::Object(again)) = (recorded, again) else {
        return Some("record".to_owned());
    };
    let mut names: Vec<&String> = recorded.keys().chain(again.keys()).collect();
    names.sort();
    names
        .into_iter()
        .find(|name| recorded.get(*name) != again.get(*name))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Request;
    use crate::record::Outcome;
    use serde_json::json;

    #[test]
    fn what_was_decided_by_older_tables_is_decided_by_them_again() {
        let policy = json!({"@type": "Set", "@id": "urn:s", "target": "urn:t", "permission": [{"action": "use", "constraint": [
            {"leftOperand": "purpose", "operator": "isA", "rightOperand": "https://w3id.org/herleid/purpose#Omgevingswet"}]}]});
        let document = Document::read(&policy);
        let request = Request::new("urn:a", "urn:b", "urn:t", 1_592_406_000_000);
        // In no table once; and of the other end's log nothing is said.
        let stated = "https://w3id.org/herleid/purpose#OmgevingswetHandhaving";
        let facts = Facts::none().with_purpose([stated], "stated", request.now_ms);
        let made_in = |era: Era| {
            let decision = document.decide(&request, &facts.clone().in_era(era));
            let tables = era.digest().hex();
            let record = DecisionRecord {
                tables,
                ..decision.record().clone()
            };
            (record.outcome, record.to_json())
        };
        for era in Era::ALL {
            // By the scheme of purposes it is one of them, and once a party was presumed to keep a log.
            let expected = if era == Era::Four {
                Outcome::Permit
            } else {
                Outcome::Deny
            };
            let (outcome, record) = made_in(era);
            assert_eq!(outcome, expected, "{era:?}");
            assert_eq!(reevaluate(&policy, &record).unwrap().outcome(), expected, "{era:?}");
            // The same said of other tables that a version had does not follow from them; of tables that none had, nothing is known.
            for other in Era::ALL.into_iter().filter(|other| made_in(*other).0 != expected) {
                let mut claimed = record.clone();
                claimed["tables"] = json!(other.digest().hex());
                assert!(matches!(reevaluate(&policy, &claimed), Err(Mismatch::Result { .. })));
            }
            let mut unheard_of = record.clone();
            unheard_of["tables"] = json!("00".repeat(32));
            let again = reevaluate(&policy, &unheard_of);
            assert_eq!(
                again.is_ok(),
                outcome == Outcome::Deny && !era.presumes_a_log(),
                "{era:?}"
            );
        }
    }

    #[test]
    fn what_was_not_understood_then_is_not_understood_again() {
        let bare = |operand: &str| json!({"leftOperand": operand, "operator": "eq", "rightOperand": "urn:x"});
        let price = json!({"leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": "1.00",
            "odrl:unit": {"@id": "http://dbpedia.org/resource/Euro"}});
        let policy = |permission: serde_json::Value| json!({"@type": "Set", "@id": "urn:s", "target": "urn:t", "permission": [permission]});
        let request = Request::new("urn:a", "urn:b", "urn:t", 1_592_406_000_000);
        for (permission, understood_from) in [
            (
                json!({"action": "use", "constraint": [bare("spatial")]}),
                Some(Era::Five),
            ),
            (
                json!({"action": "use", "constraint": [bare("https://w3id.org/herleid/ns#volume")]}),
                None,
            ),
            (json!({"action": "use", "constraint": [bare("partner")]}), None),
            (
                json!({"action": "use", "constraint": [{"leftOperand": "purpose", "unit": "urn:x"}]}),
                None,
            ),
            (
                json!({"action": "use", "constraint": [{"leftOperand": "purpose", "unity": "urn:x"}]}),
                None,
            ),
            (
                json!({"action": "use", "duty": [{"action": "compensate", "constraint": [price]}]}),
                Some(Era::Eight),
            ),
        ] {
            let policy = policy(permission);
            for era in Era::ALL {
                let document = Document::read_in(&policy, era);
                let decision = document.decide(&request, &Facts::none().in_era(era));
                let record = DecisionRecord {
                    tables: era.digest().hex(),
                    ..decision.record().clone()
                };
                let is_understood = understood_from.is_some_and(|from| era as usize >= from as usize);
                assert_eq!(
                    record.problems.is_empty(),
                    is_understood,
                    "{era:?}: {:?}",
                    record.problems
                );
                assert_eq!(
                    reevaluate(&policy, &record.to_json()).unwrap().outcome(),
                    Outcome::Deny,
                    "{era:?}"
                );
                // What is told of a term names what could be evaluated then.
                let told = record
                    .problems
                    .first()
                    .map(|problem| problem.message.clone())
                    .unwrap_or_default();
                if told.contains("built in are") {
                    assert_eq!(
                        told.contains("`volume`"),
                        !matches!(era, Era::Three | Era::Four),
                        "{told}"
                    );
                    assert_eq!(told.contains("`payAmount`"), era.charges(), "{told}");
                }
            }
        }
    }

    #[test]
    fn obligations_that_decided_nothing_then_decide_nothing_again() {
        let policy = json!({"@type": "Set", "@id": "urn:s", "target": "urn:t", "permission": [{"action": "use"}],
            "obligation": [{"action": "odrl:delete", "constraint": [
                {"leftOperand": "odrl:dateTime", "operator": "lteq", "rightOperand": "2020-01-01T00:00:00Z"}]}]});
        let document = Document::read(&policy);
        let request = Request::new("urn:a", "urn:b", "urn:t", 1_592_406_000_000);
        let facts = Facts::none().with_counterparty_log(true, "the agreement", request.now_ms);
        for era in Era::ALL {
            let decision = document.decide(&request, &facts.clone().in_era(era));
            let record = DecisionRecord {
                tables: era.digest().hex(),
                ..decision.record().clone()
            };
            let expected = if era.obliges() { Outcome::Deny } else { Outcome::Permit };
            assert_eq!(record.outcome, expected, "{era:?}");
            assert_eq!(
                reevaluate(&policy, &record.to_json()).unwrap().outcome(),
                expected,
                "{era:?}"
            );
        }
    }
}
