//! Commands of whoever decides about negotiations.

use crate::handlers::NegotiationAction;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// `negotiations`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid negotiations --limit 0")]
pub struct NegotiationsArguments {
    /// How many to show; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u64,
}

/// What is done with a negotiation at the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegotiationStep {
    /// Look at it.
    Show,
    /// Decide about it.
    Decide(NegotiationAction),
}

/// `negotiation`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid negotiation show urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d\n  \
                  herleid negotiation agree urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d\n  \
                  herleid negotiation terminate urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d \\\n    \
                  --reason 'not this year'"
)]
pub struct NegotiationArguments {
    /// What to do with it; a policy that denies it is not overruled
    #[arg(value_parser = step())]
    pub step: NegotiationStep,
    /// The negotiation, as `herleid negotiations` lists it
    pub id: String,
    /// Why it is ended; the other end is told
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

fn step() -> impl TypedValueParser<Value = NegotiationStep> {
    let words = std::iter::once("show").chain(NegotiationAction::ALL.map(NegotiationAction::name));
    PossibleValuesParser::new(words).map(|word| {
        let named = |action: &NegotiationAction| action.name() == word;
        let action = NegotiationAction::ALL.into_iter().find(named);
        action.map_or(NegotiationStep::Show, NegotiationStep::Decide)
    })
}
