//! Reads another party's log over HTTP as C2SP tlog-tiles gives it: checkpoints and tiles, from which proofs are computed here.
//!
//! Nothing that comes back is believed: tiles are not signed, and count only if they lead to a root that a known key has signed.

use crate::net::client::GuardedClient;
use herleid_ledger::fork::Beginning;
use herleid_ledger::merkle::{self, Hash, Nodes, ProofError};
use herleid_ledger::tile::{FULL_WIDTH, Level, TilePath, hashes_at};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long all tiles of one proof may take together: the other end decides how long each takes, and must not be able to
/// keep us for as long as it likes.
const PROOF: Duration = Duration::from_secs(20);

/// Why another log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignLogError {
    /// A resource could not be fetched.
    #[error("`{url}` could not be read: {why}")]
    Fetch {
        /// Which.
        url: String,
        /// What happened.
        why: String,
    },
    /// A tile has not the length that its path says.
    #[error("`{url}` has {found} bytes, expected {expected}: the log serves a damaged tile")]
    Width {
        /// Which.
        url: String,
        /// Bytes found.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// The tiles of a proof did not come in time.
    #[error("the log of size {size} took longer than {limit_ms} ms over the tiles of one proof")]
    Slow {
        /// Its size.
        size: u64,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The tiles are not those of the tree that was signed.
    #[error("the tiles served are not those of the tree of {size} leaves that the log signed: {error}")]
    OtherTree {
        /// Its size.
        size: u64,
        /// What does not fit.
        error: ProofError,
    },
    /// The proof needs more tiles than any proof does.
    #[error("the log of size {size} gives no proof")]
    NoProof {
        /// Its size.
        size: u64,
    },
}

/// A reader of the log with one origin.
pub struct ForeignLog {
    client: Arc<GuardedClient>,
    base: String,
    limit: Duration,
}

impl ForeignLog {
    /// Reads the log `origin`, whose tiles lie under `<scheme>://<origin>/`.
    #[must_use]
    pub fn new(client: Arc<GuardedClient>, scheme: &str, origin: &str) -> Self {
        Self {
            client,
            base: format!("{scheme}://{origin}"),
            limit: PROOF,
        }
    }

    /// The checkpoint that it serves now: a signed note, unchecked.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn checkpoint(&self) -> Result<Vec<u8>, ForeignLogError> {
        self.fetch("checkpoint").await
    }

    /// The record by which it says which log it continues (docs/log-format.md, section 7), unchecked; `None` when it says that it has none.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn continued(&self) -> Result<Option<Vec<u8>>, ForeignLogError> {
        self.look_for("continued").await
    }

    /// The inclusion proof of `index` in the tree of `size` leaves, unchecked.
    ///
    /// # Errors
    /// When a tile cannot be fetched.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, ForeignLogError> {
        self.prove(size, |nodes| merkle::inclusion_proof(nodes, index, size))
            .await
    }

    /// What the tree of `size` leaves with this `root`, which the log's key has signed, begins with: the root of its first `from` leaves, and
    /// the proof of it; `from` is not above `size`. Checked: no other root is possible for that tree, whoever serves the tiles.
    ///
    /// # Errors
    /// When a tile cannot be fetched, or the tiles are not those of that tree: nothing is known of it then.
    pub async fn beginning(&self, from: u64, size: u64, root: &Hash) -> Result<Beginning, ForeignLogError> {
        let read = self.prove(size, |nodes| {
            Ok(Beginning {
                root: merkle::root_at(nodes, from)?,
                proof: merkle::consistency_proof(nodes, from, size)?,
            })
        });
        let begins = read.await?;
        merkle::verify_consistency(from, size, &begins.proof, &begins.root, root)
            .map_err(|error| ForeignLogError::OtherTree { size, error })?;
        Ok(begins)
    }

    async fn prove<T, F>(&self, size: u64, proof: F) -> Result<T, ForeignLogError>
    where
        F: Fn(&Tiles) -> Result<T, Missing>,
    {
        let proved = timeout(self.limit, self.gather(size, proof)).await;
        proved.unwrap_or_else(|_| {
            let limit_ms = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
            Err(ForeignLogError::Slow { size, limit_ms })
        })
    }

    async fn gather<T, F>(&self, size: u64, proof: F) -> Result<T, ForeignLogError>
    where
        F: Fn(&Tiles) -> Result<T, Missing>,
    {
        // A proof has at most two hashes a level, a root of fewer leaves one, and a tile serves eight levels; 64 levels in all.
        const MOST_TILES: usize = 2 * 64;
        let mut tiles = Tiles {
            size,
            hashes: HashMap::new(),
        };
        while tiles.hashes.len() <= MOST_TILES {
            match proof(&tiles) {
                Ok(found) => return Ok(found),
                Err(Missing::Tile { level, index }) => {
                    let hashes = self.tile(level, index, size).await?;
                    tiles.hashes.insert((level, index), hashes);
                }
                Err(Missing::Outside) => break,
            }
        }
        Err(ForeignLogError::NoProof { size })
    }

    async fn tile(&self, level: u8, index: u64, size: u64) -> Result<Vec<Hash>, ForeignLogError> {
        let left = hashes_at(level, size).saturating_sub(index * u64::from(FULL_WIDTH));
        let width = u16::try_from(left).unwrap_or(FULL_WIDTH).min(FULL_WIDTH);
        let path = TilePath::new(Level::Hashes(level), index, width)
            .map_err(|_| ForeignLogError::NoProof { size })?
            .to_string();
        let bytes = self.fetch(&path).await?;
        let expected = usize::from(width) * 32;
        if bytes.len() != expected {
            return Err(ForeignLogError::Width {
                url: format!("{}/{path}", self.base),
                found: bytes.len(),
                expected,
            });
        }
        Ok(bytes
            .chunks_exact(32)
            .filter_map(|chunk| chunk.try_into().ok())
            .collect())
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, ForeignLogError> {
        let found = self.look_for(path).await?;
        found.ok_or_else(|| ForeignLogError::Fetch {
            url: format!("{}/{path}", self.base),
            why: "its host answered with HTTP status 404".to_owned(),
        })
    }

    /// `None` where there is no such thing (404).
    async fn look_for(&self, path: &str) -> Result<Option<Vec<u8>>, ForeignLogError> {
        let url = format!("{}/{path}", self.base);
        let answer = self
            .client
            .message(http::Method::GET, &url, http::HeaderMap::new(), bytes::Bytes::new())
            .await;
        match answer {
            Ok(response) if response.status == http::StatusCode::NOT_FOUND => Ok(None),
            other => match other.and_then(|response| response.success()) {
                Ok(response) => Ok(Some(response.body.to_vec())),
                Err(e) => Err(ForeignLogError::Fetch {
                    url,
                    why: e.to_string(),
                }),
            },
        }
    }
}

