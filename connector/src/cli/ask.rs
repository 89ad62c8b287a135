//! Commands that ask the running service: from arguments to a request, from the answer to the screen.

use super::actions::{Actions, Context, Outcome};
use super::arguments::{
    Chosen, CredentialAction, DecideArguments, DossierArguments, IssueArguments, NamedInput, NegotiationStep,
    PublishArguments, RunArguments,
};
use super::requests;
use super::show::Shown;
use super::text::text;
use crate::catalogue::Metadata;
use crate::control::client;
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{
    Agreements, Anchors, Catalog, Command, Credential, Decide, Doctor, Dossier, Duties, Input, Negotiate, Negotiation,
    Negotiations, Publish, PublishSource, Pull, Reconcile, ReliesOn, Run, Status, Towards, Trace, Transfer, Transfers,
    Withdraw,
};
use crate::control::socket::path_in;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Runs `chosen` if it is a command for the service; `None` if it is not.
pub(super) fn ask(actions: &dyn Actions, context: &Context, chosen: &Chosen) -> Option<Result<Outcome, ControlError>> {
    let asking = Asking { actions, context };
    Some(match chosen {
        Chosen::Publish(a) => publish(context, a).and_then(|request| asking.send(&request)),
        Chosen::Withdraw(a) => asking.send(&Withdraw {
            id: a.id.clone(),
            version: a.release.clone(),
            reason: a.reason.clone(),
        }),
        Chosen::Credential(a) => credential(context, &a.action).and_then(|request| asking.send(&request)),
        Chosen::Catalog(a) => asking.send(&Catalog {
            peer: a.peer.clone(),
            limit: limit(a.limit),
            filter: a.filter(),
        }),
        Chosen::Negotiate(a) => asking.send(&Negotiate {
            peer: a.peer.clone(),
            dataset: a.dataset.clone(),
            offer: a.offer.clone(),
            purpose: a.purpose.clone(),
            legal_basis: a.legal_basis.clone(),
            area_of_use: a.area_of_use.clone(),
        }),
        Chosen::Negotiations(a) => asking.send(&Negotiations { limit: limit(a.limit) }),
        Chosen::Negotiation(a) => asking.send(&Negotiation {
            id: a.id.clone(),
            decide: match a.step {
                NegotiationStep::Show => None,
                NegotiationStep::Decide(action) => Some(action),
            },
            reason: a.reason.clone(),
        }),
        Chosen::Agreements(a) => asking.send(&Agreements { limit: limit(a.limit) }),
        Chosen::Duties(a) => asking.send(&Duties {
            agreement: a.agreement.clone(),
            limit: limit(a.limit),
        }),
        Chosen::Duty(a) => asking.send(&requests::duty(&a.action)),
        Chosen::Payments(a) => asking.send(&requests::payments(a)),
        Chosen::Payment(a) => asking.send(&requests::payment(&a.action)),
        Chosen::Pull(a) => absolute_option(context, a.out.as_deref()).and_then(|out| {
            asking.send(&Pull {
                agreement: a.agreement.clone(),
                purpose: a.purpose.clone(),
                legal_basis: a.legal_basis.clone(),
                area_of_use: a.area_of_use.clone(),
                out,
                resource: a.resource.clone(),
            })
        }),
        Chosen::Push(a) => requests::push(a).and_then(|request| asking.send(&request)),
        Chosen::Transfers(a) => asking.send(&Transfers { limit: limit(a.limit) }),
        Chosen::Transfer(a) => asking.send(&Transfer {
            id: a.id.clone(),
            step: a.step,
            reason: a.reason.clone(),
        }),
        Chosen::Run(a) => run(context, a).and_then(|request| asking.send(&request)),
        Chosen::Decide(a) => decide(context, a).and_then(|request| asking.send(&request)),
        Chosen::Trace(a) => text_or_file_option(context, a.sparql.as_deref()).and_then(|sparql| {
            asking.send(&Trace {
                what: a.what.clone(),
                direction: if a.down { Towards::Down } else { Towards::Up },
                depth: a.depth,
                limit: a.limit,
                across: a.across,
                sparql,
            })
        }),
        Chosen::Reconcile(a) => asking.send(&Reconcile {
            peer: a.peer.clone(),
            agreement: a.agreement.clone(),
        }),
        Chosen::Dossier(a) => dossier(context, a).and_then(|request| asking.send(&request)),
        Chosen::Anchors(a) if a.merge.is_empty() => {
            absolute(context, &a.out).and_then(|out| asking.send(&Anchors { out }))
        }
        Chosen::Ledger(a) => match requests::export(context, &a.action)? {
            Ok(request) => asking.send(&request),
            Err(error) => Err(error),
        },
        Chosen::Erase(a) => requests::erase(context, &a.action).and_then(|request| asking.send(&request)),
        Chosen::Hold(a) => requests::hold(context, &a.action).and_then(|request| asking.send(&request)),
        Chosen::Retention(a) => requests::retention(context, &a.action).and_then(|request| asking.send(&request)),
        Chosen::Status(_) => asking.send(&Status {}),
        // The service has the log while it runs; without it the log is opened here.
        // Nobody else may have it while its index is made anew.
        Chosen::Doctor(a) if a.rebuild_index => actions.doctor(context, a),
        Chosen::Doctor(a) => match asking.send(&Doctor {}) {
            Err(error) if error.code == Code::NotRunning => actions.doctor(context, a),
            answered => answered,
        },
        Chosen::Backup(a) => requests::backup(context, a).and_then(|request| match asking.send(&request) {
            Err(error) if error.code == Code::NotRunning => actions.backup(context, a),
            answered => answered,
        }),
        _ => return None,
    })
}

