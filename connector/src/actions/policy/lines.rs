//! Where in a JSON text a value stands: a policy's author sees lines, not JSON Pointers.

use std::collections::BTreeMap;

/// Values that are found; a policy that is read has fewer.
const MAX_VALUES: usize = 60_000;
/// Nesting that is followed, beyond what a policy may have.
const MAX_DEPTH: usize = 64;

/// The line of each value, from 1, by its JSON Pointer (RFC 6901). For a member of an object, the line of its name. The text has
/// to be JSON; of anything else as much is found as reads like it.
pub(super) fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut walk = Walk {
        rest: text,
        line: 1,
        found: BTreeMap::new(),
    };
    walk.value("", 1, 0);
    walk.found
}

struct Walk<'a> {
    rest: &'a str,
    line: usize,
    found: BTreeMap<String, usize>,
}

impl Walk<'_> {
    fn peek(&mut self) -> Option<char> {
        let trimmed = self.rest.trim_start();
        let skipped = self.rest.len() - trimmed.len();
        self.skip(skipped);
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn is_next(&mut self, wanted: char) -> bool {
        let is = self.peek() == Some(wanted);
        if is {
            self.skip(wanted.len_utf8());
        }
        is
    }

    /// A text, with its escapes undone by the parser that reads policies.
    fn text(&mut self) -> Option<String> {
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let text = stream.next()?.ok()?;
        let read = stream.byte_offset();
        self.skip(read);
        Some(text)
    }

    /// `None` where the text is no JSON: nothing after it can be found.
    fn value(&mut self, at: &str, line: usize, depth: usize) -> Option<()> {
        if self.found.len() >= MAX_VALUES || depth > MAX_DEPTH {
            return None;
        }
        self.found.insert(at.to_owned(), line);
        match self.peek()? {
            '{' => {
                self.skip(1);
                if self.is_next('}') {
                    return Some(());
                }
                loop {
                    self.peek()?;
                    let here = self.line;
                    let name = self.text()?.replace('~', "~0").replace('/', "~1");
                    if !self.is_next(':') {
                        return None;
                    }
                    self.value(&format!("{at}/{name}"), here, depth + 1)?;
                    match (self.is_next(','), self.is_next('}')) {
                        (true, _) => {}
                        (false, closed) => return closed.then_some(()),
                    }
                }
            }
            '[' => {
                self.skip(1);
                if self.is_next(']') {
                    return Some(());
                }
                for index in 0.. {
                    self.peek()?;
                    let here = self.line;
                    self.value(&format!("{at}/{index}"), here, depth + 1)?;
                    if !self.is_next(',') {
                        break;
                    }
                }
                self.is_next(']').then_some(())
            }
            '"' => self.text().map(drop),
            _ => {
                let end = self
                    .rest
                    .find([',', ']', '}', ' ', '\n', '\r', '\t'])
                    .unwrap_or(self.rest.len());
                self.skip(end);
                (end > 0).then_some(())
            }
        }
    }
}

/// The line of a place, or of the nearest thing around it that is there.
pub(super) fn line_of(lines: &BTreeMap<String, usize>, at: &str) -> usize {
    let mut at = at;
    loop {
        match (lines.get(at), at.rsplit_once('/')) {
            (Some(line), _) => return *line,
            (None, Some((above, _))) => at = above,
            (None, None) => return 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_its_line() {
        let text = "{\n  \"a\": [\n    1,\n    {\"b~/\": \"x\\\"}\", \"c\": []}\n  ],\n  \"d\":\n    {}\n}\n";
        let found = lines(text);
        for (at, line) in [
            ("", 1),
            ("/a", 2),
            ("/a/0", 3),
            ("/a/1", 4),
            ("/a/1/b~0~1", 4),
            ("/a/1/c", 4),
            ("/d", 6),
        ] {
            assert_eq!(found.get(at), Some(&line), "{at}");
        }
        assert_eq!(found.len(), 7);
        assert_eq!(line_of(&found, "/a/1/zzz/9"), 4);
        assert_eq!(line_of(&found, "/nothing"), 1);
    }

    #[test]
    fn what_is_no_json_is_found_as_far_as_it_goes() {
        for text in [
            "",
            "{",
            "[1,",
            "{\"a\":}",
            "{\"a\" 1}",
            "]",
            "{\"a\": 1 \"b\": 2}",
            "\"",
            "{1: 2}",
            "[1 2]",
        ] {
            assert!(lines(text).len() <= 2, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(lines(&deep).len() <= MAX_DEPTH + 1);
    }
}
