//! `policy diff`: what one policy permits that another does not, in words.

use super::{short, understood};
use crate::cli::arguments::{DiffArguments, SetArguments};
use crate::cli::policies::{Source, fill, given, open};
use crate::cli::show::{clean, when};
use crate::cli::text::{Language, text};
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_policies::difference::{Aspect, Case, Difference, Gap, Part, Region, Uses, difference};
use herleid_policies::ready::{Given, places};
use herleid_policies::{Operand, Policy, purpose};
use serde_json::{Value, json};

/// Regions of one kind that are told in words; the JSON has all that are listed.
const MAX_TOLD: usize = 40;
/// Values of one aspect that are named.
const MAX_NAMED: usize = 6;

/// Compares two policies. That they differ, or that it is not known, is a verdict.
pub(super) fn diff(context: &Context, arguments: &DiffArguments) -> Result<Outcome, ControlError> {
    let sources = [open(context, &arguments.first)?, open(context, &arguments.second)?];
    let given = shared_out(context, &sources, &arguments.places)?;
    let [first, second] = &sources;
    let (first_given, second_given) = &given;
    let (a, b) = (
        policy(context, first, first_given)?,
        policy(context, second, second_given)?,
    );
    let found = difference(&a, &b);
    let names = [clean(&first.shown), clean(&second.shown)];
    Ok(Outcome {
        text: told(context.language, &found, &names),
        json: json!({
            "same": found.is_none(),
            "asked": found.asked,
            "more": regions(&found.more),
            "less": regions(&found.less),
            "unlisted": found.unlisted,
            "gaps": found.gaps.iter().map(|gap| gap_told(Language::English, gap)).collect::<Vec<_>>(),
        }),
        verdict: (!found.is_none()).then_some(Code::Failed),
    })
}

/// What is given holds for either policy that has the place; what neither has is a mistake.
fn shared_out(
    context: &Context,
    sources: &[Source; 2],
    arguments: &SetArguments,
) -> Result<(Given, Given), ControlError> {
    let given = given(arguments);
    let [first, second] = sources;
    let (has_first, has_second) = (places(&first.json), places(&second.json));
    let of = |has: &std::collections::BTreeSet<String>| -> Given {
        let theirs = given.iter().filter(|(name, _)| has.contains(*name));
        theirs.map(|(name, values)| (name.clone(), values.clone())).collect()
    };
    if let Some(name) = given
        .keys()
        .find(|name| !has_first.contains(*name) && !has_second.contains(*name))
    {
        let both = format!("{} / {}", first.shown, second.shown);
        let name = format!("`{name}`");
        let message = text(
            context.language,
            "cli-policy-no-place",
            &[("policy", &both), ("places", &name)],
        );
        return Err(ControlError::new(Code::Usage, message));
    }
    Ok((of(&has_first), of(&has_second)))
}

fn policy(context: &Context, source: &Source, given: &Given) -> Result<Policy, ControlError> {
    let json = fill(context, &source.json, given, &source.shown)?;
    understood(&json).map_err(|error| {
        let message = text(
            context.language,
            "cli-diff-not-understood",
            &[("policy", &source.shown)],
        );
        ControlError::new(Code::Refused, message)
            .what(clean(&error.to_string()))
            .next(text(context.language, "cli-diff-check", &[("policy", &source.shown)]))
    })
}

fn told(language: Language, found: &Difference, names: &[String; 2]) -> String {
    let [first, second] = names;
    let named = [("first", first.as_str()), ("second", second.as_str())];
    let mut lines = Vec::new();
    if found.more.is_empty() && found.less.is_empty() {
        lines.push(if found.gaps.is_empty() {
            text(language, "cli-diff-same", &named)
        } else {
            text(language, "cli-diff-none-found", &named)
        });
    }
    for (list, key) in [(&found.more, "cli-diff-more"), (&found.less, "cli-diff-less")] {
        if list.is_empty() {
            continue;
        }
        lines.push(text(language, key, &named));
        lines.extend(
            list.iter()
                .take(MAX_TOLD)
                .map(|region| format!("- {}", clean(&region_told(language, region, names)))),
        );
        if list.len() > MAX_TOLD {
            let (shown, of) = (MAX_TOLD.to_string(), list.len().to_string());
            lines.push(text(language, "cli-diff-shown", &[("shown", &shown), ("of", &of)]));
        }
    }
    if found.unlisted > 0 {
        let unlisted = found.unlisted.to_string();
        lines.push(text(language, "cli-diff-unlisted", &[("unlisted", &unlisted)]));
    }
    lines.push(text(language, "cli-diff-asked", &[("asked", &found.asked.to_string())]));
    for gap in &found.gaps {
        let why = gap_told(language, gap);
        lines.push(text(language, "cli-diff-gap", &[("why", &why)]));
    }
    lines.join("\n")
}

