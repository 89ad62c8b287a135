//! A list as a table: columns as wide as needed, one line a row, and how many rows there are in all.

use super::plain::clean;

/// A table being made.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = String>) -> Self {
        Self {
            rows: vec![columns.into_iter().collect()],
        }
    }

    /// Adds a row; what stands in it is made harmless for a terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell)).collect());
    }

    /// How many rows there are below the head.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len().saturating_sub(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The table as lines, without a closing line feed.
    #[must_use]
    pub fn draw(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let mut text = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                text.push_str(&format!("{cell:<width$}  "));
            }
            text.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_with_letters_of_several_bytes() {
        let mut table = Table::new(["id".to_owned(), "titel".to_owned()]);
        table.row(["één".to_owned(), "a".to_owned()]);
        table.row(["zevende".to_owned(), "b\nc".to_owned()]);
        assert_eq!(table.draw(), "id       titel\néén      a\nzevende  b\u{fffd}c");
        assert_eq!(table.len(), 2);
    }
}
