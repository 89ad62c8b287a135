//! Herleid: a data-space connector with a signed provenance ledger built in.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod actions;
pub mod audit;
mod backup;
pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod config;
pub mod consumer;
pub mod continuing;
pub mod control;
pub mod deciding;
pub mod demo;
pub mod dossier;
pub mod dsp;
pub mod dsp_shell;
mod duties;
mod erasure;
pub mod foreign_log;
mod forks;
#[cfg(test)]
mod fuzzing;
pub mod handlers;
pub mod http;
pub mod identity;
pub mod journal;
pub mod lineage;
pub mod management;
pub mod messages;
pub mod models;
pub mod net;
pub mod node;
mod pauses;
pub mod payloads;
mod payments;
pub mod peers;
pub mod provider;
pub mod reconcile;
pub mod rim;
pub mod sources;
pub mod stamping;
pub mod state;
pub mod storage;
pub mod trust;
pub mod witnessing;
