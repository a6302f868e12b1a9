//! Sizes and durations for people, in the form that Diego's log lines have.

use std::time::Duration;

/// Bytes as Diego prints them: `12B`, `1K`, `12.5K`, `44.7M`; zero is `0`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, char); 4] = [(1 << 40, 'T'), (1 << 30, 'G'), (1 << 20, 'M'), (1 << 10, 'K')];
    for (unit, letter) in UNITS {
        if count >= unit {
            let tenths = (u128::from(count) * 10 + u128::from(unit) / 2) / u128::from(unit);
            return match (tenths / 10, tenths % 10) {
                (whole, 0) => format!("{whole}{letter}"),
                (whole, tenth) => format!("{whole}.{tenth}{letter}"),
            };
        }
    }
    if count == 0 { "0".to_owned() } else { format!("{count}B") }
}

/// The bytes that someone asks for: `1500`, `500M`, `10G`, `2TB`, `1GiB`; units are powers of 1024, as [`bytes`] has
/// them. `None`: it is no size, or none that a number of 64 bits can hold.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Bytes a second: `12.5M/s`; empty when the time was too short to say.
#[must_use]
pub fn rate(count: u64, took: Duration) -> String {
    let millis = took.as_millis();
    if millis == 0 || count == 0 {
        return String::new();
    }
    let a_second = u128::from(count) * 1000 / millis;
    format!("{}/s", bytes(u64::try_from(a_second).unwrap_or(u64::MAX)))
}

/// A time that something took: `0.3s`, `12.0s`, `1m05s`.
#[must_use]
pub fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole >= 60 {
        return format!("{}m{:02}s", whole / 60, whole % 60);
    }
    format!("{whole}.{}s", took.subsec_millis() / 100)
}

/// A duration as Go prints it, for texts that quote Diego: `15m0s`, `1h0m0s`, `1.5s`, `200ms`.
#[must_use]
pub fn go_duration(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    if duration < Duration::from_secs(1) {
        return format!("{}ms", duration.as_millis());
    }
    let (hours, minutes) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60);
    let millis = duration.subsec_millis();
    let mut seconds = (duration.as_secs() % 60).to_string();
    if millis > 0 {
        seconds = format!("{seconds}.{}", format!("{millis:03}").trim_end_matches('0'));
    }
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_as_in_diegos_lines() {
        let shown = [0, 12, 1024, 12_800, 1_258_291, 46_871_347, 1 << 40].map(bytes);
        assert_eq!(shown, ["0", "12B", "1K", "12.5K", "1.2M", "44.7M", "1T"]);
    }

    #[test]
    fn a_size_is_read_with_and_without_a_unit() {
        let read = ["0", "12B", "1500", "500M", "2tb", "1GiB", "3K"].map(|text| parse(text).unwrap());
        assert_eq!(read, [0, 12, 1500, 500 << 20, 2 << 40, 1 << 30, 3 << 10]);
        for text in ["", "G", "1.5G", "-1", "+1", "1 G", "1X", "1IB", "99999999T", "99999999999999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_rate_needs_a_time() {
        assert_eq!(rate(1 << 20, Duration::from_millis(500)), "2M/s");
        assert_eq!(rate(1 << 20, Duration::ZERO), "");
    }

    #[test]
    fn durations_read_as_go_prints_them() {
        let shown = [900_000, 3_600_000, 1_500, 200, 0, 60_000].map(|ms| go_duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["15m0s", "1h0m0s", "1.5s", "200ms", "0s", "1m0s"]);
    }

    #[test]
    fn a_minute_is_where_seconds_lose_their_tenths() {
        let shown = [300, 12_000, 59_990, 65_000].map(|ms| seconds(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.3s", "12.0s", "59.9s", "1m05s"]);
    }
}
