//! The process that answers queries: the store, and nothing else. It knows no key, opens no file and no socket, and may die of a query.

use super::super::sparql_answer::evaluate;
use super::QUERY_TIME;
use super::frames::{Order, Reply, read, write};
use super::{Asked, QueryError};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{NamedNode, NamedNodeRef, NamedOrBlankNode, Quad, Term};
use oxigraph::sparql::CancellationToken;
use oxigraph::store::{StorageError, Store};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::{Builder, scope};

/// What the program is started with to be such a process. It stands in no help: people have no use for it.
pub(super) const ARGUMENT: &str = "sparql-worker";
/// Stack for parsing and evaluating. The deepest query of 16 KiB that gets past the check of brackets is a row of 16,000 signs; with 4 KiB
/// for the functions that each of them calls (unoptimised builds need that much) this makes 64 MiB, and four times that is taken.
const STACK_BYTES: usize = 256 << 20;
/// Most memory, as addresses: 1 GiB for the store and a query, the stack, and 256 MiB for the program itself.
pub(super) const MEMORY_BYTES: u64 = (1 << 30) + (256 << 20) + (256 << 20);
/// Standard input, output and error, which are open already: no file and no socket can be added.
const DESCRIPTORS: u64 = 3;

/// Whether this program becomes such a process when it is started with [`ARGUMENT`].
static KNOWS_HOW: OnceLock<()> = OnceLock::new();

/// To be called by a program before anything else: answers queries if that is what it was started for, else remembers that it would.
#[must_use]
pub fn sparql_worker(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.nth(1).is_none_or(|first| first != ARGUMENT) {
        let _ = KNOWS_HOW.set(());
        return None;
    }
    Some(match bound().and_then(|()| alone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started this reads it.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    })
}

/// Whether the program that runs can start itself as such a process.
pub(super) fn is_possible() -> bool {
    KNOWS_HOW.get().is_some()
}

/// Sets the limits of this process, which it cannot raise again.
fn bound() -> io::Result<()> {
    // Should the machine run out of memory, this is to be ended and not the connector. Where that cannot be said, the limits hold still.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    for (name, resource, wanted) in [
        ("address space", Resource::As, MEMORY_BYTES),
        ("core file", Resource::Core, 0),
        ("file size", Resource::Fsize, 0),
        ("open files", Resource::Nofile, DESCRIPTORS),
    ] {
        let most = getrlimit(resource).maximum.map_or(wanted, |most| most.min(wanted));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
            .map_err(|e| io::Error::other(format!("the limit of `{name}` cannot be set to {most}: {e}")))?;
    }
    Ok(())
}

/// Serves on the process's own input and output.
fn alone() -> io::Result<()> {
    // What a panic has to say would fill a pipe that is read only at the end.
    std::panic::set_hook(Box::new(|_| ()));
    // The connector is gone, however it went: nobody waits for an evaluation that goes on.
    serve(io::stdin(), io::stdout(), || std::process::exit(0))
}

/// What the watch is told.
enum Watched {
    Begun(CancellationToken),
    Ended,
}

