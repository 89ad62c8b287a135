//! The offers under which the demonstration's parties publish.

use herleid_vocab::terms::DPV;
use serde_json::{Value, json};

/// The purpose that the application declares.
#[must_use]
pub(super) fn purpose() -> String {
    format!("{DPV}PublicBenefit")
}

/// A purpose that no offer allows.
#[must_use]
pub(super) fn other_purpose() -> String {
    format!("{DPV}Marketing")
}

fn limited(operand: &str, operator: &str, value: &str) -> Value {
    json!({"leftOperand": operand, "operator": operator, "rightOperand": value})
}

/// Use for the public benefit until `until` (RFC 3339), and passing on to `model_service` alone.
#[must_use]
pub(super) fn data(id: &str, until: &str, model_service: &str) -> Value {
    json!({"@id": id, "@type": "Offer", "permission": [
        {"action": "use", "constraint": [limited("purpose", "eq", &purpose()), limited("dateTime", "lteq", until)]},
        {"action": "distribute", "constraint": [
            limited("purpose", "eq", &purpose()), limited("dateTime", "lteq", until), limited("recipient", "eq", model_service)]}]})
}

/// Runs for the public benefit, at most a hundred.
#[must_use]
pub(super) fn model(id: &str, until: &str) -> Value {
    json!({"@id": id, "@type": "Offer", "permission": [
        {"action": "use", "constraint": [
            limited("purpose", "eq", &purpose()), limited("dateTime", "lteq", until),
            {"leftOperand": "count", "operator": "lteq", "rightOperand": "100"}]}]})
}
