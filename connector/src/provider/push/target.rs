//! Where a consumer wants a push to go. What stands in its address is read once and strictly; what is not understood is refused, since
//! the bytes would go somewhere else than the consumer meant.

use crate::config::PushTo;
use crate::dsp::catalog::{HTTP_PUSH, S3_PUSH};
use crate::dsp::id::excerpt;
use crate::dsp::message::{DataAddress, HTTP_ENDPOINT};
use crate::node::Node;
use herleid_vocab::did::Did;
use http::{HeaderName, HeaderValue, Method, header};
use object_store::path::Path;
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

/// Why a push cannot go there. Nothing of it shows what is secret in an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The operator lets nothing be pushed.
    #[error("this connector pushes nothing; ask for the format `HttpData-PULL`, without `dataAddress`")]
    Off,
    /// No address.
    #[error("`dataAddress` is missing, and nobody else can say where the data is to go")]
    NoAddress,
    /// The address is of another kind than the format.
    #[error("`endpointType` is `{found}`; for `{format}` expected {expected}")]
    EndpointType {
        /// As it came, cut off.
        found: String,
        /// The format.
        format: &'static str,
        /// What should stand there.
        expected: &'static str,
    },
    /// A property is not there.
    #[error("the endpoint property `{0}` is missing")]
    Missing(&'static str),
    /// A property is not what it should be.
    #[error("the endpoint property `{name}` is not as it should be; expected {expected}")]
    Wrong {
        /// Which.
        name: &'static str,
        /// What should stand there.
        expected: &'static str,
    },
    /// A property that is not understood.
    #[error("the endpoint property `{name}` is not understood; there are {known}")]
    Unknown {
        /// Which, cut off.
        name: String,
        /// Those that are.
        known: String,
    },
    /// Two properties say the same thing, and which of them counts readers would judge differently.
    #[error("the endpoint properties `{first}` and `{second}` are both there; expected one of them, once")]
    Twice {
        /// One.
        first: &'static str,
        /// The other, or the same.
        second: &'static str,
    },
    /// The operator does not let bytes for this consumer go there.
    #[error(
        "its address does not lie where this connector may push to for you; ask its operator to name it in `allow` under `[push]`"
    )]
    NotAllowed,
}

/// Where bytes go.
#[derive(Clone)]
pub(crate) enum Target {
    Http(HttpTarget),
    S3(S3Target),
}

/// An HTTP endpoint.
#[derive(Clone)]
pub(crate) struct HttpTarget {
    pub(crate) url: Url,
    pub(crate) method: Method,
    /// What it is shown to let us in.
    pub(crate) shown: Option<(HeaderName, HeaderValue)>,
}

/// An object in a bucket.
#[derive(Clone)]
pub(crate) struct S3Target {
    pub(crate) endpoint: Url,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) key: Path,
    pub(crate) access_key_id: Zeroizing<String>,
    pub(crate) secret_access_key: Zeroizing<String>,
    pub(crate) session_token: Option<Zeroizing<String>>,
}

/// Shows the host alone: path and query may be secrets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Http(http) => &http.url,
            Self::S3(s3) => &s3.endpoint,
        };
        f.write_str(url.host_str().unwrap_or_default())
    }
}

/// Members that EDC writes of every address.
pub(super) const OF_ALL: [&str; 4] = ["type", "endpointType", "id", "name"];
pub(super) const OF_HTTP: [&str; 8] = [
    "endpoint",
    "baseUrl",
    "method",
    "authorization",
    "authType",
    "authKey",
    "authCode",
    "proxyBody",
];
pub(super) const OF_S3: [&str; 9] = [
    "bucketName",
    "objectName",
    "keyName",
    "region",
    "accessKeyId",
    "secretAccessKey",
    "sessionToken",
    "endpoint",
    "endpointOverride",
];

/// Where something stands in an address under more than one name.
const SAME: [(&str, &str); 3] = [
    ("endpoint", "baseUrl"),
    ("objectName", "keyName"),
    ("endpoint", "endpointOverride"),
];

