//! From values to a configuration: what each section means, and what must fit together.

use super::base_url::BaseUrl;
use super::error::{ConfigError, Expected};
use super::peers::{Lineage, Reconcile};
use super::raw::RawConfig;
use super::sandbox::Sandbox;
use super::sections::{
    Config, Decisions, Directory, Identity, Issuer, Ledger, Limits, Listen, Log, Management, Models, Network,
    Participant, S3Source, Sources, TlsFiles, Trust, TrustedIssuer, TrustedWitness, UpstreamApi, WitnessOfOthers,
    WitnessedLog,
};
use super::value::{Found, Shape};
use crate::config::keys::Kind;
use crate::dsp_shell::lies_on_own_host;
use herleid_ledger::note::{Algorithm, Verifier};
use herleid_vocab::did::Did;
use std::net::SocketAddr;
use std::path::PathBuf;

impl RawConfig {
    /// The configuration that these values make.
    pub(super) fn parse(&self, development_flag: bool) -> Result<Config, ConfigError> {
        let development = self.shortcuts(development_flag)?;
        let plain_http = development.as_ref().is_some_and(|d| d.plain_http);
        let own = self.need("participant.did", Kind::Did, did)?;
        Ok(Config {
            participant: Participant {
                did: own.clone(),
                name: self.text("participant.name")?,
            },
            listen: self.listen(plain_http)?,
            storage: Directory {
                directory: self.path("storage.directory")?,
            },
            ledger: Ledger {
                origin: self.own_origin(&own)?,
                check_every_s: self.whole("ledger.check_every_s")?,
            },
            keys: Directory {
                directory: self.path("keys.directory")?,
            },
            trust: self.trust(plain_http)?,
            timestamps: self.timestamps(plain_http)?,
            reconcile: Reconcile {
                every_s: self.whole("reconcile.every_s")?,
            },
            lineage: Lineage {
                answers: self.tables("lineage.answers", |item| {
                    member("lineage.answers", item, "did", Kind::Did, did)
                })?,
            },
            witness: self.witness()?,
            issuer: Issuer {
                enabled: self.switch("issuer.enabled")?,
            },
            identity: Identity {
                required_credentials: self.texts("identity.required_credentials")?,
                status_max_age_s: self.whole("identity.status_max_age_s")?,
            },
            decisions: Decisions {
                file: self
                    .get("decisions.file")
                    .as_ref()
                    .and_then(Found::text)
                    .map(|text| self.resolve(text)),
            },
            network: Network {
                allow_private_addresses: self.switch("network.allow_private_addresses")?,
                connect_timeout_ms: self.whole("network.connect_timeout_ms")?,
                request_timeout_ms: self.whole("network.request_timeout_ms")?,
                max_response_bytes: self.whole("network.max_response_bytes")?,
            },
            limits: Limits {
                outstanding_per_agreement: self.whole("limits.outstanding_per_agreement")?,
                open_per_peer: self.count("limits.open_per_peer")?,
                acknowledge_deadline_s: self.whole("limits.acknowledge_deadline_s")?,
                token_lifetime_s: self.whole("limits.token_lifetime_s")?,
                payload_bytes: self.whole("limits.payload_bytes")?,
                evidence_bytes: self
                    .get("limits.evidence_bytes")
                    .map(|_| self.whole("limits.evidence_bytes"))
                    .transpose()?,
                connections: self.count("limits.connections")?,
            },
            sources: self.sources(plain_http)?,
            push: self.push(plain_http)?,
            models: Models {
                sandbox: Sandbox {
                    wall_ms: self.whole("models.sandbox.wall_ms")?,
                    cpu_s: self.whole("models.sandbox.cpu_s")?,
                    memory_bytes: self.whole("models.sandbox.memory_bytes")?,
                    processes: self.whole("models.sandbox.processes")?,
                    output_bytes: self.whole("models.sandbox.output_bytes")?,
                },
            },
            management: self.management()?,
            catalogue: self.catalogue()?,
            erasure: self.erasure()?,
            retention: self.retention()?,
            log: Log {
                level: self.text("log.level")?,
                json: self.text("log.format")? == "json",
            },
            development,
        })
    }

    fn sources(&self, plain_http: bool) -> Result<Sources, ConfigError> {
        self.once("sources.s3", "name")?;
        self.once("sources.apis", "name")?;
        let url = |text: &str| BaseUrl::parse(text, plain_http);
        let s3 = |item: &Found| {
            let path = "sources.s3";
            let text = |name| member(path, item, name, Kind::Text, |text| Some(text.to_owned()));
            Ok(S3Source {
                name: text("name")?,
                endpoint: member(path, item, "endpoint", Kind::Url, url)?,
                region: text("region")?,
                bucket: text("bucket")?,
                internal: item.member("internal").is_some_and(Found::is_on),
                credentials: self.resolve(&text("credentials")?),
            })
        };
        let apis = |item: &Found| {
            let path = "sources.apis";
            let text = |name| member(path, item, name, Kind::Text, |text| Some(text.to_owned()));
            Ok(UpstreamApi {
                name: text("name")?,
                url: member(path, item, "url", Kind::Url, url)?,
                internal: item.member("internal").is_some_and(Found::is_on),
                headers: self.resolve(&text("headers")?),
            })
        };
        Ok(Sources {
            s3: self.tables("sources.s3", s3)?,
            apis: self.tables("sources.apis", apis)?,
        })
    }

