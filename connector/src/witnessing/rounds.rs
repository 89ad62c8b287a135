//! Rounds of asking: one checkpoint goes to all witnesses at the same time, so that as many as are needed cosign the same one, also
//! while the log grows.

use super::asking::{Asked, ask_about, keep};
use super::{Standings, Witness, WitnessingError};
use crate::net::client::GuardedClient;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_vocab::rim::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A witness that failed is left alone so long before it is asked again, at first a second; growth of the log does not hurry it, and
/// nobody else waits for it. The longest pause is shorter than a dossier waits (`crate::dossier`): one that came back is asked in time.
const PAUSES_MS: [u64; 5] = [1_000, 2_000, 5_000, 10_000, LONGEST_MS];
const LONGEST_MS: u64 = 15_000;

/// How long a round goes on when enough have cosigned: whoever is nearly as quick stands on the checkpoint too, and whoever is not holds
/// the next one up no longer.
const GRACE_MS: u64 = 250;

/// Who is told of what the witnesses answer.
pub struct Told {
    /// Told after each answer, with the size that a quorum has cosigned.
    pub asked: watch::Sender<u64>,
    /// How it stands with each of them.
    pub standings: Standings,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// How long it is until then, by a clock that may have been set back since: never more than `most_ms`.
const fn left_ms(until_ms: u64, now_ms: u64, most_ms: u64) -> u64 {
    let left = until_ms.saturating_sub(now_ms);
    if left > most_ms { 0 } else { left }
}

/// One checkpoint, and how far the asking about it is.
struct Round {
    checkpoint: Arc<Checkpoint>,
    /// Witnesses that were asked about it and have not answered.
    outstanding: usize,
    /// When it was seen that enough have cosigned it.
    enough_ms: Option<u64>,
}

impl Round {
    const fn of(checkpoint: Arc<Checkpoint>) -> Self {
        Self {
            checkpoint,
            outstanding: 0,
            enough_ms: None,
        }
    }

    fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// How long it is still waited for those that have not answered; none when it is as long as they take.
    fn patience_ms(&self, now_ms: u64) -> Option<u64> {
        self.enough_ms
            .map(|since| left_ms(since.saturating_add(GRACE_MS), now_ms, GRACE_MS))
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.outstanding == 0 || self.patience_ms(now_ms) == Some(0)
    }
}

/// How it goes with one witness.
struct Turn<'a> {
    witness: &'a Witness,
    /// Records that it is known to have seen.
    seen: u64,
    /// Records that it cosigned for us.
    cosigned: u64,
    failures: usize,
    /// Until when it is left alone.
    rests_until_ms: Option<u64>,
    is_asked: bool,
}

impl Turn<'_> {
    /// Whether it can say something about this checkpoint: not when it did, nor when it has seen a later one.
    const fn has_to_cosign(&self, size: u64) -> bool {
        !self.is_asked && self.cosigned < size && self.seen <= size
    }

    /// How long it is still left alone.
    fn rests_ms(&self, now_ms: u64) -> Option<u64> {
        let left = self.rests_until_ms.map(|until| left_ms(until, now_ms, LONGEST_MS));
        left.filter(|left| *left > 0)
    }

    fn answered(&mut self) {
        (self.failures, self.rests_until_ms) = (0, None);
    }

    fn failed(&mut self, now_ms: u64) {
        let pause_ms = PAUSES_MS.get(self.failures).copied().unwrap_or(LONGEST_MS);
        self.failures += 1;
        self.rests_until_ms = Some(now_ms.saturating_add(pause_ms));
    }
}

/// Keeps asking until the connector stops: whenever the log has grown, its newest checkpoint goes to all witnesses at once. A round is over
/// when all of them have answered, or enough have; whoever takes longer, or failed, takes part again when it can, and holds nobody up.
///
/// # Errors
/// When a witness says that it knows another history of this log, or more of it: a copy of the directory signs elsewhere. And when our own
/// tiles are damaged.
pub async fn keep_asking(
    ledger: Ledger,
    client: Arc<GuardedClient>,
    witnesses: Vec<Witness>,
    mut grown: watch::Receiver<u64>,
    told: Told,
) -> Result<(), WitnessingError> {
    let mut turns: Vec<Turn<'_>> = witnesses
        .iter()
        .map(|witness| Turn {
            witness,
            seen: 0,
            cosigned: 0,
            failures: 0,
            rests_until_ms: None,
            is_asked: false,
        })
        .collect();
    let mut answers = FuturesUnordered::new();
    let mut round = Round::of(ledger.checkpoint());
    loop {
        let now_ms = told.clock.now_ms();
        if round.is_over(now_ms) && ledger.size() > round.size() {
            round = Round::of(ledger.checkpoint());
        }
        for (place, turn) in turns.iter_mut().enumerate() {
            if turn.has_to_cosign(round.size()) && turn.rests_ms(now_ms).is_none() {
                turn.is_asked = true;
                round.outstanding += 1;
                let question = question(&ledger, &client, turn.witness, round.checkpoint.clone(), turn.seen);
                answers.push(async move { (place, question.await) });
            }
        }
        let is_over = round.is_over(now_ms);
        let resting = turns.iter().filter(|turn| turn.has_to_cosign(round.size()));
        let patience = round.patience_ms(now_ms).filter(|_| !is_over);
        let next = resting.filter_map(|turn| turn.rests_ms(now_ms)).chain(patience).min();
        tokio::select! {
            Some((place, (size, answer))) = answers.next() => {
                let Some(turn) = turns.get_mut(place) else { continue };
                turn.is_asked = false;
                heard(turn, answer, &told)?;
                let quorum = ledger.cosigned().map_or(0, |cosigned| cosigned.size());
                if size == round.size() {
                    round.outstanding = round.outstanding.saturating_sub(1);
                    if quorum >= size {
                        round.enough_ms = round.enough_ms.or_else(|| Some(told.clock.now_ms()));
                    }
                }
                told.asked.send_replace(quorum);
            }
            changed = grown.changed(), if is_over => if changed.is_err() { return Ok(()) },
            () = sleep(Duration::from_millis(next.unwrap_or_default())), if next.is_some() => {}
        }
    }
}

/// Asks, and keeps what was cosigned; says of which size.
async fn question(
    ledger: &Ledger,
    client: &GuardedClient,
    witness: &Witness,
    checkpoint: Arc<Checkpoint>,
    seen: u64,
) -> (u64, Result<Asked, WitnessingError>) {
    let answer = async {
        let answer = ask_about(ledger, client, witness, &checkpoint, seen).await?;
        if let Asked::Cosigned(cosigned) = &answer {
            keep(ledger, cosigned).await?;
        }
        Ok(answer)
    };
    (checkpoint.size(), answer.await)
}

fn heard(turn: &mut Turn<'_>, answer: Result<Asked, WitnessingError>, told: &Told) -> Result<(), WitnessingError> {
    match answer {
        Ok(Asked::Cosigned(cosigned)) => {
            turn.answered();
            turn.cosigned = cosigned.size();
            turn.seen = turn.seen.max(cosigned.size());
            told.standings.heard(turn.witness, &Ok(cosigned), told.clock.now_ms());
        }
        Ok(Asked::Ahead { size }) => {
            turn.answered();
            turn.seen = size;
            told.standings.answers(turn.witness);
        }
        Err(error) => {
            turn.failed(told.clock.now_ms());
            tracing::warn!(%error, "not witnessed");
            let answer = Err(error);
            told.standings.heard(turn.witness, &answer, told.clock.now_ms());
            if let Err(error) = answer
                && error.is_final()
            {
                return Err(error);
            }
        }
    }
    Ok(())
}
