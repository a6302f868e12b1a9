//! "Did you mean": the known name that a mistyped one is nearest to.

/// The one of `known` that was probably meant by `typed`: it begins so, or differs in a third of its letters at most.
/// `None`: every guess would be far-fetched.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SHORTEST_START: usize = 3;
    let plain = |name: &str| name.trim_start_matches('-').to_lowercase();
    let typed = plain(typed);
    let letters = typed.chars().count();
    let distance = |name: &str| {
        let name = plain(name);
        if letters >= SHORTEST_START && name.starts_with(&typed) {
            return 1; // Cut short, not mistyped.
        }
        strsim::osa_distance(&typed, &name)
    };
    let near = known.into_iter().map(|name| (distance(name), name)).filter(|(distance, name)| {
        let longest = letters.max(plain(name).chars().count());
        *distance <= longest / 3
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["--keep", "--keep-images", "--network", "push", "restage", "build-cmd"];
        for (typed, meant) in [
            ("--kep", Some("--keep")),
            ("-keep", Some("--keep")),
            ("--keep-image", Some("--keep-images")),
            ("--net", Some("--network")),
            ("restgae", Some("restage")),
            ("build_cmd", Some("build-cmd")),
            ("Restage", Some("restage")),
            ("ps", None),
            ("--no-upload", None),
            ("nonsense", None),
            ("--", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