    /// Peers refuse a log that does not lie on the host of the identifier: anybody could claim it.
    fn own_origin(&self, own: &Did) -> Result<String, ConfigError> {
        let origin = self.need("ledger.origin", Kind::Origin, origin)?;
        match self.get("ledger.origin") {
            Some(found) if !lies_on_own_host(own, &origin) => {
                let expected = Expected::OriginOf(own.to_string());
                Err(ConfigError::wrong("ledger.origin", &found, expected))
            }
            _ => Ok(origin),
        }
    }

    fn listen(&self, plain_http: bool) -> Result<Listen, ConfigError> {
        let file = |path| {
            self.get(path)
                .as_ref()
                .and_then(Found::text)
                .map(|text| self.resolve(text))
        };
        let tls = match (file("listen.tls_certificate"), file("listen.tls_key")) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) if plain_http => None,
            (None, _) => return Err(self.missing("listen.tls_certificate")),
            (_, None) => return Err(self.missing("listen.tls_key")),
        };
        // One port cannot speak both, and whoever sets both may believe that it is encrypted.
        if let (true, Some(found)) = (plain_http && tls.is_some(), self.get("listen.tls_certificate")) {
            return Err(ConfigError::wrong("listen.tls_certificate", &found, Expected::NoTls));
        }
        Ok(Listen {
            address: self.need("listen.address", Kind::Address, |text| text.parse::<SocketAddr>().ok())?,
            public_url: self.need("listen.public_url", Kind::Url, |text| BaseUrl::parse(text, plain_http))?,
            tls,
        })
    }

    fn management(&self) -> Result<Option<Management>, ConfigError> {
        if self.get("management.address").is_none() {
            return Ok(None);
        }
        Ok(Some(Management {
            address: self.need("management.address", Kind::Address, |text| {
                text.parse::<SocketAddr>().ok()
            })?,
            publish_from: self.paths("management.publish_from")?,
        }))
    }

    fn trust(&self, plain_http: bool) -> Result<Trust, ConfigError> {
        let issuers = self.tables("trust.issuers", |item| {
            let types = item.member("types").map(Found::texts).unwrap_or_default();
            Ok(TrustedIssuer {
                did: member("trust.issuers", item, "did", Kind::Did, did)?,
                types,
            })
        })?;
        let peers = match self.get("trust.peers") {
            Some(_) => Some(self.tables("trust.peers", |item| member("trust.peers", item, "did", Kind::Did, did))?),
            None => None,
        };
        let witnesses = self.tables("trust.witnesses", |item| {
            let verifier = member("trust.witnesses", item, "verifier_key", Kind::WitnessKey, |text| {
                Verifier::parse(text)
                    .ok()
                    .filter(|v| v.algorithm() == Algorithm::CosignatureV1)
            })?;
            let url = member("trust.witnesses", item, "url", Kind::Url, |text| {
                BaseUrl::parse(text, plain_http)
            })?;
            Ok(TrustedWitness { verifier, url })
        })?;
        let one_sided = self.tables("trust.one_sided", |item| {
            member("trust.one_sided", item, "did", Kind::Did, did)
        })?;
        self.once("trust.issuers", "did")?;
        self.once("trust.witnesses", "verifier_key")?;
        let quorum = match self.get("trust.quorum") {
            Some(_) => self.count("trust.quorum")?,
            None => usize::from(!witnesses.is_empty()),
        };
        match self.get("trust.quorum") {
            Some(found) if quorum > witnesses.len() => Err(ConfigError::wrong(
                "trust.quorum",
                &found,
                Expected::QuorumAtMost(witnesses.len()),
            )),
            _ => Ok(Trust {
                tls_ca: self.paths("trust.tls_ca")?,
                issuers,
                peers,
                one_sided,
                witnesses,
                quorum,
            }),
        }
    }

    fn witness(&self) -> Result<Option<WitnessOfOthers>, ConfigError> {
        let path = "witness.logs";
        let logs = self.tables(path, |item| {
            let of = member(path, item, "origin", Kind::Origin, origin)?;
            let key = item.member("verifier_key").filter(|f| f.text().is_some());
            let verifier = key.and_then(Found::text).and_then(|text| Verifier::parse(text).ok());
            match verifier.filter(|v| v.name() == of && v.algorithm() == Algorithm::Ed25519) {
                Some(verifier) => Ok(WitnessedLog { verifier }),
                None => Err(ConfigError::wrong(
                    "witness.logs.verifier_key",
                    key.unwrap_or(item),
                    Expected::KeyOfLog(of),
                )),
            }
        })?;
        self.once(path, "origin")?;
        match (self.switch("witness.enabled")?, self.get("witness.enabled")) {
            (true, Some(found)) if logs.is_empty() => {
                Err(ConfigError::wrong("witness.enabled", &found, Expected::WitnessedLogs))
            }
            (enabled, _) => Ok(enabled.then_some(WitnessOfOthers { logs })),
        }
    }

    /// The value of a key that must be there, read by `parse`.
    fn need<T>(&self, path: &str, kind: Kind, parse: impl Fn(&str) -> Option<T>) -> Result<T, ConfigError> {
        let found = self.get(path).ok_or_else(|| self.missing(path))?;
        found
            .text()
            .and_then(parse)
            .ok_or_else(|| ConfigError::wrong(path, &found, Expected::Kind(kind)))
    }

    pub(super) fn text(&self, path: &str) -> Result<String, ConfigError> {
        self.need(path, Kind::Text, |text| Some(text.to_owned()))
    }

    fn path(&self, path: &str) -> Result<PathBuf, ConfigError> {
        self.need(path, Kind::Path, |text| Some(self.resolve(text)))
    }

    pub(super) fn switch(&self, path: &str) -> Result<bool, ConfigError> {
        match self.get(path).map(|found| found.shape) {
            Some(Shape::Switch(switch)) => Ok(switch),
            _ => Err(self.missing(path)),
        }
    }

    /// A whole number; its bounds, checked when it was read, are never below zero.
    pub(super) fn whole(&self, path: &str) -> Result<u64, ConfigError> {
        match self.get(path).map(|found| found.shape) {
            Some(Shape::Whole(number)) => u64::try_from(number).map_err(|_| self.missing(path)),
            _ => Err(self.missing(path)),
        }
    }

    pub(super) fn count(&self, path: &str) -> Result<usize, ConfigError> {
        usize::try_from(self.whole(path)?).map_err(|_| self.missing(path))
    }

    fn list(&self, path: &str) -> Result<Vec<Found>, ConfigError> {
        match self.get(path).map(|found| found.shape) {
            Some(Shape::List(items)) => Ok(items),
            _ => Err(self.missing(path)),
        }
    }

    pub(super) fn texts(&self, path: &str) -> Result<Vec<String>, ConfigError> {
        Ok(self
            .list(path)?
            .iter()
            .filter_map(Found::text)
            .map(str::to_owned)
            .collect())
    }

    fn paths(&self, path: &str) -> Result<Vec<PathBuf>, ConfigError> {
        Ok(self.texts(path)?.iter().map(|text| self.resolve(text)).collect())
    }

    pub(super) fn tables<T>(
        &self,
        path: &str,
        read: impl Fn(&Found) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        self.list(path)?.iter().map(read).collect()
    }

    /// That no two tables of a list have the same value of `name`: the second would silently do nothing, or too much.
    pub(super) fn once(&self, path: &str, name: &str) -> Result<(), ConfigError> {
        let mut seen = Vec::new();
        for item in self.list(path)? {
            if let Some(found) = item.member(name) {
                if seen.contains(&found.shape) {
                    return Err(ConfigError::wrong(&format!("{path}.{name}"), found, Expected::Once));
                }
                seen.push(found.shape.clone());
            }
        }
        Ok(())
    }
}

