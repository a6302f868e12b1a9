//! Paths of the API, and which names may stand in one. Pure.

use crate::engine::ContainerId;
use jiff::Timestamp;

/// The image's path; `None` for a name that no image can have and a URL could misread.
pub(super) fn image_path(reference: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/:@".contains(c);
    let possible = !reference.is_empty() && reference.chars().all(plain) && !reference.contains("..");
    (possible && !reference.starts_with('/') && !reference.contains("//")).then(|| format!("/images/{reference}"))
}

/// The container's path. An id is the engine's own; anything else that a URL could misread is left out.
pub(super) fn container_path(container: &ContainerId) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "_.-".contains(*c);
    format!("/containers/{}", container.0.chars().filter(plain).collect::<String>())
}

/// Seconds since 1970 with their fraction: what every engine takes for a time.
pub(super) fn seconds(time: Timestamp) -> String {
    format!("{}.{:09}", time.as_second().max(0), time.subsec_nanosecond().max(0))
}

/// Whether an engine lets a volume or a network be called so.
pub(super) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !name.is_empty() && name.chars().all(plain)
}

/// The engine's filter for one label.
pub(super) fn label_filter(label: &str, value: &str) -> String {
    serde_json::json!({ "label": [format!("{label}={value}")] }).to_string()
}
