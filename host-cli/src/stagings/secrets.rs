//! What is known to be secret of what a staging is given: the credentials of its services, and variables whose names say so. What its
//! URLs and registries' logins hold the agent has hidden before. As there this is for accidents: a value that is spelled in some other
//! way, or that a line is cut in, stays. Pure.

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;
use shared_model::environment::EnvironmentVariable;
use shared_model::mounted_file::MountedFile;
use std::collections::BTreeSet;

/// What stands for a secret.
const STARS: &str = "***";
/// Shorter values stand in many a line by chance.
const SHORT: usize = 6;
/// All of them together, in bytes: a request has some kilobytes.
const MOST_BYTES: usize = 1 << 20;
/// A longer value is looked for in pieces of this many bytes: to prepare the search for one text takes the square of its length.
const PIECE: usize = 256;
/// Where the platform puts what the services gave.
const SERVICES: &str = "VCAP_SERVICES";
/// Where it puts the same in a file.
const SERVICES_FILE: &str = "vcap_services";
/// The keys of a binding's files that are no secrets.
const PLAIN: [&str; 2] = ["/type", "/provider"];
/// What a variable's name has that holds a secret.
const NAMES: [&str; 6] = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH"];

/// Values to hide.
pub(crate) struct Secrets(AhoCorasick);

impl Secrets {
    /// Those among the variables and in the files; `None`: there are more than can be looked for.
    pub(crate) fn among<'a>(
        variables: impl Iterator<Item = &'a EnvironmentVariable>,
        files: &[MountedFile],
    ) -> Option<Self> {
        let mut values = Vec::new();
        for variable in variables {
            let (name, value) = (variable.name.to_ascii_uppercase(), variable.value.reveal());
            if name == SERVICES {
                in_credentials(&serde_json::from_str(value).unwrap_or_default(), &mut values);
            } else if NAMES.iter().any(|part| name.contains(part)) {
                in_lines(value, &mut values);
            }
        }
        for file in files {
            match (file.path.as_str(), serde_json::from_str(file.content.reveal())) {
                (SERVICES_FILE, Ok(services)) => in_credentials(&services, &mut values),
                (path, _) if PLAIN.iter().any(|key| path.ends_with(key)) => {}
                _ => in_lines(file.content.reveal(), &mut values),
            }
        }
        values.retain(|value| value.len() >= SHORT);
        let spelled: BTreeSet<String> =
            values.iter().flat_map(|value| spellings(value)).flat_map(|text| pieces(&text)).collect();
        if spelled.iter().map(String::len).sum::<usize>() > MOST_BYTES {
            return None;
        }
        AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&spelled).ok().map(Self)
    }

    /// `text` as it may be kept.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        self.0.replace_all_with(text, &mut hidden, |_, _, hidden| {
            hidden.push_str(STARS);
            true
        });
        hidden
    }
}

/// As it is, as JSON has it, and as JSON by Go has it.
fn spellings(value: &str) -> [String; 3] {
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(value).to_owned();
    let of_go = json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    [value.to_owned(), json, of_go]
}

/// A long text in pieces, none of which is short.
fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while rest.len() >= 2 * PIECE {
        let at = (0..=PIECE).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or_default();
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece.to_owned());
        rest = behind;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// The texts and numbers in every `credentials` of the services, however deep.
fn in_credentials(services: &Value, values: &mut Vec<String>) {
    match services {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "credentials" { all(value, values) } else { in_credentials(value, values) }
            }
        }
        Value::Array(list) => list.iter().for_each(|one| in_credentials(one, values)),
        _ => {}
    }
}

/// A key in PEM comes a line at a time.
fn in_lines(text: &str, values: &mut Vec<String>) {
    values.extend(text.lines().map(str::trim).map(str::to_owned));
}

fn all(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::String(text) => in_lines(text, values),
        Value::Number(number) => values.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|one| all(one, values)),
        Value::Object(fields) => fields.values().for_each(|one| all(one, values)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::secret::Secret;

    fn hidden(variables: &[EnvironmentVariable], files: &[MountedFile], text: &str) -> String {
        Secrets::among(variables.iter(), files).unwrap().hide(text)
    }

    #[test]
    fn credentials_and_variables_whose_names_say_so_are_hidden_and_nothing_else() {
        let services = r#"{"p-mysql": [{"name": "my-database", "plan": "hundred-mb", "credentials":
            {"uri": "mysql://u:hunter22@db", "port": 330600, "hosts": [{"name": "db-host-1"}], "ca": "--BEGIN--\nline-of-it\n"}}]}"#;
        let variables = [
            EnvironmentVariable::new("VCAP_SERVICES", services),
            EnvironmentVariable::new("My_Api_Token", "t0ken-of-it"),
            EnvironmentVariable::new("DB_PASS", "of-the-db"),
            EnvironmentVariable::new("NODE_ENV", "production"),
            EnvironmentVariable::new("SHORT_KEY", "a"),
        ];
        let file = |path: &str, content: &str| MountedFile { path: path.into(), content: Secret::new(content.into()) };
        let files =
            [file("db/password", "pass-of-file\n"), file("db/type", "postgresql"), file("vcap_services", services)];
        let said = "mysql://u:hunter22@db at db-host-1:330600 line-of-it t0ken-of-it pass-of-file of-the-db in production of \
                    my-database, hundred-mb, postgresql a";
        let kept = "*** at ***:*** *** *** *** *** in production of my-database, hundred-mb, postgresql a";
        assert_eq!(hidden(&variables, &files, said), kept);
        assert_eq!(hidden(&[], &[], said), said);
    }

    #[test]
    fn a_secret_is_hidden_as_json_spells_it_too() {
        let variables = [EnvironmentVariable::new("TOKEN", "pa\"ss&wo<rd")];
        for said in ["pa\"ss&wo<rd", r#"pa\"ss&wo<rd"#, r#"pa\"ss\u0026wo\u003crd"#] {
            assert_eq!(hidden(&variables, &[], &format!("is {said}!")), "is ***!");
        }
    }

    #[test]
    fn a_long_chain_of_certificates_costs_no_password_and_too_much_is_told() {
        let chain: Vec<String> = (0..2000).map(|line| format!("{line:064}")).collect();
        let variables =
            [EnvironmentVariable::new("CA_KEY", chain.join("\n")), EnvironmentVariable::new("PASSWORD", "hunter22")];
        assert_eq!(hidden(&variables, &[], &format!("{:064} hunter22", 7)), "*** ***");
        let huge =
            EnvironmentVariable::new("KEY", (0..MOST_BYTES / 5).map(|number| number.to_string()).collect::<String>());
        assert!(Secrets::among([huge].iter(), &[]).is_none());
    }

    #[test]
    fn a_long_value_is_hidden_whole() {
        let numbers = |before: &str| (0..9_999).map(|number| number.to_string()).collect::<Vec<_>>().join(before);
        for value in ["x".repeat(PIECE * 2), "x".repeat(PIECE - 1), numbers(""), numbers("ä€")] {
            let variables = [EnvironmentVariable::new("TOKEN", &value)];
            let kept = hidden(&variables, &[], &format!("is {value}!"));
            assert_eq!(kept.replace('*', ""), "is !");
        }
    }

    #[test]
    fn what_is_no_json_has_no_credentials() {
        for odd in ["", "[", "\"credentials\"", "{\"credentials\": null}"] {
            let variables = [EnvironmentVariable::new("VCAP_SERVICES", odd)];
            assert_eq!(hidden(&variables, &[], "credentials null"), "credentials null");
        }
    }
}