impl Found {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.shape == Shape::Switch(true)
    }

    fn texts(&self) -> Vec<String> {
        match &self.shape {
            Shape::List(items) => items.iter().filter_map(Self::text).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Table(members) => members.get(name),
            _ => None,
        }
    }
}

/// One member of a table in a list, read by `parse`.
pub(super) fn member<T>(
    path: &str,
    item: &Found,
    name: &str,
    kind: Kind,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    let found = item.member(name).unwrap_or(item);
    let value = found.text().and_then(parse);
    value.ok_or_else(|| ConfigError::wrong(&format!("{path}.{name}"), found, Expected::Kind(kind)))
}

pub(super) fn did(text: &str) -> Option<Did> {
    text.parse().ok()
}

/// `<host>[:<port>]/log/<k>`, k from 1 (log format, section 1).
fn origin(text: &str) -> Option<String> {
    let (host, number) = text.split_once("/log/")?;
    let numbered = number != "0" && number.parse::<u32>().is_ok_and(|k| k.to_string() == number);
    // The parser judges host and port; port 443 has to be left out, so that one log has one origin.
    let at_a_host = !host.contains(['/', '+']) && BaseUrl::parse(&format!("https://{host}"), false).is_some();
    (numbered && at_a_host).then(|| text.to_owned())
}