struct Asking<'a> {
    actions: &'a dyn Actions,
    context: &'a Context,
}

impl Asking<'_> {
    fn send<C>(&self, request: &C) -> Result<Outcome, ControlError>
    where
        C: Command,
        C::Answer: Shown + Serialize,
    {
        let socket = path_in(&self.actions.storage(self.context)?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| ControlError::new(Code::Failed, "the command cannot be started").what(e.to_string()))?;
        let screen = &self.context.screen;
        let answer = runtime.block_on(async {
            tokio::select! {
                answer = client::command(&socket, request, |line| screen.line(line)) => answer,
                stopped = tokio::signal::ctrl_c() => Err(interrupted(self.context, stopped)),
            }
        })?;
        let json = serde_json::to_value(&answer)
            .map_err(|e| ControlError::new(Code::Failed, "the answer has no JSON form").what(e.to_string()))?;
        Ok(Outcome {
            text: answer.show(self.context.language),
            json,
            verdict: answer.verdict(),
        })
    }
}

fn interrupted(context: &Context, stopped: std::io::Result<()>) -> ControlError {
    match stopped {
        Ok(()) => ControlError::new(Code::Interrupted, text(context.language, "cli-interrupted", &[])),
        Err(e) => ControlError::new(Code::Failed, "signals cannot be received").what(e.to_string()),
    }
}

/// Zero asks for all.
fn limit(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

fn publish(context: &Context, a: &PublishArguments) -> Result<Publish, ControlError> {
    let source = match (&a.file, &a.model, &a.s3, &a.api) {
        (Some(file), None, None, None) => PublishSource::File(existing(context, file)?),
        (None, Some(model), None, None) => PublishSource::Model(existing(context, model)?),
        (None, None, Some(object), None) => {
            let (store, key) = object
                .split_once('/')
                .filter(|(_, key)| !key.is_empty())
                .ok_or_else(|| {
                    ControlError::new(Code::Usage, format!("`{object}` names no object")).expected("STORE/KEY")
                })?;
            PublishSource::S3 {
                store: store.to_owned(),
                key: key.to_owned(),
            }
        }
        (None, None, None, Some(api)) => PublishSource::Api {
            api: api.clone(),
            paths: a.paths.clone(),
            queries: a.queries.clone(),
        },
        // The grammar excludes several and none; refuse rather than choose, should it ever not.
        _ => {
            return Err(ControlError::new(
                Code::Usage,
                "expected one of FILE, --model, --s3 and --api",
            ));
        }
    };
    let policy = super::policies::read(context, &a.policy, &a.places)?;
    // Here, since a policy has lines here; the service looks at it again.
    crate::actions::policy::check_offer(context, &policy, &a.id)?;
    Ok(Publish {
        source,
        id: a.id.clone(),
        version: a.release.clone(),
        title: a.title.clone(),
        description: a.description.clone(),
        media_type: a.media_type.clone(),
        policy: policy.json,
        licence: a.licence.clone(),
        theme: a.theme.clone(),
        metadata: a
            .metadata
            .as_deref()
            .map(|path| metadata_file(context, path))
            .transpose()?,
    })
}

/// A metadata file; it is read here, so that what is wrong with it is said with its line.
fn metadata_file(context: &Context, path: &Path) -> Result<Box<Metadata>, ControlError> {
    let path = existing(context, path)?;
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(&path)
        .map_err(|e| ControlError::new(Code::Usage, format!("`{shown}` cannot be read")).what(e.to_string()))?;
    Metadata::from_toml(&text).map(Box::new).map_err(|e| {
        ControlError::new(Code::Usage, format!("`{shown}` is not a metadata file"))
            .what(e)
            .next("docs/catalogue.md shows one")
    })
}

fn credential(context: &Context, action: &CredentialAction) -> Result<Credential, ControlError> {
    Ok(match action {
        CredentialAction::Issue(IssueArguments {
            subject,
            types,
            claims,
            valid_days,
        }) => Credential::Issue {
            subject: subject.clone(),
            types: types.clone(),
            claims: once(
                context,
                claims
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(value.as_str()))),
            )?,
            valid_days: *valid_days,
        },
        CredentialAction::Add(a) => Credential::Add {
            jwt: text_file(context, &a.file)?.trim().to_owned(),
        },
        CredentialAction::List => Credential::List {},
    })
}

