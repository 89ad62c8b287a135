//! A policy that a connector enforces, put to the plain evaluator. What ODRL 2.2 knows nothing of, or means otherwise in the world of a suite
//! (areas, bytes, parties without a log), is worked out here from what is known, condition by condition and in the plainest way, and
//! stands in the policy as a condition that comes out so.

use crate::generated::{self, Known};
use herleid_policies::odrl::{self, Ask, Evaluation, Graph, Leniencies, Reading, World};
use herleid_policies::{DutyState, LOG_KEPT, LOG_NONE, Policy, Request, Rule};
use herleid_vocab::terms::HERLEID;
use serde_json::{Value, json};

/// A condition that holds, that does not, or of which nothing is known, in [`world`].
fn settled(value: Option<bool>) -> Value {
    let (operand, right) = match value {
        Some(true) => ("odrl:version", "urn:yes"),
        Some(false) => ("odrl:version", "urn:no"),
        None => ("odrl:media", "urn:yes"),
    };
    json!({"leftOperand": operand, "operator": "odrl:eq", "rightOperand": {"@id": right}})
}

/// The texts of a right operand in canonical form.
fn texts(right: &Value) -> Vec<String> {
    match right {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map
            .get("@id")
            .or_else(|| map.get("@value"))
            .map(texts)
            .unwrap_or_default(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// How a condition comes out that is not put to the plain evaluator; `None` for one that is.
fn worked_out(left: &str, operator: &str, asked: &[String], known: &Known) -> Option<Option<bool>> {
    let number = || asked[0].parse::<u64>().unwrap();
    if left == "odrl:spatial" {
        let shown = known.areas.iter().any(|area| asked.contains(area));
        return Some(match operator {
            "neq" | "isNoneOf" => shown.then_some(false),
            _ => shown.then_some(true),
        });
    }
    match left.strip_prefix(HERLEID)? {
        "volume" => Some(known.delivered.zip(known.size).map(|(before, now)| match operator {
            "lt" => before + now < number(),
            _ => before + now <= number(),
        })),
        "counterpartyLog" => Some(known.log.map(|kept| {
            let shown = if kept { LOG_KEPT } else { LOG_NONE };
            asked.iter().any(|log| log == shown)
        })),
        // Stated, and of no two areas known that they are apart.
        "areaOfUse" => {
            let is_it = known.area_of_use.as_ref().is_some_and(|area| asked.contains(area));
            Some(is_it.then_some(true))
        }
        "legalBasis" => Some(
            known
                .basis
                .as_ref()
                .and_then(|stated| rests_on(stated, operator, &asked[0])),
        ),
        other => panic!("`{other}` is not worked out here"),
    }
}

/// Whether what is stated rests on what is asked for, of the bases that are drawn.
fn rests_on(stated: &str, operator: &str, asked: &str) -> Option<bool> {
    const TASK: &str = "PubliekeTaak";
    const AUTHORITY: &str = "OpenbaarGezag";
    const CONSENT: &str = "A6-1-a";
    let name = |iri: &str| -> String { iri.rsplit('#').next().unwrap_or_default().to_owned() };
    if stated == asked {
        return Some(true);
    }
    match (name(stated).as_str(), name(asked).as_str()) {
        (AUTHORITY, TASK) => (operator != "eq").then_some(true),
        (CONSENT, TASK | AUTHORITY) | (TASK | AUTHORITY, CONSENT) => Some(false),
        // An article of a law is within it.
        (stated, law) if operator != "eq" && stated.strip_prefix(law).is_some_and(|rest| rest.starts_with('&')) => {
            Some(true)
        }
        _ => None,
    }
}

fn local(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim_start_matches("odrl:")
}

/// The same conditions, settled where they are worked out; and whether one that always has to hold is about the other party's log.
fn conditions(constraints: &mut Value, known: &Known) -> bool {
    let mut names_log = false;
    for constraint in constraints.as_array_mut().into_iter().flatten() {
        for logic in ["and", "andSequence", "or", "xone"] {
            let Some(parts) = constraint.get_mut(logic) else {
                continue;
            };
            let parts = match parts.get("@list") {
                Some(_) => &mut parts["@list"],
                None => parts,
            };
            let named = conditions(parts, known);
            names_log |= named && logic.starts_with("and");
        }
        let Some(left) = constraint.get("leftOperand").and_then(Value::as_str) else {
            continue;
        };
        names_log |= left.strip_prefix(HERLEID) == Some("counterpartyLog");
        let asked = texts(&constraint["rightOperand"]);
        if let Some(value) = worked_out(left, local(&constraint["operator"]), &asked, known) {
            *constraint = settled(value);
        }
    }
    names_log
}

/// The policy with every condition settled that the plain evaluator does not judge as a connector has to.
fn policy(policy: &Policy, known: &Known) -> Value {
    let mut document = policy.document().clone();
    for member in ["permission", "prohibition"] {
        for rule in document
            .get_mut(member)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let names_log = rule.get_mut("constraint").is_some_and(|all| conditions(all, known));
            for duty in rule.get_mut("duty").and_then(Value::as_array_mut).into_iter().flatten() {
                // What it costs is part of whether it is met.
                if local(&duty["action"]) == "compensate" {
                    duty.as_object_mut().unwrap().remove("constraint");
                }
                if let Some(all) = duty.get_mut("constraint") {
                    conditions(all, known);
                }
            }
            // A party of which it is not known that it keeps a log has to be permitted by name.
            if member == "permission" && !names_log && known.log != Some(true) {
                match rule.get_mut("constraint").and_then(Value::as_array_mut) {
                    Some(all) => all.push(settled(Some(false))),
                    None => rule["constraint"] = json!([settled(Some(false))]),
                }
            }
        }
    }
    document
}

/// What a duty costs, read from its text; in cents, of which no price that is drawn has a part.
fn cents(duty: &Value) -> Option<u64> {
    let constraints = duty.get("constraint")?.as_array()?;
    let is_amount = |one: &&Value| one["leftOperand"] == "odrl:payAmount";
    let amount = texts(&constraints.iter().find(is_amount)?["rightOperand"]);
    let (euros, rest) = amount[0].split_once('.').unwrap_or((&amount[0], ""));
    let rest = format!("{rest:0<2}");
    assert_eq!(rest.len(), 2, "{amount:?}");
    Some(euros.parse::<u64>().unwrap() * 100 + rest.parse::<u64>().unwrap())
}

fn world(policy: &Policy, known: &Known, now_ms: u64) -> World {
    let mut world = World::at(now_ms).with_name("version", "urn:yes");
    let facts = generated::facts(policy, known);
    for fact in facts
        .iter()
        .filter(|fact| matches!(&*fact.about, "purpose" | "recipient") && !fact.cut)
    {
        world = fact
            .values
            .iter()
            .fold(world, |world, value| world.with_name(&fact.about, value));
    }
    if let Some(used) = known.used {
        world = world.with_count(None, used);
    }
    for rule in policy.permissions() {
        let costs = |duty: &Rule| cents(policy.document().pointer(duty.at()).unwrap());
        // All that a use costs, of what was paid and is left.
        let whole: u64 = rule.duties().iter().filter_map(costs).sum();
        let is_paid = known.credit.map(|(paid, spent)| whole <= paid.saturating_sub(spent));
        for duty in rule.duties() {
            let is_met = if costs(duty).is_some() {
                is_paid
            } else {
                known.fulfilled
            };
            let state = match is_met {
                Some(true) => DutyState::Fulfilled,
                Some(false) => DutyState::Violated,
                None => continue,
            };
            world = world.with_duty(&format!("_:{}", duty.at()), state);
        }
    }
    world
}

/// What the plain evaluator says; why it could not read the policy.
pub(crate) fn evaluated(enforced: &Policy, request: &Request, known: &Known) -> Result<Evaluation, String> {
    let document = policy(enforced, known);
    let (graph, root) = Graph::of_json(&document).map_err(|why| format!("{why:?}: {document}"))?;
    let plain = odrl::read(&graph, &root, &Reading::default()).map_err(|why| format!("{why}: {document}"))?;
    let mut ask = Ask::new(&request.action, Some(&request.assignee), Some(&request.target));
    ask.assigner = Some(request.assigner.clone());
    Ok(plain.evaluate(&ask, &world(enforced, known, request.now_ms), &Leniencies::strict()))
}
