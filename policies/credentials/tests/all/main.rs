//! What the crate promises, tested from outside: vectors of others, every refusal by name, and that nothing altered verifies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod access_token;
mod credential;
mod credential_form;
mod did_document;
mod http_signature;
mod http_signature_input;
mod jose;
mod keys;
mod party;
mod presentation;
mod presentation_messages;
mod properties;
mod si_token;
mod status;
mod vectors;
