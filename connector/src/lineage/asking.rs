//! Asking other parties what lies behind a node: each is asked about a transaction that it shares with us, with our own token and credentials,
//! and may say no. What it says of itself counts as its word, but for the records whose place in its log it proves.

use super::wire::{Answer, FORMAT, put_together};
use crate::control::protocol::{Asked, AskedState, Question, Towards, TraceNode};
use crate::dsp_shell::base_url;
use crate::net::error::ClientError;
use crate::node::{Node, fresh_trace};
use crate::peers::ReceiptError;
use crate::provider::access::SEEN;
use crate::reconcile::their_side;
use crate::state::{AgreementEntry, LogIdentity};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::form_urlencoded;

/// How many parties away a question goes at most.
pub(crate) const FARTHEST: u32 = 4;
/// Questions that one trace puts at most.
const QUESTIONS: usize = 32;
/// Of those at a time.
const AT_ONCE: usize = 4;
/// How long an answer is waited for, for each party that it may have to ask in turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Levels of an answer on the control socket: two for each node, of the 120 that it may have.
const LEVELS: usize = 54;
/// Characters that are kept of another party's reason.
const REASON_CHARS: usize = 300;

/// How a question goes on.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) direction: Towards,
    /// How many parties away; 0: nobody is asked.
    pub(crate) hops: u32,
    /// Who is not asked: those that wait for the answer.
    pub(crate) via: BTreeSet<Did>,
}

/// What became of one question.
type Outcome = Result<Vec<TraceNode>, Asked>;

fn unanswered(state: AskedState, why: impl Into<String>) -> Asked {
    Asked { state, why: why.into() }
}

/// The questions of a tree, in order, each with how deep it stands.
fn questions<'t>(node: &'t TraceNode, depth: usize, found: &mut Vec<(usize, &'t Question)>) {
    found.extend(node.question.as_deref().map(|question| (depth, question)));
    for child in &node.children {
        questions(child, depth + 1, found);
    }
}

/// Puts what became of the questions where they stand.
fn answer(node: &mut TraceNode, outcomes: &mut impl Iterator<Item = Outcome>) {
    let outcome = node.question.take().and_then(|_| outcomes.next());
    // First those below: what is put there now has no questions of ours.
    for child in &mut node.children {
        answer(child, outcomes);
    }
    match outcome {
        None => {}
        Some(Ok(told)) => {
            node.asked = Some(unanswered(AskedState::Answered, ""));
            node.children.extend(told);
        }
        Some(Err(asked)) => node.asked = Some(asked),
    }
}

fn height(nodes: &[TraceNode]) -> usize {
    nodes.iter().map(|node| 1 + height(&node.children)).max().unwrap_or(0)
}

