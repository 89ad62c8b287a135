//! One step of a process: taken in turn, made durable, and only then sent, answered and followed up.

use super::rounds::Running;
use super::{Context, Due, Kept, Negotiator, context_key, delivery, internal, key, listing, open_key, peer_key};
use crate::dsp::Role;
use crate::dsp::error::{Answer, Refusal};
use crate::dsp::id::Id;
use crate::dsp::message::{Cause, Received};
use crate::dsp::outbox::{Effect, Notice};
use crate::dsp::process::{self, Event, FollowUp, Process};
use crate::journal::{Entry, Noted};
use crate::node::Node;
use crate::state::{Change, set};
use crate::trust::Standing;
use herleid_ledger::record::Draft;
use std::sync::Arc;

/// A process that has just been opened, and what to do about it.
type Opened<P> = (Process<P>, Vec<Effect<P>>);

/// What a step writes beside the process.
#[derive(Default)]
struct Beside {
    /// Changes of our own state.
    changes: Vec<Change>,
    /// The record that belongs to it.
    record: Option<Draft>,
}

fn persists<P: Kept>(effects: &[Effect<P>]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Persist))
}

/// Makes a step durable, with what belongs to it: the record and the step that it is about are one commit, so that neither can be had,
/// or seen, without the other.
async fn keep<P: Kept>(
    node: &Node,
    process: &Process<P>,
    effects: &[Effect<P>],
    due: bool,
    beside: Beside,
) -> Result<(), Refusal> {
    let mut changes = kept(node, process, due)?;
    changes.extend(beside.changes);
    let _noted = note(node, process, effects, &mut changes)?;
    if let Some(draft) = beside.record {
        let with = |draft: Draft, (key, value): &Change| draft.put(key.clone(), value.clone());
        let recorded = node.append(changes.iter().fold(draft, with)).await;
        if !recorded.map_err(|e| internal(&e))?.replayed() {
            return Ok(());
        }
        // Of a draft that repeats a record that is there, nothing is written.
    }
    node.ledger.put_state(changes).await.map_err(|e| internal(&e))
}

impl<P: Kept> Due<P> {
    fn beside(self) -> Beside {
        Beside {
            changes: self.changes,
            record: self.record,
        }
    }
}

/// Carries `work` through to its end, in a task of its own: whoever waits for it may be dropped with its connection between the commit
/// and the sending, and a process would stand still until the next start.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(why) => Err(internal(&format!("a step broke off: {why}"))),
    }
}

/// Adds the changes of state to what is written, so that whoever is told of them is told of what is durable; see [`crate::journal`].
pub(super) fn note<P: Kept>(
    node: &Node,
    process: &Process<P>,
    effects: &[Effect<P>],
    changes: &mut Vec<Change>,
) -> Result<Noted, Refusal> {
    let counterparty = node.did_of(process.peer());
    let moved = effects.iter().filter_map(|effect| match effect {
        Effect::Notify(Notice::Moved { from, to, by }) => Some((from.map(|state| state.to_string()), *to, *by)),
        // What this end opens has its state at once.
        Effect::Send(send) if send.opens => Some((None, process.state(), process.role())),
        _ => None,
    });
    let entry = |(from, to, by): (Option<String>, P::State, Role)| Entry {
        at_ms: node.now_ms(),
        of: P::PREFIX.trim_end_matches('/').to_owned(),
        pid: process.own_pid().to_string(),
        role: process.role().to_string(),
        counterparty: counterparty
            .as_ref()
            .map_or_else(|_| process.peer().to_string(), ToString::to_string),
        from,
        to: to.to_string(),
        by: by.to_string(),
        about: P::about(process),
        code: process.ended().and_then(|ended| ended.cause.code.clone()),
    };
    let entries: Vec<Entry> = moved.map(entry).collect();
    node.journal.note(&entries, changes).map_err(|e| internal(&e))
}

/// What is written of a process, in one commit: itself, what lists show of it, where the other end's id for it leads, whether it
/// is open, and what changes beside it. It stays open while something is `due`.
pub(super) fn kept<P: Kept>(node: &Node, process: &Process<P>, due: bool) -> Result<Vec<Change>, Refusal> {
    let own = process.own_pid();
    let pid = || own.as_str().as_bytes().to_vec();
    let bytes = process.to_bytes().map_err(|e| internal(&e))?;
    let mut changes = P::beside(node, process)?;
    changes.push((key::<P>(own), Some(bytes)));
    changes.push(listing::line(process)?);
    changes.push((open_key::<P>(own), (due || !process.is_over()).then(pid)));
    if let Some(theirs) = process.peer_pid() {
        changes.push((peer_key::<P>(process.peer(), theirs), Some(pid())));
    }
    Ok(changes)
}

