//! The sources that the configuration names, with what lets us into them.

use super::api::Api;
use super::guarded::Guarded;
use super::s3::Found;
use super::s3::{Object, Store};
use super::{Allowed, FileSource, Source, SourceError};
use crate::config::{S3Source, UpstreamApi};
use crate::net::client::{ClientSettings, GuardedClient};
use crate::net::error::TlsError;
use crate::node::{SecretsError, read_private};
use crate::payloads::Payloads;
use crate::state::{Digests, SourceEntry, VersionEntry};
use http::{HeaderMap, HeaderName, HeaderValue};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ClientOptions, RetryConfig};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Why the configured sources cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The file with what lets us in.
    #[error("source `{name}`: {why}")]
    Secret {
        /// Which source.
        name: String,
        /// What is wrong.
        why: SecretsError,
    },
    /// What stands in that file.
    #[error("source `{name}`: `{path}` is not understood: {why}; expected {expected}")]
    Content {
        /// Which source.
        name: String,
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The client could not be made.
    #[error("source `{name}`: {why}")]
    Client {
        /// Which source.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The client could not be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What the file of an S3 source's credentials holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
}

/// The configured sources, by name.
pub struct Sources {
    stores: BTreeMap<String, Store>,
    apis: BTreeMap<String, Api>,
    payloads: Payloads,
}

impl Sources {
    /// Sets them up; nothing is called yet.
    ///
    /// # Errors
    /// Names the source whose credentials cannot be read.
    pub fn open(
        s3: &[S3Source],
        apis: &[UpstreamApi],
        settings: &ClientSettings,
        payloads: &Payloads,
        limit_bytes: u64,
    ) -> Result<Self, SourcesError> {
        let client = |internal: bool| {
            let mut settings = settings.clone();
            settings.allow_private_addresses |= internal;
            GuardedClient::new(&settings).map(Arc::new)
        };
        let mut all = Self {
            stores: BTreeMap::new(),
            apis: BTreeMap::new(),
            payloads: payloads.clone(),
        };
        for source in s3 {
            let store = store(source, client(source.internal)?)?;
            all.stores.insert(source.name.clone(), store);
        }
        for source in apis {
            let client_error = |why: String| SourcesError::Client {
                name: source.name.clone(),
                why,
            };
            let api = Api {
                client: client(source.internal)?,
                base: Url::parse(source.url.as_str()).map_err(|e| client_error(e.to_string()))?,
                headers: headers(source)?,
                limit_bytes,
            };
            all.apis.insert(source.name.clone(), api);
        }
        Ok(all)
    }

    /// The source of a published version.
    ///
    /// # Errors
    /// When the configuration no longer has what it refers to.
    pub fn of_version(&self, version: &VersionEntry) -> Result<Box<dyn Source>, SourceError> {
        let unknown = |name: &String| SourceError::Unknown(name.clone());
        let digests = || {
            let known = version.digests.clone();
            known.ok_or_else(|| SourceError::Failed("the version has no digests".to_owned()))
        };
        Ok(match &version.source {
            SourceEntry::File => Box::new(self.of_payload(&digests()?)),
            SourceEntry::S3 {
                store,
                key,
                etag,
                version,
            } => Box::new(Object {
                store: self.stores.get(store).ok_or_else(|| unknown(store))?.clone(),
                key: key.clone(),
                etag: etag.clone(),
                version: version.clone(),
                bytes: digests()?.bytes,
            }),
            SourceEntry::Api { api, .. } => Box::new(self.apis.get(api).ok_or_else(|| unknown(api))?.clone()),
        })
    }

    /// The source of a payload of our own.
    #[must_use]
    pub fn of_payload(&self, digests: &Digests) -> FileSource {
        FileSource::new(&self.payloads, digests)
    }

    /// What an object is at this moment, to be published.
    ///
    /// # Errors
    /// When there is no such store or object, or it cannot be read.
    pub async fn look(&self, store: &str, key: &str) -> Result<Found, SourceError> {
        let configured = self
            .stores
            .get(store)
            .ok_or_else(|| SourceError::Unknown(store.to_owned()))?;
        configured.look(key).await
    }

    /// What may be published of an API.
    ///
    /// # Errors
    /// When there is no such API, or a path cannot be one.
    pub fn allow(&self, api: &str, paths: &[String], queries: &[String]) -> Result<Allowed, SourceError> {
        if !self.apis.contains_key(api) {
            return Err(SourceError::Unknown(api.to_owned()));
        }
        Ok(Allowed::new(paths, queries)?)
    }
}

fn store(source: &S3Source, client: Arc<GuardedClient>) -> Result<Store, SourcesError> {
    let text = secret(&source.name, &source.credentials)?;
    let credentials: Credentials = toml::from_str(&text).map_err(|e| SourcesError::Content {
        name: source.name.clone(),
        path: source.credentials.clone(),
        // Its whole text would show the line that is wrong, and with it a secret.
        why: e.message().to_owned(),
        expected: "`access_key_id = \"...\"` and `secret_access_key = \"...\"`",
    })?;
    let key = Key {
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: credentials.session_token.as_deref(),
    };
    let bucket = bucket(source.endpoint.as_str(), &source.region, &source.bucket, key, client);
    let bucket = bucket.map_err(|e| SourcesError::Client {
        name: source.name.clone(),
        why: e.to_string(),
    })?;
    Ok(Store {
        bucket: Arc::new(bucket),
    })
}

/// What lets into a bucket.
pub(crate) struct Key<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_access_key: &'a str,
    pub(crate) session_token: Option<&'a str>,
}

/// A bucket, called by way of `client`; nothing is called yet.
pub(crate) fn bucket(
    endpoint: &str,
    region: &str,
    name: &str,
    key: Key<'_>,
    client: Arc<GuardedClient>,
) -> object_store::Result<AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_region(region)
        .with_bucket_name(name)
        .with_access_key_id(key.access_key_id)
        .with_secret_access_key(key.secret_access_key)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        // Which addresses and schemes may be called is for the guarded client to say.
        .with_http_connector(Guarded(client))
        .with_retry(RetryConfig {
            max_retries: 3,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        });
    if let Some(token) = key.session_token {
        builder = builder.with_token(token);
    }
    builder.build()
}

fn secret(name: &str, path: &std::path::Path) -> Result<zeroize::Zeroizing<String>, SourcesError> {
    read_private(path).map_err(|why| SourcesError::Secret {
        name: name.to_owned(),
        why,
    })
}

/// The headers of a file, one `Name: value` a line; empty lines and those that begin with `#` say nothing.
fn headers(source: &UpstreamApi) -> Result<HeaderMap, SourcesError> {
    let text = secret(&source.name, &source.headers)?;
    let mut headers = HeaderMap::new();
    for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value: HeaderValue = value.trim().parse().ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let (name, value) = parsed.ok_or_else(|| SourcesError::Content {
            name: source.name.clone(),
            path: source.headers.clone(),
            why: format!("line {number} is no header"),
            expected: "lines such as `X-Api-Key: ...`",
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}
