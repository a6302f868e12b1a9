//! Gives the tokens that Debian's `docker-registry` believes: JWTs, signed with a key whose certificate it has.

use super::misbehaving::http::{Answer, Asked};
use crate::registry::{PASSWORD, USER};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, SigningKey as _};
use serde_json::{Value, json};
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// What registry and server call each other.
const SERVICE: &str = "tests' registry";
const ISSUER: &str = "tests' tokens";
/// Of a number on the curve P-256, in bytes.
const NUMBER: usize = 32;

/// See the module's text. It ends with its test.
pub(crate) struct TokenServer {
    realm: String,
    /// Of the key that signs, in PEM.
    certificate: String,
    /// The scopes that were asked for.
    pub(crate) scopes: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let realm = format!("http://{}/give/token", listener.local_addr().unwrap());
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["tokens".to_owned()]).unwrap().self_signed(&key).unwrap();
        let (pem, chain) = (certificate.pem(), STANDARD.encode(certificate.der()));
        let scopes = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&scopes);
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let answer = answer(&connection, &key, &chain, &heard);
                let _ = answer.write(&mut connection, false);
            }
        });
        Self { realm, certificate: pem, scopes }
    }

    /// The part `auth` of a registry's configuration; the certificate is written to this file.
    pub(crate) fn auth(&self, bundle: &str) -> Value {
        std::fs::write(bundle, &self.certificate).unwrap();
        json!({ "token": { "realm": self.realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": bundle } })
    }
}

fn answer(connection: &TcpStream, key: &KeyPair, chain: &str, heard: &Mutex<Vec<String>>) -> Answer {
    let asked = Asked::read_head(&mut BufReader::new(connection.try_clone().unwrap())).unwrap().unwrap();
    let wanted = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if asked.header("authorization") != Some(&wanted) {
        return Answer::error("401 Unauthorized", "UNAUTHORIZED", "incorrect username or password");
    }
    let scopes: Vec<String> = asked.all("scope");
    heard.lock().unwrap().extend(scopes.clone());
    let access: Vec<Value> = scopes.iter().filter_map(|scope| granted(scope)).collect();
    let token = signed(key, chain, &access);
    Answer::new("200 OK").with("Content-Type", "application/json").body(json!({ "token": token }).to_string())
}

/// `repository:team/app:pull,push`, as a token tells it.
fn granted(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<&str> = actions.split(',').collect();
    Some(json!({ "type": kind, "name": name, "actions": actions }))
}

fn signed(key: &KeyPair, chain: &str, access: &[Value]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let header = json!({ "alg": "ES256", "typ": "JWT", "x5c": [chain] });
    let claims = json!({
        "iss": ISSUER, "aud": SERVICE, "sub": USER, "jti": "1",
        "iat": now, "nbf": now - 60, "exp": now + 60, "access": access,
    });
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(both_numbers(&key.sign(text.as_bytes()).unwrap()));
    format!("{text}.{signature}")
}

/// A signature in DER, SEQUENCE of two INTEGERs, as a JWT has it: two numbers of equal length.
fn both_numbers(der: &[u8]) -> Vec<u8> {
    let number = |at: usize| &der[at + 2..at + 2 + usize::from(der[at + 1])];
    let first = number(2);
    let second = number(4 + first.len());
    let mut both = Vec::new();
    for number in [first, second] {
        let digits = &number[number.len().saturating_sub(NUMBER)..];
        both.extend(std::iter::repeat_n(0, NUMBER - digits.len()));
        both.extend(digits);
    }
    both
}
