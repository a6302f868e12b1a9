//! What users type and argh does not take: `--option=value`, `--version`, `-h`. One pass over the arguments before argh
//! sees them; everything after `--` is left alone.

/// The arguments as argh wants them: `--option=value` becomes two, `-h` becomes `--help`.
#[must_use]
pub fn normalised(arguments: &[String]) -> Vec<String> {
    let mut normal = Vec::with_capacity(arguments.len());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            normal.push(argument.clone());
            normal.extend(rest.cloned());
            break;
        }
        match argument.split_once('=') {
            Some((option, value)) if is_long_option(option) => normal.extend([option.to_owned(), value.to_owned()]),
            _ if argument == "-h" => normal.push("--help".to_owned()),
            _ => normal.push(argument.clone()),
        }
    }
    normal
}

/// True when the user asks for the version alone: `--version` or `-V` before any `--`.
#[must_use]
pub fn asks_for_version(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--version" || argument == "-V")
}

fn is_long_option(text: &str) -> bool {
    text.strip_prefix("--")
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn an_option_may_carry_its_value_behind_an_equals_sign() {
        assert_eq!(normalised(&words("restage --network=hcf app=x")), words("restage --network hcf app=x"));
        assert_eq!(normalised(&words("--logs=/a=b -h")), words("--logs /a=b --help"));
    }

    #[test]
    fn what_follows_two_dashes_is_left_alone() {
        assert_eq!(normalised(&words("restage -- --ca=/x -h")), words("restage -- --ca=/x -h"));
        assert!(!asks_for_version(&words("restage -- --version")));
        assert!(asks_for_version(&words("restage --version")));
    }
}
