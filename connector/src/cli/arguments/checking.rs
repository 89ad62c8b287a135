//! `policy`: a policy looked at before it is published, and suites of others run.

use super::{iri, named_value};
use clap::{Args, Subcommand};
use herleid_vocab::did::Did;
use std::path::PathBuf;

/// `policy`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy check policy.json")]
pub struct PolicyArguments {
    /// What to do
    #[command(subcommand)]
    pub action: PolicyAction,
}

/// What `policy` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PolicyAction {
    /// List the ready-made policies, and what each wants filled in
    List(ListPoliciesArguments),
    /// Print a ready-made policy, to publish as it is or to start from
    Show(ShowPolicyArguments),
    /// List the purposes that policies can name, with their articles of law
    Purposes(PurposesArguments),
    /// Say whether a policy is understood, where it is not, and who sees to each condition
    Check(CheckPolicyArguments),
    /// Say whether somebody would get data under a policy, and if not, why and who can change that
    Try(Box<TryArguments>),
    /// Say what one policy permits that another does not, and the other way round
    Diff(DiffArguments),
    /// Reach a recorded decision again from its record and the policy alone, and say why it came out so
    Explain(ExplainArguments),
    /// Run a suite of ODRL cases, and say of each whether it comes out as expected
    Suite(SuiteArguments),
}

/// What belongs in the open places of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct SetArguments {
    /// What belongs in an open place of the policy; given again for another place, or for another value of a list
    #[arg(long = "set", value_name = "PLACE=VALUE", value_parser = named_value)]
    pub set: Vec<(String, String)>,
}

/// `policy list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy list")]
pub struct ListPoliciesArguments {}

/// `policy show`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  herleid policy show permit-case\n  \
                  herleid policy show one-recipient --set party=did:web:town.example > policy.json")]
pub struct ShowPolicyArguments {
    /// Its name, as `herleid policy list` shows it
    pub name: String,
    /// What belongs in its open places
    #[command(flatten)]
    pub places: SetArguments,
}

/// `policy purposes`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy purposes water")]
pub struct PurposesArguments {
    /// Only those with this word in their name, their text or their law
    pub word: Option<String>,
}

/// `policy check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  herleid policy check policy.json\n  \
                  herleid policy check counted --set times=100")]
pub struct CheckPolicyArguments {
    /// The policy: a JSON file, or the name of a ready-made one
    #[arg(value_name = "FILE|NAME")]
    pub policy: PathBuf,
    /// What belongs in its open places
    #[command(flatten)]
    pub places: SetArguments,
}

/// Options that say what is known, each a member of the file that `--facts` names.
const FACTS: [&str; 14] = [
    "action",
    "who",
    "recipient",
    "purposes",
    "area",
    "legal_basis",
    "area_of_use",
    "time",
    "used",
    "delivered",
    "size",
    "credit",
    "stated",
    "log",
];

/// `policy try`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid policy try omgevingswet --purpose purpose:OmgevingswetHemelwater --time tomorrow\n  \
                  herleid policy try policy.json --who did:web:app.example --used 99\n  \
                  herleid policy try --dataset rain-vlissingen --facts facts.json"
)]
pub struct TryArguments {
    /// The policy: a JSON file, or the name of a ready-made one
    #[arg(
        value_name = "FILE|NAME",
        required_unless_present = "dataset",
        conflicts_with = "dataset"
    )]
    pub policy: Option<PathBuf>,
    /// What belongs in its open places
    #[command(flatten)]
    pub places: SetArguments,
    /// Instead of a policy: what the running service offers this dataset or model service under
    #[arg(long, value_name = "ID")]
    pub dataset: Option<String>,
    /// What is asked for: a pull or a run (use), or passing on (distribute); without it: use
    #[arg(long, value_parser = ["use", "distribute"])]
    pub action: Option<String>,
    /// Who asks; without it the one that an agreement addresses, or somebody whom the policy does not name
    #[arg(long, value_name = "DID")]
    pub who: Option<Did>,
    /// Who receives it; without it who asks
    #[arg(long, value_name = "DID")]
    pub recipient: Option<Did>,
    /// What for; a connector states one
    #[arg(long = "purpose", value_name = "IRI", value_parser = iri)]
    pub purposes: Vec<String>,
    /// On what legal basis who asks says that it rests
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub legal_basis: Option<String>,
    /// For which area who asks says that it will be used
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub area_of_use: Option<String>,
    /// For which area a credential of who asks is
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub area: Option<String>,
    /// When: now, tomorrow, or a time such as 2027-01-01T09:00:00+01:00; without it: now
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// How often it was used before, under the same agreement; without it: 0
    #[arg(long, value_name = "NUMBER")]
    pub used: Option<u64>,
    /// How many bytes were delivered before, under the same agreement; without it: 0
    #[arg(long, value_name = "BYTES")]
    pub delivered: Option<u64>,
    /// What is left of what was paid under the agreement, in euros; without it, of an offer: enough for one use
    #[arg(long, value_name = "AMOUNT")]
    pub credit: Option<String>,
    /// Whether what has to be stated before a use was stated under the agreement; without it, of an offer: yes
    #[arg(long, value_parser = ["yes", "no"])]
    pub stated: Option<String>,
    /// How many bytes would be delivered now, where the policy counts them
    #[arg(long, value_name = "BYTES")]
    pub size: Option<u64>,
    /// Whether the connector of who asks keeps a log; without it: kept
    #[arg(long, value_parser = ["kept", "none"])]
    pub log: Option<String>,
    /// All of this as a JSON file instead: action, who, recipient, purpose, area, legal_basis, area_of_use, time, used, delivered, size, credit, stated, log
    #[arg(long, value_name = "FILE", conflicts_with_all = FACTS)]
    pub facts: Option<PathBuf>,
}

/// `policy diff`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  herleid policy diff policy.json new-policy.json\n  \
                  herleid policy diff open-data no-onward-sharing --json")]
pub struct DiffArguments {
    /// One policy: a JSON file, or the name of a ready-made one
    #[arg(value_name = "FILE|NAME")]
    pub first: PathBuf,
    /// The other
    #[arg(value_name = "FILE|NAME")]
    pub second: PathBuf,
    /// What belongs in the open places of either
    #[command(flatten)]
    pub places: SetArguments,
}

/// `policy explain`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy explain decision.json --policy agreement.json")]
pub struct ExplainArguments {
    /// The decision record, in JSON
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// The policy that was decided on, in JSON
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Say only what this party may see; without it everything, as the holder may
    #[arg(long = "to", value_name = "DID")]
    pub reader: Option<String>,
}

/// `policy suite`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid policy suite odrl-suite\n  herleid policy suite odrl-suite --strict --json"
)]
pub struct SuiteArguments {
    /// The suite: `test_cases`, `policies`, `requests` and `sotw`, or folders of evaluation requests
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
    /// Read policies as Herleid does, without the leniencies that the suite counts on
    #[arg(long)]
    pub strict: bool,
}
