//! The ODRL test suite of SolidLabResearch: each case has a policy, a request, a state of the world and the report to come out.

use super::Case;
use super::compared::{REPORT, agree, compared};
use super::folder::{Files, Row, manifest};
use herleid_policies::DutyState;
use herleid_policies::compiled::Program;
use herleid_policies::odrl::{self, Ask, Graph, Leniencies, Quantity, Reading, Term, World};
use herleid_vocab::terms::{DCT, ODRL};
use herleid_vocab::time::parse_rfc3339_ms;
use std::collections::BTreeMap;
use std::path::Path;

const EX: &str = "http://example.org/";
const CURRENT_TIME: &str = "http://example.com/request/currentTime";
const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// Everything that the cases are made of.
struct Suite {
    policies: Files,
    requests: Files,
    worlds: Files,
    manifest: BTreeMap<String, Row>,
    leniencies: Leniencies,
}

/// Runs every case of the folder.
///
/// # Errors
/// When a folder or the manifest cannot be read. A case that cannot be read is a failed case.
pub(super) fn run(folder: &Path, leniencies: &Leniencies) -> Result<Vec<Case>, String> {
    let suite = Suite {
        policies: Files::of(&folder.join("policies"))?,
        requests: Files::of(&folder.join("requests"))?,
        worlds: Files::of(&folder.join("sotw"))?,
        manifest: manifest(folder)?,
        leniencies: leniencies.clone(),
    };
    let files = Files::of(&folder.join("test_cases"))?;
    let mut cases: Vec<Case> = Vec::new();
    for (file, why) in &files.unread {
        cases.push(Case::failed(file, format!("it cannot be read: {why}")));
    }
    for (file, graph) in &files.read {
        let found = graph.of_type(&format!("{EX}TestCase"));
        if found.is_empty() {
            cases.push(Case::failed(file, "it describes no test case"));
        }
        for (index, node) in found.iter().enumerate() {
            let stem = file.trim_end_matches(".ttl");
            let name = if index == 0 {
                stem.to_owned()
            } else {
                format!("{stem}#{}", index + 1)
            };
            let row = suite.manifest.get(file);
            let case = suite.case(&name, graph, node, row);
            cases.push(case.unwrap_or_else(|why| Case::failed(&name, why)));
        }
    }
    let is_there = |file: &String| {
        let mut names = files
            .read
            .iter()
            .map(|(name, _)| name)
            .chain(files.unread.iter().map(|(name, _)| name));
        names.any(|name| name == file)
    };
    for file in suite.manifest.keys().filter(|file| !is_there(file)) {
        cases.push(Case::failed(
            file,
            "`MANIFEST.csv` lists it, and `test_cases` does not have it",
        ));
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// The one node that a property leads to.
fn only<'a>(graph: &'a Graph, subject: &str, predicate: &str) -> Result<&'a str, String> {
    match graph.objects(subject, predicate) {
        [Term::Node(node)] => Ok(node),
        found => Err(format!("`{subject}` has {} `{predicate}`, expected one", found.len())),
    }
}

impl Suite {
    fn case(&self, name: &str, graph: &Graph, node: &str, row: Option<&Row>) -> Result<Case, String> {
        let part = |local: &str| only(graph, node, &format!("{EX}{local}"));
        let (policy, request, world) = (part("policy")?, part("request")?, part("sotw")?);
        let expected = part("expectedReport")?;
        let named = |column: &str| row.and_then(|row| row.get(column)).map(String::as_str);
        let policy_graph = self.policies.with(policy, named("policy"))?;
        let request_graph = self.requests.with(request, named("request"))?;
        let (world, notes) = state(self.worlds.with(world, named("sotw"))?)?;
        let reading = Reading {
            leniencies: self.leniencies.clone(),
            ..Reading::default()
        };
        let read = odrl::read(policy_graph, policy, &reading).map_err(|why| format!("refused: {why}"))?;
        let program = Program::of(&read, &self.leniencies);
        let mut case = Case {
            name: name.to_owned(),
            differences: Vec::new(),
            notes,
            lenient: Vec::new(),
            evaluation: serde_json::Value::Array(Vec::new()),
        };
        let asked = request_graph.objects(request, &format!("{ODRL}permission"));
        let mut evaluations = Vec::new();
        for rule in asked.iter().filter_map(Term::node) {
            let (ask, world) = ask(request_graph, rule, world.clone())?;
            let evaluation = read.evaluate(&ask, &world, &self.leniencies);
            agree(&evaluation, &program.evaluate(&ask, &world))?;
            case.lenient.extend(evaluation.made_a_difference.iter().copied());
            if let serde_json::Value::Array(all) = &mut case.evaluation {
                all.push(evaluation.to_json());
            }
            evaluations.push((rule.to_owned(), evaluation));
        }
        case.lenient.sort();
        case.lenient.dedup();
        let told = compared(graph, expected, (policy, request), &evaluations);
        case.differences = told.differences;
        case.notes.extend(told.notes);
        Ok(case)
    }
}

