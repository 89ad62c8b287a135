//! What others see over TLS. Each handler checks, lets `provider` or `consumer` act, and answers with what has been recorded.

mod data;
mod dcp;
mod dsp;
mod log;
mod processes;
mod receipts;
mod refusal;
mod well_known;
mod witness;

pub use processes::{EXCHANGE, ONWARD};
pub use refusal::Refusal;

use crate::node::Node;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::sync::Arc;

/// Path of the Dataspace Protocol 2025-1 (its versioned base).
pub const DSP_PATH: &str = "/dsp/2025-1";
/// Path of the credential service (Decentralized Claims Protocol 1.0).
pub const DCP_PATH: &str = "/dcp";
/// Largest message that is read: the limit of `herleid_vocab::json::Limits::MESSAGE`.
const MESSAGE_BYTES: usize = 1 << 20;

/// All public resources of a connector.
pub fn router(node: Arc<Node>) -> Router {
    let log = log::router();
    let mut router = Router::new()
        .route("/.well-known/did.json", get(well_known::did_document))
        .route("/.well-known/dspace-version", get(well_known::dsp_version))
        .nest(DSP_PATH, dsp::router())
        .route("/dcp/presentations/query", post(dcp::presentations))
        .route("/data/{grant}", get(data::pull))
        .route("/receipts", post(receipts::acknowledge))
        .route("/receipts/{transaction}", get(receipts::of_transaction))
        .route("/processes", get(processes::list))
        .route("/processes/{model}", get(processes::describe))
        .route("/processes/{model}/execution", post(processes::execute))
        .merge(log.clone());
    // C2SP tlog-tiles: the log's resources lie under its origin.
    if let Some(path) = node.log_path() {
        router = router.nest(&path, log);
    }
    if node.witness.is_some() {
        router = router.route("/witness/add-checkpoint", post(witness::add_checkpoint));
    }
    router.layer(DefaultBodyLimit::max(MESSAGE_BYTES)).with_state(node)
}
