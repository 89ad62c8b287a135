//! `policy explain`: a decision reached again from its record and the policy alone, and said in words.

use super::read;
use crate::cli::arguments::ExplainArguments;
use crate::cli::policies::spoken;
use crate::cli::show::clean;
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_policies::{Audience, DecisionRecord, Explanation, FORMAT, reevaluate};
use serde_json::{Value, json};
use std::path::Path;

/// Where a decision stands in what is kept of it: by itself, in a section, in an opened record.
const PLACES: [&str; 4] = ["", "/decision", "/facts/decision", "/sections/facts/decision"];

fn json_of(path: &Path) -> Result<Value, ControlError> {
    let refused = |code, why: String| ControlError::new(code, format!("`{}` cannot be read", path.display())).what(why);
    let written = read(path).map_err(|why| refused(Code::Missing, why))?;
    herleid_vocab::json::parse(written.as_bytes(), &herleid_vocab::json::Limits::MESSAGE)
        .map_err(|e| refused(Code::Usage, e.to_string()))
}

/// Explains a decision to the holder, or to another party as far as that one may see it. A record that does not follow from the
/// policy is a verdict, and is not explained: its reasons would be somebody's words.
pub(super) fn explain(context: &Context, arguments: &ExplainArguments) -> Result<Outcome, ControlError> {
    let (found, policy) = (json_of(&arguments.record)?, json_of(&arguments.policy)?);
    let mut places = PLACES.iter().filter_map(|place| found.pointer(place));
    let record = places.find(|value| value.get("format").and_then(Value::as_str) == Some(FORMAT));
    let unusable = |why: String| {
        ControlError::new(
            Code::Usage,
            format!("`{}` holds no decision", arguments.record.display()),
        )
        .what(why)
        .expected(format!("a decision record, `{FORMAT}` (docs/policies.md)"))
    };
    let record = record.ok_or_else(|| unusable("it has no member `format` that says so".to_owned()))?;
    let parsed = DecisionRecord::parse(record).map_err(|e| unusable(e.to_string()))?;
    if let Err(mismatch) = reevaluate(&policy, record) {
        let why = clean(&mismatch.to_string());
        return Ok(Outcome {
            text: text(context.language, "cli-policy-other", &[("why", &why)]),
            json: json!({"follows": false, "why": mismatch.to_string()}),
            verdict: Some(Code::Failed),
        });
    }
    let language = spoken(context.language);
    let audience = match &arguments.reader {
        Some(party) => Audience::of(&parsed, party),
        None => Audience::Holder,
    };
    let explanation = Explanation::of(&parsed, language, audience).to_string();
    Ok(Outcome {
        text: format!("{explanation}\n{}", text(context.language, "cli-policy-same", &[])),
        json: json!({
            "follows": true,
            "outcome": parsed.outcome,
            "reason": parsed.reason,
            "explanation": explanation,
        }),
        verdict: None,
    })
}
