//! What each kind of record must have: the table of docs/log-format.md section 6 as data, and the one check against it.

use super::{Kind, RuleError};
use crate::exchange::Phase;
use crate::section::SectionName::{
    self, Content, Evidence, Exchange, Facts, Parameters, People, Run, StreamAgreement, StreamCase, StreamModel,
};
use serde_json::Value;

/// A section that a kind must have, and the members that must stand in it; further members are allowed.
pub type Rule = (SectionName, &'static [&'static str]);

/// What a kind of record must have besides its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirements {
    /// Sections and members.
    pub rules: &'static [Rule],
    /// At least one of these sets of members must stand in `facts`.
    pub facts_either: &'static [&'static [&'static str]],
    /// Documents that must stand in `evidence.documents`: role, and at least how many.
    pub roles: &'static [(&'static str, usize)],
    /// What `exchange.phase` is, where there is an exchange.
    pub phase: Option<Phase>,
    /// What `run.status` may be, where there is a run.
    pub run_status: &'static [&'static str],
}

const NONE: Requirements = Requirements {
    rules: &[],
    facts_either: &[],
    roles: &[],
    phase: None,
    run_status: &[],
};

const AGREEMENT: Rule = (StreamAgreement, &[]);
const EXCHANGE: Rule = (Exchange, &[]);
const CONTENT: Rule = (Content, &[]);
const EVIDENCE: Rule = (Evidence, &["documents"]);
const PARAMETERS: Rule = (Parameters, &[]);
/// What one end alone says of a pull: no other end has an `exchange` that would have to be equal.
const ONE_SIDED: &[&str] = &[
    "transaction",
    "agreement",
    "dataset",
    "version",
    "blake3",
    "sha256",
    "bytes",
    "mediaType",
];
const CHANGE: &[Rule] = &[(Facts, &["what", "before", "after", "by"])];
const RUN: Rule = (
    Run,
    &[
        "transaction",
        "agreement",
        "model",
        "version",
        "inputs",
        "outputs",
        "seed",
        "status",
        "environment",
        "case",
    ],
);
/// `program` is known once the program has been looked at; a run can also fail because it is not there.
const RUN_PROGRAM: Rule = (Run, &["program"]);

