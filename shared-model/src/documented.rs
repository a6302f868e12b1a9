//! The command lines that the documents show, for the tests of the programs that they are about: each reads its own with
//! its own parser. Taken are blocks of shell (lines behind `$ ` where a block has such lines) and code within a line.
//! Compiled for tests only.
#![allow(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a test tells")]

use std::fs;
use std::path::{Path, PathBuf};

/// One command as a document shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documented {
    /// File and line.
    pub place: String,
    /// The program and its arguments; variables in front and redirections are left out.
    pub words: Vec<String>,
    /// Whether it stands within a line of text, not in a block.
    pub within_a_line: bool,
}

impl Documented {
    /// The arguments, in the ways in which they may be meant; one has to be right. What stands within a line may be a
    /// command's name alone (`host-cli image`), or end with an option whose value does not matter (`cache-up --bake`).
    #[must_use]
    pub fn readings(&self) -> Vec<Vec<String>> {
        let arguments = self.words[1..].to_vec();
        let more = match (&arguments[..], self.within_a_line) {
            ([name], true) if !name.starts_with('-') => Some("--help"),
            ([.., option], true) if option.starts_with("--") => Some("1"),
            _ => None,
        };
        let longer = more.map(|more| [&arguments[..], &[more.to_owned()]].concat());
        std::iter::once(arguments).chain(longer).collect()
    }

    /// The program's name without its folder.
    #[must_use]
    pub fn program(&self) -> &str {
        self.words[0].rsplit('/').next().unwrap_or_default()
    }
}

/// All commands in all Markdown files of the repository but those that leave something out (`…`).
#[must_use]
pub fn commands() -> Vec<Documented> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).expect("a file that was just listed");
        let name = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        of_document(&name, &text)
    };
    files.iter().flat_map(read).collect()
}

/// The examples of a help text: what stands behind `$ `.
#[must_use]
pub fn of_help(name: &str, text: &str) -> Vec<Documented> {
    let examples = text.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
    examples.flat_map(|line| documented(&format!("{name} --help"), line)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the repository can be read").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name != "target" && name != ".git" && name != ".stager" {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

/// The commands of one document.
fn of_document(name: &str, text: &str) -> Vec<Documented> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let at = |number: usize| format!("{name}:{}", number + 1);
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let block: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| line.trim() != "```").collect();
            if is_shell(language) {
                found.extend(typed(&block).into_iter().flat_map(|(number, line)| documented(&at(number), &line)));
            }
        } else {
            let code = line.split('`').skip(1).step_by(2).flat_map(|code| documented(&at(number), code));
            let whole = code.filter(|command| command.words.len() > 1); // a program's name alone only names it
            found.extend(whole.map(|command| Documented { within_a_line: true, ..command }));
        }
    }
    found
}

fn is_shell(language: &str) -> bool {
    matches!(language.split_whitespace().next(), None | Some("sh" | "bash" | "console"))
}

/// The lines of a block that somebody types, each with those that it goes on in.
fn typed(block: &[(usize, &str)]) -> Vec<(usize, String)> {
    let prompted = block.iter().any(|(_, line)| line.starts_with("$ "));
    let mut lines = block.iter();
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next() {
        let Some(first) = line.strip_prefix("$ ").or((!prompted).then_some(*line)) else { continue };
        let mut whole = first.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            whole.push_str(lines.next().map_or("", |(_, line)| line.trim_start()));
        }
        found.push((*number, whole));
    }
    found
}

fn documented(place: &str, line: &str) -> Vec<Documented> {
    let whole = |words: &Vec<String>| !words.iter().any(|word| word.contains('…'));
    let made = |words| Documented { place: place.to_owned(), words, within_a_line: false };
    simple_commands(line).into_iter().filter(whole).map(made).collect()
}

/// What a shell would run of a line, one program after the other, with quotes taken away.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        if first == '#' {
            break;
        }
        if "|&;(){}".contains(first) {
            commands.push(Vec::new());
            rest = &rest[1..];
            continue;
        }
        let (word, after) = split_word(rest);
        let redirects = word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
        let is_variable = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_name(name));
        rest = after;
        let command = commands.last_mut().expect("there is always one");
        if redirects && word.ends_with(['<', '>']) {
            rest = split_word(rest.trim_start()).1;
        } else if !(redirects || command.is_empty() && is_variable(&word)) {
            command.push(word.trim_start_matches('[').trim_end_matches(']').to_owned()); // what may be left out
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The first word and what is behind it; `$(…)` and what stands in quotes belongs to the word.
fn split_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let (mut quote, mut depth) = (None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') if depth > 0 || word.ends_with('$') => {
                depth += 1;
                word.push(c);
            }
            (None, ')') if depth > 0 => {
                depth -= 1;
                word.push(c);
            }
            (None, '&') if word.ends_with('>') => word.push(c),
            (None, c) if depth == 0 && (c.is_whitespace() || "|&;()".contains(c)) => return (word, &text[at..]),
            (_, c) => word.push(c),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        of_document("x.md", text)
            .iter()
            .map(|command| format!("{} {}", command.place, command.words.join("|")))
            .collect()
    }

    #[test]
    fn a_block_with_prompts_is_typed_there_and_nowhere_else() {
        let text = "```console run\n$ one --a  # said\none two\n$ two \\\n    --b\n```\n";
        assert_eq!(of(text), ["x.md:2 one|--a", "x.md:4 two|--b"]);
    }

    #[test]
    fn other_blocks_of_shell_are_typed_whole_and_those_of_other_languages_are_not() {
        assert_eq!(
            of("```\nA=b one 'c d' | two >f.json 2>&1 && three\n```"),
            ["x.md:2 one|c d", "x.md:2 two", "x.md:2 three"]
        );
        assert_eq!(of("```json\none\n```\n```text\ntwo\n```"), [""; 0]);
    }

    #[test]
    fn code_within_a_line_is_a_command_unless_it_leaves_something_out() {
        assert_eq!(of("say `one [--a]` or `two …`, not three"), ["x.md:1 one|--a"]);
    }

    #[test]
    fn a_substitution_belongs_to_its_word() {
        assert_eq!(of("`one $(two -c %g /x) y`"), ["x.md:1 one|$(two -c %g /x)|y"]);
    }
}
