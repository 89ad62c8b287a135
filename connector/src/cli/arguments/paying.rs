//! Commands about what is paid for uses.

use clap::{Args, Subcommand};

/// `payments`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid payments urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d")]
pub struct PaymentsArguments {
    /// The agreement
    #[arg(value_name = "AGREEMENT")]
    pub agreement: String,
}

/// `payment`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid payment record urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d \\\n    \
                  --amount 25.00 --currency EUR --reference 'invoice 2026-0117'"
)]
pub struct PaymentArguments {
    /// What to do
    #[command(subcommand)]
    pub action: PaymentAction,
}

/// What `payment` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PaymentAction {
    /// Record that the other party paid you: uses under the agreement take their price from it
    #[command(
        after_help = "Example:\n  herleid payment record urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d \\\n    \
                      --amount 25.00 --currency EUR --reference 'invoice 2026-0117'"
    )]
    Record(PaidArguments),
    /// Record that you paid back what was not used
    #[command(
        after_help = "Example:\n  herleid payment return urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d \\\n    \
                      --amount 5.00 --currency EUR --reference 'credit note 2026-0003'"
    )]
    Return(PaidArguments),
}

/// `payment record` and `payment return`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PaidArguments {
    /// The agreement, in which this connector gives
    #[arg(value_name = "AGREEMENT")]
    pub agreement: String,
    /// How much, in whole cents, with a point: 25.00
    #[arg(long, value_name = "AMOUNT")]
    pub amount: String,
    /// In which currency: EUR
    #[arg(long, value_name = "CURRENCY")]
    pub currency: String,
    /// What it is found by in your books; the same payment again is recorded once
    #[arg(long, value_name = "TEXT")]
    pub reference: String,
}
