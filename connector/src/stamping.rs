//! Time stamps (RFC 3161) on this log's checkpoints: asked of the configured authorities from time to time, checked, and kept with the
//! checkpoint that they are of. A checkpoint that was stamped was there then, whatever becomes of witnesses and keys.

use crate::config::Timestamps;
use crate::node::Node;
use crate::state::{self, Digests, StateError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_verifier::timestamp::{Authorities, MAX_RESPONSE_BYTES, QUERY_TYPE, Question, TimestampError};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What each stamp is kept under, by size of its checkpoint and authority.
pub const STAMPS: &str = "timestamp/";
/// How far each authority was asked, by its address.
const ASKED: &str = "timestamped/";
/// How often it is looked whether a stamp is due; also the pause after a failure.
const LOOK: Duration = Duration::from_secs(60);

/// Why there is no time stamp.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// A file of certificates cannot be read.
    #[error(
        "`{path}`, the certificate of a time authority, cannot be read: {why}; see `timestamps.authorities` in the configuration"
    )]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The authority could not be asked.
    #[error("the time authority `{url}` could not be asked: {why}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What happened.
        why: String,
    },
    /// Its answer proves nothing.
    #[error("the answer of the time authority `{url}` is not kept: {error}")]
    Untrusted {
        /// Its address.
        url: String,
        /// The check that failed.
        error: TimestampError,
    },
    /// The state beside the log.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A time stamp that was checked when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampEntry {
    /// Records that its checkpoint is over.
    pub size: u64,
    /// The bytes that were stamped: a signed note.
    pub checkpoint: String,
    /// Address of the authority.
    pub url: String,
    /// Its answer (RFC 3161, `TimeStampResp`), base64.
    pub response: String,
    /// The stamped time: UTC milliseconds since 1970.
    pub time_ms: u64,
    /// Subject of its certificate.
    pub authority: String,
    /// Serial number of the stamp, hex.
    pub serial: String,
}

/// How far an authority was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedEntry {
    size: u64,
    when_ms: u64,
}

struct Authority {
    url: String,
    trusted: Authorities,
}

/// The authorities that are asked, and how often.
pub struct Stamping {
    authorities: Vec<Authority>,
    every_ms: u64,
}

impl Stamping {
    /// Reads the certificates that the configuration names.
    ///
    /// # Errors
    /// When one cannot be read: a stamp that nobody could check would be worth nothing.
    pub fn new(config: &Timestamps) -> Result<Self, StampingError> {
        let authorities = config.authorities.iter().map(|authority| {
            let path = &authority.certificate;
            let wrong = |why: String| StampingError::Certificate {
                path: path.clone(),
                why,
            };
            let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
            Ok(Authority {
                url: authority.url.as_str().to_owned(),
                trusted: Authorities::from_pem(&pem).map_err(|e| wrong(e.to_string()))?,
            })
        });
        Ok(Self {
            authorities: authorities.collect::<Result<_, StampingError>>()?,
            every_ms: config.every_s.saturating_mul(1000),
        })
    }
}

/// Looks every minute whether a stamp is due, until the connector stops.
pub async fn keep_stamping(node: Arc<Node>) {
    if node.stamping.authorities.is_empty() {
        return;
    }
    let mut interval = tokio::time::interval(LOOK);
    loop {
        interval.tick().await;
        for authority in &node.stamping.authorities {
            if let Err(error) = stamp_if_due(&node, authority).await {
                tracing::warn!(%error, "no time stamp");
            }
        }
    }
}

async fn stamp_if_due(node: &Node, authority: &Authority) -> Result<(), StampingError> {
    let asked_key = format!("{ASKED}{}", authority.url);
    let asked: Option<AskedEntry> = node.state.get(&asked_key)?;
    let checkpoint = to_be_stamped(node);
    let now_ms = node.now_ms();
    let due = asked.is_none_or(|asked| {
        asked.size < checkpoint.size() && now_ms.saturating_sub(asked.when_ms) >= node.stamping.every_ms
    });
    if !due {
        return Ok(());
    }
    let entry = ask(node, authority, &checkpoint).await?;
    let place = Digests::of(authority.url.as_bytes()).sha256;
    let asked = AskedEntry {
        size: entry.size,
        when_ms: now_ms,
    };
    // Together: a stamp that is not kept was not asked for.
    node.state.write(vec![
        state::set(format!("{STAMPS}{:020}/{place}", entry.size), &entry)?,
        state::set(asked_key, &asked)?,
    ])?;
    tracing::info!(authority = %entry.authority, size = entry.size, "checkpoint stamped");
    Ok(())
}

/// The latest checkpoint; where there are witnesses, the latest that a quorum of them has cosigned, so that the stamp is over their words too.
fn to_be_stamped(node: &Node) -> Arc<Checkpoint> {
    let cosigned = node.ledger.cosigned().filter(|_| !node.witnesses.is_empty());
    cosigned.unwrap_or_else(|| node.ledger.checkpoint())
}

async fn ask(node: &Node, authority: &Authority, checkpoint: &Checkpoint) -> Result<StampEntry, StampingError> {
    let url = authority.url.clone();
    let untrusted = |error| StampingError::Untrusted {
        url: url.clone(),
        error,
    };
    let unreachable = |why: String| StampingError::Unreachable { url: url.clone(), why };
    let note = checkpoint.note().to_string();
    let mut nonce = [0; 8];
    node.entropy.fill(&mut nonce);
    let question = Question::new(note.as_bytes(), nonce).map_err(untrusted)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(QUERY_TYPE));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/timestamp-reply"));
    let body = question.bytes().to_vec().into();
    let answer = node.client.message(http::Method::POST, &url, headers, body).await;
    let answer = answer
        .and_then(|answer| answer.success())
        .map_err(|e| unreachable(e.to_string()))?;
    if answer.body.len() > MAX_RESPONSE_BYTES {
        return Err(unreachable(format!("it answered {} bytes", answer.body.len())));
    }
    let stamp = question
        .answered(&answer.body, note.as_bytes(), &authority.trusted)
        .map_err(untrusted)?;
    Ok(StampEntry {
        size: checkpoint.size(),
        checkpoint: note,
        url,
        response: STANDARD.encode(&answer.body),
        time_ms: stamp.time_ms,
        authority: stamp.authority,
        serial: stamp.serial,
    })
}
