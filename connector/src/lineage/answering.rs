//! What another party is told of the lineage of a transaction that it shares with us: kinds, numbers, datasets, models, digests, parties and case
//! numbers. Never parameters, people or anybody's words.

use super::asking::Asking;
use super::walked::AllWalked;
use super::wire::{Answer, FORMAT, listed};
use super::{How, drawn};
use crate::control::protocol::{Question, Towards, TraceNode};
use crate::http::Refusal;
use crate::node::Node;
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Bounds, Direction};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Steps, activities counted and activities shown to another party.
const DEPTH: u32 = 16;
const COUNTED: usize = 10_000;
const SHOWN: usize = 100;
/// Nodes of an answer: of 100 activities with what others told of them, in the megabyte of a message.
const NODES: usize = 400;
/// An envelope may name thousands of records that it rests on; that of such a record is not handed over.
const RECORD_BYTES: usize = 8 << 10;

/// Answers a question of the other end of an agreement, and records that it was answered.
///
/// # Errors
/// When there is no such transaction with it, or the log cannot be read or written.
pub(crate) async fn answer(
    node: &Arc<Node>,
    question: Question,
    asking: &Asking,
    seen: Option<u64>,
    trace: String,
) -> Result<Value, Refusal> {
    let internal = |error: &dyn std::fmt::Display| Refusal::internal(&error.to_string());
    let direction = asking.direction;
    let (of, wanted) = (node.clone(), question.clone());
    let tree = spawn_blocking(move || tree(&of, &wanted, direction)).await;
    let mut tree = tree.map_err(|e| internal(&e))??;
    asking.complete(node, &mut tree).await;
    let of = node.clone();
    let (answer, leaves) = spawn_blocking(move || proved(&of, tree, seen))
        .await
        .map_err(|e| internal(&e))??;
    // What it learns leaves when it is on record that it does.
    let way = match direction {
        Towards::Up => "what it rests on",
        Towards::Down => "what rests on it",
    };
    let purpose = format!("lineage of transaction {}: {way}", question.transaction);
    let facts = json!({"to": question.other.as_str(), "purpose": purpose, "leaves": leaves});
    let draft = Draft::new(Kind::Disclosed, trace)
        .section(SectionName::Facts, facts)
        .term(Term::Party(question.other));
    node.append(draft).await.map_err(|e| internal(&e))?;
    serde_json::to_value(answer).map_err(|e| internal(&e))
}

/// The tree of what the log that goes on has of it.
fn tree(node: &Node, question: &Question, direction: Towards) -> Result<TraceNode, Refusal> {
    let ledger = &node.ledger;
    let internal = |error: &dyn std::fmt::Display| Refusal::internal(&error.to_string());
    let stream = StreamKey::Agreement {
        agreement: question.agreement.clone(),
        side: question.side.into(),
        other: question.other.clone(),
    };
    let stream = ledger.stream(&stream).map_err(|e| internal(&e))?;
    let named = ledger.by_term(&Term::Transaction(question.transaction.to_string()));
    let named: BTreeSet<u64> = named.map_err(|e| internal(&e))?.into_iter().collect();
    let alone = Bounds {
        depth: 0,
        activities: COUNTED,
    };
    let found = ledger.lineage(&named, Direction::Up, alone).map_err(|e| internal(&e))?;
    // Whoever chooses a transaction may choose one of others: what counts is the stream, which is the caller's own.
    let shared = found.activities.into_iter().filter(|activity| {
        activity.transaction == Some(question.transaction)
            && stream
                .as_ref()
                .is_some_and(|stream| activity.streams.contains(&stream.id))
    });
    let start: BTreeSet<u64> = shared.map(|activity| activity.first()).collect();
    if start.is_empty() {
        return Err(Refusal::not_found(
            &"there is no such transaction with you in the log that goes on here",
        ));
    }
    let how = How {
        direction: direction.into(),
        bounds: Bounds {
            depth: DEPTH,
            activities: COUNTED,
        },
        limit: SHOWN,
        deepest: super::DEEPEST as usize,
        for_others: true,
    };
    // How much there is is nobody else's business.
    drawn((node, ledger), &start, &how, &mut AllWalked::default())
        .map_err(|e| internal(&e))
        .map(|drawn| drawn.tree)
}

/// The answer, with our own records in it proved under one checkpoint, and their leaf hashes.
fn proved(node: &Node, tree: TraceNode, seen: Option<u64>) -> Result<(Answer, Vec<String>), Refusal> {
    let internal = |error: &dyn std::fmt::Display| Refusal::internal(&error.to_string());
    let mut own = BTreeSet::new();
    for child in &tree.children {
        own_records(node, child, &mut own);
    }
    let mut nodes = tree.children;
    if tree.hidden > 0 {
        nodes.push(TraceNode {
            kind: "trace".to_owned(),
            hidden: tree.hidden,
            ..TraceNode::default()
        });
    }
    let (mut records, mut leaves) = (Vec::new(), Vec::new());
    let checkpoint = node.ledger.checkpoint();
    for index in own.into_iter().take(SHOWN) {
        let stored = node.ledger.record(index).map_err(|e| internal(&e))?;
        leaves.push(hex::encode(stored.leaf()));
        if !stored.sections().contains_key(&SectionName::Envelope) {
            continue;
        }
        let open = [SectionName::Envelope];
        let handed = node.ledger.hand_over_under(index, &open, seen, &checkpoint);
        let handed = handed.map_err(|e| internal(&e))?;
        if handed.to_bytes().map_err(|e| internal(&e))?.len() <= RECORD_BYTES {
            records.push(handed.to_value().map_err(|e| internal(&e))?);
        }
    }
    let answer = Answer {
        format: FORMAT.to_owned(),
        nodes: listed(nodes, NODES),
        records,
    };
    Ok((answer, leaves))
}

/// The numbers of our own records in the tree.
fn own_records(node: &Node, of: &TraceNode, found: &mut BTreeSet<u64>) {
    if of.told_by.is_none() && of.party.as_ref() == Some(&node.did) {
        found.extend(of.index);
    }
    for child in &of.children {
        own_records(node, child, found);
    }
}
