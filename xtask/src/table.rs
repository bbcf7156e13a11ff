//! Tables for people: columns as wide as they need to be, long cells wrapped between words.

use std::fmt;

/// Fits a terminal of usual width with a little room.
const WIDTH: usize = 118;
const GAP: &str = "  ";

/// Rows under a heading. The last column takes what the others leave, and wraps.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
enum Row {
    Cells(Vec<String>),
    /// A line of its own, over all columns.
    Title(String),
}

impl Table {
    pub(crate) fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self { heading: heading.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(Row::Cells(Vec::from(cells)));
    }

    /// Adds a line that stands over all columns, above the rows that follow.
    pub(crate) fn title(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Title(text.into()));
    }

    /// How wide each column is.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heading.iter().map(|cell| length(cell)).collect();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(length(cell));
            }
        }
        if let Some((last, others)) = widths.split_last_mut() {
            let taken: usize = others.iter().map(|width| width + GAP.len()).sum();
            // A column of less than twenty characters cannot be read; then the line gets longer.
            *last = (*last).min(WIDTH.saturating_sub(taken).max(20));
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let mut lines = vec![line(&self.heading, &widths), rule.join(GAP)];
        for row in &self.rows {
            let cells = match row {
                Row::Cells(cells) => cells,
                Row::Title(text) => {
                    lines.push(text.clone());
                    continue;
                }
            };
            let Some((last, others)) = cells.split_last() else { continue };
            let wrapped = wrap(last, widths.last().copied().unwrap_or(WIDTH));
            for (number, part) in wrapped.into_iter().enumerate() {
                let mut cells =
                    if number == 0 { others.to_vec() } else { vec![String::new(); others.len()] };
                cells.push(part);
                lines.push(line(&cells, &widths));
            }
        }
        f.write_str(&lines.join("\n"))
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(length(cell)))))
        .collect();
    padded.join(GAP).trim_end().to_owned()
}

fn length(cell: &str) -> usize {
    cell.chars().count()
}

/// Breaks a text into lines of at most `width` characters; a longer word gets a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("it starts with one line and only grows");
        if last.is_empty() {
            last.push_str(word);
        } else if length(last) + 1 + length(word) <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_wraps() {
        let mut table = Table::new(["who", "why"]);
        table.row(["Zoë".to_owned(), "short".to_owned()]);
        table.row(["Bartholomew".to_owned(), "word ".repeat(30).trim().to_owned()]);
        let printed = table.to_string();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[0], "who          why");
        assert_eq!(lines[2], "Zoë          short");
        assert!(lines[3].starts_with("Bartholomew  word word"));
        assert!(lines[4].starts_with("             word"));
        assert!(lines.iter().all(|line| length(line) <= WIDTH));
    }
}