fn region_told(language: Language, region: &Region, names: &[String; 2]) -> String {
    let parts: Vec<String> = region.parts.iter().map(|part| part_told(language, part)).collect();
    let [first, second] = names;
    let often = format!(
        "{first}: {}, {second}: {}",
        uses_told(language, region.first),
        uses_told(language, region.second)
    );
    if parts.is_empty() {
        return format!("{}; {often}", text(language, "cli-diff-always", &[]));
    }
    format!("{}; {often}", parts.join("; "))
}

fn uses_told(language: Language, uses: Uses) -> String {
    match uses {
        Uses::NEVER => text(language, "cli-diff-never", &[]),
        Uses::AtMost(most) => text(language, "cli-diff-times", &[("most", &most.to_string())]),
        Uses::Unlimited => text(language, "cli-diff-unlimited", &[]),
    }
}

/// What is meant along one aspect, or what is not where that is shorter to say.
fn part_told(language: Language, part: &Part) -> String {
    let aspect = aspect_told(language, part.aspect);
    let turned = part.aspect != Aspect::Time && part.others.len() < part.cases.len();
    let (told, left_out) = if turned {
        (&part.others, &part.cases)
    } else {
        (&part.cases, &part.others)
    };
    let list = values_told(language, part.aspect, told, left_out);
    if turned {
        text(language, "cli-diff-any-but", &[("aspect", &aspect), ("list", &list)])
    } else {
        format!("{aspect}: {list}")
    }
}

fn aspect_told(language: Language, aspect: Aspect) -> String {
    match aspect {
        Aspect::Action => text(language, "cli-diff-action", &[]),
        Aspect::Time => text(language, "cli-diff-time", &[]),
        Aspect::Purpose => text(language, "cli-diff-purpose", &[]),
        Aspect::Recipient => text(language, "cli-diff-recipient", &[]),
        Aspect::Area => text(language, "cli-diff-area", &[]),
        Aspect::LegalBasis => text(language, "cli-diff-basis", &[]),
        Aspect::AreaOfUse => text(language, "cli-diff-area-of-use", &[]),
        Aspect::CounterpartyLog => text(language, "cli-diff-log", &[]),
        Aspect::Assignee => text(language, "cli-diff-assignee", &[]),
        Aspect::Assigner => text(language, "cli-diff-assigner", &[]),
        Aspect::Target => text(language, "cli-diff-target", &[]),
    }
}

/// Values in words. Of purposes the highest are named, how many lie below them, and which below them are left out.
fn values_told(language: Language, aspect: Aspect, cases: &[Case], left_out: &[Case]) -> String {
    let others = cases.iter().filter(|case| name_of(case).is_none());
    let mut list: Vec<String> = others.map(|case| case_told(language, aspect, case)).collect();
    let named: Vec<&str> = cases.iter().filter_map(name_of).collect();
    if aspect != Aspect::Purpose {
        list.extend(names_told(language, &named));
        return list.join(", ");
    }
    let tops = purpose::tops(&named);
    list.extend(names_told(language, &tops));
    let mut list = list.join(", ");
    let below = named.len() - tops.len();
    if below > 0 {
        list = text(
            language,
            "cli-diff-below",
            &[("list", &list), ("below", &below.to_string())],
        );
    }
    let is_below = |iri: &&str| tops.iter().any(|top| purpose::is_below(iri, top));
    let without: Vec<&str> = left_out.iter().filter_map(name_of).filter(is_below).collect();
    if !without.is_empty() {
        let without = names_told(language, &purpose::tops(&without)).join(", ");
        list = text(language, "cli-diff-without", &[("list", &list), ("without", &without)]);
    }
    list
}