fn only(address: &DataAddress, known: &[&'static str]) -> Result<(), TargetError> {
    let of_all = |name: &str| OF_ALL.contains(&name);
    if let Some(name) = address.names().find(|name| !known.contains(name) && !of_all(name)) {
        return Err(TargetError::Unknown {
            name: excerpt(name),
            known: known.join(", "),
        });
    }
    let values = |wanted: &'static str| {
        let mut values: Vec<&str> = address.values(wanted).collect();
        if wanted == "endpoint" {
            values.extend(address.endpoint.as_deref());
        }
        values
    };
    // EDC writes some twice, under both of its names; whoever says the same twice has said it.
    let differ = |values: Vec<&str>| values.windows(2).any(|pair| pair.first() != pair.get(1));
    for name in known.iter().chain(&OF_ALL).copied() {
        if differ(values(name)) {
            return Err(TargetError::Twice {
                first: name,
                second: name,
            });
        }
    }
    for (first, second) in SAME {
        if differ([values(first), values(second)].concat()) {
            return Err(TargetError::Twice { first, second });
        }
    }
    Ok(())
}

impl Target {
    /// Reads the address that a request in a push format names.
    pub(crate) fn read(format: &str, address: Option<&DataAddress>) -> Result<Self, TargetError> {
        let address = address.ok_or(TargetError::NoAddress)?;
        match format {
            S3_PUSH => S3Target::read(address).map(Self::S3),
            _ => HttpTarget::read(address).map(Self::Http),
        }
    }

    /// Where the operator lets bytes for `consumer` go, if this is there.
    pub(crate) fn allowed<'a>(&self, node: &'a Node, consumer: &Did) -> Result<&'a PushTo, TargetError> {
        let push = &node.config.push;
        if !push.is_on() {
            return Err(TargetError::Off);
        }
        let called = match self {
            Self::Http(http) => Some(http.url.clone()),
            Self::S3(s3) => s3.called(),
        };
        called
            .and_then(|url| push.find(consumer, &url))
            .ok_or(TargetError::NotAllowed)
    }
}

impl HttpTarget {
    fn read(address: &DataAddress) -> Result<Self, TargetError> {
        if ![HTTP_ENDPOINT, "HttpData"].contains(&address.endpoint_type.as_str()) {
            return Err(TargetError::EndpointType {
                found: excerpt(&address.endpoint_type),
                format: HTTP_PUSH,
                expected: "`https://w3id.org/idsa/v4.1/HTTP` or `HttpData`",
            });
        }
        only(address, &OF_HTTP)?;
        let wrong = |name, expected| TargetError::Wrong { name, expected };
        let endpoint = address.location().or_else(|| address.property("baseUrl"));
        let endpoint = endpoint.ok_or(TargetError::Missing("endpoint"))?;
        let url = Url::parse(endpoint).ok().filter(|url| url.has_host());
        let url = url.ok_or(wrong("endpoint", "`https://<host>[:<port>]/...`"))?;
        let method = match address.property("method") {
            None | Some("POST") => Method::POST,
            Some("PUT") => Method::PUT,
            Some(_) => return Err(wrong("method", "`POST` or `PUT`")),
        };
        if address.property("proxyBody").is_some_and(|proxy| proxy != "true") {
            return Err(wrong("proxyBody", "`true`, or nothing"));
        }
        Ok(Self {
            url,
            method,
            shown: shown(address)?,
        })
    }
}

