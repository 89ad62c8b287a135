//! What was paid for uses under agreements: looked at, and recorded.

use super::Api;
use super::input::Body;
use super::operations::{Method, Operation};
use super::paging::Query;
use super::problem::Problem;
use crate::control::protocol::{Payment, PaymentAccount, PaymentKind, PaymentRecorded, Payments};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

const FILTERS: &[(&str, &str)] = &[("agreement", "the agreement; has to be given")];

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Get, Post};
    vec![
        Operation::new(
            Get,
            "/payments",
            "getPayments",
            "Shows what was paid for uses under an agreement, what they took of it, and what is left",
            account,
        )
        .query(FILTERS)
        .gives::<PaymentAccount>(200),
        Operation::new(
            Post,
            "/payments",
            "recordPayment",
            "Records that the other end paid for uses under an agreement, or was paid back; the same payment again is recorded once",
            record,
        )
        .takes::<NewPayment>()
        .gives::<PaymentRecorded>(201),
    ]
}

/// A payment that came in, or went back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPayment {
    /// Which of the two.
    kind: PaymentKind,
    /// The agreement, in which this connector gives.
    agreement: String,
    /// How much, in whole cents, as a text with a point: `25.00`.
    amount: String,
    /// `EUR`.
    currency: String,
    /// By what it is found in the books; each payment under an agreement has its own.
    reference: String,
}

async fn account(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<PaymentAccount>, Problem> {
    let query = Query::read(query.as_deref(), FILTERS)?;
    let agreement = query.get("agreement").ok_or_else(|| {
        Problem::malformed("`agreement` is missing")
            .expected("`?agreement=` and the identifier of an agreement (`GET /agreements`)")
    })?;
    let agreement = agreement.to_owned();
    api.command(&Payments { agreement }).await.map(Json)
}

async fn record(
    State(api): State<Arc<Api>>,
    Body(new): Body<NewPayment>,
) -> Result<(StatusCode, Json<PaymentRecorded>), Problem> {
    let request = Payment {
        kind: new.kind,
        agreement: new.agreement,
        amount: new.amount,
        currency: new.currency,
        reference: new.reference,
    };
    let recorded = api.command(&request).await?;
    Ok((StatusCode::CREATED, Json(recorded)))
}