/// Does what is due at this end, once; after an error, a later round tries again.
async fn settle<P: Kept>(node: Arc<Node>, process: Process<P>, _running: Running) {
    let (pid, seen) = (process.own_pid().clone(), process.clone());
    let due = match P::due(node.clone(), process).await {
        Ok(due) => due,
        Err(why) => {
            tracing::error!(%why, %pid, "what is due in a negotiation or transfer could not be decided; it will be tried again");
            return;
        }
    };
    match node.negotiator.perform::<P>(&node, seen, due).await {
        Ok(()) => {}
        Err(why @ Refusal::Internal { .. }) => {
            tracing::error!(%why, %pid, "a decision could not be kept; it will be tried again")
        }
        Err(why) => tracing::info!(%why, %pid, "a decision came too late"),
    }
}

/// Ends a process from this end.
async fn end<P: Kept>(node: Arc<Node>, pid: Id, cause: Cause) {
    let decided = Event::Decided(P::terminate(cause));
    if let Err(why) = node.negotiator.step::<P>(&node, &pid, decided).await {
        tracing::info!(%why, %pid, "a process ended or went on before it could be ended from here");
    }
}

impl Negotiator {
    /// Takes one step of an existing process.
    ///
    /// # Errors
    /// The refusal; nothing has changed then.
    pub async fn step<P: Kept>(&self, node: &Arc<Node>, pid: &Id, event: Event<P>) -> Result<Option<Answer>, Refusal> {
        let (node, pid) = (Arc::clone(node), pid.clone());
        whole(async move {
            let this = &node.negotiator;
            let _turn = this.turns.take(key::<P>(&pid)).await;
            let process = this.load::<P>(&node, &pid)?.ok_or(Refusal::NotFound)?;
            this.advance(&node, &process, event).await
        })
        .await
    }

    /// One step of `process`, in whose turn this is.
    async fn advance<P: Kept>(
        &self,
        node: &Arc<Node>,
        process: &Process<P>,
        event: Event<P>,
    ) -> Result<Option<Answer>, Refusal> {
        let (next, effects) = process::step(process, event, node.now_ms())?;
        // A step without effect on the process writes nothing.
        if persists(&effects) {
            let to_record = P::to_record(Arc::clone(node), next.clone()).await?;
            let due = to_record.is_none() && P::is_due(node, &next);
            let beside = to_record.map_or_else(Beside::default, Due::beside);
            keep(node, &next, &effects, due, beside).await?;
        }
        Ok(self.carry_out(node, next, effects))
    }

    /// Keeps a process that this end has just opened, with somebody who was trusted when trust stood as `standing`.
    ///
    /// # Errors
    /// When it cannot be kept, or trust was withdrawn since.
    pub async fn open<P: Kept>(
        &self,
        node: &Arc<Node>,
        opened: Opened<P>,
        context: Context,
        standing: Standing,
    ) -> Result<(), Refusal> {
        let node = Arc::clone(node);
        // Nobody knows its id yet, so nobody waits for its turn.
        whole(async move { node.negotiator.begin(&node, opened, context, standing).await.map(drop) }).await
    }

    async fn begin<P: Kept>(
        &self,
        node: &Arc<Node>,
        (process, effects): Opened<P>,
        mut context: Context,
        standing: Standing,
    ) -> Result<Option<Answer>, Refusal> {
        // Nothing asks for credentials again once it is open: it is not opened on those that count no more.
        let held = node.trust.hold(standing).await.ok_or_else(|| Refusal::Unavailable {
            why: "who is trusted here has changed meanwhile; try again".to_owned(),
        })?;
        context.log_size = node.ledger.size();
        let context = set(context_key::<P>(process.own_pid()), &context).map_err(|e| internal(&e))?;
        let beside = Beside {
            changes: vec![context],
            record: None,
        };
        keep(node, &process, &effects, P::is_due(node, &process), beside).await?;
        drop(held);
        Ok(self.carry_out(node, process, effects))
    }