/// A rule of a request, and what it says of the world: `purpose eq X` in a request is what it is for.
fn ask(graph: &Graph, rule: &str, mut world: World) -> Result<(Ask, World), String> {
    let one = |local: &str| match graph.objects(rule, &format!("{ODRL}{local}")) {
        [] => Ok(None),
        [Term::Node(node)] => Ok(Some(node.as_str())),
        _ => Err(format!("the request has several `{local}`, expected one")),
    };
    let action = one("action")?.ok_or("the request names no action")?;
    let mut ask = Ask::new(action, one("assignee")?, one("target")?);
    ask.assigner = one("assigner")?.map(str::to_owned);
    for constraint in graph
        .objects(rule, &format!("{ODRL}constraint"))
        .iter()
        .filter_map(Term::node)
    {
        let operator = only(graph, constraint, &format!("{ODRL}operator"))?;
        if operator != format!("{ODRL}eq") {
            return Err(format!("the request says `{operator}`; what is so is said with `eq`"));
        }
        let operand = only(graph, constraint, &format!("{ODRL}leftOperand"))?;
        let unit = graph
            .objects(constraint, &format!("{ODRL}unit"))
            .first()
            .and_then(Term::node);
        for value in graph.objects(constraint, &format!("{ODRL}rightOperand")) {
            let quantity = Quantity::read(operand, value, unit).map_err(|why| format!("`{}`: {why}", value.text()))?;
            ask = ask.with(operand, quantity.clone());
            world = world.with(operand, None, quantity);
        }
    }
    let known = ["action", "assignee", "assigner", "target", "constraint", "uid"];
    for (predicate, _) in graph.about(rule) {
        let understood = match predicate.strip_prefix(ODRL) {
            Some(local) => known.contains(&local),
            None => predicate == TYPE || predicate.starts_with(DCT),
        };
        if !understood {
            return Err(format!("the request says `{predicate}`, which is not read"));
        }
    }
    Ok((ask, world))
}

/// A state of the world, and what of it is not used. What a state does not say is not so: the suite's worlds are closed.
fn state(graph: &Graph) -> Result<(World, Vec<String>), String> {
    let mut notes = Vec::new();
    let mut world = World::default().complete();
    match graph.objects(CURRENT_TIME, &format!("{DCT}issued")) {
        [] => notes.push("the state of the world has no time".to_owned()),
        [time] => {
            let now_ms = parse_rfc3339_ms(time.text()).ok();
            world.now_ms = Some(now_ms.ok_or_else(|| format!("`{}` is no time with a zone", time.text()))?);
        }
        _ => return Err("the state of the world has several times".to_owned()),
    }
    let part_of = format!("{ODRL}partOf");
    for subject in graph.subjects() {
        for whole in graph.objects(subject, &part_of).iter().filter_map(Term::node) {
            world = world.with_part(subject, whole);
        }
        for duty in graph
            .objects(subject, &format!("{REPORT}rule"))
            .iter()
            .filter_map(Term::node)
        {
            let Ok(state) = only(graph, subject, &format!("{REPORT}deonticState")) else {
                continue;
            };
            let state = match state.strip_prefix(REPORT).unwrap_or(state) {
                "Fulfilled" => DutyState::Fulfilled,
                "Violated" => DutyState::Violated,
                "NonSet" | "NotSet" | "Not-set" => DutyState::NotSet,
                other => return Err(format!("`{other}` is no state of a duty that is known")),
            };
            world = world.with_duty(duty, state);
        }
        for (predicate, _) in graph.about(subject) {
            let used = predicate == TYPE
                || predicate == part_of
                || predicate.starts_with(REPORT)
                || predicate.starts_with(DCT)
                || predicate == format!("{EX}includes");
            if !used {
                notes.push(format!("not used of the state of the world: {predicate}"));
            }
        }
    }
    notes.sort();
    notes.dedup();
    Ok((world, notes))
}
