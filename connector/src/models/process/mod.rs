//! OGC API - Processes, Part 1: Core, version 1.0 (OGC 18-062r2): documents, requests, results, exceptions; pure functions.
//!
//! Execution is synchronous only. A model's inputs and its parameters are both *inputs* there; a parameter is known by the
//! `default` or the scalar type of its schema, and by the member `x-herleid`, which carries the model's whole description, so
//! that a consumer can fill in the same defaults as the provider and both record the same parameters.

mod description;
mod exception;
mod execute;
mod pin;
mod results;
mod value;

pub use description::{CONFORMANCE, Process, api_definition, conformance, landing, process_list};
pub use exception::ProcessError;
pub use execute::{Content, ExecuteRequest, InputValue, ResponseForm};
pub use pin::Pin;
pub use results::{ResultError, document, parse_document};

/// What a request may be called with in `Content-Type`, and what every document here is served as.
pub const MEDIA_TYPE: &str = "application/json";
/// What an exception is served as (RFC 7807, section 6.1).
pub const EXCEPTION_MEDIA_TYPE: &str = "application/problem+json";

#[cfg(test)]
mod documents_tests;
