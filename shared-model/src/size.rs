//! Sizes and durations for people: one form of each, everywhere.

use std::time::Duration;

/// Bytes for people, in powers of 1024 and with at most three digits: `0 B`, `1.1 KiB`, `44.7 MiB`, `176 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let count = u128::from(count);
    let rounded = |parts: u128, unit: u128| (count * parts + unit / 2) / unit;
    let mut unit = 1024;
    for name in UNITS {
        // What rounds up to 1024 of a unit is 1 of the next.
        if rounded(1, unit) < 1024 || name == "EiB" {
            let (whole, tenth) = (rounded(10, unit) / 10, rounded(10, unit) % 10);
            return match tenth {
                _ if whole >= 100 => format!("{} {name}", rounded(1, unit)),
                0 => format!("{whole} {name}"),
                tenth => format!("{whole}.{tenth} {name}"),
            };
        }
        unit *= 1024;
    }
    unreachable!("the last unit takes all")
}

/// The bytes that someone asks for: `1500`, `500M`, `10G`, `2TB`, `1GiB`; units are powers of 1024. `None`: it is no size, or none that a number of 64 bits can hold.
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

/// Bytes a second: `12.5 MiB/s`; empty when the time was too short to say.
#[must_use]
pub fn rate(count: u64, took: Duration) -> String {
    let millis = took.as_millis();
    if millis == 0 || count == 0 {
        return String::new();
    }
    let a_second = u128::from(count) * 1000 / millis;
    format!("{}/s", bytes(u64::try_from(a_second).unwrap_or(u64::MAX)))
}

/// A time that something took: `0.02s`, `12.0s`, `1m05s`.
#[must_use]
pub fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole >= 60 {
        return format!("{}m{:02}s", whole / 60, whole % 60);
    }
    if whole == 0 {
        return format!("0.{:02}s", took.subsec_millis() / 10);
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
    fn bytes_have_three_digits_at_most_and_a_binary_unit() {
        let shown = [0, 12, 1023, 1024, 12_800, 1_258_291, 46_871_347, 184_470_103, 1_048_575, 1 << 40].map(bytes);
        assert_eq!(
            shown,
            ["0 B", "12 B", "1023 B", "1 KiB", "12.5 KiB", "1.2 MiB", "44.7 MiB", "176 MiB", "1 MiB", "1 TiB"]
        );
        assert_eq!(bytes(u64::MAX), "16 EiB");
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
        assert_eq!(rate(1 << 20, Duration::from_millis(500)), "2 MiB/s");
        assert_eq!(rate(1 << 20, Duration::ZERO), "");
    }

    #[test]
    fn durations_read_as_go_prints_them() {
        let shown = [900_000, 3_600_000, 1_500, 200, 0, 60_000].map(|ms| go_duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["15m0s", "1h0m0s", "1.5s", "200ms", "0s", "1m0s"]);
    }

    #[test]
    fn the_longer_it_took_the_fewer_digits() {
        let shown = [24, 300, 999, 1_700, 12_000, 59_990, 65_000].map(|ms| seconds(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.02s", "0.30s", "0.99s", "1.7s", "12.0s", "59.9s", "1m05s"]);
    }
}
