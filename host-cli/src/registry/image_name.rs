//! What engines and registries take as the name of an image. Pure.

use std::net::Ipv6Addr;

/// Characters of a repository that engines allow.
pub(super) const LONGEST_REPOSITORY: usize = 255;
/// Characters of a tag that engines allow.
pub(super) const LONGEST_TAG: usize = 128;

/// The name with its tag, `latest` where it has none; `None` for what engines do not take as a name.
pub(crate) fn full_name(name: &str) -> Option<String> {
    let after_slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[after_slash..].find(':') {
        Some(colon) => (&name[..after_slash + colon], &name[after_slash + colon + 1..]),
        None => (name, "latest"),
    };
    let good = is_tag(tag) && is_repository(repository);
    good.then(|| format!("{repository}:{tag}"))
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= LONGEST_TAG && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_repository(repository: &str) -> bool {
    let an_id = repository.len() == 64 && repository.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let path = match repository.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            if !is_host(host) {
                return false;
            }
            path
        }
        _ => repository,
    };
    !an_id && repository.len() <= LONGEST_REPOSITORY && path.split('/').all(is_component)
}

fn is_host(host: &str) -> bool {
    if let Some((address, port)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let label = |label: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(ends) && label.ends_with(ends) && label.chars().all(|c| ends(c) || c == '-')
    };
    name.split('.').all(label) && is_port(port)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
}

/// Letters and digits with single separators between them: `.`, `_`, `__` or dashes.
fn is_component(component: &str) -> bool {
    let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    let separators = component.split(plain).filter(|between| !between.is_empty());
    component.starts_with(plain)
        && component.ends_with(plain)
        && separators
            .into_iter()
            .all(|between| matches!(between, "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_engines_take_are_taken_and_others_are_not() {
        for (name, full) in [
            ("my-app", Some("my-app:latest")),
            ("a/b_c/d__e:V1.2-x", Some("a/b_c/d__e:V1.2-x")),
            ("localhost:5000/a", Some("localhost:5000/a:latest")),
            ("registry.example.com/a:1", Some("registry.example.com/a:1")),
            ("a---b", Some("a---b:latest")),
            ("[::1]:5000/a", Some("[::1]:5000/a:latest")),
            ("[2001:db8::1]/a:1", Some("[2001:db8::1]/a:1")),
        ] {
            assert_eq!(full_name(name).as_deref(), full, "{name}");
        }
        let id = "a".repeat(64);
        let (long, long_tag) = ("a/".repeat(128) + "a", format!("a:{}", "t".repeat(129)));
        for name in [
            "",
            ":",
            "a:",
            ":a",
            "A",
            "a b",
            "-a",
            "a-",
            "a..b",
            "a._b",
            "a//b",
            "/a",
            "a/",
            "a:b:c",
            "a:b/c:",
            "ä",
            "a@sha256:1",
            "a:-b",
            "a:.b",
            "ho_st:1/a",
            "h.:1/a",
            "h.i:/a",
            "[::1]:/a",
            "[::1]5/a",
            "[::g]:5/a",
            "[::1/a",
            "[127.0.0.1]:5/a",
            "a\n",
            "a:b\n",
            "$x",
            &id,
            &long,
            &long_tag,
        ] {
            assert_eq!(full_name(name), None, "{name:?}");
        }
    }
}
