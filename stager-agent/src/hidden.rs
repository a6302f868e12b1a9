//! What is hidden in a builder's words: userinfo and query of the URLs that its request gives it, the logins for registries that it
//! gives a CNB builder, and the password that it gives a docker app's. A builder names a buildpack by its URL, and git does when
//! it fails. This is for accidents: whoever wants to show a password spells it some other way. Pure.

mod registry_logins;

use crate::plan::StagingPlan;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use registry_logins::LoginSecret;
use shared_model::action::RunAction;
use shared_model::safe_url::SafeUrl;
use std::borrow::Cow;
use std::ops::Range;

/// What stands for a secret.
const STARS: &str = "***";
/// Shorter words stand in many a line by chance; they are hidden where their URL is around them.
const SHORT: usize = 8;
/// More URLs than any request has. Each costs time with every line.
const MOST_URLS: usize = 256;
/// More secrets of registries' logins than any request has; each costs time, too.
const MOST_LOGINS: usize = 128;
/// Some put a token in the user's place, with this for a password.
const NO_PASSWORD: &str = "x-oauth-basic";
/// All but what nobody encodes, and `:`, which parts a user from a password.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The secrets to hide. The default hides nothing.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    /// The longest first.
    needles: Vec<Needle>,
}

struct Needle {
    text: String,
    shown: String,
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Hidden {
    /// What the programs of `plan` are given.
    pub(crate) fn from_plan(plan: &StagingPlan) -> Self {
        let mut urls = Vec::new();
        let mut needles = Vec::new();
        for run in plan.action.runs() {
            for argument in run.arguments() {
                let value = argument.strip_prefix('-').and_then(|flag| flag.split_once('=')).map(|(_, value)| value);
                let value = value.unwrap_or(argument);
                urls.extend(std::iter::once(value).chain(value.split(',')).map(str::trim));
            }
        }
        let variables = || plan.action.runs().flat_map(RunAction::environment).chain(&plan.environment);
        urls.extend(variables().map(|variable| variable.value.reveal().as_str()));
        let of_registries = variables().filter(|variable| variable.name == registry_logins::VARIABLE);
        let logins = of_registries.flat_map(|variable| registry_logins::secrets(variable.value.reveal()));
        logins.take(MOST_LOGINS).for_each(|secret| add_login(&secret, &mut needles));
        if let Some(docker_app) = &plan.docker_app {
            for password in docker_app.passwords.reveal().iter().take(MOST_LOGINS) {
                add_password(password, &mut needles);
            }
        }
        add_urls(urls.into_iter().map(SafeUrl::new).filter(|url| url.scheme().is_some()), &mut needles);
        Self::new(needles)
    }

    fn new(mut needles: Vec<Needle>) -> Self {
        needles.sort_by(|one, other| other.text.len().cmp(&one.text.len()).then_with(|| one.text.cmp(&other.text)));
        needles.dedup_by(|one, other| one.text == other.text);
        Self { needles }
    }

    /// Bytes of the longest that is hidden; 0: nothing is.
    pub(crate) fn longest(&self) -> usize {
        self.needles.first().map_or(0, |needle| needle.text.len())
    }

    /// `text` as it may be shown.
    pub(crate) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.found(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
        for (range, stars) in found {
            shown.push_str(&text[at..range.start]);
            shown.push_str(stars);
            at = range.end;
        }
        shown.push_str(&text[at..]);
        Cow::Owned(shown)
    }

    /// The last place at or before `at` where `text` can be cut without cutting what is hidden; behind that where there is
    /// none before it. `at` is a character's boundary.
    pub(crate) fn cut(&self, text: &str, at: usize) -> usize {
        let across =
            self.found(text).into_iter().map(|(range, _)| range).find(|range| range.start < at && at < range.end);
        across.map_or(at, |range| if range.start > 0 { range.start } else { range.end })
    }

    /// What is hidden of `text`, in order; none overlaps the next.
    fn found(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let mut all: Vec<(Range<usize>, &str)> = Vec::new();
        // Longer ones cannot be there; and a search is prepared in a needle's length, however short the text is.
        let fit = self.needles.partition_point(|needle| needle.text.len() > text.len());
        for Needle { text: needle, shown } in &self.needles[fit..] {
            all.extend(text.match_indices(needle.as_str()).map(|(at, _)| (at..at + needle.len(), shown.as_str())));
        }
        all.sort_by(|(one, _), (other, _)| one.start.cmp(&other.start).then(other.end.cmp(&one.end)));
        let mut joined: Vec<(Range<usize>, &str)> = Vec::new();
        for (range, shown) in all {
            match joined.last_mut() {
                Some((before, _)) if range.start < before.end => before.end = before.end.max(range.end),
                _ => joined.push((range, shown)),
            }
        }
        joined
    }
}

/// A short one is hidden where it stands as an argument.
fn add_password(password: &str, needles: &mut Vec<Needle>) {
    const FLAG: &str = "dockerPassword=";
    for text in in_json(password).into_iter().filter(|_| !password.is_empty()) {
        let context = if text.len() < SHORT { FLAG } else { "" };
        needles.push(Needle { text: format!("{context}{text}"), shown: format!("{context}{STARS}") });
    }
}

fn add_urls(urls: impl Iterator<Item = SafeUrl>, needles: &mut Vec<Needle>) {
    for url in urls.filter(SafeUrl::has_secrets).take(MOST_URLS) {
        add_url(&url, needles);
    }
}

fn add_url(url: &SafeUrl, needles: &mut Vec<Needle>) {
    let mut add = |text: String, shown: String| {
        needles.extend(in_json(&text).map(|text| Needle { text, shown: shown.clone() }));
    };
    if let Some(userinfo) = url.userinfo().filter(|userinfo| !userinfo.is_empty()) {
        for userinfo in spellings(userinfo) {
            let context = if userinfo.len() < SHORT { "//" } else { "" };
            add(format!("{context}{userinfo}@"), format!("{context}{STARS}@"));
        }
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let secret = if password.is_empty() || password == NO_PASSWORD { user } else { password };
        for secret in spellings(secret).into_iter().filter(|secret| secret.len() >= SHORT) {
            add(secret, STARS.to_owned());
        }
    }
    if let Some(query) = url.query().filter(|query| !query.is_empty()) {
        let address = format!("{}{}", url.host(), url.path());
        add(format!("{address}?{query}"), format!("{address}?{STARS}"));
        if query.len() >= SHORT {
            add(format!("?{query}"), format!("?{STARS}"));
        }
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            for value in spellings(value).into_iter().filter(|value| value.len() >= SHORT) {
                add(format!("{name}={value}"), format!("{name}={STARS}"));
            }
        }
    }
}

