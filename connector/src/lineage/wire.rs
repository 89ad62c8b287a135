//! How a trace travels between connectors: a list, so that no message is deep. See docs/lineage.md.

use crate::control::protocol::TraceNode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an answer says that it is.
pub(super) const FORMAT: &str = "herleid-lineage/1";

/// What a connector answers another one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) format: String,
    /// Each after what it stands below.
    pub(super) nodes: Vec<Placed>,
    /// The answering party's records that the nodes are of, handed over with their envelope.
    pub(super) records: Vec<Value>,
}

/// A node, without its children.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placed {
    /// Place in the list of what it stands below; without it, it stands at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<usize>,
    node: TraceNode,
}

/// The nodes as a list of at most `most`; what does not fit is counted where it is missing.
pub(super) fn listed(nodes: Vec<TraceNode>, most: usize) -> Vec<Placed> {
    let mut list: Vec<Placed> = Vec::new();
    let mut waiting: Vec<(Option<usize>, TraceNode)> = nodes.into_iter().rev().map(|node| (None, node)).collect();
    while let Some((below, mut node)) = waiting.pop() {
        let children = std::mem::take(&mut node.children);
        if list.len() >= most {
            if let Some(parent) = below.and_then(|at| list.get_mut(at)) {
                parent.node.hidden += 1;
            }
            continue;
        }
        let at = Some(list.len());
        waiting.extend(children.into_iter().rev().map(|child| (at, child)));
        list.push(Placed { below, node });
    }
    list
}

/// Undoes [`listed`].
///
/// # Errors
/// Says which node stands below none that came before it, or brings children of its own.
pub(super) fn put_together(list: Vec<Placed>) -> Result<Vec<TraceNode>, String> {
    for (at, placed) in list.iter().enumerate() {
        if placed.below.is_some_and(|below| below >= at) {
            return Err(format!("node {at} stands below one that does not come before it"));
        }
        if !placed.node.children.is_empty() {
            return Err(format!("node {at} has children of its own, expected a list"));
        }
    }
    let (mut top, mut nodes) = (Vec::new(), Vec::new());
    let mut list = list;
    while let Some(Placed { below, mut node }) = list.pop() {
        // Those below it came after it, and so were put there before, the last first.
        node.children.reverse();
        match below.and_then(|below| list.get_mut(below)) {
            Some(parent) => parent.node.children.push(node),
            None => nodes.push(node),
        }
    }
    top.extend(nodes.into_iter().rev());
    Ok(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(label: &str, children: Vec<TraceNode>) -> TraceNode {
        TraceNode {
            kind: "run".to_owned(),
            label: label.to_owned(),
            children,
            ..TraceNode::default()
        }
    }

    fn sample() -> Vec<TraceNode> {
        let deep = (0..200).fold(node("end", Vec::new()), |below, n| node(&n.to_string(), vec![below]));
        vec![
            node("a", vec![node("b", vec![node("c", vec![])]), node("d", vec![])]),
            node("e", vec![deep]),
        ]
    }

    #[test]
    fn a_tree_is_a_list_on_its_way_and_the_same_tree_afterwards() {
        let list = listed(sample(), 1_000);
        assert_eq!(list.len(), 5 + 201);
        assert!(list.iter().all(|placed| placed.node.children.is_empty()));
        assert_eq!(put_together(list).unwrap(), sample());
    }

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let tree = put_together(listed(sample(), 2)).unwrap();
        assert_eq!((tree.len(), tree[0].hidden, tree[0].children[0].hidden), (1, 1, 1));
    }

    #[test]
    fn a_list_that_is_no_tree_is_refused() {
        for below in [0, 1, 7] {
            let list = vec![Placed {
                below: Some(below),
                node: node("a", vec![]),
            }];
            assert!(
                put_together(list).unwrap_err().contains("node 0 stands below"),
                "{below}"
            );
        }
        let list = vec![Placed {
            below: None,
            node: node("a", vec![node("b", vec![])]),
        }];
        assert!(put_together(list).unwrap_err().contains("children of its own"));
    }
}
