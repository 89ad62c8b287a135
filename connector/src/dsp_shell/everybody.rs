//! Conditions of an offer of ours that hold for everybody, and that whoever asks for it may therefore leave out.

use crate::dsp::node::MessageError;
use crate::dsp::policy::Offer;
use herleid_policies::{LOG_KEPT, LOG_NONE, Operand};
use serde_json::Value;

/// The offer without what it says of the other end's log where it says that both will do. That is said to ourselves, since a permission
/// that is silent does not hold for a participant without a log; other connectors do not know the term, and ask without it. Whatever
/// is agreed on keeps it.
///
/// # Errors
/// When what is left is no offer; it is one if `offer` is.
pub(super) fn as_anybody_asks(offer: &Offer) -> Result<Offer, MessageError> {
    let mut json = offer.as_value().clone();
    // Rules and conditions stand in arrays, or it would be no offer.
    let permissions = json.get_mut("permission").and_then(Value::as_array_mut);
    for permission in permissions.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(conditions) = permission.get_mut("constraint").and_then(Value::as_array_mut) {
            conditions.retain(|condition| !is_open(condition));
            if conditions.is_empty() {
                permission.remove("constraint");
            }
        }
    }
    Offer::try_from(json)
}

fn is_open(constraint: &Value) -> bool {
    let text = |name: &str| constraint.get(name).and_then(Value::as_str).unwrap_or_default();
    let named: Vec<&str> = match constraint.get("rightOperand") {
        Some(Value::Array(values)) => values.iter().filter_map(iri).collect(),
        _ => return false,
    };
    Operand::parse(text("leftOperand")) == Some(Operand::CounterpartyLog)
        && text("operator") == "isAnyOf"
        && named.contains(&LOG_KEPT)
        && named.contains(&LOG_NONE)
}

/// An IRI, written as a text or as a reference.
fn iri(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("@id")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn open(operator: &str, values: Value) -> Value {
        json!({"leftOperand": "https://w3id.org/herleid/ns#counterpartyLog", "operator": operator, "rightOperand": values})
    }

    fn asked(permission: &Value) -> Value {
        let offer = json!({"@id": "urn:o", "@type": "Offer", "target": "rain", "permission": permission,
            "prohibition": [{"action": "sell", "constraint": [open("isAnyOf", json!([LOG_KEPT, LOG_NONE]))]}]});
        let asked = as_anybody_asks(&Offer::try_from(offer.clone()).unwrap()).unwrap();
        assert_eq!(asked.as_value()["prohibition"], offer["prohibition"]);
        asked.as_value()["permission"].clone()
    }

    #[test]
    fn what_holds_for_everybody_may_be_left_out() {
        let plain = json!([{"action": "use"}]);
        let both = [
            open("isAnyOf", json!([LOG_KEPT, LOG_NONE])),
            open("isAnyOf", json!([{"@id": LOG_NONE}, {"@id": LOG_KEPT}])),
        ];
        for both in both {
            assert_eq!(
                asked(&json!([{"action": "use", "constraint": [both]}])),
                plain,
                "{both}"
            );
        }
    }

    #[test]
    fn every_other_condition_stays() {
        let purpose = json!({"leftOperand": "purpose", "operator": "isA", "rightOperand": "urn:p"});
        let both = open("isAnyOf", json!([LOG_KEPT, LOG_NONE]));
        let mixed = json!([{"action": "use", "constraint": [both, purpose]}]);
        assert_eq!(asked(&mixed), json!([{"action": "use", "constraint": [purpose]}]));
        for narrow in [
            purpose,
            open("eq", json!(LOG_NONE)),
            open("isAnyOf", json!([LOG_NONE])),
            open("isAnyOf", json!([LOG_KEPT])),
            open("isAnyOf", json!([])),
            open("isAnyOf", json!(LOG_KEPT)),
            json!({"or": [both]}),
            json!({"leftOperand": "odrl:counterpartyLog", "operator": "isAnyOf", "rightOperand": [LOG_KEPT, LOG_NONE]}),
        ] {
            let rule = json!([{"action": "use", "constraint": [narrow]}]);
            assert_eq!(asked(&rule), rule);
        }
    }
}