fn add_login(LoginSecret { name, text }: &LoginSecret, needles: &mut Vec<Needle>) {
    let spelt = spellings(text).into_iter().filter(|secret| secret.len() >= SHORT);
    let anywhere = spelt.flat_map(|secret| in_json(&secret)).map(|text| Needle { text, shown: STARS.to_owned() });
    needles.extend(anywhere);
    if !name.is_empty() {
        // As the variable has it, a short one too.
        let shown = format!("\"{name}\":\"{STARS}\"");
        let in_its_place =
            in_json(text).map(|text| Needle { text: format!("\"{name}\":\"{text}\""), shown: shown.clone() });
        needles.extend(in_its_place);
    }
}

/// `text` itself, as JSON quotes it, and as Go does.
pub(crate) fn in_json(text: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(text).to_string();
    let quoted = quoted[1..quoted.len() - 1].to_owned();
    let in_go = quoted.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    [text.to_owned(), quoted, in_go]
}

/// As it stands in the request, without percent signs, and with as many as anybody puts there.
fn spellings(text: &str) -> Vec<String> {
    let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
    let encoded = utf8_percent_encode(&decoded, &RESERVED).to_string();
    let small = text_in_small_hex(&encoded);
    vec![text.to_owned(), decoded, small, encoded]
}

fn text_in_small_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.get(..2) {
        Some(hex) => format!("{text}%{}{}", hex.to_ascii_lowercase(), &part[2..]),
        None => format!("{text}%{part}"),
    })
}

