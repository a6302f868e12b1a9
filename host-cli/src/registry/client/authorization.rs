//! What is shown to a registry: nothing until it asks, then a password or a token of its login service, which is asked for
//! again when its time is up. Passwords go to the registry and to the service that it names, and over no weaker connection.

#![expect(clippy::disallowed_methods, reason = "a date to wait for is counted from now")]

use super::challenge::Challenge;
use super::said::{LONGEST_ANSWER, said};
use super::small_answer;
use super::trouble::Trouble;
use crate::registry::credentials::Login;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_client::{Address, Client, Request, TransferError, retry_after};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared_model::safe_url::SafeUrl;
use shared_model::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::SendBody;
use ureq::http::{Method, header};

/// As the specification has it, where a service does not say how long its token lives.
const SHORT_LIFE: u64 = 60;
/// A token that ends so soon is not begun with.
const MARGIN: Duration = Duration::from_secs(5);
/// How long a login service may think.
const PATIENCE: Duration = Duration::from_secs(30);
/// What we call ourselves there.
const CLIENT: &str = "stager";

/// Who speaks to an address: whoever is not the registry is shown no certificate that is for it.
pub(super) type ClientFor<'a> = dyn Fn(&Address) -> &'a Client + 'a;

/// What one registry is shown for one repository.
pub(super) struct Authorization {
    login: Login,
    /// `https` or `http`, of the registry: to a service without TLS nothing is said that TLS protected.
    https: bool,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    /// The header's value.
    header: Option<Secret<String>>,
    /// When it is worth nothing any more; `None`: nobody knows.
    until: Option<Instant>,
    /// The login service and what it calls the registry.
    service: Option<(String, String)>,
    /// What tokens were asked for: actions by resource.
    scopes: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default, rename = "token")]
    docker: Secret<String>,
    #[serde(default, rename = "access_token")]
    oauth: Secret<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authorization {
    /// Of a registry that is spoken to with TLS, or not.
    pub(super) fn new(login: Login, https: bool) -> Self {
        Self { login, https, shown: Mutex::default() }
    }

    /// What to show now; `None`: nothing. A token whose time is up is replaced before.
    pub(super) fn header(&self, client: &ClientFor<'_>) -> Result<Option<Secret<String>>, Trouble> {
        let mut shown = self.shown();
        let has_ended = shown.until.is_some_and(|until| Instant::now() + MARGIN > until);
        if has_ended && shown.service.is_some() {
            self.fetch_token(&mut shown, client)?;
        }
        Ok(shown.header.clone())
    }

    /// Meets what the registry asked for after it was shown `before`. `scope` is wanted where it does not say. `false`: there is
    /// nothing more to show.
    pub(super) fn meet(
        &self,
        challenge: &Challenge,
        scope: &str,
        before: Option<&Secret<String>>,
        client: &ClientFor<'_>,
    ) -> Result<bool, Trouble> {
        let mut shown = self.shown();
        if shown.header.as_ref() != before {
            return Ok(true); // another thread was asked first
        }
        match challenge {
            Challenge::Basic => {
                let Login::Password { user, password } = &self.login else { return Ok(false) };
                let header = basic(user, password);
                let is_new = before != Some(&header);
                shown.header = Some(header);
                Ok(is_new)
            }
            Challenge::Bearer { realm, service, scope: asked } => {
                if let Login::RegistryToken(token) = &self.login {
                    let header = Secret::new(format!("Bearer {}", token.reveal()));
                    let is_new = before != Some(&header);
                    shown.header = Some(header);
                    return Ok(is_new);
                }
                shown.service = Some((realm.clone(), service.clone()));
                let before = shown.scopes.clone();
                // What is wanted in all, and what this question wants besides: a registry may make a repository for who asks to push.
                shown.want(scope);
                shown.want(asked);
                // What is not given for this question must not be asked for with the next.
                self.fetch_token(&mut shown, client).inspect_err(|_| shown.scopes = before)?;
                Ok(true)
            }
        }
    }

    /// All that must not be seen by people.
    pub(super) fn secrets(&self) -> Vec<Secret<String>> {
        let header = self.shown().header.clone();
        let of_header =
            header.and_then(|header| header.reveal().split_once(' ').map(|(_, it)| Secret::new(it.to_owned())));
        self.secrets_of_login().into_iter().chain(of_header).collect()
    }

    fn secrets_of_login(&self) -> Vec<Secret<String>> {
        match &self.login {
            Login::Anonymous => Vec::new(),
            Login::Password { user, password } => {
                let encoded = basic(user, password).reveal().trim_start_matches("Basic ").to_owned();
                vec![password.clone(), Secret::new(encoded)]
            }
            Login::IdentityToken(token) | Login::RegistryToken(token) => vec![token.clone()],
        }
    }

    fn fetch_token(&self, shown: &mut Shown, client: &ClientFor<'_>) -> Result<(), Trouble> {
        let Some((realm, service)) = shown.service.clone() else { return Ok(()) };
        let began = Instant::now();
        let token = self.token(&realm, &service, &shown.scopes(), client)?;
        let life = Duration::from_secs(token.expires_in.unwrap_or(SHORT_LIFE).max(SHORT_LIFE));
        let text = if token.docker.reveal().is_empty() { token.oauth } else { token.docker };
        if text.reveal().is_empty() || !text.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Trouble::login("its login service gives no token"));
        }
        shown.header = Some(Secret::new(format!("Bearer {}", text.reveal())));
        shown.until = began.checked_add(life);
        Ok(())
    }

    fn token(&self, realm: &str, service: &str, scopes: &[String], client: &ClientFor<'_>) -> Result<Token, Trouble> {
        let form = |pairs: Vec<(&str, &str)>| {
            let pair = |(name, value): (&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
            pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(pair).collect::<Vec<_>>().join("&")
        };
        let asked = [("service", service)].into_iter().chain(scopes.iter().map(|scope| ("scope", scope.as_str())));
        let (address, answer) = if let Login::IdentityToken(token) = &self.login {
            let address = self.service_at(realm.to_owned())?;
            let scope = scopes.join(" ");
            let fields =
                [("grant_type", "refresh_token"), ("client_id", CLIENT), ("service", service), ("scope", &scope)];
            let body = form(fields.into_iter().chain([("refresh_token", token.reveal().as_str())]).collect());
            let headers = [
                (header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()),
                (header::CONTENT_LENGTH, body.len().to_string()),
            ];
            let request = Request::new(Method::POST, &address).with_headers(headers);
            let answer =
                client(&address).send(request.with_body(SendBody::from_reader(&mut body.as_bytes()), PATIENCE));
            (address, answer)
        } else {
            let separator = if realm.contains('?') { '&' } else { '?' };
            let address = self.service_at(format!("{realm}{separator}{}", form(asked.collect())))?;
            let request = Request::new(Method::GET, &address);
            let authorized = match &self.login {
                Login::Password { user, password } => {
                    Some((header::AUTHORIZATION, basic(user, password).reveal().clone()))
                }
                _ => None,
            };
            let answer = client(&address).send(request.with_headers(authorized));
            (address, answer)
        };
        let on_the_way = |error| Trouble::LoginService { at: address.origin().to_owned(), error };
        let answer = answer.map_err(on_the_way)?;
        let status = answer.http.status().as_u16();
        let retry_after = retry_after(answer.http.headers(), Timestamp::now());
        let from = (client(&address), &*address.host);
        let body = small_answer::read(answer, LONGEST_ANSWER, from).map_err(on_the_way)?;
        if status != 200 {
            let secrets = self.secrets_of_login();
            let said = said(status, &body, &secrets.iter().collect::<Vec<_>>());
            return Err(Trouble::Refused { status, said, retry_after, by_login_service: true });
        }
        serde_json::from_slice(&body).map_err(|_| Trouble::login("what its login service answers is no token"))
    }

    /// The service's address, if it may be told what it is to be told.
    fn service_at(&self, url: String) -> Result<Address, Trouble> {
        let address =
            Address::parse(&SafeUrl::new(url)).map_err(|_| Trouble::login("its login service has no usable URL"))?;
        if !address.https && (self.https || !is_here(&address.host)) {
            return Err(TransferError::Downgrade { host: address.host }.into());
        }
        Ok(address)
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    /// Adds `repository:team/app:pull,push`, or several of it with blanks between.
    fn want(&mut self, scope: &str) {
        for one in scope.split_whitespace() {
            if let Some((resource, actions)) = one.rsplit_once(':') {
                let wanted = self.scopes.entry(resource.to_owned()).or_default();
                wanted.extend(actions.split(',').map(str::to_owned));
            }
        }
    }

    fn scopes(&self) -> Vec<String> {
        let text = |(resource, actions): (&String, &BTreeSet<String>)| {
            format!("{resource}:{}", actions.iter().map(String::as_str).collect::<Vec<_>>().join(","))
        };
        self.scopes.iter().map(text).collect()
    }
}

/// Whether a registry (`HOST[:PORT]`) is on this machine.
pub(super) fn is_here(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn basic(user: &str, password: &Secret<String>) -> Secret<String> {
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_once_is_asked_for_again_with_the_next() {
        let mut shown = Shown::default();
        shown.want("repository:a/b:pull");
        shown.want("repository:a/b:pull,push repository:c:pull");
        assert_eq!(shown.scopes(), ["repository:a/b:pull,push", "repository:c:pull"]);
    }

    #[test]
    fn a_login_service_without_tls_hears_nothing_of_a_registry_that_has_it() {
        let authorization = |https| Authorization::new(Login::Anonymous, https);
        assert!(authorization(true).service_at("http://auth.example/token".to_owned()).is_err());
        assert!(authorization(true).service_at("https://auth.example/token".to_owned()).is_ok());
        assert!(authorization(false).service_at("http://auth.example/token".to_owned()).is_err());
        assert!(authorization(false).service_at("http://127.0.0.1:5001/token".to_owned()).is_ok());
        assert!(authorization(true).service_at("ftp://auth.example".to_owned()).is_err());
    }

    fn password() -> Login {
        Login::Password { user: "me".into(), password: Secret::new("s3cret".to_owned()) }
    }

    fn bearer() -> Challenge {
        let (realm, service, scope) = ("https://auth.example/token".to_owned(), String::new(), String::new());
        Challenge::Bearer { realm, service, scope }
    }

    /// Meets it, as who asks nobody else for that.
    fn met(authorization: &Authorization, challenge: &Challenge, before: Option<&Secret<String>>) -> bool {
        authorization.meet(challenge, "repository:a:pull", before, &|_| panic!("the login service is asked")).unwrap()
    }

    fn header(authorization: &Authorization) -> Option<Secret<String>> {
        authorization.header(&|_| panic!("the login service is asked")).unwrap()
    }

    #[test]
    fn nothing_is_shown_before_the_registry_asks_and_nothing_twice() {
        let token = Login::RegistryToken(Secret::new("t0ken".to_owned()));
        for (login, challenge, shown) in
            [(password(), Challenge::Basic, "Basic bWU6czNjcmV0"), (token, bearer(), "Bearer t0ken")]
        {
            let authorization = Authorization::new(login, true);
            assert_eq!(header(&authorization), None);
            assert!(met(&authorization, &challenge, None));
            let header = header(&authorization).unwrap();
            assert_eq!(header.reveal(), shown);
            assert!(!met(&authorization, &challenge, Some(&header)), "it was not enough");
            assert!(met(&authorization, &challenge, None), "another thread was asked first");
        }
    }

    #[test]
    fn who_has_no_password_has_none_to_show() {
        for login in [Login::Anonymous, Login::RegistryToken(Secret::new("t0ken".to_owned()))] {
            let authorization = Authorization::new(login, true);
            assert!(!met(&authorization, &Challenge::Basic, None));
            assert_eq!(header(&authorization), None);
        }
    }

    #[test]
    fn all_that_is_shown_is_kept_from_people() {
        let secrets = |login, challenge| {
            let authorization = Authorization::new(login, true);
            assert!(met(&authorization, challenge, None));
            let secrets = authorization.secrets();
            secrets.iter().map(|secret| secret.reveal().clone()).collect::<BTreeSet<_>>()
        };
        assert_eq!(secrets(password(), &Challenge::Basic), ["s3cret", "bWU6czNjcmV0"].map(str::to_owned).into());
        let token = Login::RegistryToken(Secret::new("t0ken".to_owned()));
        assert_eq!(secrets(token, &bearer()), ["t0ken".to_owned()].into());
    }
}
