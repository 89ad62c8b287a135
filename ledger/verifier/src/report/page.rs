//! HTML under construction: what comes from records is always escaped.

use crate::verify::is_invisible;
use std::fmt::Write as _;

#[derive(Debug, Default)]
pub(super) struct Page(String);

/// A cell of a table.
pub(super) enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A digest or identifier, in a fixed-width font.
    Code(&'a str),
}

impl Page {
    /// Markup of this module itself.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Text from anywhere.
    pub(super) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c if is_invisible(c) => {
                    let _ = write!(self.0, "[U+{:04X}]", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
    }

    pub(super) fn heading(&mut self, level: u8, text: &str) {
        self.raw(&format!("<h{level}>"));
        self.text(text);
        self.raw(&format!("</h{level}>\n"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.raw("<p>");
        self.text(text);
        self.raw("</p>\n");
    }

    pub(super) fn list(&mut self, items: &[&str]) {
        self.raw("<ul>\n");
        for item in items {
            self.raw("<li>");
            self.text(item);
            self.raw("</li>\n");
        }
        self.raw("</ul>\n");
    }

    /// A table whose first column names its rows.
    pub(super) fn table(&mut self, caption: &str, columns: &[&str], rows: &[Vec<Cell<'_>>]) {
        self.raw("<table>\n<caption>");
        self.text(caption);
        self.raw("</caption>\n<thead><tr>");
        for column in columns {
            self.raw("<th scope=\"col\">");
            self.text(column);
            self.raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            for (i, cell) in row.iter().enumerate() {
                self.raw(if i == 0 { "<th scope=\"row\">" } else { "<td>" });
                match cell {
                    Cell::Text(text) => self.text(text),
                    Cell::Code(code) => {
                        self.raw("<code>");
                        self.text(code);
                        self.raw("</code>");
                    }
                }
                self.raw(if i == 0 { "</th>" } else { "</td>" });
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody>\n</table>\n");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