impl Asking {
    /// Asks whoever the nodes of `tree` name, and puts the answers below them. Tells how many were asked, and how many answered.
    pub(crate) async fn complete(&self, node: &Arc<Node>, tree: &mut TraceNode) -> (u64, u64) {
        let mut found = Vec::new();
        questions(tree, 0, &mut found);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut known = BTreeSet::new();
        let mut tasks = JoinSet::new();
        let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
        for (at, (depth, question)) in found.into_iter().enumerate() {
            let refused = match known.insert((question.other.clone(), question.transaction)) {
                false => Some("it is asked the same elsewhere in this tree"),
                true if self.hops == 0 => Some("nobody was to be asked; `--across` asks"),
                true if self.via.contains(&question.other) => Some("it waits for this answer itself"),
                true if tasks.len() >= QUESTIONS => Some("so many others were asked; begin a trace nearer to it"),
                true => None,
            };
            if let Some(why) = refused {
                outcomes.push((at, Err(unanswered(AskedState::NotAsked, why))));
                continue;
            }
            let (node, question, asking, turns) = (node.clone(), question.clone(), self.clone(), turns.clone());
            tasks.spawn(async move {
                let _turn = turns.acquire().await;
                let asked = asking.ask(&node, &question);
                let outcome = match timeout(PATIENCE * asking.hops, asked).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(unanswered(AskedState::Unreachable, "it did not answer in time")),
                };
                let too_deep = || {
                    unanswered(
                        AskedState::Answered,
                        "too deep to be shown here; begin a trace nearer to it",
                    )
                };
                (
                    at,
                    outcome.and_then(|told| match depth + height(&told) > LEVELS {
                        true => Err(too_deep()),
                        false => Ok(told),
                    }),
                )
            });
        }
        let asked = tasks.len() as u64;
        outcomes.extend(tasks.join_all().await);
        outcomes.sort_by_key(|(at, _)| *at);
        let is_answered = |outcome: &Outcome| match outcome {
            Ok(_) => true,
            Err(asked) => asked.state == AskedState::Answered,
        };
        let answered = outcomes.iter().filter(|(_, outcome)| is_answered(outcome)).count() as u64;
        answer(tree, &mut outcomes.into_iter().map(|(_, outcome)| outcome));
        (asked, answered)
    }

    async fn ask(&self, node: &Node, question: &Question) -> Outcome {
        let failed = |why: String| unanswered(AskedState::Failed, why);
        let key = AgreementEntry::key(&question.agreement, question.side);
        let entry: Option<AgreementEntry> = node.state.get(&key).map_err(|e| failed(e.to_string()))?;
        let entry = entry.filter(|entry| entry.other == question.other);
        let entry = entry
            .ok_or_else(|| unanswered(AskedState::NotAsked, "the agreement with it is not known here any more"))?;
        let Some(log) = &entry.other_log else {
            return Err(unanswered(AskedState::NotAsked, "it keeps no log"));
        };
        let body = self.fetch(node, question, &entry, log).await?;
        let mut answer: Answer = serde_json::from_value(body)
            .map_err(|e| failed(format!("what it answered is no lineage of this version: {e}")))?;
        if answer.format != FORMAT {
            return Err(failed(format!(
                "it answered in the format `{}`, expected `{FORMAT}`",
                shortened(&answer.format)
            )));
        }
        let kinds = proved(node, log, std::mem::take(&mut answer.records))
            .await
            .map_err(failed)?;
        let mut told =
            put_together(answer.nodes).map_err(|why| failed(format!("what it answered is no tree: {why}")))?;
        for node in &mut told {
            take_for_what_it_is(node, &entry.other, &kinds);
        }
        Ok(told)
    }

    async fn fetch(
        &self,
        node: &Node,
        question: &Question,
        entry: &AgreementEntry,
        log: &LogIdentity,
    ) -> Result<Value, Asked> {
        let failed = |why: String| unanswered(AskedState::Failed, why);
        let seen = node.peers.seen_size(log).map_err(|e| failed(e.to_string()))?;
        let headers = node.message_headers(&entry.other, Some(&entry.declares), &fresh_trace(node));
        let mut headers = headers.map_err(|e| unanswered(AskedState::NotAsked, e.to_string()))?;
        headers.insert(SEEN, seen.into());
        let (transaction, hops) = (
            question.transaction.to_string(),
            self.hops.saturating_sub(1).to_string(),
        );
        let via: Vec<&str> = self.via.iter().map(Did::as_str).collect();
        let direction = match self.direction {
            Towards::Up => "up",
            Towards::Down => "down",
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("transaction", &transaction)
            .append_pair("agreement", &entry.id)
            .append_pair("side", their_side(entry).as_str())
            .append_pair("direction", direction)
            .append_pair("hops", &hops)
            .append_pair("via", &via.join(" "))
            .finish();
        let url = format!("{}/lineage?{query}", base_url(&entry.other_base));
        let answer = node
            .client
            .get_json(&url, headers)
            .await
            .map_err(|error| down(&error))?;
        let state = match answer.status.as_u16() {
            200 => return answer.json().map_err(|e| failed(e.to_string())),
            401 | 403 => AskedState::Refused,
            404 => AskedState::Unknown,
            503 => AskedState::Unreachable,
            _ => AskedState::Failed,
        };
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = problem.get("detail").and_then(Value::as_str);
        let detail = detail.map_or_else(|| format!("HTTP status {}", answer.status), shortened);
        Err(unanswered(state, detail))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(REASON_CHARS).collect()
}

fn down(error: &ClientError) -> Asked {
    let state = match error {
        ClientError::NotJson { .. } | ClientError::Url { .. } | ClientError::Scheme { .. } => AskedState::Failed,
        _ => AskedState::Unreachable,
    };
    unanswered(state, error.to_string())
}

/// The kinds of the records that it handed over, by number; each is in its log, which goes on from where we saw it last.
async fn proved(node: &Node, log: &LogIdentity, records: Vec<Value>) -> Result<BTreeMap<u64, String>, String> {
    let said = |error: ReceiptError| match error {
        ReceiptError::Lie(lie) => format!("what it answered contradicts its log: {lie}"),
        other => format!("what it answered cannot be checked: {other}"),
    };
    let (mut shown, mut kinds) = (Vec::new(), BTreeMap::new());
    for record in records {
        let handed =
            HandedOver::from_value(record).map_err(|e| format!("a record that it handed over is none: {e}"))?;
        let mut one = node.peers.show(log, handed).await.map_err(said)?;
        // What was asked is a transaction: of no stream more is known now than before.
        one.without_numbers();
        let record = one.record();
        let kind = record
            .section(SectionName::Envelope)
            .and_then(|envelope| envelope.get("kind")?.as_str());
        kinds.extend(kind.map(|kind| (record.index(), kind.to_owned())));
        shown.push(one);
    }
    node.peers.accept_all(log, &shown).await.map_err(said)?;
    Ok(kinds)
}

/// Whether a node that calls itself `node` can be of a record of this kind.
fn fits(node: &str, kind: &str) -> bool {
    match node {
        "pull" => kind.starts_with("pull-") || kind.starts_with("one-sided-pull-"),
        "run" => kind.starts_with("run-"),
        "decision" => kind == "decision-made",
        other => other == kind,
    }
}

/// What `peer` told is its word, or what others told it; checked is only that a record of its own is in its log, and of that kind.
fn take_for_what_it_is(node: &mut TraceNode, peer: &Did, kinds: &BTreeMap<u64, String>) {
    let is_own = node.told_by.is_none() && node.party.as_ref() == Some(peer);
    let kind = node.index.and_then(|index| kinds.get(&index));
    node.verified = is_own && kind.is_some_and(|kind| fits(&node.kind, kind));
    node.summary = None;
    if node.told_by.is_none() {
        node.told_by = Some(peer.clone());
    }
    for child in &mut node.children {
        take_for_what_it_is(child, peer, kinds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(name: &str) -> Did {
        format!("did:web:{name}.example").parse().unwrap()
    }

    fn node(kind: &str, party: &str, index: u64) -> TraceNode {
        TraceNode {
            kind: kind.to_owned(),
            party: Some(did(party)),
            index: Some(index),
            verified: true,
            ..TraceNode::default()
        }
    }

    #[test]
    fn what_a_peer_tells_is_its_word_but_for_the_records_that_it_proves() {
        let kinds = BTreeMap::from([(3, "pull-served".to_owned()), (4, "dataset-published".to_owned())]);
        let mut told = node("pull", "knmi", 3);
        let mut from_others = node("run", "water", 3);
        from_others.told_by = Some(did("water"));
        told.children = vec![
            node("dataset-published", "knmi", 4),
            node("run", "knmi", 4),
            node("pull", "knmi", 5),
            node("pull", "water", 3),
            from_others,
        ];
        take_for_what_it_is(&mut told, &did("knmi"), &kinds);
        assert!(told.verified);
        let verified: Vec<bool> = told.children.iter().map(|child| child.verified).collect();
        assert_eq!(verified, [true, false, false, false, false]);
        let by: Vec<Option<Did>> = told.children.iter().map(|child| child.told_by.clone()).collect();
        assert_eq!(by[0], Some(did("knmi")));
        assert_eq!(by[4], Some(did("water")));
    }

    #[test]
    fn answers_stand_where_their_questions_stood() {
        let question = |n: u128| Question {
            transaction: uuid::Uuid::from_u128(n),
            agreement: "urn:a".to_owned(),
            side: crate::state::Side::Consumer,
            other: did("knmi"),
        };
        let mut tree = node("trace", "app", 0);
        tree.children = vec![node("pull", "app", 1), node("pull", "app", 2)];
        tree.children[0].question = Some(Box::new(question(1)));
        tree.children[1].children = vec![node("receipt", "knmi", 7)];
        tree.children[1].children[0].question = Some(Box::new(question(2)));
        let mut found = Vec::new();
        questions(&tree, 0, &mut found);
        let found: Vec<(usize, u128)> = found
            .into_iter()
            .map(|(depth, q)| (depth, q.transaction.as_u128()))
            .collect();
        assert_eq!(found, [(1, 1), (2, 2)]);
        let outcomes = vec![
            Ok(vec![node("pull", "knmi", 9)]),
            Err(unanswered(AskedState::Refused, "no")),
        ];
        answer(&mut tree, &mut outcomes.into_iter());
        assert_eq!(tree.children[0].children[0].index, Some(9));
        assert_eq!(tree.children[0].asked.as_ref().unwrap().state, AskedState::Answered);
        let receipt = &tree.children[1].children[0];
        assert_eq!(receipt.asked.as_ref().unwrap().state, AskedState::Refused);
    }
}
