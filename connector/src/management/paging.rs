//! Lists: filtered, in pages, and always with how many there are.

use super::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is shown when the request does not say.
const USUAL: usize = 50;
/// What is shown at most.
const MOST: usize = 500;

/// A part of a list: "50 of 812".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct Page<T> {
    /// This part of it.
    items: Vec<T>,
    /// How many are shown here.
    shown: usize,
    /// How many there are that fit the filters.
    total: usize,
    /// What to give as `after` to see what follows; `null` at the end.
    next: Option<String>,
}

/// The query of a request: every parameter that is not asked for here is refused, so that a misspelt filter cannot silently show
/// everything.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the query of a request; `known` are the parameters that it may have.
    ///
    /// # Errors
    /// Names the parameter that is unknown or comes twice.
    pub(super) fn read(query: Option<&str>, known: &[(&str, &str)]) -> Result<Self, Problem> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !names.contains(&name.as_ref()) {
                return Err(Problem::malformed(format!("there is no parameter `{name}` here"))
                    .expected(format!("some of {}", names.join(", "))));
            }
            if found.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::malformed(format!("the parameter `{name}` is given twice")));
            }
        }
        Ok(Self(found))
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that is one of some words.
    ///
    /// # Errors
    /// When it is another word: it would fit nothing, and look like an empty list.
    pub(super) fn one_of(&self, name: &str, words: &[&str]) -> Result<Option<&str>, Problem> {
        match self.get(name) {
            Some(value) if !words.contains(&value) => {
                Err(Problem::malformed(format!("`{name}` is `{value}`"))
                    .expected(format!("one of {}", words.join(", "))))
            }
            value => Ok(value),
        }
    }

    /// How many to show.
    ///
    /// # Errors
    /// When `limit` is no number from 1 to 500.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else {
            return Ok(USUAL);
        };
        match text.parse() {
            Ok(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            _ => {
                Err(Problem::malformed(format!("`limit` is `{text}`"))
                    .expected(format!("a whole number from 1 to {MOST}")))
            }
        }
    }

    /// The page of `all` that is asked for, in the order of `key`, which is also what `after` names an item by: an item that is gone,
    /// or fits the filter no more, is passed over, and nothing is shown twice.
    ///
    /// # Errors
    /// When `limit` is wrong.
    pub(super) fn page<T>(
        &self,
        mut all: Vec<T>,
        order: Order,
        key: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Problem> {
        let (limit, total) = (self.limit()?, all.len());
        all.sort_by_cached_key(&key);
        if order == Order::Descending {
            all.reverse();
        }
        let before = |item: &T, after: &str| match order {
            Order::Ascending => key(item).as_str() <= after,
            Order::Descending => key(item).as_str() >= after,
        };
        let from = self
            .get("after")
            .map_or(0, |after| all.partition_point(|item| before(item, after)));
        let items: Vec<T> = all.into_iter().skip(from).take(limit).collect();
        let more = from + items.len() < total;
        let next = items.last().filter(|_| more).map(key);
        Ok(Page {
            shown: items.len(),
            total,
            next,
            items,
        })
    }
}

/// In which order a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By name.
    Ascending,
    /// The newest first, of what is named by the time at which it began.
    Descending,
}

impl<T> Page<T> {
    /// A page that was chosen elsewhere.
    pub(super) fn of(items: Vec<T>, total: usize, next: Option<String>) -> Self {
        Self {
            shown: items.len(),
            total,
            next,
            items,
        }
    }

    /// The same page with each item as it is shown.
    ///
    /// # Errors
    /// When one cannot be shown: a list never leaves out what it counts.
    pub(super) fn show<U>(self, show: impl FnMut(T) -> Result<U, Problem>) -> Result<Page<U>, Problem> {
        Ok(Page {
            items: self.items.into_iter().map(show).collect::<Result<_, _>>()?,
            shown: self.shown,
            total: self.total,
            next: self.next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, &str); 3] = [("limit", ""), ("after", ""), ("state", "")];

    fn page(query: &str, count: u32, order: Order) -> Result<Page<u32>, Problem> {
        Query::read(Some(query), &KNOWN)?.page((0..count).collect(), order, |n| format!("{n:03}"))
    }

    #[test]
    fn every_page_says_how_many_there_are() {
        let first = page("", 812, Order::Ascending).unwrap();
        assert_eq!(
            (first.shown, first.total, first.next.as_deref()),
            (50, 812, Some("049"))
        );
        let last = page("after=799&limit=500", 812, Order::Ascending).unwrap();
        assert_eq!((last.shown, last.total, last.next), (12, 812, None));
        let exact = page("limit=5", 5, Order::Descending).unwrap();
        assert_eq!((exact.items, exact.total, exact.next), (vec![4, 3, 2, 1, 0], 5, None));
        assert_eq!(page("", 0, Order::Ascending).unwrap().total, 0);
        // All pages together are the list.
        for order in [Order::Ascending, Order::Descending] {
            let (mut all, mut query) = (Vec::new(), "limit=100".to_owned());
            loop {
                let next = page(&query, 812, order).unwrap();
                all.extend(next.items);
                let Some(after) = next.next else { break };
                query = format!("limit=100&after={after}");
            }
            if order == Order::Descending {
                all.reverse();
            }
            assert_eq!(all, (0..812).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn an_item_that_is_gone_between_two_pages_loses_nobody() {
        let query = Query::read(Some("limit=2&after=3"), &KNOWN).unwrap();
        let next = query.page(vec![9, 5, 4, 1], Order::Descending, u32::to_string).unwrap();
        assert_eq!((next.items, next.total), (vec![1], 4));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_shows_everything() {
        for query in [
            "limit=0",
            "limit=501",
            "limit=ten",
            "limit=-1",
            "sate=FINALIZED",
            "limit=1&limit=2",
        ] {
            assert!(page(query, 9, Order::Ascending).is_err(), "{query}");
        }
        let query = Query::read(Some("state=finalized"), &KNOWN).unwrap();
        assert!(query.one_of("state", &["FINALIZED"]).is_err());
        assert_eq!(query.one_of("limit", &[]).unwrap(), None);
    }
}