/// The tiles fetched so far, by tile level and index.
struct Tiles {
    size: u64,
    hashes: HashMap<(u8, u64), Vec<Hash>>,
}

/// What a proof still needs.
enum Missing {
    Tile { level: u8, index: u64 },
    Outside,
}

impl Nodes for Tiles {
    type Error = Missing;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Missing> {
        // The subtree spans 2^(level % 8) neighbouring hashes of one tile of level / 8.
        let (tile_level, within) = (level / 8, level % 8);
        let span = 1u64 << within;
        let first = index.checked_mul(span).ok_or(Missing::Outside)?;
        if first + span > hashes_at(tile_level, self.size) {
            return Err(Missing::Outside);
        }
        let width = u64::from(FULL_WIDTH);
        let tile = self.hashes.get(&(tile_level, first / width));
        let tile = tile.ok_or(Missing::Tile {
            level: tile_level,
            index: first / width,
        })?;
        let from = (first % width) as usize;
        let hashes = tile.get(from..from + span as usize).ok_or(Missing::Outside)?;
        // A power of two of neighbours: their root is the subtree.
        Ok(merkle::root(hashes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tests::plain_client;

    /// However long each tile takes, and however many there are, a proof takes no longer than it may.
    #[tokio::test]
    async fn a_log_that_stalls_is_given_up() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("{}/log/1", mute.local_addr().unwrap());
        let mut log = ForeignLog::new(Arc::new(plain_client()), "http", &origin);
        log.limit = Duration::from_millis(200);
        let error = log.beginning(1, 300, &[0; 32]).await.unwrap_err();
        assert!(
            matches!(
                error,
                ForeignLogError::Slow {
                    size: 300,
                    limit_ms: 200
                }
            ),
            "{error}"
        );
    }

    /// Proofs read from tiles equal those computed from all leaves.
    #[test]
    fn proofs_from_tiles_verify() {
        for size in [1u64, 2, 3, 255, 256, 257, 700] {
            let leaves: Vec<Hash> = (0..size).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
            let mut tiles = Tiles {
                size,
                hashes: HashMap::new(),
            };
            for (n, chunk) in leaves.chunks(256).enumerate() {
                tiles.hashes.insert((0, n as u64), chunk.to_vec());
            }
            let upper: Vec<Hash> = leaves.chunks_exact(256).map(merkle::root).collect();
            tiles.hashes.insert((1, 0), upper);
            let root = merkle::root(&leaves);
            for index in [0, size / 2, size - 1] {
                let proof = merkle::inclusion_proof(&tiles, index, size).ok().unwrap();
                merkle::verify_inclusion(&leaves[index as usize], index, size, &proof, &root).unwrap();
            }
            for from in [1, size.div_ceil(2), size] {
                let before = merkle::root_at(&tiles, from).ok().unwrap();
                assert_eq!(before, merkle::root(&leaves[..from as usize]));
                let proof = merkle::consistency_proof(&tiles, from, size).ok().unwrap();
                merkle::verify_consistency(from, size, &proof, &before, &root).unwrap();
            }
        }
    }
}
