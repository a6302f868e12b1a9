//! The time that an image gives as its own, and that of its newest file. It is the same for all, or the same things
//! would not make the same image.

#![expect(clippy::disallowed_methods, reason = "the one place that asks for SOURCE_DATE_EPOCH")]

use super::ImageError;
use super::layer::FIXED_TIME;
use jiff::Timestamp;
use std::env;

/// What every image gives as its time unless another is asked for, in seconds since 1970. It tells nothing.
pub(crate) const FIXED: i64 = FIXED_TIME.cast_signed();

/// As reproducible-builds.org has it.
const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// What `SOURCE_DATE_EPOCH` decides; in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    /// The time that an image gives as its own: that of the variable, else a fixed one.
    pub(crate) time: i64,
    /// No file of its layers is newer; `None` without the variable: each keeps its own time.
    pub(crate) newest: Option<u64>,
}

/// What is asked for in the environment.
pub(crate) fn from_environment() -> Result<Created, ImageError> {
    env::var_os(VARIABLE).map_or_else(|| created(""), |typed| created(&typed.to_string_lossy()))
}

fn created(typed: &str) -> Result<Created, ImageError> {
    if typed.is_empty() {
        return Ok(Created { time: FIXED, newest: None });
    }
    let time = typed.parse().ok().filter(|seconds| Timestamp::from_second(*seconds).is_ok());
    let asked = time.and_then(|time| Some(Created { time, newest: Some(u64::try_from(time).ok()?) }));
    asked.ok_or_else(|| ImageError::BadTime { variable: VARIABLE, typed: typed.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_fixed_or_as_it_was_asked_for() {
        assert_eq!(created("").unwrap(), Created { time: 315_532_800, newest: None });
        for (typed, newest) in [("0", 0), ("1700000000", 1_700_000_000)] {
            let time = i64::try_from(newest).unwrap();
            assert_eq!(created(typed).unwrap(), Created { time, newest: Some(newest) });
        }
        for odd in ["-1", "now", "1.5", "9999999999999999", "99999999999999999999"] {
            assert!(matches!(created(odd), Err(ImageError::BadTime { .. })), "{odd}");
        }
    }
}