#[cfg(test)]
pub(crate) fn from_urls(urls: &[&str]) -> Hidden {
    let mut needles = Vec::new();
    add_urls(urls.iter().map(|url| SafeUrl::new(*url)), &mut needles);
    Hidden::new(needles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_logins(variable: &str) -> Hidden {
        let mut needles = Vec::new();
        for secret in registry_logins::secrets(variable) {
            add_login(&secret, &mut needles);
        }
        Hidden::new(needles)
    }

    fn shown(url: &str, text: &str) -> String {
        from_urls(&[url]).hide(text).into_owned()
    }

    #[test]
    fn a_url_is_shown_without_password_and_query_wherever_it_stands() {
        let url = "https://dev:pa55word@git.example.com/buildpack.git?token=abcdefgh&x=1";
        assert_eq!(
            shown(url, &format!("fatal: unable to access '{url}': 403")),
            "fatal: unable to access 'https://***@git.example.com/buildpack.git?***': 403"
        );
        assert_eq!(shown(url, "cloning git.example.com/buildpack.git"), "cloning git.example.com/buildpack.git");
        assert_eq!(shown(url, "user dev, password pa55word"), "user dev, password ***");
        assert_eq!(shown(url, "GET /buildpack.git?x=1&token=abcdefgh"), "GET /buildpack.git?x=1&token=***");
    }

    #[test]
    fn however_a_password_is_spelt_it_is_hidden() {
        for password in ["p%40ss%2Fw0rd", "p%40ss%2fw0rd", "p@ss%2Fw0rd"] {
            let url = format!("https://u:{password}@h/x");
            for spelt in ["p@ss/w0rd", "p%40ss%2Fw0rd", "p%40ss%2fw0rd"] {
                assert_eq!(shown(&url, &format!("<{spelt}>")), "<***>", "{password}");
            }
        }
        let quoted = serde_json::json!("https://u:a\"b&cdefgh@h/").to_string();
        for text in [quoted.clone(), quoted.replace('&', "\\u0026")] {
            assert_eq!(shown("https://u:a\"b&cdefgh@h/", &text), "\"https://***@h/\"");
        }
    }

    #[test]
    fn a_short_password_is_hidden_in_its_url_and_leaves_other_words_alone() {
        let said = "https://a:b@h/x: a boy a:b has a bat@home";
        assert_eq!(shown("https://a:b@h/x", said), "https://***@h/x: a boy a:b has a bat@home");
        assert_eq!(shown("https://h/x?a=b", "https://h/x?a=b a=b"), "https://h/x?*** a=b");
        assert_eq!(shown("https://h/x", "https://h/x"), "https://h/x");
    }

    #[test]
    fn a_registrys_password_is_hidden_and_a_short_one_where_it_is_an_argument() {
        let shown = |password: &str, text: &str| {
            let mut needles = Vec::new();
            add_password(password, &mut needles);
            Hidden::new(needles).hide(text).into_owned()
        };
        assert_eq!(shown("s3cret\"12", r#"s3cret"12 "s3cret\"12""#), r#"*** "***""#);
        assert_eq!(shown("me", "-dockerUser=me -dockerPassword=me"), "-dockerUser=me -dockerPassword=***");
        assert_eq!(shown("", "-dockerPassword= x"), "-dockerPassword= x");
    }

    #[test]
    fn a_token_in_the_users_place_is_hidden_alone_too() {
        for userinfo in ["ghp_0123456789", "ghp_0123456789:", "ghp_0123456789:x-oauth-basic"] {
            assert_eq!(shown(&format!("https://{userinfo}@h/"), "with ghp_0123456789."), "with ***.", "{userinfo}");
        }
    }

    #[test]
    fn a_logins_password_and_token_are_hidden_however_a_builder_shows_them() {
        let variable = r#"{"a.io":{"username":"cnb","password":"pass/wörd&1"},"b.io":{"token":"0123456789"}}"#;
        let shown = |text: &str| from_logins(variable).hide(text).into_owned();
        for text in
            ["pass/wörd&1", "pass%2Fw%C3%B6rd%261", r"pass/wörd\u00261", "0123456789", "Y25iOnBhc3Mvd8O2cmQmMQ=="]
        {
            assert_eq!(shown(&format!("<{text}>")), "<***>", "{text}");
        }
        assert_eq!(shown("cnb at a.io"), "cnb at a.io");
        let environment = format!("CNB_REGISTRY_CREDS={variable}");
        let expected = r#"CNB_REGISTRY_CREDS={"a.io":{"username":"cnb","password":"***"},"b.io":{"token":"***"}}"#;
        assert_eq!(shown(&environment), expected);
    }

    #[test]
    fn a_short_password_is_hidden_in_its_list_and_leaves_other_words_alone() {
        let variable = r#"{"a.io":{"username":"me","password":"abc"}}"#;
        let hidden = from_logins(variable);
        assert_eq!(hidden.hide(variable), r#"{"a.io":{"username":"me","password":"***"}}"#);
        assert_eq!(hidden.hide("abc is the alphabet"), "abc is the alphabet");
        assert_eq!(from_logins("null").hide("null and void"), "null and void");
        let odd = r#"{"a.io":"me:pass0word"}"#;
        assert_eq!(from_logins(odd).hide(&format!("cannot read {odd}")), "cannot read ***");
    }

    #[test]
    fn what_is_hidden_is_not_cut() {
        let hidden = from_urls(&["https://u:0123456789@h/"]);
        assert_eq!(hidden.cut("ab 0123456789 cd", 5), 3);
        assert_eq!(hidden.cut("0123456789 cd", 5), 10);
        assert_eq!(hidden.cut("0123456789 cd", 11), 11);
        assert_eq!(Hidden::default().cut("0123456789", 5), 5);
    }

    #[test]
    fn secrets_that_overlap_hide_all_of_both() {
        let hidden = from_urls(&["https://u:abcdefgh@h/", "https://u:efghijkl@h/"]);
        assert_eq!(hidden.hide("abcdefghijkl!"), "***!");
    }
}
