//! Every key of `herleid.toml`, once: what it is called, what it holds, its value when it is left out, and what it is for.
//! The parser, the environment, the file that `herleid init` writes and `docs/configuration.md` all go by this list.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, not empty.
    Text,
    /// A participant's identifier.
    Did,
    /// IP address and port.
    Address,
    /// An `https://` address.
    Url,
    /// The origin of a log.
    Origin,
    /// A log's verifier key (C2SP signed-note, type 0x01).
    LogKey,
    /// A witness's verifier key (C2SP tlog-cosignature, type 0x04).
    WitnessKey,
    /// A SHA-256 in lower-case hexadecimal digits.
    Digest,
    /// A path; a relative one starts at the configuration file's directory.
    Path,
    /// A list of paths.
    Paths,
    /// A list of texts.
    Texts,
    /// A whole number within bounds, both included.
    Whole(i64, i64),
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of tables with these members, all of them required.
    Tables(&'static [(&'static str, Kind)]),
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It may not be left out.
    Refused,
    /// This value, as TOML.
    Means(&'static str),
    /// Nothing; what that means stands in the key's description.
    Nothing,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Section it stands in, `models.sandbox` for one within another.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What holds when it is left out.
    pub absent: Absent,
    /// What it is for, in one sentence without a full stop.
    pub about: &'static str,
}

impl Key {
    /// Section and name: `listen.address`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that overrides it: `HERLEID_LISTEN__ADDRESS`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path().replace('.', "__").to_uppercase())
    }
}

/// What the environment variables of Herleid start with.
pub const VARIABLE_PREFIX: &str = "HERLEID_";

/// Variables with that prefix that belong to the command line and override no key.
pub const OTHER_VARIABLES: [&str; 2] = [crate::messages::LANGUAGE_VARIABLE, "HERLEID_CONFIG"];

const fn key(section: &'static str, name: &'static str, kind: Kind, absent: Absent, about: &'static str) -> Key {
    Key {
        section,
        name,
        kind,
        absent,
        about,
    }
}

use super::retention::OF;
use Absent::{Means, Nothing, Refused};
use Kind::{
    Address, Choice, Did, Digest, LogKey, Origin, Path, Paths, Switch, Tables, Text, Texts, Url, Whole, WitnessKey,
};

/// As in `catalogue::words`; a test compares the two.
pub const PUBLISHER_TYPES: &[&str] = &[
    "national",
    "regional",
    "local",
    "supranational",
    "company",
    "academia",
    "non-profit",
    "standardisation",
    "industry",
    "person",
];
/// Likewise.
pub const LANGUAGES: &[&str] = &["nl", "en", "de", "fr", "fy", "pap"];
/// Likewise.
pub const ACCESS_RIGHTS: &[&str] = &["public", "restricted", "non-public"];

/// A mebibyte, in bytes.
const MIB: i64 = 1_048_576;

