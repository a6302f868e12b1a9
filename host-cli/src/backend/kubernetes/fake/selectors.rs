//! What a list or a watch wants to see: label selectors and field selectors. Pure.

use serde_json::Value;

/// Both selectors of a request; empty texts select everything.
#[derive(Clone, Default)]
pub(super) struct Selectors {
    pub(super) labels: String,
    pub(super) fields: String,
}

impl Selectors {
    /// Whether an object is wanted.
    pub(super) fn select(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        let field = |path: &str| object.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_str);
        terms(&self.labels).iter().all(|term| holds(term, label))
            && terms(&self.fields).iter().all(|term| holds(term, field))
    }
}

/// Split at commas, but for those within parentheses.
fn terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (c, depth, terms.last_mut()) {
            (',', 0, _) => terms.push(String::new()),
            (c, _, Some(term)) => term.push(c),
            (_, _, None) => {}
        }
    }
    terms.into_iter().map(|term| term.trim().to_owned()).filter(|term| !term.is_empty()).collect()
}

/// `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`.
fn holds<'a>(term: &str, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    let among = |name: &str, list: &str| {
        let list = list.trim().trim_start_matches('(').trim_end_matches(')');
        value(name.trim()).is_some_and(|value| list.split(',').any(|one| one.trim() == value))
    };
    if let Some((name, list)) = term.split_once(" notin ") {
        return !among(name, list);
    }
    if let Some((name, list)) = term.split_once(" in ") {
        return among(name, list);
    }
    if let Some((name, wanted)) = term.split_once("!=") {
        return value(name) != Some(wanted);
    }
    if let Some((name, wanted)) = term.split_once('=') {
        // A field that is not set is the empty text.
        return value(name).unwrap_or_default() == wanted.trim_start_matches('=');
    }
    match term.strip_prefix('!') {
        Some(name) => value(name).is_none(),
        None => value(term).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_fields_select_as_a_cluster_does() {
        let pod = json!({"metadata": {"name": "p", "labels": {"job-name": "j", "stager/kind": "staging"}}, "status": {"phase": "Running"}});
        let selects = |labels: &str, fields: &str| {
            Selectors { labels: labels.to_owned(), fields: fields.to_owned() }.select(&pod)
        };
        for wanted in ["", "job-name=j", "job-name==j,stager/kind in (app, staging)", "stager/kind", "!other", "a!=b"] {
            assert!(selects(wanted, ""), "{wanted}");
        }
        for other in ["job-name=k", "job-name=j,other", "stager/kind in (app,task)", "!job-name", "job-name notin (j)"]
        {
            assert!(!selects(other, ""), "{other}");
        }
        assert!(selects("", "metadata.name=p,status.phase!=Failed") && !selects("", "metadata.name=q"));
    }
}
