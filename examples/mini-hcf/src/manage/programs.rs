//! Starts other programs: `docker`, and apt where an image has none.
#![expect(clippy::disallowed_methods, reason = "the manager's one place that starts programs")]

use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Lines of a failed program's output that an error repeats.
const TOLD: usize = 15;

/// A program's standard output without the line feed at its end. It reads nothing.
pub(crate) fn output<A: AsRef<str>>(program: &'static str, arguments: &[A]) -> Result<String, Failure> {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    let (success, stdout, stderr) = start(program, &arguments)?;
    if success {
        return Ok(String::from_utf8_lossy(&stdout).trim_end().to_owned());
    }
    Err(Failure::Program {
        program,
        verb: arguments.iter().find(|argument| !argument.starts_with('-')).copied().unwrap_or_default().to_owned(),
        // A failed `docker build` says the cause on standard output.
        said: last_lines(&String::from_utf8_lossy(&[stdout, stderr].concat()), TOLD),
    })
}

/// The last lines of both streams, whether the program failed or not.
pub(crate) fn tail(program: &'static str, arguments: &[&str], count: usize) -> Result<String, Failure> {
    let (_, stdout, stderr) = start(program, arguments)?;
    Ok(last_lines(&String::from_utf8_lossy(&[stdout, stderr].concat()), count))
}

fn start(program: &'static str, arguments: &[&str]) -> Result<(bool, Vec<u8>, Vec<u8>), Failure> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Failure::NoProgram { program, cause })?;
    Ok((output.status.success(), output.stdout, output.stderr))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_repeats_the_last_lines_of_both_streams() {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo line$i; done; echo why >&2; exit 3";
        let failure = output("sh", &["-c", script]).unwrap_err();
        let text = failure.to_string();
        assert!(text.ends_with("line15\nwhy"), "{text}");
        assert!(!text.contains("line1\n"), "{text}");
        assert_eq!(failure.exit_code(), 9);
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = output("no-such-program", &["x"]).unwrap_err();
        assert!(failure.to_string().contains("no-such-program"), "{failure}");
    }
}
