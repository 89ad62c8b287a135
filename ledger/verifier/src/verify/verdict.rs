//! Verdicts, and the elements of a dossier that get one each.

use super::reason::Reason;
use super::text::Language;
use serde::Serialize;

/// What is said of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Checked, and as it should be.
    Verified,
    /// This verifier does not check it, or has nothing to check it with.
    NotChecked,
    /// It should be there, and is not.
    Missing,
    /// It fits together, but does not lead back to the anchors.
    Untrusted,
    /// Checked, and not as it should be.
    Failed,
}

impl Verdict {
    /// Exit code of the command line: 0 verified or not checked, 1 failed, 3 missing, 4 untrusted (2 is for usage).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified | Self::NotChecked => 0,
            Self::Failed => 1,
            Self::Missing => 3,
            Self::Untrusted => 4,
        }
    }
}

/// What was checked; docs/verify.md explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Structure of the zip.
    Archive,
    /// The list of files against the files.
    Manifest,
    /// One file.
    File,
    /// The party's signature over the manifest.
    Signature,
    /// The manifest's place in the party's log.
    ManifestRecord,
    /// A log and its key against the anchors.
    Log,
    /// A log's checkpoint.
    Checkpoint,
    /// Who cosigned a checkpoint.
    Cosignatures,
    /// One log, two histories.
    Fork,
    /// The first record of a log.
    LogOpened,
    /// A record: MACs, entry, inclusion, form.
    Record,
    /// A record that the other end gave as a receipt.
    Receipt,
    /// Numbers of a stream.
    Stream,
    /// Earlier records that a record names.
    Prior,
    /// Both ends of an exchange.
    Exchange,
    /// A model run.
    Run,
    /// An input of a run.
    Input,
    /// An output that the decision relies on.
    Output,
    /// The decision.
    Decision,
    /// A document that a record names by digest.
    Evidence,
    /// A data file.
    Data,
    /// A model program.
    Model,
    /// A policy decision, evaluated again.
    Policy,
    /// A credential.
    Credential,
    /// A signed request.
    Request,
    /// Texts and metadata made from the records.
    Text,
}

/// Why something is not there, as `missing.json` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Destroyed, with a tombstone in the log.
    Erased,
    /// Kept back.
    Withheld,
    /// There never was such a record.
    NeverRecorded,
    /// A licence forbids passing it on.
    Licence,
}

/// What `missing.json` says of a missing element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Why.
    pub why: Why,
    /// In the party's words.
    pub explanation: String,
    /// Whether an `erased` record in the dossier proves it; only then does it not count.
    pub proved: bool,
}

/// One element and its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Element {
    /// What was checked.
    pub check: Check,
    /// Of what: a file, an origin, a transaction, a stream's number.
    pub subject: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, or how many; absent where the verdict says it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// For a missing element that `missing.json` explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
}

impl Element {
    /// What the element adds to the verdict on the whole: a proved erasure adds nothing.
    #[must_use]
    pub fn counts_as(&self) -> Verdict {
        match &self.explained {
            Some(explained) if explained.proved && self.verdict == Verdict::Missing => Verdict::NotChecked,
            _ => self.verdict,
        }
    }
}

/// A key that can be compared over the telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Whose key, as the dossier says.
    pub did: String,
    /// Origin of the log.
    pub origin: String,
    /// The key, as C2SP verifier key.
    pub verifier_key: String,
    /// SHA-256 of that text, in groups of four hex digits.
    pub fingerprint: String,
}

/// Who would have had to act together for something to be false all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collusion {
    /// What would be false.
    pub claim: Reason,
    /// Names of all who would have had to agree to it.
    pub who: Vec<String>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The worst verdict, in the order failed, untrusted, missing; else verified.
    pub verdict: Verdict,
    /// Its exit code.
    pub exit_code: u8,
    /// Case number, as the manifest says.
    pub case: Option<String>,
    /// The party that made the dossier, as the manifest says.
    pub party: Option<String>,
    /// When, as the manifest says: UTC milliseconds since 1970.
    pub made_ms: Option<u64>,
    /// SHA-256 of the manifest: what the party signed and logged.
    pub manifest: Option<String>,
    /// Every element.
    pub elements: Vec<Element>,
    /// What a reader should know, whatever the verdict.
    pub notes: Vec<Reason>,
    /// Keys to check by telephone; only when there were no anchors for them.
    pub fingerprints: Vec<Fingerprint>,
    /// Who would have had to act together.
    pub collusion: Vec<Collusion>,
    /// What no verification can find out.
    pub undetectable: Vec<Reason>,
}

impl Report {
    /// The report in the language of its reader.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        super::text::render(self, language)
    }

    /// Elements of one verdict.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.verdict == verdict)
    }
}

/// Collects elements while the checks run.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) elements: Vec<Element>,
    pub(crate) notes: Vec<Reason>,
}

impl Findings {
    fn push(&mut self, verdict: Verdict, check: Check, subject: impl Into<String>, reason: Option<Reason>) {
        self.elements.push(Element {
            check,
            subject: subject.into(),
            verdict,
            reason,
            explained: None,
        });
    }

    pub(crate) fn verified(&mut self, check: Check, subject: impl Into<String>) {
        self.push(Verdict::Verified, check, subject, None);
    }

    pub(crate) fn verified_as(&mut self, check: Check, subject: impl Into<String>, reason: Reason) {
        self.push(Verdict::Verified, check, subject, Some(reason));
    }

    pub(crate) fn failed(&mut self, check: Check, subject: impl Into<String>, reason: Reason) {
        self.push(Verdict::Failed, check, subject, Some(reason));
    }

    pub(crate) fn untrusted(&mut self, check: Check, subject: impl Into<String>, reason: Reason) {
        self.push(Verdict::Untrusted, check, subject, Some(reason));
    }

    pub(crate) fn unchecked(&mut self, check: Check, subject: impl Into<String>, reason: Reason) {
        self.push(Verdict::NotChecked, check, subject, Some(reason));
    }

    pub(crate) fn missing(
        &mut self,
        check: Check,
        subject: impl Into<String>,
        reason: Reason,
        explained: Option<Explained>,
    ) {
        self.elements.push(Element {
            check,
            subject: subject.into(),
            verdict: Verdict::Missing,
            reason: Some(reason),
            explained,
        });
    }

    pub(crate) fn note(&mut self, note: Reason) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn worst(&self) -> Verdict {
        let worst = self.elements.iter().map(Element::counts_as).max();
        worst
            .filter(|verdict| *verdict > Verdict::NotChecked)
            .unwrap_or(Verdict::Verified)
    }
}
