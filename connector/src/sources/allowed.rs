//! What of an API is given out: paths and query parameters that the publication names, and nothing beside them.
//!
//! The address that is called is built anew from the parts that were checked, so that what is checked is what is called.

use percent_encoding::percent_decode_str;
use url::Url;
use url::form_urlencoded;

/// A request that a publication does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The path is none of those published.
    #[error("the path `{path}` is not part of this dataset; there are: {allowed}")]
    Path {
        /// As asked for, cut off at 200 characters.
        path: String,
        /// Those published.
        allowed: String,
    },
    /// The path has a part that could lead elsewhere.
    #[error(
        "the path `{path}` has a part that is empty, `.`, `..` or not text; expected a path such as `collections/rain/items`"
    )]
    Part {
        /// As asked for, cut off at 200 characters.
        path: String,
    },
    /// The query parameter is not published, or not with this value.
    #[error("the query parameter `{name}` is not part of this dataset with that value; there are: {allowed}")]
    Query {
        /// Its name, cut off at 80 characters.
        name: String,
        /// Those published.
        allowed: String,
    },
    /// Which value counts, readers would judge differently.
    #[error("the query parameter `{name}` stands twice; expected it once")]
    Twice {
        /// Its name, cut off at 80 characters.
        name: String,
    },
    /// The dataset is a file, and a path was asked for within it.
    #[error("this dataset has no paths and no query; ask for its address alone")]
    NoResource,
    /// Parts of an answer cannot be had.
    #[error("an answer of this dataset is given whole or not at all; leave `Range` out")]
    NoRange,
}

/// Which answer of an API: what was checked, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    parts: Vec<String>,
    query: Vec<(String, String)>,
}

/// What a publication allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    paths: Vec<String>,
    queries: Vec<String>,
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// The parts of a path, decoded; `None` when one could lead elsewhere than it seems to.
fn parts(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        let decoded = percent_decode_str(part).decode_utf8().ok()?.into_owned();
        let leads_elsewhere = matches!(decoded.as_str(), "" | "." | "..")
            || decoded
                .chars()
                .any(|c| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%'));
        if leads_elsewhere {
            return None;
        }
        parts.push(decoded);
    }
    Some(parts)
}

impl Allowed {
    /// What is allowed, as it was published.
    ///
    /// # Errors
    /// Names a path that cannot be one.
    pub fn new(paths: &[String], queries: &[String]) -> Result<Self, NotAllowed> {
        if let Some(path) = paths.iter().find(|path| parts(path).is_none()) {
            return Err(NotAllowed::Part { path: cut(path, 200) });
        }
        if paths.is_empty() {
            return Err(NotAllowed::Path {
                path: String::new(),
                allowed: "none".to_owned(),
            });
        }
        Ok(Self {
            paths: paths.to_vec(),
            queries: queries.to_vec(),
        })
    }

    /// Checks what is asked for: a raw path without leading `/`, and a raw query. Without a path, the only one published that
    /// has no `*` is meant.
    ///
    /// # Errors
    /// Says what is not allowed, and what is.
    pub fn check(&self, path: &str, query: Option<&str>) -> Result<Resource, NotAllowed> {
        let refused = || NotAllowed::Path {
            path: cut(path, 200),
            allowed: self.paths.join(", "),
        };
        let path = match (path, self.paths.as_slice()) {
            ("", [only]) if !only.contains('*') => only.as_str(),
            ("", _) => return Err(refused()),
            (path, _) => path,
        };
        let asked = parts(path).ok_or_else(|| NotAllowed::Part { path: cut(path, 200) })?;
        let fits = |pattern: &String| {
            let pattern: Vec<String> = parts(pattern).unwrap_or_default();
            pattern.len() == asked.len() && pattern.iter().zip(&asked).all(|(p, a)| p == "*" || p == a)
        };
        if !self.paths.iter().any(fits) {
            return Err(refused());
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(NotAllowed::Twice { name: cut(&name, 80) });
            }
            let may = |rule: &String| match rule.split_once('=') {
                Some((known, only)) => known == name && only == value,
                None => *rule == name,
            };
            if !self.queries.iter().any(may) {
                return Err(NotAllowed::Query {
                    name: cut(&name, 80),
                    allowed: if self.queries.is_empty() {
                        "none".to_owned()
                    } else {
                        self.queries.join(", ")
                    },
                });
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Resource {
            parts: asked,
            query: pairs,
        })
    }
}

