//! Command lines as Go's `flag` package reads them: `-name=value`, `--name value`, `-switch`. The stager writes such
//! command lines, and no Rust parser that is worth having accepts long names behind one dash.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One flag that a program knows.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its name without dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: FlagKind,
    /// Its value where it is not given; empty for a switch that is off.
    pub default: &'static str,
    /// What it is for, one line.
    pub usage: &'static str,
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Any text, in the same argument after `=` or in the next one.
    Text,
    /// Nothing, or a truth value after `=`.
    Switch,
}

/// The value of every known flag, given or default; switches are `true` or `false`.
pub type Values = BTreeMap<&'static str, String>;

/// Reads `arguments` (without the program's name). The first one that is no flag ends the flags, as in Go.
///
/// # Errors
/// The complete text for stderr, usage included, for an unknown flag, a missing value or a switch that is neither true
/// nor false. Go's programs end with code 2 then.
pub fn parse(program: &str, flags: &[Flag], arguments: impl IntoIterator<Item = String>) -> Result<Values, String> {
    let misuse = |complaint: String| format!("{complaint}\n{}", usage(program, flags));
    let mut values: Values = flags.iter().map(|flag| (flag.name, default_of(flag))).collect();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some(body) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else { break };
        if body.is_empty() {
            break; // "--" ends the flags, "-" is an argument
        }
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value.to_owned())));
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            return Err(match name {
                "h" | "help" => usage(program, flags),
                _ => misuse(format!("flag provided but not defined: -{name}")),
            });
        };
        let value = match flag.kind {
            FlagKind::Switch => truth(value.as_deref().unwrap_or("true"))
                .ok_or_else(|| misuse(format!("invalid boolean value for -{name}: parse error")))?,
            FlagKind::Text => {
                value.or_else(|| arguments.next()).ok_or_else(|| misuse(format!("flag needs an argument: -{name}")))?
            }
        };
        values.insert(flag.name, value);
    }
    Ok(values)
}

fn default_of(flag: &Flag) -> String {
    match flag.kind {
        FlagKind::Switch if flag.default.is_empty() => "false".to_owned(),
        _ => flag.default.to_owned(),
    }
}

/// What Go's `strconv.ParseBool` accepts.
fn truth(text: &str) -> Option<String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some("true".to_owned()),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some("false".to_owned()),
        _ => None,
    }
}

fn usage(program: &str, flags: &[Flag]) -> String {
    let mut sorted: Vec<&Flag> = flags.iter().collect();
    sorted.sort_by_key(|flag| flag.name);
    let mut text = format!("Usage of {program}:\n");
    for flag in sorted {
        let takes = if flag.kind == FlagKind::Text { " string" } else { "" };
        let default = if flag.default.is_empty() { String::new() } else { format!(" (default \"{}\")", flag.default) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  -{}{takes}\n    \t{}{default}", flag.name, flag.usage);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Flag; 2] = [
        Flag { name: "port", kind: FlagKind::Text, default: "8080", usage: "port to try" },
        Flag { name: "loud", kind: FlagKind::Switch, default: "", usage: "say more" },
    ];

    fn parsed(arguments: &[&str]) -> Result<(String, String), String> {
        let values = parse("p", &FLAGS, arguments.iter().map(ToString::to_string))?;
        Ok((values["port"].clone(), values["loud"].clone()))
    }

    #[test]
    fn values_stand_behind_an_equals_sign_or_in_the_next_argument() {
        let both = ("1".to_owned(), "true".to_owned());
        assert_eq!(parsed(&["-port=1", "-loud"]), Ok(both.clone()));
        assert_eq!(parsed(&["--port", "1", "--loud=T"]), Ok(both));
        assert_eq!(parsed(&["-loud=false", "rest", "-port=1"]), Ok(("8080".to_owned(), "false".to_owned())));
        assert_eq!(parsed(&["-port=", "--", "-port=1"]), Ok((String::new(), "false".to_owned())));
    }

    #[test]
    fn an_unknown_flag_is_answered_as_go_does() {
        assert_eq!(
            parsed(&["-prot=1"]).unwrap_err(),
            "flag provided but not defined: -prot\nUsage of p:\n  -loud\n    \tsay more\n  -port string\n    \tport to try (default \"8080\")\n"
        );
        assert!(parsed(&["-port"]).unwrap_err().starts_with("flag needs an argument: -port\n"));
        assert!(parsed(&["-loud=perhaps"]).unwrap_err().starts_with("invalid boolean value for -loud"));
    }
}
