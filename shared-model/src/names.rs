//! Names that strangers chose, as a sentence shows them: a few, and short.

/// Characters of a name.
const LONGEST: usize = 40;
/// Names in a list.
const MOST: usize = 5;

/// The beginning of a name that is too long; in quotes, where it could pass for more than a name. It may hold control characters.
#[must_use]
pub fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(LONGEST).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    if short.contains([',', ';', '(', ')', '`', '"']) {
        // A command of ours stands in backticks.
        short = format!("\"{}\"", short.replace(['"', '`'], "'"));
    }
    short
}

/// The first names of a list, with commas between them; empty for none.
pub fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<String> = names.by_ref().take(MOST).map(|name| shortened(name.as_ref())).collect();
    match names.count() {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_any_length_fits_into_a_sentence() {
        assert_eq!(listed::<&str>([]), "");
        assert_eq!(listed(["web", "worker"]), "web, worker");
        assert_eq!(listed(["1", "2", "3", "4", "5", "6", "7"]), "1, 2, 3, 4, 5, 2 more");
        assert_eq!(listed(["x".repeat(41)]), "x".repeat(40) + "…");
        assert_eq!(listed(["A), DISK (`B"]), "\"A), DISK ('B\"");
    }
}
