//! `report.html`: a case for people, in Dutch (language level B1) and English.
//!
//! One file without scripts, fonts or images from elsewhere. Each language is an article of its own with a `lang` attribute;
//! headings nest; every table has a caption and header cells with a scope.

mod page;
mod sections;

use crate::case::Case;
use crate::verify::Language;
use page::Page;

/// Something that is not in the dossier, as `missing.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotThere {
    /// `record`, `section`, `evidence`, `data` or `model`.
    pub what: String,
    /// Its id or digest.
    pub id: String,
    /// `erased`, `withheld`, `never-recorded` or `licence`.
    pub why: String,
    /// In the party's words.
    pub explanation: String,
}

/// The page. `made_ms` is when the dossier was made, UTC milliseconds since 1970.
#[must_use]
pub fn html(case: &Case, missing: &[NotThere], made_ms: u64) -> String {
    let mut page = Page::default();
    let title = case.decision.as_ref().map_or("", |decision| &decision.facts.title);
    let number = case.decision.as_ref().map_or("", |decision| &decision.facts.case);
    page.raw("<!DOCTYPE html>\n<html lang=\"nl\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Whatever a record says, the page loads and runs nothing.
    page.raw(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    page.text(&format!("{number} {title}"));
    page.raw("</title>\n<style>");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<nav aria-label=\"Taal / Language\"><a href=\"#nl\">Nederlands</a> ");
    page.raw("<a href=\"#en\" lang=\"en\">English</a></nav>\n<main>\n<h1>");
    page.text(&format!("{number} {title}"));
    page.raw("</h1>\n");
    for (language, tag) in [(Language::Nederlands, "nl"), (Language::English, "en")] {
        page.raw(&format!("<article id=\"{tag}\" lang=\"{tag}\">\n"));
        sections::write(&mut page, case, missing, made_ms, language);
        page.raw("</article>\n");
    }
    page.raw("</main>\n</body>\n</html>\n");
    page.finish()
}

/// Dark on light at 12:1, readable when zoomed to 400 percent, and when printed.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:70rem;margin:0 auto;\
padding:1rem}table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;font-weight:bold;\
padding:.25rem 0}th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top}\
code{overflow-wrap:anywhere;font-size:.85em}article{border-top:.25rem solid #222;margin-top:2rem}\
a{color:#00539f}a:focus{outline:.2rem solid #00539f}";

#[cfg(test)]
mod tests;
