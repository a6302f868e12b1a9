//! What of a request plain Docker does not do, in words. Pure.

/// What plain Docker does not do of this, in words.
pub(crate) fn not_done(volume_mounts: usize, egress_rules: usize) -> Option<String> {
    let ignored: Vec<String> = [(volume_mounts, "volume mount"), (egress_rules, "egress rule")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    (!ignored.is_empty()).then(|| format!("Not done on plain Docker: {}", ignored.join(", ")))
}

/// `1 volume mount`, `2 volume mounts`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
