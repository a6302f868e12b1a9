//! A table for people: columns side by side, fitted to a terminal. Knows nothing of what is in it.

use crate::plain_line::escape_control_in_line;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: &str = "  ";

/// A column, and what becomes of it where the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The first line.
    pub title: &'static str,
    /// Characters that its cells may be cut to; [`usize::MAX`]: they are never cut.
    pub narrowest: usize,
    /// Where cutting does not help, the column with the highest number is left out first; 0: it always stays.
    pub leave_out: u8,
}

impl Column {
    /// A column that is shown whole.
    #[must_use]
    pub const fn whole(title: &'static str) -> Self {
        Self { title, narrowest: usize::MAX, leave_out: 0 }
    }

    /// A column whose cells may be cut to `narrowest` characters.
    #[must_use]
    pub const fn cut(title: &'static str, narrowest: usize) -> Self {
        Self { title, narrowest, leave_out: 0 }
    }

    /// As it is, but left out on narrow terminals: the higher the number, the earlier.
    #[must_use]
    pub const fn or_left_out(self, leave_out: u8) -> Self {
        Self { leave_out, ..self }
    }
}

/// Rows of as many cells as there are columns.
#[derive(Clone, Debug)]
pub struct Table<const COLUMNS: usize> {
    /// From left to right.
    pub columns: [Column; COLUMNS],
    /// Foreign text may be in them.
    pub rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// The table's lines without a last line end; `width`: characters that a line may have, `None`: as many as it takes.
    #[must_use]
    pub fn draw(&self, width: Option<usize>) -> String {
        let titles = self.columns.map(|column| column.title.to_owned());
        let rows: Vec<[String; COLUMNS]> =
            self.rows.iter().map(|row| std::array::from_fn(|column| escape_control_in_line(&row[column]))).collect();
        let lines: Vec<&[String; COLUMNS]> = std::iter::once(&titles).chain(&rows).collect();
        let mut shown: Vec<Shown> = (0..COLUMNS)
            .map(|at| Shown { at, width: lines.iter().map(|line| length(&line[at])).max().unwrap_or_default() })
            .collect();
        if let Some(width) = width {
            self.leave_out(&mut shown, width);
            self.cut(&mut shown, width);
        }
        let drawn: Vec<String> = lines.into_iter().map(|line| draw_line(line, &shown)).collect();
        drawn.join("\n")
    }

    /// How narrow a column may become.
    fn least(&self, shown: &Shown) -> usize {
        shown.width.min(self.columns[shown.at].narrowest)
    }

    fn leave_out(&self, shown: &mut Vec<Shown>, width: usize) {
        while shown.iter().map(|column| self.least(column)).sum::<usize>() > room(width, shown) {
            let priority = |column: &Shown| self.columns[column.at].leave_out;
            let Some(first) = (0..shown.len()).max_by_key(|index| priority(&shown[*index])) else { return };
            if priority(&shown[first]) == 0 {
                return;
            }
            shown.remove(first);
        }
    }

    fn cut(&self, shown: &mut [Shown], width: usize) {
        while shown.iter().map(|column| column.width).sum::<usize>() > room(width, shown) {
            let yielding = shown.iter_mut().filter(|column| column.width > self.least(column));
            let Some(widest) = yielding.max_by_key(|column| column.width) else { return };
            widest.width -= 1;
        }
    }
}

/// A column that is drawn.
struct Shown {
    at: usize,
    width: usize,
}

/// Characters of a line that are left for cells.
fn room(width: usize, shown: &[Shown]) -> usize {
    width.saturating_sub(GAP.len() * shown.len().saturating_sub(1))
}

fn draw_line<const COLUMNS: usize>(cells: &[String; COLUMNS], shown: &[Shown]) -> String {
    let pad = |Shown { at, width }: &Shown| {
        let text = cut_text(&cells[*at], *width);
        format!("{text}{:gap$}", "", gap = width.saturating_sub(length(&text)))
    };
    shown.iter().map(pad).collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

fn cut_text(cell: &str, width: usize) -> String {
    if length(cell) <= width {
        return cell.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |letter: &char| {
        let columns = letter.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    cell.chars().take_while(fits).chain(['…']).collect()
}

/// Columns of a terminal.
fn length(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        Table {
            columns: [Column::whole("TIME").or_left_out(1), Column::cut("APP", 8), Column::cut("COMMAND", 8)],
            rows: vec![
                ["2016-06-15T18:57:23Z".into(), "node-env".into(), "node server.js --verbose --port 8080".into()],
                ["—".into(), "ünicode".into(), "\u{1b}[31mred\u{1b}[2J\nne\u{200b}xt".into()],
            ],
        }
    }

    #[test]
    fn without_a_width_nothing_is_cut_and_columns_stand_below_each_other() {
        assert_eq!(
            table().draw(None),
            "TIME                  APP       COMMAND\n\
             2016-06-15T18:57:23Z  node-env  node server.js --verbose --port 8080\n\
             —                     ünicode   \\u{1b}[31mred\\u{1b}[2J\\nne\\u{200b}xt"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column_that_may_be_cut() {
        let drawn = table().draw(Some(50));
        assert!(drawn.lines().all(|line| line.chars().count() <= 50), "{drawn}");
        assert!(drawn.contains("2016-06-15T18:57:23Z  node-env  node server.js --…"), "{drawn}");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        let rows = vec![["t".into(), "応用応用応用".into(), "x".into()], ["t".into(), "ab".into(), "y".into()]];
        let drawn = Table { rows, ..table() }.draw(Some(27));
        assert_eq!(drawn, "TIME  APP           COMMAND\nt     応用応用応用  x\nt     ab            y");
        assert_eq!(cut_text("応用応用", 6), "応用…");
    }

    #[test]
    fn a_narrower_one_leaves_a_column_out() {
        let drawn = table().draw(Some(30));
        assert_eq!(drawn.lines().nth(1), Some("node-env  node server.js --ve…"));
    }

    #[test]
    fn a_terminal_too_narrow_for_anything_still_gets_a_table() {
        assert!(table().draw(Some(3)).contains("node-env  node se…"));
    }
}
