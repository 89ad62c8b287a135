//! ODRL 2.2 policies as the Dataspace Protocol 2025-1 carries them: read strictly, decided with three truth values, and
//! recorded so that the same decision can be reached again from the record alone.
//!
//! ```
//! use herleid_policies::{Document, Facts, Outcome, Policy, Request, reevaluate};
//! use serde_json::json;
//!
//! let offer = Policy::parse_for_offer(&json!({
//!     "@type": "Offer",
//!     "@id": "urn:uuid:4a9b6d7e-0000-4000-8000-000000000001",
//!     "permission": [{"action": "use", "constraint": [{
//!         "leftOperand": "purpose", "operator": "isA",
//!         "rightOperand": "https://w3id.org/herleid/purpose#Omgevingswet"
//!     }]}]
//! }))?;
//! let request = Request::new("did:web:app.example", "did:web:knmi.example", "urn:example:rain", 1_592_400_000_000);
//! let stated = ["https://w3id.org/herleid/purpose#OmgevingswetHemelwater"];
//! let now_ms = 1_592_400_000_000;
//! let facts = Facts::none()
//!     .with_purpose(stated, "stated in the request", now_ms)
//!     .with_counterparty_log(true, "the agreement", now_ms);
//!
//! assert_eq!(offer.decide(&request, &facts).outcome(), Outcome::Deny, "an offer never grants");
//! let decision = offer.would_grant(&request, &facts);
//! assert_eq!(decision.outcome(), Outcome::Permit);
//! assert_eq!(reevaluate(offer.document(), &decision.record().to_json())?, decision);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod action;
mod again;
mod agree;
mod amount;
mod area;
mod basis;
mod canonical;
pub mod compiled;
mod decide;
pub mod difference;
mod document;
mod era;
mod explain;
mod facts;
mod failing;
mod model;
mod moment;
mod obligation;
pub mod odrl;
mod operand;
mod payment;
mod policy;
mod problem;
mod publish;
pub mod purpose;
mod read;
pub mod ready;
mod record;
pub mod terms;
mod truth;

pub use action::Action;
pub use again::{Mismatch, reevaluate};
pub use amount::{Amount, EURO, NotAnAmount};
pub use decide::Decision;
pub use document::Document;
pub use explain::{Audience, Explanation, Language, Point};
pub use facts::{DutyState, EnforcedBy, Fact, Facts, Request};
pub use model::{Atomic, Conflict, Constraint, Digest, Logic, PolicyKind, Right, Rule, RuleKind, Scope};
pub use moment::Moment;
pub use operand::{LOG_KEPT, LOG_NONE, Operand, Operator};
pub use payment::{is_account, paid_counter};
pub use policy::{Acceptance, Policy};
pub use problem::{PolicyError, Problem, ProblemKind, Problems, limits};
pub use record::{
    DecisionRecord, FORMAT, Failing, Fit, Fixer, Mode, Obstacle, Outcome, PolicyReference, Reason, RecordError,
    RecordedProblem, Reservation, Step,
};
pub use truth::Truth;