impl Resource {
    /// The address of this resource below `base`; `None` when nothing can lie below it.
    pub(super) fn under(&self, base: &Url) -> Option<Url> {
        let mut url = base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(&self.parts);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Some(url)
    }

    /// Path and query as one text, for what is compared.
    #[must_use]
    pub fn text(&self) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        format!("{}?{query}", self.parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        let text = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let queries = text(&["bbox", "limit", "f=json"]);
        Allowed::new(&text(&["collections/rain/items", "collections/rain/items/*"]), &queries).unwrap()
    }

    #[test]
    fn what_is_published_is_built_anew_below_the_base() {
        let base = Url::parse("https://api.example/v1").unwrap();
        for (path, query, url) in [
            (
                "collections/rain/items",
                None,
                "https://api.example/v1/collections/rain/items",
            ),
            (
                "collections/rain/items/a%20b",
                Some("limit=10&bbox=3.5,51.4,3.6,51.5"),
                "https://api.example/v1/collections/rain/items/a%20b?limit=10&bbox=3.5%2C51.4%2C3.6%2C51.5",
            ),
            (
                "collections/r%61in/items",
                Some("f=json"),
                "https://api.example/v1/collections/rain/items?f=json",
            ),
        ] {
            let resource = allowed().check(path, query).unwrap();
            assert_eq!(resource.under(&base).unwrap().as_str(), url);
        }
    }

    #[test]
    fn nothing_beside_it_can_be_asked_for() {
        for path in [
            "",
            "collections",
            "collections/rain",
            "collections/traffic/items",
            "collections/rain/items/1/2",
            "Collections/rain/items",
        ] {
            assert!(
                matches!(allowed().check(path, None), Err(NotAllowed::Path { .. })),
                "{path}"
            );
        }
        for path in [
            "/collections/rain/items",
            "collections/rain/items/",
            "collections/rain/items/..",
            "collections/rain/items/%2e%2e",
            "collections/rain/items/%2E%2e%2F..%2fadmin",
            "collections/rain/items/..%2f..",
            "collections/rain/items/a%5cb",
            "collections/rain/items/%00",
            "collections/rain/items/%ff",
            "collections//items",
            "collections/rain/items/a%3fx=1",
            "collections/rain/items/a%2523",
        ] {
            assert!(
                matches!(allowed().check(path, None), Err(NotAllowed::Part { .. })),
                "{path}"
            );
        }
        for query in ["apikey=x", "f=html", "Limit=1", "=", "limit[]=1"] {
            let refused = allowed().check("collections/rain/items", Some(query));
            assert!(matches!(refused, Err(NotAllowed::Query { .. })), "{query}");
        }
        for query in ["limit=1&limit=2", "limit=1&%6cimit=2"] {
            let refused = allowed().check("collections/rain/items", Some(query));
            assert!(matches!(refused, Err(NotAllowed::Twice { .. })), "{query}");
        }
    }

    #[test]
    fn a_publication_of_no_path_or_a_wrong_one_is_refused() {
        assert!(Allowed::new(&[], &[]).is_err());
        for path in ["", "/a", "a/", "a/../b", "a//b"] {
            assert!(Allowed::new(&[path.to_owned()], &[]).is_err(), "{path}");
        }
    }

    #[test]
    fn the_only_path_needs_not_be_named() {
        let only = Allowed::new(&["collections/rain/items".to_owned()], &[]).unwrap();
        assert_eq!(only.check("", None).unwrap().text(), "collections/rain/items?");
        let many = Allowed::new(&["collections/*/items".to_owned()], &[]).unwrap();
        assert!(many.check("", None).is_err());
    }
}
