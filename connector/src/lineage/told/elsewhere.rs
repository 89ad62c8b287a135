//! What lies at other parties: their receipts, and what they can be asked.

use super::{Told, said};
use crate::commands::Failure;
use crate::control::protocol::{Asked, AskedState, Question, TraceNode};
use crate::dossier::closure;
use crate::lineage::summary::is_run;
use herleid_ledger::note::Verifier;
use herleid_ledger::record::{Kind, Side, StreamKey};

/// Until somebody asks.
fn not_asked() -> Option<Asked> {
    Some(Asked {
        state: AskedState::NotAsked,
        why: "nobody was to be asked; `--across` asks, and `herleid trace` there shows it".to_owned(),
    })
}

impl Told<'_> {
    /// What the other end can be asked of it.
    fn question(&self) -> Option<Box<Question>> {
        let transaction = self.activity.transaction?;
        let mut keys = self.activity.streams.iter().filter_map(|id| self.streams.get(id));
        keys.find_map(|(key, _)| match key {
            StreamKey::Agreement { agreement, side, other } => Some(Box::new(Question {
                transaction,
                agreement: agreement.clone(),
                side: match side {
                    Side::Provider => crate::state::Side::Provider,
                    Side::Consumer => crate::state::Side::Consumer,
                },
                other: other.clone(),
            })),
            _ => None,
        })
    }

    /// The other ends' receipts, verified anew under the keys that their agreements name; and that nobody was asked what lies behind them.
    pub(in crate::lineage) fn receipts(&self) -> Result<Vec<TraceNode>, Failure> {
        let mut nodes = Vec::new();
        let with_receipts = self.run().or_else(|| self.pull());
        for handed in with_receipts
            .map(|record| closure::receipts(self.ledger, record))
            .transpose()?
            .into_iter()
            .flatten()
        {
            let handed = match handed {
                Ok(handed) => handed,
                Err(_) if self.for_others => {
                    nodes.push(said("receipt", "cannot be read any more".to_owned()));
                    continue;
                }
                Err(error) => {
                    nodes.push(said("receipt", format!("cannot be read any more: {error}")));
                    continue;
                }
            };
            let log = self.logs.get(&handed.origin);
            let key = log.and_then(|l| Verifier::parse(&l.verifier_key).ok());
            nodes.push(TraceNode {
                party: log.map(|l| l.did.clone()),
                index: Some(handed.index),
                verified: key.is_some_and(|key| handed.verify(&key).is_ok()),
                ..said("receipt", format!("record {} of {}", handed.index, handed.origin))
            });
        }
        // A run has two receipts, and its provider is asked once.
        if let Some(last) = nodes.last_mut().filter(|last| last.party.is_some()) {
            last.asked = not_asked();
            last.question = self.question();
        }
        if self.is(Kind::OneSidedPullReceived) {
            nodes.extend(self.other().map(|other| TraceNode {
                party: Some(other.clone()),
                asked: Some(Asked {
                    state: AskedState::NotAsked,
                    why: "it keeps no log".to_owned(),
                }),
                ..said("elsewhere", "where it came from".to_owned())
            }));
        }
        Ok(nodes)
    }

    /// Where it went on at another party: what rests on it there, nobody was asked.
    pub(in crate::lineage) fn elsewhere(&self) -> Result<Vec<TraceNode>, Failure> {
        let given = [Kind::PullOpened, Kind::PullServed, Kind::OneSidedPullOpened];
        let is_given = given.into_iter().any(|kind| self.is(kind));
        if !is_given && !is_run(self.activity) {
            return Ok(Vec::new());
        }
        let mut nodes = if is_given { Vec::new() } else { self.receipts()? };
        if let Some(other) = self.other().filter(|_| nodes.is_empty()) {
            let log = self.logs.values().find(|log| log.did == *other);
            let of = log.map_or_else(String::new, |log| format!(", by the log {}", log.origin));
            nodes.push(TraceNode {
                party: Some(other.clone()),
                asked: not_asked(),
                question: self.question(),
                ..said("elsewhere", format!("what rests on it there{of}"))
            });
        }
        Ok(nodes)
    }
}
