//! What this end gives: access to data, runs of models. Request -> authenticated -> authorised -> recorded -> answered.

pub mod access;
pub mod acknowledge;
pub mod grants;
pub mod pull;
pub mod run;
