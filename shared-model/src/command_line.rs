//! A command line → the arguments that argh takes, or what is wrong with it in our words. Everything after `--` is left
//! alone.

mod mistake;

use argh::{ArgsInfo, FromArgs};

pub use mistake::Mistake;

/// Why a command line gives no arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoArguments {
    /// Help was asked for; this is its text.
    Help(String),
    /// It makes no sense.
    Mistake(Mistake),
}

/// Reads the words behind the program's name; `program` is how texts call it.
///
/// # Errors
/// Help was asked for, or something is wrong.
pub fn read<T: FromArgs + ArgsInfo>(program: &str, typed: &[String]) -> Result<T, NoArguments> {
    let known = T::get_args_info();
    mistake::find(program, &known, typed).map_err(NoArguments::Mistake)?;
    let words = normalised(typed);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    T::from_args(&[program], &words).map_err(|exit| match exit.status {
        Ok(()) => NoArguments::Help(exit.output.trim_end().to_owned()),
        Err(()) => NoArguments::Mistake(mistake::explain(program, &known, typed, exit.output.trim_end())),
    })
}

/// The arguments as argh wants them: `--option=value` becomes two, `-h` becomes `--help`.
fn normalised(arguments: &[String]) -> Vec<String> {
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

    /// program
    #[derive(FromArgs, ArgsInfo, Debug)]
    struct Program {
        /// loud
        #[argh(switch)]
        #[expect(dead_code, reason = "typed, not read")]
        loud: bool,
        #[argh(subcommand)]
        #[expect(dead_code, reason = "typed, not read")]
        command: Option<Commands>,
    }

    #[derive(FromArgs, ArgsInfo, Debug)]
    #[argh(subcommand)]
    enum Commands {
        Stage(#[expect(dead_code, reason = "typed, not read")] Stage),
    }

    /// stage
    #[derive(FromArgs, ArgsInfo, Debug)]
    #[argh(subcommand, name = "stage")]
    #[expect(dead_code, reason = "typed, not read")]
    struct Stage {
        /// how many
        #[argh(option, arg_name = "n")]
        jobs: Option<u8>,
        /// where
        #[argh(option, arg_name = "file")]
        droplet: String,
        /// keep
        #[argh(switch)]
        keep: bool,
        /// app
        #[argh(positional)]
        app: Option<String>,
    }

    fn mistake(line: &str) -> Mistake {
        match read::<Program>("program", &words(line)) {
            Err(NoArguments::Mistake(mistake)) => mistake,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_mistake_is_one_sentence_with_the_name_that_was_meant() {
        let at_stage = "`program stage --help` shows what can be typed";
        for (line, text, advice) in [
            ("stage --kep", "unknown option --kep; did you mean --keep?", at_stage),
            ("stage --kep=yes", "unknown option --kep; did you mean --keep?", at_stage),
            ("stage --colour", "unknown option --colour", at_stage),
            ("stage --x\u{1b}[2J", "unknown option --x\\u{1b}[2J", at_stage),
            ("stage a b", "unexpected argument \"b\"", at_stage),
            ("stage --jobs", "--jobs needs a value: --jobs N", at_stage),
            ("stage --jobs many", "--jobs many: invalid digit found in string", at_stage),
            ("stage --droplet a --droplet b", "--droplet is given twice", at_stage),
            ("stage", "`program stage` needs --droplet FILE", at_stage),
            (
                "stage --keep=false a",
                "--keep takes no value, so =false cannot follow it",
                "type --keep alone, or leave it out",
            ),
            ("stag", "unknown command \"stag\"; did you mean stage?", "`program --help` lists the commands"),
            ("--loud ps", "unknown command \"ps\"", "`program --help` lists the commands"),
        ] {
            assert_eq!(mistake(line), Mistake { text: text.to_owned(), advice: advice.to_owned() }, "{line}");
        }
    }

    #[test]
    fn who_asks_for_help_gets_it() {
        for line in ["--help", "stage -h", "help stage", "stage --keep --help"] {
            assert!(matches!(read::<Program>("program", &words(line)), Err(NoArguments::Help(_))), "{line}");
        }
        assert!(read::<Program>("program", &words("--loud stage --droplet=a=b -- --app")).is_ok());
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
