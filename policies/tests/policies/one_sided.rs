//! Parties that keep no log.

use crate::common::{NOW, atom, read, request, use_if};
use herleid_policies::{Audience, Explanation, Facts, Language, Policy};
use serde_json::{Value, json};

#[test]
fn a_party_without_a_log_is_permitted_only_by_name() {
    let operand = "https://w3id.org/herleid/ns#counterpartyLog";
    let (kept, none) = (herleid_policies::LOG_KEPT, herleid_policies::LOG_NONE);
    let log = |kept| Facts::none().with_counterparty_log(kept, "the agreement", NOW);
    let permits = |constraints: Value, facts: &Facts| read(&use_if(constraints)).decide(&request(), facts).is_permit();
    let both = || atom(operand, "isAnyOf", json!([kept, none]));
    let silent = || json!([]);
    assert!(permits(silent(), &log(true)));
    assert!(!permits(silent(), &Facts::none()), "nobody knows whether it keeps one");
    assert!(permits(json!([both()]), &log(true)) && permits(json!([both()]), &log(false)));
    assert!(permits(json!([{"and": [both(), both()]}]), &log(false)));
    assert!(permits(json!([atom(operand, "eq", json!(none))]), &log(false)));
    for narrower in [
        silent(),
        json!([atom(operand, "eq", json!(kept))]),
        // In a choice the other branch may hold, which was not written for such a party.
        json!([{"or": [both(), atom("dateTime", "gt", json!("2000-01-01Z"))]}]),
    ] {
        let decision = read(&use_if(narrower.clone())).decide(&request(), &log(false));
        assert!(!decision.is_permit(), "{narrower}");
        let failing = decision.record().failing.last().unwrap().clone();
        assert_eq!(failing.operand.as_deref(), Some("counterpartyLog"), "{narrower}");
        assert_eq!(
            (failing.required.as_slice(), failing.shown.as_slice()),
            (&[kept.to_owned()][..], &[none.to_owned()][..])
        );
        let text = Explanation::of(decision.record(), Language::English, Audience::Holder).to_string();
        assert!(text.contains("can keep a log"), "{text}");
    }
    assert!(!permits(json!([both()]), &Facts::none()), "unknown never grants");
    for wrong in [atom(operand, "neq", json!(kept)), atom(operand, "eq", json!("none"))] {
        assert!(Policy::parse(&use_if(json!([wrong]))).is_err());
    }
}