/// Does what is read, one thing after the other; `ended` is called when there is nothing more to read, though an evaluation may go on.
pub(super) fn serve(mut from: impl Read, to: impl Write + Send, ended: impl FnOnce()) -> io::Result<()> {
    let (orders, inbox) = sync_channel(1);
    let (telling, told) = channel();
    scope(|threads| {
        Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(threads, move || work(&inbox, to, &telling))?;
        Builder::new().spawn_scoped(threads, move || watch(&told))?;
        let last = loop {
            match read::<Order>(&mut from) {
                Ok(Some(order)) => {
                    if orders.send(order).is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(orders);
        ended();
        last
    })
}

/// Stops an evaluation that takes too long. Not each of them lets itself be stopped: the connector ends the process then.
fn watch(told: &Receiver<Watched>) {
    while let Ok(event) = told.recv() {
        if let Watched::Begun(stop) = event
            && let Err(RecvTimeoutError::Timeout) = told.recv_timeout(QUERY_TIME)
        {
            stop.cancel();
        }
    }
}

fn work(inbox: &Receiver<(Order, Vec<u8>)>, mut to: impl Write, watch: &Sender<Watched>) {
    let store = match Store::new() {
        Ok(store) => store,
        Err(error) => {
            // Whoever waits is told, or is gone.
            let _ = write(&mut to, &Reply::Failed(error.to_string()), &[]);
            return;
        }
    };
    let mut reply = (Reply::Ready, Vec::new());
    while write(&mut to, &reply.0, &reply.1).is_ok() {
        let Ok((order, body)) = inbox.recv() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| obey(&store, order, &body, watch)));
        reply = done.unwrap_or_else(|_| (Reply::Failed("it broke off in the middle".to_owned()), Vec::new()));
    }
}

fn obey(store: &Store, order: Order, body: &[u8], watch: &Sender<Watched>) -> (Reply, Vec<u8>) {
    let done = match order {
        Order::Add => add(store, body),
        Order::Replace { iri } => replace(store, &iri, body),
        Order::Query { accept } => {
            let asked = Asked {
                query: String::from_utf8_lossy(body).into_owned(),
                accept,
            };
            let stop = CancellationToken::new();
            // The watch ends after this thread.
            let _ = watch.send(Watched::Begun(stop.clone()));
            let answered = evaluate(store, &asked, &stop);
            let _ = watch.send(Watched::Ended);
            return match answered {
                Ok(answered) => (
                    Reply::Answer {
                        media_type: answered.media_type,
                    },
                    answered.body,
                ),
                Err(refused) => (Reply::Refused(refused), Vec::new()),
            };
        }
    };
    let reply = done.map_or_else(|e| Reply::Failed(e.to_string()), |()| Reply::Done);
    (reply, Vec::new())
}

fn parsed(triples: &[u8]) -> Result<Vec<Quad>, QueryError> {
    let parser = RdfParser::from_format(RdfFormat::NTriples).for_slice(triples);
    let quads = parser.collect::<Result<Vec<_>, _>>();
    quads.map_err(|e| QueryError::Internal(e.to_string()))
}

fn add(store: &Store, triples: &[u8]) -> Result<(), QueryError> {
    Ok(store.extend(parsed(triples)?)?)
}

/// Puts a dataset in the place of what was said of it before, or removes that, at once.
fn replace(store: &Store, iri: &str, triples: &[u8]) -> Result<(), QueryError> {
    let dataset = NamedNode::new(iri).map_err(|e| QueryError::Internal(e.to_string()))?;
    let new = parsed(triples)?;
    let mut transaction = store.start_transaction()?;
    for quad in &said_of(store, &dataset)? {
        transaction.remove(quad);
    }
    for quad in &new {
        transaction.insert(quad);
    }
    Ok(transaction.commit()?)
}

/// What is said of a dataset, and of whatever nothing else speaks of once it is gone: its parts, its offers, pages, agents, themes.
fn said_of(store: &Store, dataset: &NamedNode) -> Result<HashSet<Quad>, StorageError> {
    let of_catalogue = super::super::describe::expanded("dcat:dataset");
    let link = NamedNodeRef::new_unchecked(&of_catalogue);
    let mut gone = HashSet::new();
    let mut fresh: Vec<Quad> = Vec::new();
    for quad in store.quads_for_pattern(None, Some(link), Some(dataset.as_ref().into()), None) {
        gone.insert(quad?);
    }
    let mut unspoken: Vec<NamedOrBlankNode> = vec![dataset.clone().into()];
    while !unspoken.is_empty() {
        for node in std::mem::take(&mut unspoken) {
            for quad in store.quads_for_pattern(Some(node.as_ref()), None, None, None) {
                let quad = quad?;
                if gone.insert(quad.clone()) {
                    fresh.push(quad);
                }
            }
        }
        for quad in std::mem::take(&mut fresh) {
            let node: NamedOrBlankNode = match quad.object {
                Term::NamedNode(node) => node.into(),
                Term::BlankNode(node) => node.into(),
                Term::Literal(_) => continue,
            };
            let mut is_spoken_of = false;
            for other in store.quads_for_pattern(None, None, Some(node.as_ref().into()), None) {
                if !gone.contains(&other?) {
                    is_spoken_of = true;
                    break;
                }
            }
            if !is_spoken_of {
                unspoken.push(node);
            }
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "<urn:c> <http://www.w3.org/ns/dcat#dataset> <urn:a> .
        <urn:c> <http://www.w3.org/ns/dcat#dataset> <urn:b> .
        <urn:a> <urn:part> _:part .\n_:part <urn:of> <urn:a> .\n_:part <urn:agent> <urn:shared> .
        <urn:b> <urn:agent> <urn:shared> .\n<urn:shared> <urn:name> \"both\" .\n";

    fn store() -> Store {
        let store = Store::new().unwrap();
        add(&store, BEFORE.as_bytes()).unwrap();
        store
    }

    #[test]
    fn what_is_replaced_leaves_nothing_behind_that_only_it_spoke_of() {
        let store = store();
        replace(&store, "urn:a", b"<urn:a> <urn:part> <urn:new> .\n").unwrap();
        let all = store.to_string();
        assert_eq!(store.len().unwrap(), 4, "{all}");
        for kept in [
            "<urn:new>",
            "<urn:b> <urn:agent> <urn:shared>",
            "\"both\"",
            "#dataset> <urn:b>",
        ] {
            assert!(all.contains(kept), "{kept}: {all}");
        }
        replace(&store, "urn:b", b"").unwrap();
        replace(&store, "urn:a", b"").unwrap();
        assert_eq!(store.len().unwrap(), 0, "{store}");
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let store = store();
        for (iri, triples) in [("urn:a", "<urn:a> <urn:part>"), ("no iri", ""), ("urn:a", "\u{0}")] {
            replace(&store, iri, triples.as_bytes()).unwrap_err();
            assert_eq!(store.len().unwrap(), 7, "{iri} {triples}");
        }
    }

    #[test]
    fn orders_are_done_one_after_the_other_until_there_are_no_more() {
        let mut orders = Vec::new();
        let accept = || Some("text/csv".to_owned());
        write(&mut orders, &Order::Add, BEFORE.as_bytes()).unwrap();
        write(
            &mut orders,
            &Order::Query { accept: accept() },
            b"SELECT ?n { ?s <urn:name> ?n }",
        )
        .unwrap();
        write(
            &mut orders,
            &Order::Replace {
                iri: "no iri".to_owned(),
            },
            b"",
        )
        .unwrap();
        write(
            &mut orders,
            &Order::Query { accept: accept() },
            b"CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }",
        )
        .unwrap();
        let mut said = Vec::new();
        let mut has_ended = false;
        serve(orders.as_slice(), &mut said, || has_ended = true).unwrap();
        let mut said = said.as_slice();
        let mut next = || read::<Reply>(&mut said).unwrap().unwrap();
        assert!(matches!(next(), (Reply::Ready, _)));
        assert!(matches!(next(), (Reply::Done, _)));
        let (reply, body) = next();
        assert!(
            matches!(reply, Reply::Answer { .. }) && body == b"n\r\nboth\r\n",
            "{reply:?}"
        );
        assert!(matches!(next(), (Reply::Failed(_), _)));
        assert!(matches!(next(), (Reply::Refused(QueryError::NotAcceptable(..)), _)));
        assert!(has_ended && read::<Reply>(&mut said).unwrap().is_none());
        assert!(serve([0xff; 8].as_slice(), Vec::new(), || ()).is_err());
    }

    #[test]
    fn a_program_that_is_started_for_something_else_goes_on() {
        let words = |all: &[&str]| all.iter().map(OsString::from).collect::<Vec<_>>().into_iter();
        assert!(sparql_worker(words(&["herleid", "serve"])).is_none());
        assert!(sparql_worker(words(&["herleid", "help", ARGUMENT])).is_none());
        assert!(sparql_worker(words(&[])).is_none());
        assert!(is_possible());
    }
}
