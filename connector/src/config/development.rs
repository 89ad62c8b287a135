//! The section `[development]`.

use super::base_url::BaseUrl;
use super::error::{ConfigError, Expected};
use super::keys::Kind;
use super::parse::{did, member};
use super::raw::RawConfig;
use super::sections::{Development, PlainPeer, PlainProof};
use super::value::Found;

impl RawConfig {
    pub(super) fn shortcuts(&self, flag: bool) -> Result<Option<Development>, ConfigError> {
        if let Some(error) = self.development().filter(|_| !flag) {
            return Err(error);
        }
        let plain_http = self.switch("development.plain_http")?;
        let mock_identity = self.switch("development.mock_identity")?;
        let peers = self.plain_peers(plain_http)?;
        Ok(
            (plain_http || mock_identity || !peers.is_empty()).then_some(Development {
                plain_http,
                mock_identity,
                peers,
            }),
        )
    }

    /// Those of both lists; no two with one DID or one name, or one could pass for the other.
    fn plain_peers(&self, plain_http: bool) -> Result<Vec<PlainPeer>, ConfigError> {
        let read = |path: &'static str, proof: fn(&str) -> PlainProof| {
            self.once(path, "did")?;
            self.once(path, "name")?;
            self.tables(path, move |item| {
                let token = item.member("token").and_then(Found::text).unwrap_or_default();
                Ok(PlainPeer {
                    did: member(path, item, "did", Kind::Did, did)?,
                    name: member(path, item, "name", Kind::Text, |text| text.parse().ok())?,
                    address: member(path, item, "address", Kind::Url, |text| {
                        BaseUrl::parse(text, plain_http)
                    })?,
                    proof: proof(token),
                })
            })
        };
        let mut peers = read("development.token_peers", |token| PlainProof::Token(token.to_owned()))?;
        for peer in read("development.edc_peers", |_| PlainProof::Edc)? {
            if peers
                .iter()
                .any(|known| known.did == peer.did || known.name == peer.name)
            {
                let found = self
                    .get("development.edc_peers")
                    .ok_or_else(|| self.missing("development.edc_peers"))?;
                return Err(ConfigError::wrong("development.edc_peers", &found, Expected::Once));
            }
            peers.push(peer);
        }
        Ok(peers)
    }
}