/// The list. Bounds show their arithmetic where they have any.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("participant", "did", Did, Refused, "identifier of this participant"),
    key("participant", "name", Text, Refused, "its name, as people read it"),
    key("listen", "address", Address, Means("\"127.0.0.1:7101\""), "where the service listens; for the whole network `0.0.0.0:<port>`"),
    key("listen", "public_url", Url, Refused, "where others reach the service"),
    key("listen", "tls_certificate", Path, Nothing, "certificate chain (PEM), the service's own first; required unless `plain_http` is on"),
    key("listen", "tls_key", Path, Nothing, "private key of the certificate (PEM, PKCS#8); required unless `plain_http` is on"),
    key("storage", "directory", Path, Means("\"storage\""), "where the log, the payloads and the agreements are kept; one process at a time"),
    key("ledger", "origin", Origin, Refused, "origin of this participant's log; a log that was lost is continued under the next number"),
    // At most a year: 366 x 24 x 3600 s.
    key("ledger", "check_every_s", Whole(0, 31_622_400), Means("86400"), "seconds after which the whole log is checked again while the service runs, which ends when it does not verify; 0: only what is read"),
    key("keys", "directory", Path, Means("\"keys\""), "where `herleid init` put the private keys; readable by their owner alone"),
    key("trust", "tls_ca", Paths, Means("[]"), "certificate authorities (PEM) trusted instead of those of the operating system; with none, those of the operating system"),
    key("trust", "issuers", Tables(&[("did", Did), ("types", Texts)]), Means("[]"), "who may issue which types of credentials; a type that nobody here may issue proves nothing"),
    key("trust", "peers", Tables(&[("did", Did)]), Nothing, "the only participants that are dealt with; when left out, everybody with the required credentials, when empty, nobody"),
    key("trust", "one_sided", Tables(&[("did", Did)]), Means("[]"), "participants that keep no log and are dealt with all the same; nothing exchanged with them is decision-grade, and an offer has to permit them"),
    key("trust", "witnesses", Tables(&[("verifier_key", WitnessKey), ("url", Url)]), Means("[]"), "witnesses that are asked to cosign this log's checkpoints"),
    // 16 signatures is what every reader of a signed note must accept (C2SP signed-note); one is the log's own.
    key("trust", "quorum", Whole(0, 15), Nothing, "cosignatures that make a record witnessed, n of m witnesses; a start needs max(n, m - n + 1) of them to answer (docs/ledger-inside.md); when left out 1, or 0 without witnesses"),
    key("timestamps", "authorities", Tables(&[("url", Url), ("certificate", Path)]), Means("[]"), "time authorities (RFC 3161) that are asked to stamp this log's checkpoints; `certificate` is a file (PEM) with the certificate that theirs leads to"),
    // At most a year: 366 x 24 x 3600 s.
    key("timestamps", "every_s", Whole(60, 31_622_400), Means("86400"), "seconds between two stamps of one authority; a log that has not grown is not stamped again"),
    // At most a year, as above.
    key("reconcile", "every_s", Whole(0, 31_622_400), Means("86400"), "seconds after which this ledger is held against that of a peer again; 0: only when somebody asks"),
    key("lineage", "answers", Tables(&[("did", Did)]), Means("[]"), "participants that are told what a transaction with them rests on here and what rests on it; each answer is recorded"),
    key("witness", "enabled", Switch, Means("false"), "whether this connector cosigns the checkpoints of others"),
    key("witness", "logs", Tables(&[("origin", Origin), ("verifier_key", LogKey)]), Means("[]"), "the logs that it cosigns for"),
    key("issuer", "enabled", Switch, Means("false"), "whether this connector issues credentials to others"),
    key("identity", "required_credentials", Texts, Means("[\"MembershipCredential\"]"), "types of credentials that every peer has to present; an empty list asks for none"),
    // At most an hour: longer, and a transfer may end before it is noticed.
    key("identity", "status_max_age_s", Whole(1, 3_600), Means("60"), "seconds that an issuer's status list is believed; within these, and ten seconds of fetching, a credential that was taken back stops new requests and what is being sent"),
    key("decisions", "file", Path, Nothing, "rules that leave negotiations and transfers to a script, a person or a webhook; when left out, policies decide alone"),
    key("network", "allow_private_addresses", Switch, Means("false"), "whether this connector may call loopback and private addresses; others could make it call machines behind your firewall"),
    key("network", "connect_timeout_ms", Whole(100, 60_000), Means("10000"), "milliseconds until a connection that does not come about is given up"),
    key("network", "request_timeout_ms", Whole(100, 600_000), Means("30000"), "milliseconds until an answer that is not a payload must be complete"),
    // From 64 KiB to 64 MiB; 4 MiB when left out, four times the largest message.
    key("network", "max_response_bytes", Whole(65_536, 64 * MIB), Means("4194304"), "largest answer that is not a payload, in bytes"),
    key("limits", "outstanding_per_agreement", Whole(1, 1_000_000), Means("1000"), "pulls under one agreement that may wait for an acknowledgement; more are refused"),
    // In an hour, after which access ends, 60 rounds look at 64 each: 3,840.
    key("limits", "open_per_peer", Whole(1, 1_000_000), Means("4000"), "negotiations, and transfers, that one peer may keep open here; more are refused until one is over"),
    // At most 30 days: 30 x 24 x 3600 s.
    key("limits", "acknowledge_deadline_s", Whole(1, 2_592_000), Means("3600"), "seconds after which a pull counts as not acknowledged"),
    key("limits", "token_lifetime_s", Whole(10, 300), Means("300"), "seconds that a token is valid"),
    // A gibibyte when left out; at most a tebibyte.
    key("limits", "payload_bytes", Whole(1, MIB * MIB), Means("1073741824"), "largest payload that is pulled, in bytes"),
    // Up to a pebibyte, 2^50; less than 16 MiB would be within what the store takes for itself.
    key("limits", "evidence_bytes", Whole(16 * MIB, 1_125_899_906_842_624), Nothing, "bytes that documents in evidence (policies, credentials, receipts) may take; what needs a record with more is refused then, but for a change of our own key; logs that are over are not counted; when left out as much as the disk holds"),
    key("limits", "connections", Whole(1, 1_000_000), Means("1024"), "connections served at a time; more have to wait"),
    key("sources", "s3", Tables(&[("name", Text), ("endpoint", Url), ("region", Text), ("bucket", Text), ("internal", Switch), ("credentials", Path)]), Means("[]"), "S3 buckets whose objects can be published; `internal` says that they may lie on a private address"),
    key("sources", "apis", Tables(&[("name", Text), ("url", Url), ("internal", Switch), ("headers", Path)]), Means("[]"), "upstream APIs whose answers can be published; `headers` is a file with what they are shown, one `Name: value` a line"),
    key("push", "allow", Tables(&[("did", Did), ("to", Url), ("internal", Switch)]), Means("[]"), "where data may be pushed to: for a participant, what begins with this address (of a bucket: `<endpoint>/<bucket>`); `internal` says that it may be a private address; with none, nothing is pushed"),
    key("push", "attempts", Whole(1, 32), Means("8"), "how often a push is tried before the transfer is ended; the pauses between grow from a second to five minutes"),
    key("models.sandbox", "wall_ms", Whole(1, 3_600_000), Means("60000"), "milliseconds that a run may last; a model whose package asks for more is not published"),
    key("models.sandbox", "cpu_s", Whole(1, 3_600), Means("60"), "seconds of processor time that each process of a run may use"),
    key("models.sandbox", "memory_bytes", Whole(16 * MIB, 65_536 * MIB), Means("1073741824"), "bytes of memory that a run may use"),
    key("models.sandbox", "processes", Whole(3, 1_024), Means("32"), "processes and threads that a run may have"),
    key("models.sandbox", "output_bytes", Whole(1, 256 * MIB), Means("67108864"), "bytes of output that a run may write"),
    key("management", "address", Address, Nothing, "where the management API listens (docs/management-api.md), with the service's certificate unless that is a loopback address; when left out, it is off"),
    key("management", "publish_from", Paths, Means("[]"), "directories whose files may be published through the management API; with none, files are published with `herleid publish` alone"),
    key("catalogue", "contact_name", Text, Nothing, "whom to ask about what is published; when left out the participant"),
    key("catalogue", "contact_email", Text, Nothing, "their e-mail address; when this and `contact_url` are left out, the service's address stands for them"),
    key("catalogue", "contact_url", Text, Nothing, "the address of a page by which they can be reached"),
    key("catalogue", "publisher", Text, Nothing, "name of who publishes; when left out the participant"),
    key("catalogue", "publisher_type", Choice(PUBLISHER_TYPES), Nothing, "what the publisher is"),
    key("catalogue", "language", Choice(LANGUAGES), Means("\"nl\""), "language of descriptions that say no other"),
    key("catalogue", "licence", Text, Means("\"offer\""), "IRI of the licence of what says no other; `offer` means that what may be done stands in the offer alone"),
    key("catalogue", "access_rights", Choice(ACCESS_RIGHTS), Means("\"restricted\""), "who may have data that say nothing else; descriptions of public data are shown to everybody"),
    key("catalogue", "theme", Texts, Means("[]"), "themes of what says no other, such as `ENVI`; with none, each dataset has to say its own"),
    // 1,000 descriptions of 4 KB are what a connector accepts as one answer (4 MiB).
    key("catalogue", "page", Whole(1, 1_000), Means("100"), "datasets on a page of the catalogue"),
    key("erasure", "people", Tables(&[("id", Text), ("name", Text), ("token_sha256", Digest)]), Means("[]"), "who may propose, approve and forbid erasing (docs/erasure.md): an identifier that stays when somebody is renamed, their names, and the SHA-256 of the token that each of them keeps; with fewer than two nothing can be erased"),
    key("erasure", "register", Path, Nothing, "a directory on another disk in which each erasure is listed, so that it is done again after an older backup was restored (docs/backup.md); it has to be there; when left out, no list is kept"),
    key("retention", "list", Text, Nothing, "name of the selection list (Archiefwet) whose rules these are; required with rules"),
    key("retention", "rules", Tables(&[("category", Text), ("activity", Text), ("of", Choice(OF)), ("named", Text), ("keep", Text)]), Means("[]"), "how long what is recorded is kept (docs/retention.md): category of the list, processing activity (an IRI), what it is about (`case`, `agreement` or `denial`), which of them (`*` stands for anything), and `keep`: `permanent`, or years, months or days after it is over, such as `7y`; of several that are about one thing the longest counts"),
    key("log", "level", Choice(&["error", "warn", "info", "debug", "trace"]), Means("\"info\""), "what the service writes to standard error"),
    key("log", "format", Choice(&["text", "json"]), Means("\"text\""), "how it is written"),
    key("development", "plain_http", Switch, Means("false"), "serve and call `http://` too"),
    key("development", "mock_identity", Switch, Means("false"), "ask peers for no credentials; their tokens are checked all the same"),
    key("development", "token_peers", Tables(&[("did", Did), ("name", Text), ("address", Url), ("token", Text)]), Means("[]"), "one-sided participants that are known by a constant `Authorization`; `name` is what messages call them"),
    key("development", "edc_peers", Tables(&[("did", Did), ("name", Text), ("address", Url)]), Means("[]"), "one-sided participants with the mock identity of the Eclipse Dataspace Components; `name` is their `edc.participant.id`"),
];

/// The sections, in the order of the list.
#[must_use]
pub fn sections() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KEYS.iter().map(|k| k.section).collect();
    names.dedup();
    names
}

/// The key with this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.path() == path)
}

/// The candidate that is fewest edits away from what was written.
pub(super) fn nearest(written: &str, candidates: impl IntoIterator<Item = String>) -> String {
    let written = written.to_lowercase();
    let near = candidates
        .into_iter()
        .min_by_key(|c| strsim::damerau_levenshtein(&written, &c.to_lowercase()));
    near.unwrap_or_default()
}
