//! How far a peer leads from page to page: a peer writes its pages, their number and their lengths, so each of them has an end here.

use crate::commands::Failure;
use crate::dsp::catalog::Catalogue;
use herleid_vocab::did::Did;
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// Most pages of one catalogue: 200,000 datasets of a Herleid, 10,000 of a peer that shows 50 at a time.
const MOST_PAGES: usize = 2_000;
/// Most datasets that are kept of one catalogue.
const MOST_DATASETS: usize = 20_000;
/// Most bytes of its pages: 20,000 datasets of 3,300. As values they take up to sixteen times as much.
const MOST_BYTES: usize = 64 << 20;
/// Most time for all of them: 2,000 pages at 150 ms. A page alone may take 30 seconds.
pub(super) const MOST_TIME: Duration = Duration::from_secs(300);

/// One page.
pub(super) struct Page {
    pub(super) catalogue: Catalogue,
    /// As it came.
    pub(super) bytes: usize,
    /// Where the next one is.
    pub(super) next: Option<String>,
}

/// The first page and those that it leads to, until there are `wanted` datasets, until `over`, or as far as is read of any catalogue;
/// and whether there are more pages.
///
/// # Errors
/// Those of `fetch`; when the first page has not come before it is `over`, or the pages lead in a circle.
pub(super) async fn gather<F>(
    did: &Did,
    first: String,
    wanted: usize,
    over: impl Future<Output = ()>,
    fetch: impl Fn(String) -> F,
) -> Result<(Catalogue, bool), Failure>
where
    F: Future<Output = Result<Page, Failure>>,
{
    let mut over = pin!(over);
    let mut seen = HashSet::from([first.clone()]);
    let mut next = first;
    let mut whole: Option<Catalogue> = None;
    let mut bytes = 0_usize;
    loop {
        let page = tokio::select! {
            biased;
            () = &mut over => {
                let late = || Failure::unreachable(format!("`{did}` did not show its catalogue in time; try again later"));
                return whole.map(|catalogue| (catalogue, true)).ok_or_else(late);
            }
            page = fetch(next) => page?,
        };
        bytes = bytes.saturating_add(page.bytes);
        let catalogue = match whole.take() {
            None => page.catalogue,
            Some(mut catalogue) => {
                catalogue.join(page.catalogue);
                catalogue
            }
        };
        let read = catalogue.resources().len();
        let Some(url) = page.next else {
            return Ok((catalogue, false));
        };
        if read >= wanted || read >= MOST_DATASETS || bytes >= MOST_BYTES || seen.len() >= MOST_PAGES {
            return Ok((catalogue, true));
        }
        if !seen.insert(url.clone()) {
            return Err(Failure::failed(format!(
                "the catalogue of `{did}` leads in a circle: `{url}` follows itself"
            )));
        }
        whole = Some(catalogue);
        next = url;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::{Cell, RefCell};

    fn did() -> Did {
        "did:web:p.example".parse().unwrap()
    }

    /// The `number`th page of a peer that always has another one: one dataset, said to be of so many bytes.
    fn page(number: usize, bytes: usize) -> Page {
        let catalogue = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@id": "c", "@type": "Catalog", "participantId": "p",
            "dataset": [{"@id": format!("d{number}"), "hasPolicy": [{"@id": "o", "permission": [{"action": "use"}]}],
                "distribution": [{"format": "f", "accessService": "s"}]}],
        });
        Page {
            catalogue: Catalogue::parse(catalogue.to_string().as_bytes()).unwrap().0,
            bytes,
            next: Some(format!("page {}", number + 1)),
        }
    }

    /// How many pages are read, and how many datasets are there.
    async fn read(wanted: usize, bytes: usize, pages_in_time: usize) -> (usize, usize) {
        let asked = Cell::new(0);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let end = RefCell::new(Some(end));
        let fetch = |_: String| {
            asked.set(asked.get() + 1);
            let number = asked.get();
            if number > pages_in_time {
                end.take();
            }
            async move {
                if number > pages_in_time {
                    // It never comes.
                    std::future::pending::<()>().await;
                }
                Ok(page(number, bytes))
            }
        };
        let over = async {
            let _closed = ended.await;
        };
        let (catalogue, more) = gather(&did(), "page 1".to_owned(), wanted, over, fetch).await.unwrap();
        assert!(more, "there is always another one");
        (asked.get(), catalogue.resources().len())
    }

    #[tokio::test]
    async fn pages_are_read_until_there_is_enough_and_no_further() {
        assert_eq!(read(7, 1_000, usize::MAX).await, (7, 7));
        assert_eq!(read(usize::MAX, 4 << 20, usize::MAX).await, (16, 16));
        assert_eq!(read(usize::MAX, 1_000, usize::MAX).await, (MOST_PAGES, MOST_PAGES));
        // The fourth is asked for, and the time is over before it is there.
        assert_eq!(read(usize::MAX, 1_000, 3).await, (4, 3));
    }

    #[tokio::test]
    async fn without_a_first_page_there_is_no_catalogue() {
        let never = |_| std::future::pending();
        let late = gather(&did(), "page 1".to_owned(), 1, std::future::ready(()), never).await;
        assert!(late.unwrap_err().to_string().contains("in time"));
    }

    #[tokio::test]
    async fn a_page_that_follows_itself_is_not_read_for_ever() {
        let fetch = |_| async {
            Ok(Page {
                next: Some("page 1".to_owned()),
                ..page(1, 1)
            })
        };
        let circle = gather(&did(), "page 1".to_owned(), 9, std::future::pending(), fetch).await;
        assert!(circle.unwrap_err().to_string().contains("in a circle"));
    }
}
