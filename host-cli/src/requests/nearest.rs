//! What a user may have meant who typed the name of no app. Pure.

/// The names that are most like `app`, the most alike first.
pub(super) fn nearest(app: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    const MOST: usize = 3;
    let mut names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    names.sort_by(|one, other| strsim::jaro_winkler(app, other).total_cmp(&strsim::jaro_winkler(app, one)));
    names.truncate(MOST);
    names
}
