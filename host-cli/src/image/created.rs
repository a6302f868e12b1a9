//! The time that an image gives as its own. It is the same for all, or the same things would not make the same image.

#![expect(clippy::disallowed_methods, reason = "the one place that asks for SOURCE_DATE_EPOCH")]

use super::layer::FIXED_TIME;
use crate::failure::Failure;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::env;

/// As reproducible-builds.org has it.
const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// Seconds since 1970: what `SOURCE_DATE_EPOCH` says, else a fixed time.
pub(crate) fn from_environment() -> Result<i64, Failure> {
    env::var_os(VARIABLE).map_or_else(|| created(""), |typed| created(&typed.to_string_lossy()))
}

fn created(typed: &str) -> Result<i64, Failure> {
    if typed.is_empty() {
        return Ok(i64::try_from(FIXED_TIME).unwrap_or_default());
    }
    let seconds = typed.parse().ok().filter(|seconds| *seconds >= 0 && Timestamp::from_second(*seconds).is_ok());
    seconds.ok_or_else(|| {
        let text = format!("{VARIABLE} is {:?}, which is no time in seconds since 1970", visible(typed));
        Failure::new(ExitCode::CommandLine, text, "set it to a number such as the time of a commit, or unset it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_fixed_or_as_it_was_asked_for() {
        assert_eq!(created("").unwrap(), 315_532_800);
        assert_eq!((created("0").unwrap(), created("1700000000").unwrap()), (0, 1_700_000_000));
        for odd in ["-1", "now", "1.5", "9999999999999999", "99999999999999999999"] {
            assert_eq!(created(odd).unwrap_err().code, ExitCode::CommandLine, "{odd}");
        }
    }
}