    /// Takes up a process that `from` opens by `message`, as `opened` says; a repeat of a message that opened one is answered as it
    /// was. Looked up and written in one turn: of two copies that come at once, one opens the process and the other finds it. `from` was
    /// found trusted when trust stood as `standing`.
    ///
    /// # Errors
    /// The refusal: that of `opened`, unless the process is known; nothing has changed then.
    pub async fn take_up<P: Kept>(
        &self,
        node: &Arc<Node>,
        from: Id,
        message: Received<P::Message>,
        opened: Result<Opened<P>, Refusal>,
        context: Context,
        standing: Standing,
    ) -> Result<Option<Answer>, Refusal> {
        let node = Arc::clone(node);
        whole(async move {
            let this = &node.negotiator;
            let pid = process::opener_pid::<P>(message.message()).cloned();
            let _opening = match &pid {
                Some(pid) => Some(this.turns.take(peer_key::<P>(&from, pid)).await),
                None => None,
            };
            let known = match &pid {
                Some(pid) => this.load_by_peer::<P>(&node, &from, pid)?,
                None => None,
            };
            if let Some(known) = known {
                let _turn = this.turns.take(key::<P>(known.own_pid())).await;
                // It may have gone on since it was found.
                let known = this.load::<P>(&node, known.own_pid())?.ok_or(Refusal::NotFound)?;
                return this.advance(&node, &known, Event::Received { from, message }).await;
            }
            let opened = opened?;
            let process = opened.0.clone();
            this.held.take(&process, node.config.limits.open_per_peer)?;
            let begun = this.begin(&node, opened, context, standing).await;
            if begun.is_err() {
                this.held.leave(&process);
            }
            begun
        })
        .await
    }

    /// Does what was found due when the process was as `seen`; with nothing due, a finished process leaves the index.
    ///
    /// # Errors
    /// When it has gone on since: what was decided about one state, perhaps long ago, says nothing about another.
    pub(super) async fn perform<P: Kept>(
        &self,
        node: &Arc<Node>,
        seen: Process<P>,
        due: Option<Due<P>>,
    ) -> Result<(), Refusal> {
        let node = Arc::clone(node);
        whole(async move {
            let _turn = node.negotiator.turns.take(key::<P>(seen.own_pid())).await;
            node.negotiator.performed::<P>(&node, &seen, due).await
        })
        .await
    }

    async fn performed<P: Kept>(
        &self,
        node: &Arc<Node>,
        seen: &Process<P>,
        due: Option<Due<P>>,
    ) -> Result<(), Refusal> {
        let pid = seen.own_pid();
        let process = self.load::<P>(node, pid)?.ok_or(Refusal::NotFound)?;
        let Some(due) = due else {
            if process.is_over() && process.state() == seen.state() {
                let put_away = vec![(open_key::<P>(pid), None)];
                node.ledger.put_state(put_away).await.map_err(|e| internal(&e))?;
            }
            self.tell();
            return Ok(());
        };
        if due.decision.is_some() && process.has_gone_on_since(seen) {
            let why = format!(
                "`{pid}` went on while this was decided, and is {} now; look at it again",
                process.state()
            );
            return Err(Refusal::Unavailable { why });
        }
        let (next, effects, more) = match due.decision.clone() {
            Some(decision) => {
                let (next, effects) = process::step(&process, Event::Decided(decision), node.now_ms())?;
                let more = P::is_due(node, &next);
                (next, effects, more)
            }
            None => (process, Vec::new(), false),
        };
        keep(node, &next, &effects, more, due.beside()).await?;
        self.carry_out(node, next, effects);
        Ok(())
    }

    /// Sends and tells, after what was decided has become durable; gives the answer to the request that caused it.
    pub(super) fn carry_out<P: Kept>(
        &self,
        node: &Arc<Node>,
        process: Process<P>,
        effects: Vec<Effect<P>>,
    ) -> Option<Answer> {
        self.held.note(&process);
        let follow_up = process::follow_up(&process, &effects);
        let mut answer = None;
        for effect in effects {
            match effect {
                Effect::Answer(given) => answer = Some(given),
                other => delivery::start(node, process.own_pid(), other),
            }
        }
        match follow_up {
            FollowUp::Decide if P::is_due(node, &process) => {
                self.rounds.begin_anew(&open_key::<P>(process.own_pid()));
                self.look(node, process);
            }
            FollowUp::End(cause) => {
                tokio::spawn(end::<P>(node.clone(), process.own_pid().clone(), cause));
            }
            FollowUp::Decide | FollowUp::Nothing => {}
        }
        self.tell();
        answer
    }

    /// Starts to do what is due in a process.
    pub(super) fn look<P: Kept>(&self, node: &Arc<Node>, process: Process<P>) {
        let running = self.rounds.running(open_key::<P>(process.own_pid()));
        tokio::spawn(settle::<P>(node.clone(), process, running));
    }
}
