//! A policy in one line, for people who choose an offer or look at an agreement.

use herleid_policies::{Atomic, Constraint, Operator, Policy, Right, Rule};
use serde_json::Value;

/// What is permitted, forbidden and demanded, each with its conditions, in the words of ODRL.
pub(crate) fn summary(policy: &Value) -> String {
    let policy = match Policy::parse(policy) {
        Ok(policy) => policy,
        Err(error) => return format!("not understood here, so nothing could be used under it: {error}"),
    };
    let lists = [
        ("permits", policy.permissions()),
        ("forbids", policy.prohibitions()),
        ("demands", policy.obligations()),
    ];
    let parts = lists.into_iter().filter(|(_, rules)| !rules.is_empty());
    let parts: Vec<String> = parts
        .map(|(verb, rules)| {
            let rules: Vec<String> = rules.iter().map(rule).collect();
            format!("{verb} {}", rules.join(", or "))
        })
        .collect();
    parts.join("; ")
}

fn rule(rule: &Rule) -> String {
    let mut text = rule.action().name().to_owned();
    let conditions: Vec<String> = rule.constraints().iter().map(condition).collect();
    if !conditions.is_empty() {
        text.push_str(&format!(" if {}", conditions.join(" and ")));
    }
    let unpriced = rule.duties().iter().filter(|duty| duty.price().is_none());
    let duties: Vec<&str> = unpriced.map(|duty| duty.action().name()).collect();
    if let Some(price) = rule.price() {
        text.push_str(&format!(" for {price} EUR each time"));
    }
    if !duties.is_empty() {
        text.push_str(&format!(" after {}", duties.join(" and ")));
    }
    text
}

fn condition(constraint: &Constraint) -> String {
    match constraint {
        Constraint::Atomic(one) => {
            let values = one.right().texts().join(" ");
            format!("{} {} {values}", one.operand().name(), one.operator().name())
        }
        Constraint::Logical { logic, parts, .. } => {
            let parts: Vec<String> = parts.iter().map(condition).collect();
            format!("{}({})", logic.name(), parts.join(", "))
        }
    }
}

/// Until when the policy permits use, in UTC milliseconds since 1970; `None` when a permission sets no such bound.
pub(crate) fn open_until(policy: &Value) -> Option<u64> {
    until(policy, |action| action == "use")
}

/// Until when the policy permits anything at all; `None` when a permission sets no such bound, or the policy cannot be read.
pub(crate) fn permits_until(policy: &Value) -> Option<u64> {
    until(policy, |_| true)
}

fn until(policy: &Value, counts: impl Fn(&str) -> bool) -> Option<u64> {
    let policy = Policy::parse(policy).ok()?;
    let permitted = policy.permissions().iter().filter(|rule| counts(rule.action().name()));
    // Any permission will do, so the latest of them counts; within one all bounds hold, so the earliest.
    permitted
        .map(|rule| rule.constraints().iter().filter_map(bound).min())
        .reduce(|one, other| one.zip(other).map(|(a, b)| a.max(b)))
        .flatten()
}

fn bound(constraint: &Constraint) -> Option<u64> {
    let Constraint::Atomic(one) = constraint else {
        return None;
    };
    moment(one).filter(|_| matches!(one.operator(), Operator::Lt | Operator::Lteq))
}

fn moment(atomic: &Atomic) -> Option<u64> {
    match atomic.right() {
        Right::Moment(moment) => herleid_vocab::time::parse_rfc3339_ms(moment.text()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn before(moment: &str) -> Value {
        json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": moment, "@type": "xsd:dateTime"}})
    }

    fn offer(permissions: Value) -> Value {
        json!({"@type": "Offer", "@id": "urn:o", "permission": permissions, "prohibition": [{"action": "distribute"}]})
    }

    #[test]
    fn what_may_be_passed_on_is_permitted_still() {
        let (soon, late) = (before("2027-01-01T00:00:00Z"), before("2030-01-01T00:00:00Z"));
        let both =
            offer(json!([{"action": "use", "constraint": [soon]}, {"action": "distribute", "constraint": [late]}]));
        let at = |text: &str| herleid_vocab::time::parse_rfc3339_ms(text).ok();
        assert_eq!(open_until(&both), at("2027-01-01T00:00:00Z"));
        assert_eq!(permits_until(&both), at("2030-01-01T00:00:00Z"));
        let for_ever =
            offer(json!([{"action": "use", "constraint": [before("2027-01-01T00:00:00Z")]}, {"action": "distribute"}]));
        assert_eq!(permits_until(&for_ever), None);
    }

    #[test]
    fn conditions_stand_in_the_line() {
        let line = summary(&offer(
            json!([{"action": "use", "constraint": [before("2027-01-01T00:00:00Z"),
            {"leftOperand": "count", "operator": "lteq", "rightOperand": {"@value": "3", "@type": "xsd:integer"}}]}]),
        ));
        assert_eq!(
            line,
            "permits use if count lteq 3 and dateTime lt 2027-01-01T00:00:00Z; forbids distribute"
        );
        assert!(summary(&json!({"@type": "Offer"})).starts_with("not understood here"));
    }

    #[test]
    fn it_is_open_until_the_last_permission_ends() {
        let (early, late) = (before("2027-01-01T00:00:00Z"), before("2028-01-01T00:00:00Z"));
        let use_if = |constraints: &[&Value]| json!({"action": "use", "constraint": constraints});
        let open = |permissions: Value| open_until(&offer(permissions));
        let first = herleid_vocab::time::parse_rfc3339_ms("2027-01-01T00:00:00Z").unwrap();
        let last = herleid_vocab::time::parse_rfc3339_ms("2028-01-01T00:00:00Z").unwrap();
        assert_eq!(open(json!([use_if(&[&early, &late])])), Some(first));
        assert_eq!(open(json!([use_if(&[&early]), use_if(&[&late])])), Some(last));
        assert_eq!(open(json!([use_if(&[&early]), {"action": "use"}])), None);
    }
}
