//! What others see over TLS. Each handler checks, lets `provider` or `consumer` act, and answers with what has been recorded.

mod catalogue;
pub(crate) mod data;
mod dcp;
mod dsp;
mod duties;
mod erasures;
mod exchanges;
mod lineage;
mod log;
mod payments;
mod processes;
mod receipts;
mod refusal;
mod well_known;
mod witness;

pub use processes::{EXCHANGE, ONWARD};
pub use refusal::Refusal;

use crate::identity::AuthenticationError;
use crate::node::Node;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use std::sync::Arc;

/// Path of the Dataspace Protocol 2025-1 (its versioned base).
pub const DSP_PATH: &str = "/dsp/2025-1";
/// Path of the credential service (Decentralized Claims Protocol 1.0).
pub const DCP_PATH: &str = "/dcp";
/// Largest message that is read: the limit of `herleid_vocab::json::Limits::MESSAGE`.
const MESSAGE_BYTES: usize = 1 << 20;
/// After how many seconds somebody may ask again whom we could not answer for a reason that passes: as long as the fetch of a
/// document waits for its turn.
const RETRY_AFTER_S: &str = "5";

/// All public resources of a connector.
pub fn router(node: Arc<Node>) -> Router {
    let log = log::router(&node.ledger);
    let mut router = Router::new()
        .route("/.well-known/did.json", get(well_known::did_document))
        .route("/.well-known/dspace-version", get(well_known::dsp_version))
        .nest(DSP_PATH, dsp::router())
        .route("/catalog.ttl", get(catalogue::turtle))
        .route("/catalog.jsonld", get(catalogue::json_ld))
        .route("/sparql", get(catalogue::sparql_get).post(catalogue::sparql_post))
        .route("/dcp/presentations/query", post(dcp::presentations))
        .route("/data/{grant}", get(data::pull).post(data::order))
        .route("/data/{grant}/{*path}", get(data::of_resource))
        .route("/duties", post(duties::stated))
        .route("/erasures", post(erasures::told))
        .route(
            "/payments",
            get(payments::of_agreement).layer(Extension(Arc::new(exchanges::Turns::new()))),
        )
        .route("/receipts", post(receipts::acknowledge))
        .route("/receipts/{transaction}", get(receipts::of_transaction))
        .route(
            "/exchanges",
            get(exchanges::of_agreement).layer(Extension(Arc::new(exchanges::Turns::new()))),
        )
        .route(
            "/lineage",
            get(lineage::of_transaction).layer(Extension(Arc::new(exchanges::Turns::new()))),
        )
        .route("/processes", get(processes::list))
        .route("/processes/{model}", get(processes::describe))
        .route("/processes/{model}/execution", post(processes::execute))
        .merge(log.clone());
    // C2SP tlog-tiles: the log's resources lie under its origin.
    if let Some(path) = node.log_path(node.ledger.origin()) {
        router = router.nest(&path, log);
    }
    // Logs that are over stay there: receipts and proofs of theirs are still held.
    for ledger in &node.previous {
        if let Some(path) = node.log_path(ledger.origin()) {
            router = router.nest(&path, log::router(ledger));
        }
    }
    if node.witness.is_some() {
        router = router
            .route("/witness/add-checkpoint", post(witness::add_checkpoint))
            .route("/witness/checkpoint/{*origin}", get(witness::last));
    }
    router
        .layer(DefaultBodyLimit::max(MESSAGE_BYTES))
        .layer(map_response(says_when))
        .with_state(node)
}

/// Whoever is told to come back is told when, if the handler did not say so itself.
async fn says_when(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static(RETRY_AFTER_S);
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(seconds);
    }
    response
}

/// Whoever is not known is told so. That our own memory failed is not the caller's fault, and that what is needed to know it could
/// not be had is not final: another connector gives a message up that was answered with 401.
impl From<AuthenticationError> for Refusal {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Memory(why) => Self::internal(&why),
            passing if passing.is_passing() => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                &format!("{passing}; try again later"),
            ),
            other => Self::unauthenticated(&other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::error::Code;
    use crate::identity::DocumentError;
    use axum::body::Body;
    use axum::http::Request;
    use herleid_vocab::did::Did;
    use tower::ServiceExt as _;

    #[test]
    fn only_who_is_found_out_to_be_unknown_is_told_so() {
        let did: Did = "did:web:them.example".parse().unwrap();
        let fetch = |code| DocumentError::Fetch {
            did: did.clone(),
            class: "its host could not be reached safely",
            code,
            why: "a secret of the inside".to_owned(),
        };
        let passing = [
            DocumentError::Busy { did: did.clone() },
            fetch(Code::Unreachable),
            fetch(Code::Failed),
        ];
        for error in passing {
            let refusal = Refusal::from(AuthenticationError::from(error));
            assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE, "{refusal:?}");
            assert!(refusal.detail().ends_with("try again later") && !refusal.detail().contains("secret"));
        }
        let content = DocumentError::Content {
            did: did.clone(),
            why: String::new(),
        };
        let lasting = [
            AuthenticationError::from(content),
            AuthenticationError::from(fetch(Code::Configuration)),
            AuthenticationError::Replayed,
        ];
        for error in lasting {
            assert_eq!(Refusal::from(error).status(), StatusCode::UNAUTHORIZED);
        }
        let own = Refusal::from(AuthenticationError::Memory(String::new()));
        assert_eq!(own.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn whoever_is_told_to_come_back_is_told_when() {
        let busy = || async { StatusCode::SERVICE_UNAVAILABLE };
        let later = || async { (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")]) };
        let router: Router = Router::new()
            .route("/busy", get(busy))
            .route("/later", get(later))
            .route("/well", get(|| async { "well" }))
            .layer(map_response(says_when));
        for (path, seconds) in [("/busy", Some(RETRY_AFTER_S)), ("/later", Some("30")), ("/well", None)] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let said = response.headers().get(header::RETRY_AFTER);
            assert_eq!(said.map(|s| s.to_str().unwrap()), seconds, "{path}");
        }
    }
}
