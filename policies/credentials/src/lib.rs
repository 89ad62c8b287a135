//! Who is asking, and may they be believed: keys, DID documents, signed tokens, verifiable credentials and signed requests.
//!
//! Everything here is a pure function of its arguments: no socket, no file, no clock, no randomness of its own. Documents are
//! fetched by the caller; `now_ms` (UTC milliseconds since 1970) and [`Entropy`](herleid_vocab::rim::Entropy) are passed in.
//! Whatever has been verified has a type that only its verification builds: [`si_token::Authenticated`],
//! [`credential::VerifiedCredential`], [`presentation::VerifiedPresentation`], [`http_signature::VerifiedRequest`],
//! [`access_token::AccessToken`]. What is not understood is refused.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod access_token;
mod claims;
pub mod credential;
pub mod did_document;
pub mod http_signature;
pub mod jose;
pub mod keys;
pub mod presentation;
pub mod replay;
pub mod si_token;

pub use claims::{ClaimError, Now};