/// The first names, and how many there are besides.
fn names_told(language: Language, names: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = names
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{}`", short(name)))
        .collect();
    let left = names.len().saturating_sub(MAX_NAMED);
    if left > 0 {
        list.push(text(language, "cli-diff-and-more", &[("more", &left.to_string())]));
    }
    list
}

fn name_of(case: &Case) -> Option<&str> {
    match case {
        Case::Named(name) => Some(name),
        _ => None,
    }
}

fn case_told(language: Language, aspect: Aspect, case: &Case) -> String {
    match (case, aspect) {
        (Case::Nothing, _) => text(language, "cli-diff-nothing", &[]),
        (Case::Other, Aspect::Purpose) => text(language, "cli-diff-other-purpose", &[]),
        (Case::Other, _) => text(language, "cli-diff-other", &[]),
        (Case::Named(name), _) => format!("`{}`", short(name)),
        (Case::Several(names), _) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{}`", short(name))).collect();
            names.join(" + ")
        }
        (Case::KeepsLog(true), _) => text(language, "cli-diff-log-kept", &[]),
        (Case::KeepsLog(false), _) => text(language, "cli-diff-log-none", &[]),
        (Case::Times(0, None), _) => text(language, "cli-diff-always", &[]),
        (Case::Times(0, Some(end)), _) => text(language, "cli-diff-before", &[("end", &when(*end))]),
        (Case::Times(from, None), _) => text(language, "cli-diff-from", &[("from", &when(*from))]),
        (Case::Times(from, Some(end)), _) => text(
            language,
            "cli-diff-between",
            &[("from", &when(*from)), ("end", &when(*end))],
        ),
    }
}

fn gap_told(language: Language, gap: &Gap) -> String {
    match gap {
        Gap::Cases { asked, of } => {
            let (asked, of) = (asked.to_string(), of.to_string());
            text(language, "cli-diff-gap-cases", &[("asked", &asked), ("of", &of)])
        }
        Gap::Values { aspect, asked, of } => {
            let (aspect, asked, of) = (aspect_told(language, *aspect), asked.to_string(), of.to_string());
            text(
                language,
                "cli-diff-gap-values",
                &[("aspect", &aspect), ("asked", &asked), ("of", &of)],
            )
        }
        Gap::Operand(operand) if operand == Operand::Volume.name() => text(language, "cli-diff-gap-volume", &[]),
        Gap::Operand(operand) if operand == Operand::PayAmount.name() => text(language, "cli-diff-gap-price", &[]),
        Gap::Operand(operand) => text(language, "cli-diff-gap-operand", &[("operand", operand)]),
        Gap::Duty => text(language, "cli-diff-gap-duty", &[]),
        Gap::Counters => text(language, "cli-diff-gap-counters", &[]),
        Gap::Obligation => text(language, "cli-diff-gap-obligation", &[]),
    }
}

fn regions(list: &[Region]) -> Value {
    list.iter()
        .map(|region| {
            let parts: serde_json::Map<String, Value> = region
                .parts
                .iter()
                .map(|part| {
                    let cases: Vec<Value> = part.cases.iter().map(case_json).collect();
                    (part.aspect.name().to_owned(), Value::from(cases))
                })
                .collect();
            json!({"where": parts, "first": uses_json(region.first), "second": uses_json(region.second)})
        })
        .collect()
}

/// How often: a number, or `null` for as often as one likes.
fn uses_json(uses: Uses) -> Value {
    match uses {
        Uses::AtMost(most) => json!(most),
        Uses::Unlimited => Value::Null,
    }
}

fn case_json(case: &Case) -> Value {
    match case {
        Case::Nothing => Value::Null,
        Case::Other => json!({"other": true}),
        Case::Named(name) => json!(name),
        Case::Several(names) => json!({ "all": names }),
        Case::KeepsLog(kept) => json!({ "keepsLog": kept }),
        Case::Times(from, end) => json!({"fromMs": from, "beforeMs": end}),
    }
}
