//! `policy list`, `show` and `purposes`: what to start from.

use crate::cli::arguments::{PurposesArguments, ShowPolicyArguments};
use crate::cli::policies::{fill, given, spoken};
use crate::cli::show::Table;
use crate::cli::text::{Language, text};
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_policies::ready::{self, Ready};
use herleid_vocab::skos;
use serde_json::{Value, json};

/// The ready-made policies, with what has to be given for each.
pub(super) fn list(context: &Context) -> Outcome {
    let language = context.language;
    let column = |key: &str| text(language, key, &[]);
    let mut table = Table::new([
        column("cli-column-name"),
        column("cli-column-places"),
        column("cli-column-says"),
    ]);
    let mut listed = Vec::new();
    for ready in ready::all() {
        let places = ready.places(spoken(language));
        let names: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
        table.row([ready.name().to_owned(), names.join(", "), ready.title(spoken(language))]);
        listed.push(json!({
            "name": ready.name(),
            "title": ready.title(spoken(language)),
            "description": ready.description(spoken(language)),
            "places": meanings(&places),
        }));
    }
    Outcome {
        text: format!("{}\n{}", table.draw(), text(language, "cli-policy-list-next", &[])),
        json: json!({ "policies": listed }),
        verdict: None,
    }
}

fn meanings(places: &[(String, String)]) -> Value {
    let one = |(name, meaning): &(String, String)| json!({"name": name, "meaning": meaning});
    places.iter().map(one).collect()
}

fn missing(language: Language, name: &str) -> ControlError {
    let message = text(language, "cli-policy-unknown", &[("name", name)]);
    ControlError::new(Code::Missing, message).next(text(language, "cli-policy-see-list", &[]))
}

/// One of them: the file with its open places, or filled in.
pub(super) fn show(context: &Context, arguments: &ShowPolicyArguments) -> Result<Outcome, ControlError> {
    let name = &arguments.name;
    let ready: &Ready = ready::find(name).ok_or_else(|| missing(context.language, name))?;
    let given = given(&arguments.places);
    let offer = if given.is_empty() {
        ready.offer()
    } else {
        fill(context, &ready.offer(), &given, name)?
    };
    let written = if given.is_empty() {
        ready.written().trim_end().to_owned()
    } else {
        serde_json::to_string_pretty(&offer)
            .map_err(|e| ControlError::new(Code::Failed, "the policy has no JSON form").what(e.to_string()))?
    };
    Ok(Outcome {
        text: written,
        json: offer,
        verdict: None,
    })
}

/// The purposes of Dutch public law, or those with a word in them.
pub(super) fn purposes(context: &Context, arguments: &PurposesArguments) -> Outcome {
    let language = context.language;
    let column = |key: &str| text(language, key, &[]);
    let mut table = Table::new([
        column("cli-column-purpose"),
        column("cli-column-says"),
        column("cli-column-law"),
    ]);
    let word = arguments.word.as_deref().unwrap_or_default().to_lowercase();
    let mut listed = Vec::new();
    for concept in skos::purposes().concepts() {
        let label = concept.label();
        let law = concept.law().unwrap_or_default();
        let texts = [concept.iri(), &label.en, &label.nl, law];
        if !texts.iter().any(|text| text.to_lowercase().contains(&word)) {
            continue;
        }
        let says = match language {
            Language::English => &label.en,
            Language::Dutch => &label.nl,
        };
        table.row([super::short(concept.iri()), says.clone(), law.to_owned()]);
        listed.push(json!({
            "iri": concept.iri(),
            "label": {"en": label.en, "nl": label.nl},
            "law": law,
            "source": concept.source(),
            "broader": concept.broader(),
        }));
    }
    Outcome {
        text: format!("{}\n{}", table.draw(), text(language, "cli-policy-purposes-next", &[])),
        json: json!({ "purposes": listed }),
        verdict: None,
    }
}