/// What the endpoint is shown: a bearer token or a password, or, as EDC writes it, a header of its own. Of those only the two that
/// carry keys: whoever chose any header could speak to what stands before the endpoint.
fn shown(address: &DataAddress) -> Result<Option<(HeaderName, HeaderValue)>, TargetError> {
    let wrong = |name, expected| TargetError::Wrong { name, expected };
    let value = |name, text: String| {
        let text = Zeroizing::new(text);
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| wrong(name, "text that can stand in an HTTP header"))?;
        value.set_sensitive(true);
        Ok(value)
    };
    match (
        address.authorization(),
        address.property("authKey"),
        address.property("authCode"),
    ) {
        (None, None, None) => Ok(None),
        (Some(token), None, None) => {
            let scheme = address.property("authType").unwrap_or("bearer");
            let has_scheme = token
                .split_once(' ')
                .is_some_and(|(before, _)| before.eq_ignore_ascii_case(scheme));
            let text = match scheme.to_ascii_lowercase().as_str() {
                "bearer" | "basic" if has_scheme => token.to_owned(),
                "bearer" => format!("Bearer {token}"),
                "basic" => format!("Basic {token}"),
                _ => return Err(wrong("authType", "`bearer` or `basic`")),
            };
            Ok(Some((header::AUTHORIZATION, value("authorization", text)?)))
        }
        (None, Some(key), Some(code)) => {
            let name = match key.to_ascii_lowercase().as_str() {
                "authorization" => header::AUTHORIZATION,
                "x-api-key" => HeaderName::from_static("x-api-key"),
                _ => return Err(wrong("authKey", "`Authorization` or `X-Api-Key`")),
            };
            Ok(Some((name, value("authCode", code.to_owned())?)))
        }
        (None, None, Some(_)) => Err(TargetError::Missing("authKey")),
        (None, Some(_), None) => Err(TargetError::Missing("authCode")),
        (Some(_), _, _) => Err(wrong("authorization", "either that, or `authKey` and `authCode`")),
    }
}

impl S3Target {
    fn read(address: &DataAddress) -> Result<Self, TargetError> {
        if address.endpoint_type != "AmazonS3" {
            return Err(TargetError::EndpointType {
                found: excerpt(&address.endpoint_type),
                format: S3_PUSH,
                expected: "`AmazonS3`",
            });
        }
        only(address, &OF_S3)?;
        let wrong = |name, expected| TargetError::Wrong { name, expected };
        let need = |name: &'static str| {
            let found = address.property(name).filter(|text| !text.is_empty());
            found.ok_or(TargetError::Missing(name))
        };
        let is_name = |text: &str, more: &str| {
            text.len() <= 63
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || more.as_bytes().contains(&b))
                && !text.contains("..")
        };
        let region = need("region")?;
        if !is_name(region, "-") {
            return Err(wrong("region", "a region such as `eu-west-1`"));
        }
        let bucket = need("bucketName")?;
        if !is_name(bucket, "-.") || bucket.len() < 3 || bucket.starts_with('.') {
            return Err(wrong(
                "bucketName",
                "the name of a bucket: 3 to 63 of a-z, 0-9, `-` and `.`",
            ));
        }
        let key = address.property("keyName").map_or_else(|| need("objectName"), Ok)?;
        let key = Path::parse(key).ok().filter(|path| !path.as_ref().is_empty());
        let key = key.ok_or(wrong("objectName", "the key of an object such as `2020/rain.csv`"))?;
        let amazon = format!("https://s3.{region}.amazonaws.com");
        let endpoint = address
            .property("endpointOverride")
            .or_else(|| address.location())
            .unwrap_or(&amazon);
        let endpoint = Url::parse(endpoint)
            .ok()
            .filter(|url| url.has_host() && url.path() == "/" && url.query().is_none() && url.fragment().is_none());
        let endpoint = endpoint.ok_or(wrong("endpoint", "`https://<host>[:<port>]` of the store"))?;
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        Ok(Self {
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            key,
            endpoint,
            access_key_id: secret(need("accessKeyId")?),
            secret_access_key: secret(need("secretAccessKey")?),
            session_token: address.property("sessionToken").map(secret),
        })
    }

    /// The address that is called, without its query.
    pub(super) fn called(&self) -> Option<Url> {
        let mut url = self.endpoint.clone();
        let parts = self.key.parts();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .push(&self.bucket)
            .extend(parts.map(|part| part.as_ref().to_owned()));
        Some(url)
    }

    /// The endpoint as the store's client wants it.
    pub(crate) fn base(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}
