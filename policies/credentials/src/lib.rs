//! Who is asking, and may they be believed: keys, DID documents, signed tokens, verifiable credentials and signed requests.
//!
//! Everything here is a pure function of its arguments: no socket, no file, no clock, no randomness of its own. Documents are
//! fetched by the caller; `now_ms` (UTC milliseconds since 1970) and [`Entropy`](herleid_vocab::rim::Entropy) are passed in.
//! Whatever has been verified has a type that only its verification builds: [`si_token::Authenticated`],
//! [`credential::VerifiedCredential`], [`presentation::VerifiedPresentation`], [`http_signature::VerifiedRequest`],
//! [`access_token::AccessToken`]. What is not understood is refused.
//!
//! ```
//! use herleid_credentials::Now;
//! use herleid_credentials::did_document::{DidDocument, Relationship};
//! use herleid_credentials::keys::{Algorithm, SigningKey};
//! use herleid_credentials::si_token::{self, Expected, SelfIssued};
//! use herleid_vocab::rim::SeededEntropy;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (app, knmi) = ("did:web:app.example".parse()?, "did:web:knmi.example".parse()?);
//! let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(1)); // in production: the system's entropy
//! let document = DidDocument::builder(&app).key("key-1", &key.public_key(), &Relationship::ALL).build()?;
//!
//! let says = SelfIssued {
//!     subject: &app, audience: &knmi, jti: "7f3a", issued_at_ms: 1_592_406_000_000, lifetime_ms: 300_000,
//!     token: None, purpose: None, legal_basis: None, area_of_use: None,
//! };
//! let token = si_token::mint(&key, "did:web:app.example#key-1", &says)?;
//!
//! let now = Now { now_ms: 1_592_406_001_000, leeway_ms: 0 };
//! let caller = si_token::verify(&token, &document, &Expected { audience: &knmi, now })?;
//! assert_eq!(caller.did(), &app);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod access_token;
mod claims;
pub mod credential;
pub mod did_document;
mod fault;
pub mod http_signature;
pub mod jose;
pub mod keys;
pub mod presentation;
pub mod replay;
pub mod si_token;

pub use claims::{ClaimError, Now};
pub use fault::TokenFault;
