//! `payment` and `payments`: what was paid for uses under an agreement, and what is left of it.

use super::{Command, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `payment`: records that something was paid, or paid back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Which of the two.
    pub kind: PaymentKind,
    /// Agreement in which this connector gives.
    pub agreement: String,
    /// How much, in whole cents, as `25.00`.
    pub amount: String,
    /// `EUR`.
    pub currency: String,
    /// By what it is found in the books; each payment under an agreement has its own.
    pub reference: String,
}

impl Command for Payment {
    const NAME: &'static str = "payment";
    type Answer = PaymentRecorded;
}

/// Which way money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaymentKind {
    /// The consumer paid.
    Received,
    /// The provider paid back what was not used.
    Returned,
}

/// Answer to `payment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRecorded {
    /// The agreement.
    pub agreement: String,
    /// What was recorded.
    pub payment: PaymentLine,
    /// Whether it was recorded before, so that nothing changed now.
    pub again: bool,
    /// Of all amounts.
    pub currency: String,
    /// What is left of what was paid.
    pub left: String,
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Payment")]
pub struct PaymentLine {
    /// Which way the money went.
    pub kind: PaymentKind,
    /// How much.
    pub amount: String,
    /// By what it is found in the provider's books.
    pub reference: String,
    /// When it was recorded: UTC milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_ms: Option<u64>,
    /// Index of its record in this connector's log; left out for the end that paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}

/// `payments`: the account of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// Which.
    pub agreement: String,
}

impl Command for Payments {
    const NAME: &'static str = "payments";
    type Answer = PaymentAccount;
}

/// Answer to `payments`. Amounts are exact decimals, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentAccount {
    /// The agreement.
    pub agreement: String,
    /// Our side of it. On the consumer's side the other end was asked, and each payment is proved by a record of its log.
    #[schemars(with = "String")]
    pub side: Side,
    /// The participant at the other end.
    pub other: String,
    /// Of all amounts.
    pub currency: String,
    /// What one use costs: one price for each permission that has another one.
    pub prices: Vec<String>,
    /// What was paid in all.
    pub paid: String,
    /// What uses have taken of it, and what was paid back.
    pub taken: String,
    /// What is left.
    pub left: String,
    /// Of what was paid, what none of `payments` is: older ones than are listed, and those whose record was erased.
    pub unlisted: String,
    /// The payments, the last first: 500 at most, and on the consumer's side 50, each proved by its record.
    pub payments: Vec<PaymentLine>,
}