fn run(context: &Context, a: &RunArguments) -> Result<Run, ControlError> {
    let mut inputs = BTreeMap::new();
    for NamedInput { name, source } in &a.inputs {
        let input = match source {
            Ok(transaction) => Input::Transaction(*transaction),
            Err(file) => Input::File(existing(context, file)?),
        };
        if inputs.insert(name.clone(), input).is_some() {
            return Err(twice(context, name));
        }
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in &a.parameters {
        if parameters.insert(name.clone(), value.clone()).is_some() {
            return Err(twice(context, name));
        }
    }
    Ok(Run {
        agreement: a.agreement.clone(),
        inputs,
        parameters,
        case: a.case.clone(),
        seed: a.seed,
        purpose: a.purpose.clone(),
    })
}

fn decide(context: &Context, a: &DecideArguments) -> Result<Decide, ControlError> {
    let relies_on = a.relies_on.iter().map(|relied| ReliesOn {
        transaction: relied.transaction,
        output: relied.output.clone(),
    });
    Ok(Decide {
        case: a.case.clone(),
        title: a.title.clone(),
        legal_basis: a.legal_basis.clone(),
        relies_on: relies_on.collect(),
        author: a.author.clone(),
        role: a.role.clone(),
        organisation: a.organisation.clone(),
        choices: text_or_file(context, &a.choices)?,
    })
}

fn dossier(context: &Context, a: &DossierArguments) -> Result<Dossier, ControlError> {
    Ok(Dossier {
        case: a.case.clone(),
        out: absolute(context, &a.out)?,
    })
}

fn once(context: &Context, pairs: impl Iterator<Item = (String, Value)>) -> Result<Map<String, Value>, ControlError> {
    let mut map = Map::new();
    for (name, value) in pairs {
        if map.insert(name.clone(), value).is_some() {
            return Err(twice(context, &name));
        }
    }
    Ok(map)
}

fn twice(context: &Context, name: &str) -> ControlError {
    ControlError::new(Code::Usage, text(context.language, "cli-twice", &[("name", name)]))
}

/// The service works elsewhere, so paths are made absolute here.
pub(super) fn absolute(context: &Context, path: &Path) -> Result<PathBuf, ControlError> {
    std::path::absolute(path).map_err(|e| unreadable(context, path, &e))
}

fn absolute_option(context: &Context, path: Option<&Path>) -> Result<Option<PathBuf>, ControlError> {
    path.map(|path| absolute(context, path)).transpose()
}

/// An absolute path of something that is there.
fn existing(context: &Context, path: &Path) -> Result<PathBuf, ControlError> {
    match std::fs::metadata(path) {
        Ok(_) => absolute(context, path),
        Err(e) => Err(unreadable(context, path, &e)),
    }
}

fn unreadable(context: &Context, path: &Path, error: &std::io::Error) -> ControlError {
    let shown = path.display().to_string();
    let values = [("path", shown.as_str())];
    if error.kind() == ErrorKind::NotFound {
        ControlError::new(Code::Missing, text(context.language, "cli-file-missing", &values))
    } else {
        ControlError::new(Code::Failed, text(context.language, "cli-file-unreadable", &values)).what(error.to_string())
    }
}

/// Arguments are small: what is longer than a message may be is a mistake, or a device.
fn bytes(context: &Context, path: &Path) -> Result<Vec<u8>, ControlError> {
    let limit = herleid_vocab::json::Limits::MESSAGE.max_bytes as u64;
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(|e| unreadable(context, path, &e))?)
    };
    let mut found = Vec::new();
    reader
        .take(limit + 1)
        .read_to_end(&mut found)
        .map_err(|e| unreadable(context, path, &e))?;
    if found.len() as u64 > limit {
        let shown = path.display().to_string();
        let message = text(context.language, "cli-file-unreadable", &[("path", &shown)]);
        return Err(ControlError::new(Code::Usage, message).expected(format!("at most {limit} bytes")));
    }
    Ok(found)
}

pub(super) fn text_file(context: &Context, path: &Path) -> Result<String, ControlError> {
    String::from_utf8(bytes(context, path)?).map_err(|e| {
        let shown = path.display().to_string();
        ControlError::new(
            Code::Usage,
            text(context.language, "cli-file-not-text", &[("path", &shown)]),
        )
        .what(e.to_string())
    })
}

/// `@FILE` is the file's text, anything else itself.
fn text_or_file(context: &Context, argument: &str) -> Result<String, ControlError> {
    match argument.strip_prefix('@') {
        Some(path) => text_file(context, Path::new(path)),
        None => Ok(argument.to_owned()),
    }
}

fn text_or_file_option(context: &Context, argument: Option<&str>) -> Result<Option<String>, ControlError> {
    argument.map(|argument| text_or_file(context, argument)).transpose()
}
