//! Draws a table for people: columns side by side, fitted to the terminal. Knows nothing of what is in it.

use rustix::termios::tcgetwinsize;
use shared_model::plain_line::escape_control_in_line;
use std::io::{self, IsTerminal};

/// Columns that give way are not cut further than this.
const NARROWEST: usize = 8;
/// Between two columns.
const GAP: &str = "  ";

/// Rows of as many cells as there are titles.
#[derive(Clone, Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    /// The first line.
    pub(crate) titles: [&'static str; COLUMNS],
    /// Which columns give way where the terminal is too narrow; the widest of them first.
    pub(crate) yielding: [bool; COLUMNS],
    /// Foreign text may be in them.
    pub(crate) rows: Vec<[String; COLUMNS]>,
}

/// Characters that fit into a line of the terminal that standard output is; `None` where it is none.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| tcgetwinsize(&out).ok()).flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// The table's lines without a last line end; `width`: characters that a line may have, `None`: as many as it takes.
    pub(crate) fn draw(&self, width: Option<usize>) -> String {
        let titles = self.titles.map(str::to_owned);
        let rows: Vec<[String; COLUMNS]> =
            self.rows.iter().map(|row| std::array::from_fn(|column| escape_control_in_line(&row[column]))).collect();
        let lines: Vec<&[String; COLUMNS]> = std::iter::once(&titles).chain(&rows).collect();
        let mut widths: [usize; COLUMNS] =
            std::array::from_fn(|column| lines.iter().map(|line| length(&line[column])).max().unwrap_or_default());
        if let Some(width) = width {
            self.fit(&mut widths, width.saturating_sub(GAP.len() * COLUMNS.saturating_sub(1)));
        }
        let drawn: Vec<String> = lines.into_iter().map(|line| draw_line(line, &widths)).collect();
        drawn.join("\n")
    }

    fn fit(&self, widths: &mut [usize; COLUMNS], room: usize) {
        while widths.iter().sum::<usize>() > room {
            let yielding = (0..COLUMNS).filter(|column| self.yielding[*column] && widths[*column] > NARROWEST);
            let Some(widest) = yielding.max_by_key(|column| widths[*column]) else { return };
            widths[widest] -= 1;
        }
    }
}

fn draw_line<const COLUMNS: usize>(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", cut(cell, *width))).collect();
    padded.join(GAP).trim_end().to_owned()
}

fn cut(cell: &str, width: usize) -> String {
    if length(cell) <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        Table {
            titles: ["TIME", "APP", "COMMAND"],
            yielding: [false, true, true],
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
    fn a_terminal_too_narrow_for_anything_still_gets_a_table() {
        assert!(table().draw(Some(3)).contains("2016-06-15T18:57:23Z  node-env  node se…"));
    }
}
