//! What negotiations and transfers have in common: both are processes with an identifier, listed in pages and looked up one by one.

use super::Api;
use super::paging::{Page, Query};
use super::problem::Problem;
use crate::commands::named;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::process::Process;
use crate::dsp_shell::{Kept, Line};
use crate::node::Node;
use axum::Json;

/// A kind of process, as it is shown.
pub(super) trait Shown: Kept {
    /// What one looks like.
    type View: Send + 'static;
    /// The query parameters of its list.
    const FILTERS: &'static [(&'static str, &'static str)];
    /// The parameter that says what it is about.
    const ABOUT: &'static str;

    /// Names of its states.
    fn states() -> Vec<&'static str>;

    /// One of them.
    ///
    /// # Errors
    /// When what belongs to it cannot be read.
    fn view(node: &Node, process: &Process<Self>) -> Result<Self::View, Problem>;
}

/// The part of a list that a query asks for, the newest first.
///
/// # Errors
/// When the query is not understood, or the state cannot be read.
pub(super) async fn list<P: Shown>(api: &Api, query: Option<&str>) -> Result<Json<Page<P::View>>, Problem> {
    let query = Query::read(query, P::FILTERS)?;
    let limit = query.limit()?;
    query.one_of("state", &P::states())?;
    query.one_of("role", &["consumer", "provider"])?;
    let page = api.read(move |node| {
        let wanted = |name: &str, found: &str| query.get(name).is_none_or(|wanted| wanted == found);
        let fits = |line: &Line| {
            let about = line.about.get(P::ABOUT).map_or("", String::as_str);
            wanted("state", &line.state)
                && wanted("role", &line.role)
                && wanted(P::ABOUT, about)
                && (query.get("counterparty").is_none() || wanted("counterparty", &named(node, &line.peer)))
        };
        let part = node.negotiator.list::<P>(node, fits, query.get("after"), limit)?;
        let items: Result<Vec<_>, _> = part.items.iter().map(|process| P::view(node, process)).collect();
        Ok(Page::of(items?, part.total, part.next))
    });
    page.await.map(Json)
}

/// The process of an identifier.
///
/// # Errors
/// 404 when there is none.
pub(super) fn loaded<P: Kept>(node: &Node, pid: &Id) -> Result<Process<P>, Problem> {
    let process = node.negotiator.load::<P>(node, pid)?;
    Ok(process.ok_or(Refusal::NotFound)?)
}

/// The same, as it is shown.
///
/// # Errors
/// As [`loaded`], and when what belongs to it cannot be read.
pub(super) fn shown<P: Shown>(node: &Node, pid: &Id) -> Result<P::View, Problem> {
    P::view(node, &loaded(node, pid)?)
}
