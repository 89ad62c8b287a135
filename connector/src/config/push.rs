//! The section `[push]`: where bytes may be sent to. Without it nothing is: a consumer names the address, and could name one of ours.

use super::base_url::BaseUrl;
use super::error::ConfigError;
use super::keys::Kind;
use super::parse::{did, member};
use super::raw::RawConfig;
use super::value::Found;
use herleid_vocab::did::Did;
use url::Url;

/// Section `[push]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Push {
    /// Where; empty: nowhere.
    pub allow: Vec<PushTo>,
    /// How often one is tried.
    pub attempts: u32,
}

/// One of `push.allow`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PushTo {
    /// For whom.
    pub did: Did,
    /// What addresses begin with.
    pub to: BaseUrl,
    /// Whether it may lie on a private address.
    pub internal: bool,
}

impl Push {
    /// Whether anything is pushed at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.allow.is_empty()
    }

    /// The entry that lets bytes for `consumer` go to `url`; of several, one that allows private addresses.
    #[must_use]
    pub fn find(&self, consumer: &Did, url: &Url) -> Option<&PushTo> {
        let fits = |entry: &&PushTo| entry.did == *consumer && lies_below(url, &entry.to);
        self.allow.iter().filter(fits).max_by_key(|entry| entry.internal)
    }
}

/// Whether `url` is `base`, or lies below it: the same scheme, host and port, and a path that goes on with whole parts. The parser
/// has resolved `..` by then; what is still encoded might be resolved by the receiver, so it is not let through.
fn lies_below(url: &Url, base: &BaseUrl) -> bool {
    let Ok(base) = Url::parse(base.as_str()) else {
        return false;
    };
    let same_place = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let path = url.path().to_ascii_lowercase();
    // `..;` is the parent to some, and `%252e%252e` to those who decode twice.
    let hidden = ["%2f", "%5c", "%2e", "%00", "//", "/..", ";", "%3b", "%25"]
        .iter()
        .any(|part| path.contains(part));
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'));
    same_place && bare && !hidden && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl RawConfig {
    pub(super) fn push(&self, plain_http: bool) -> Result<Push, ConfigError> {
        let path = "push.allow";
        let allow = |item: &Found| {
            Ok(PushTo {
                did: member(path, item, "did", Kind::Did, did)?,
                to: member(path, item, "to", Kind::Url, |text| BaseUrl::parse(text, plain_http))?,
                internal: item.member("internal").is_some_and(Found::is_on),
            })
        };
        Ok(Push {
            allow: self.tables(path, allow)?,
            attempts: u32::try_from(self.whole("push.attempts")?).unwrap_or(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> Push {
        let to = |did: &str, to: &str, internal| PushTo {
            did: did.parse().unwrap(),
            to: BaseUrl::parse(to, false).unwrap(),
            internal,
        };
        Push {
            allow: vec![
                to("did:web:a.example", "https://a.example/in", false),
                to("did:web:a.example", "https://store.example:9000/bucket", true),
            ],
            attempts: 1,
        }
    }

    fn found(did: &str, url: &str) -> Option<bool> {
        let url = Url::parse(url).unwrap();
        push().find(&did.parse().unwrap(), &url).map(|entry| entry.internal)
    }

    #[test]
    fn a_consumer_has_the_places_that_are_named_for_it() {
        let a = "did:web:a.example";
        for url in [
            "https://a.example/in",
            "https://a.example/in/",
            "https://A.example:443/in/x?token=1",
            "https://a.example/out/../in/x",
        ] {
            assert_eq!(found(a, url), Some(false), "{url}");
        }
        assert_eq!(found(a, "https://store.example:9000/bucket/a/b.csv"), Some(true));
    }

    #[test]
    fn and_no_others() {
        let a = "did:web:a.example";
        for url in [
            "https://a.example/",
            "https://a.example/inner",
            "https://a.example/in/../admin",
            "https://a.example/in/%2e%2e/admin",
            "https://a.example/in/..%2fadmin",
            "https://a.example/in/%5c..%5cadmin",
            "https://a.example/in//admin",
            "https://a.example/in/..;/admin",
            "https://a.example/in/..;x=1/admin",
            "https://a.example/in/..%3B/admin",
            "https://a.example/in/%252e%252e/admin",
            "https://a.example/in/..x/admin",
            "https://a.example/in/x#y",
            "https://u@a.example/in/x",
            "https://a.example@b.example/in/x",
            "https://a.example.b.example/in/x",
            "https://a.example:8443/in/x",
            "http://a.example/in/x",
            "https://store.example/bucket/x",
            "https://store.example:9000/other/x",
            "ftp://a.example/in/x",
        ] {
            assert_eq!(found(a, url), None, "{url}");
        }
        assert_eq!(found("did:web:b.example", "https://a.example/in/x"), None);
    }
}
