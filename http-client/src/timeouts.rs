//! How long a transfer waits for what and how often it is tried, and where that is not Diego's number.

use std::time::Duration;

/// No option may ask for more; a day is longer than any signed URL lives.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a name, and for a connection with TLS and all.
    pub connect: Duration,
    /// For the next bytes, while a body moves in either direction. Diego: 10 s, which a busy blobstore may exceed.
    pub idle: Duration,
    /// For one transfer with all its tries and pauses; of an upload, until its body is sent. Diego: 10 min a try, which
    /// a slow line may exceed although it moves.
    pub total: Duration,
    /// Before the second try; each further pause is several times as long.
    pub back_off: Duration,
    /// Tries after the first, while nothing gets further. Diego: 2, and today 3.
    pub retries: u32,
    /// Bytes a second that move at least while the other side is waited for; `None`: few are enough, if none is late. Nobody may
    /// hold us for ever with a byte now and then.
    pub lowest_rate: Option<u64>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(1800),
            back_off: Duration::from_millis(500),
            retries: 3,
            lowest_rate: None,
        }
    }
}

/// Reads a time as people write it: `90`, `90s`, `10m`, `1h`.
///
/// # Errors
/// In words: it is none, or 0, or more than a day.
pub fn duration(text: &str) -> Result<Duration, String> {
    let in_unit = |(letter, seconds)| Some((text.strip_suffix(letter)?, seconds));
    let (number, unit) = [('s', 1), ('m', 60), ('h', 3600)].into_iter().find_map(in_unit).unwrap_or((text, 1));
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds.map(Duration::from_secs) {
        Some(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        Some(_) => Err(format!("{text:?} is not between 1s and 24h")),
        None => Err(format!("{text:?} is no time such as 90s, 10m or 1h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600), ("24h", 24 * 3600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "0", "0m", "-1", "1.5h", "25h", "1d", "99999999999999999999", "9999999999999999h", "½h"]
        {
            let words = duration(text).unwrap_err();
            assert!(words.contains("1h") || words.contains("24h"), "{words}");
        }
    }
}
