//! Model services: what a holder publishes, how it is asked for, run and compared.
//!
//! A model is one program and a package that describes it ([`package`]); it is offered and asked for as OGC API - Processes
//! prescribes ([`process`]), runs behind walls ([`sandbox`]), and what it gives is compared with what it gave before
//! ([`replay_compare`]). `docs/models.md` is the same for somebody who publishes one.

mod decimal;
pub mod limits;
mod names;
pub mod package;
pub mod parameter;
pub mod process;
pub mod sandbox;

/// Comparing replayed outputs with recorded ones; lives with the verifier, because an auditor runs it too.
pub mod replay_compare {
    pub use herleid_verifier::replay::{
        Canonicalisation, CompareError, Comparison, MemberDifference, OutputComparison, RawDifference, RecordedOutput,
        ReplayedOutput, Verdict, compare,
    };
}

#[cfg(test)]
mod sample_tests;
