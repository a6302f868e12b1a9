//! What is wrong with a command line, in one sentence, and what to try. argh knows what can be typed; these are our words.

use crate::nearest::nearest;
use crate::plain_line::escape_control;
use argh::{CommandInfoWithArgs, FlagInfoKind, Optionality};

/// Why a command line makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub text: String,
    /// What to try.
    pub advice: String,
}

/// As far as a command line was read.
struct Reading<'a> {
    /// `host-cli cache list`.
    path: String,
    command: &'a CommandInfoWithArgs,
}

impl Reading<'_> {
    fn mistake(&self, text: impl Into<String>) -> Mistake {
        Mistake { text: text.into(), advice: format!("`{} --help` shows what can be typed", self.path) }
    }

    fn options(&self) -> impl Iterator<Item = &'static str> {
        self.command.flags.iter().map(|flag| flag.long)
    }

    /// The option's kind; `None`: there is no such option.
    fn option(&self, name: &str) -> Option<&'static FlagInfoKind<'static>> {
        let named = |flag: &&argh::FlagInfo<'static>| {
            flag.long == name || flag.short.is_some_and(|short| name == format!("-{short}"))
        };
        self.command.flags.iter().find(named).map(|flag| &flag.kind)
    }

    fn unknown_option(&self, name: &str) -> Mistake {
        let guess = did_you_mean(nearest(name, self.options()));
        self.mistake(format!("unknown option {}{guess}", escape_control(name)))
    }

    fn unknown_command(&self, word: &str) -> Mistake {
        let guess = did_you_mean(nearest(word, self.command.commands.iter().map(|command| command.name)));
        Mistake {
            text: format!("unknown command {:?}{guess}", escape_control(word)),
            advice: format!("`{} --help` lists the commands", self.path),
        }
    }

    /// Whether a word beyond this many positional ones is one too many.
    fn is_full(&self, positionals: usize) -> bool {
        let repeats =
            |last: &argh::PositionalInfo<'_>| matches!(last.optionality, Optionality::Repeating | Optionality::Greedy);
        positionals >= self.command.positionals.len() && !self.command.positionals.last().is_some_and(repeats)
    }
}

fn did_you_mean(guess: Option<&str>) -> String {
    guess.map_or_else(String::new, |guess| format!("; did you mean {guess}?"))
}

/// What is surely wrong with the `typed` words, before argh reads them: argh has no words for a switch with a value, and
/// knows no neighbours of a name. Who asks for help is told of no mistake.
pub(super) fn find(program: &str, command: &CommandInfoWithArgs, typed: &[String]) -> Result<(), Mistake> {
    let mut reading = Reading { path: program.to_owned(), command };
    let (mut positionals, mut words) = (0, typed.iter().map(String::as_str));
    while let Some(word) = words.next() {
        if matches!(word, "--" | "--help" | "-h" | "help") {
            return Ok(());
        }
        if word.starts_with('-') {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            match (reading.option(name), value) {
                (None, _) => return Err(reading.unknown_option(name)),
                (Some(FlagInfoKind::Switch), Some(value)) => {
                    let text = format!("{name} takes no value, so ={} cannot follow it", escape_control(value));
                    return Err(Mistake { text, advice: format!("type {name} alone, or leave it out") });
                }
                (Some(FlagInfoKind::Option { arg_name }), None) if words.next().is_none() => {
                    return Err(reading.mistake(format!("{name} needs a value: {name} {}", arg_name.to_uppercase())));
                }
                _ => {}
            }
        } else if reading.command.commands.is_empty() {
            if reading.is_full(positionals) {
                return Err(reading.mistake(format!("unexpected argument {:?}", escape_control(word))));
            }
            positionals += 1;
        } else {
            let Some(next) = reading.command.commands.iter().find(|command| command.name == word) else {
                return Err(reading.unknown_command(word));
            };
            reading = Reading { path: format!("{} {word}", reading.path), command: &next.command };
            positionals = 0;
        }
    }
    Ok(())
}

/// What argh refused, after [`find`] found nothing: something is missing, or a value is wrong.
pub(super) fn explain(program: &str, command: &CommandInfoWithArgs, typed: &[String], refusal: &str) -> Mistake {
    let reading = command_of(program, command, typed);
    if let Some((option, value, reason)) = wrong_value(refusal) {
        let text = if reason == "duplicate values provided" {
            format!("{option} is given twice")
        } else {
            format!("{option} {}: {reason}", escape_control(value))
        };
        return reading.mistake(text);
    }
    let wants: Vec<String> = refusal.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect();
    if refusal.starts_with("Required ") && !wants.is_empty() {
        let value = |name: &String| match reading.option(name) {
            Some(FlagInfoKind::Option { arg_name }) => format!("{name} {}", arg_name.to_uppercase()),
            _ => name.clone(),
        };
        let wants: Vec<String> = wants.iter().map(value).collect();
        return reading.mistake(format!("`{}` needs {}", reading.path, wants.join(" and ")));
    }
    if !reading.command.commands.is_empty() {
        let advice = format!("`{} --help` lists the commands", reading.path);
        return Mistake { text: format!("`{}` needs a command", reading.path), advice };
    }
    reading.mistake(refusal.lines().map(escape_control).collect::<Vec<_>>().join("; "))
}

/// The command that was typed.
fn command_of<'a>(program: &str, command: &'a CommandInfoWithArgs, typed: &[String]) -> Reading<'a> {
    let mut reading = Reading { path: program.to_owned(), command };
    for word in typed {
        if let Some(next) = reading.command.commands.iter().find(|command| command.name == word) {
            reading = Reading { path: format!("{} {word}", reading.path), command: &next.command };
        }
    }
    reading
}

/// Option, value and reason of argh's words about a value.
fn wrong_value(refusal: &str) -> Option<(&str, &str, &str)> {
    let named = refusal
        .strip_prefix("Error parsing option '")
        .or_else(|| refusal.strip_prefix("Error parsing positional argument '"))?;
    let (option, rest) = named.split_once("' with value '")?;
    let (value, reason) = rest.split_once("': ")?;
    Some((option, value, reason.trim_end()))
}