impl Kind {
    /// Checks a record of this kind: sections and members, documents, phase and status, and what one section asks of another.
    /// The same for a draft, for a record of this log and for one that was handed over. `has` tells whether the record has a
    /// section at all; `opened` gives the ones that can be read: what is in a section that is withheld or erased cannot be
    /// said, and breaks no rule.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check<'a>(
        self,
        has: impl Fn(SectionName) -> bool,
        opened: impl Fn(SectionName) -> Option<&'a Value>,
    ) -> Result<(), RuleError> {
        let (kind, needed) = (self, self.requirements());
        for (section, members) in needed.rules.iter().copied() {
            if !has(section) {
                return Err(RuleError::Missing { kind, section });
            }
            let Some(value) = opened(section) else { continue };
            if let Some(member) = members.iter().find(|member| value.get(**member).is_none()) {
                let member = (*member).to_owned();
                return Err(RuleError::Member { kind, section, member });
            }
        }
        if has(Exchange) != has(Content) {
            return Err(RuleError::ExchangeAlone { kind });
        }
        if let Some(facts) = opened(Facts) {
            kind.check_facts(facts, needed.facts_either)?;
        }
        if let Some(evidence) = opened(Evidence) {
            kind.check_roles(evidence, needed.roles)?;
        }
        if let (Some(exchange), Some(phase)) = (opened(Exchange), needed.phase) {
            kind.check_phase(phase, text(exchange, "phase"))?;
        }
        match opened(Run) {
            Some(run) => kind.check_run(run, needed.run_status, has(StreamCase)),
            None => Ok(()),
        }
    }

    fn check_phase(self, needed: Phase, found: &str) -> Result<(), RuleError> {
        if found == needed.as_str() {
            return Ok(());
        }
        Err(self.other_value(Exchange, "phase", format!("`{needed}`"), found))
    }

    /// [`Self::check`] of an exchange that is at hand as such, beyond that the record has it.
    pub(crate) fn check_exchanged(self, found: Phase) -> Result<(), RuleError> {
        match self.requirements().phase {
            Some(needed) => self.check_phase(needed, found.as_str()),
            None => Ok(()),
        }
    }

    fn check_facts(self, facts: &Value, either: &[&[&str]]) -> Result<(), RuleError> {
        let has_all = |set: &&[&str]| set.iter().all(|member| facts.get(*member).is_some());
        if either.is_empty() || either.iter().any(has_all) {
            return Ok(());
        }
        let sets: Vec<String> = either.iter().map(|set| set.join(", ")).collect();
        Err(RuleError::Member {
            kind: self,
            section: Facts,
            member: sets.join("` or `"),
        })
    }

    fn check_roles(self, evidence: &Value, roles: &[(&'static str, usize)]) -> Result<(), RuleError> {
        let documents = evidence.get("documents").and_then(Value::as_array);
        for (role, expected) in roles.iter().copied() {
            let listed = documents.into_iter().flatten();
            let found = listed.filter(|document| text(document, "role") == role).count();
            if found < expected {
                return Err(RuleError::Role {
                    kind: self,
                    role,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }

    fn check_run(self, run: &Value, allowed: &[&str], in_case_stream: bool) -> Result<(), RuleError> {
        let status = text(run, "status");
        if !allowed.is_empty() && !allowed.contains(&status) {
            let expected = format!("`{}`", allowed.join("` or `"));
            return Err(self.other_value(Run, "status", expected, status));
        }
        let outputs = run.get("outputs").and_then(Value::as_array);
        if matches!(status, "requested" | "started") && !outputs.is_some_and(Vec::is_empty) {
            let expected = "empty while it has not finished".to_owned();
            return Err(self.other_value(Run, "outputs", expected, "something else"));
        }
        let for_a_case = run.get("case").is_some_and(|case| !case.is_null());
        if self == Self::RunReceived && for_a_case && !in_case_stream {
            return Err(RuleError::Missing {
                kind: self,
                section: StreamCase,
            });
        }
        Ok(())
    }

    fn other_value(self, section: SectionName, member: &'static str, expected: String, found: &str) -> RuleError {
        RuleError::Value {
            kind: self,
            section,
            member,
            expected,
            found: found.chars().take(80).collect(),
        }
    }

    /// What a record of this kind must have.
    #[must_use]
    pub const fn requirements(self) -> Requirements {
        match self {
            Self::LogOpened => Requirements {
                rules: &[(Facts, &["did", "origin", "verifierKey", "format", "witnessPolicy"])],
                ..NONE
            },
            Self::DatasetPublished => Requirements {
                rules: &[
                    (
                        Facts,
                        &[
                            "dataset",
                            "version",
                            "title",
                            "blake3",
                            "sha256",
                            "bytes",
                            "mediaType",
                            "offers",
                        ],
                    ),
                    EVIDENCE,
                ],
                roles: &[("offer", 1)],
                ..NONE
            },
            Self::ModelPublished => Requirements {
                rules: &[
                    (
                        Facts,
                        &[
                            "model",
                            "version",
                            "title",
                            "program",
                            "environment",
                            "process",
                            "canonicalisation",
                            "offers",
                        ],
                    ),
                    EVIDENCE,
                ],
                roles: &[("environment", 1), ("process", 1)],
                ..NONE
            },
            Self::DatasetWithdrawn => facts(&[(Facts, &["dataset", "version", "reason"])]),
            Self::ModelWithdrawn => facts(&[(Facts, &["model", "version", "reason"])]),
            Self::AgreementConcluded => Requirements {
                rules: &[
                    AGREEMENT,
                    (
                        Facts,
                        &[
                            "agreement",
                            "side",
                            "provider",
                            "consumer",
                            "logs",
                            "policy",
                            "decision",
                        ],
                    ),
                    EVIDENCE,
                ],
                roles: &[("agreement", 1)],
                ..NONE
            },
            Self::AgreementTerminated => facts(&[AGREEMENT, (Facts, &["agreement", "reason"])]),
            Self::PullOpened => Requirements {
                rules: &[AGREEMENT, (Facts, &["transaction", "agreement", "decision"]), EVIDENCE],
                roles: &[("signature-base", 1), ("signature", 1), ("access-token", 1)],
                phase: Some(Phase::Pull),
                ..NONE
            },
            Self::PullServed => Requirements {
                rules: &[AGREEMENT, EXCHANGE, CONTENT, (Facts, &["transaction"])],
                phase: Some(Phase::Pull),
                ..NONE
            },
            Self::PullReceived => Requirements {
                rules: &[AGREEMENT, EXCHANGE, CONTENT, EVIDENCE],
                roles: &[("receipt", 1)],
                phase: Some(Phase::Pull),
                ..NONE
            },
            Self::PullAcknowledged => Requirements {
                rules: &[AGREEMENT, (Facts, &["agreement", "transactions"]), EVIDENCE],
                roles: &[("receipt", 1)],
                ..NONE
            },
            Self::PullAborted => facts(&[AGREEMENT, (Facts, &["transaction", "segment", "bytesSent"])]),
            Self::PullUnacknowledged => facts(&[AGREEMENT, (Facts, &["transaction", "segment", "deadline"])]),
            Self::OneSidedPullOpened => facts(&[AGREEMENT, (Facts, ONE_SIDED), (Facts, &["decision"])]),
            Self::OneSidedPullReceived => facts(&[AGREEMENT, (Facts, ONE_SIDED)]),
            Self::Denied => Requirements {
                rules: &[(Facts, &["what", "party"])],
                facts_either: &[&["decision"], &["count", "first", "last", "reasons"]],
                ..NONE
            },
            Self::RunRequested => Requirements {
                rules: &[AGREEMENT, EXCHANGE, CONTENT, RUN, PARAMETERS],
                phase: Some(Phase::RunRequest),
                run_status: &["requested"],
                ..NONE
            },
            Self::RunStarted => Requirements {
                rules: &[
                    AGREEMENT,
                    (StreamModel, &[]),
                    EXCHANGE,
                    CONTENT,
                    RUN,
                    RUN_PROGRAM,
                    PARAMETERS,
                    (Facts, &["decision"]),
                    EVIDENCE,
                ],
                phase: Some(Phase::RunRequest),
                run_status: &["started"],
                ..NONE
            },
            Self::RunFinished => Requirements {
                rules: &[AGREEMENT, EXCHANGE, CONTENT, RUN, RUN_PROGRAM],
                phase: Some(Phase::RunResult),
                run_status: &["finished"],
                ..NONE
            },
            Self::RunFailed => Requirements {
                rules: &[AGREEMENT, RUN, (Run, &["reason"])],
                run_status: &["failed"],
                ..NONE
            },
            Self::RunReceived => Requirements {
                rules: &[AGREEMENT, EXCHANGE, CONTENT, RUN, RUN_PROGRAM, EVIDENCE],
                roles: &[("receipt", 2)],
                phase: Some(Phase::RunResult),
                run_status: &["finished"],
                ..NONE
            },
            Self::DecisionMade => facts(&[
                (StreamCase, &[]),
                (
                    Facts,
                    &["case", "title", "legalBasis", "reliesOn", "choices", "streams"],
                ),
                (People, &["author"]),
            ]),
            Self::TrustChanged | Self::KeyChanged => facts(CHANGE),
            Self::Continued => facts(&[(Facts, &["previousOrigin", "previousCheckpoint", "lost"])]),
            Self::Superseded => facts(&[(Facts, &["leaf", "by", "reason"])]),
            Self::Erased => facts(&[(
                Facts,
                &["index", "sections", "macs", "ground", "authority", "completeBy"],
            )]),
            Self::Disclosed => Requirements {
                rules: &[(Facts, &["to", "purpose"])],
                facts_either: &[&["manifest"], &["leaves"]],
                ..NONE
            },
            Self::Replayed => facts(&[(Facts, &["transaction", "verdict"])]),
            Self::DeletionStated => facts(&[(Facts, &["agreement", "transactions"])]),
            Self::WitnessConflict => Requirements {
                rules: &[(Facts, &["origin"]), EVIDENCE],
                roles: &[("checkpoint", 2)],
                ..NONE
            },
        }
    }
}

const fn facts(rules: &'static [Rule]) -> Requirements {
    Requirements { rules, ..NONE }
}

/// A text member; empty when there is none.
fn text<'a>(section: &'a Value, member: &str) -> &'a str {
    section.get(member).and_then(Value::as_str).unwrap_or_default()
}
