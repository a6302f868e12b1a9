//! Which engine is chosen. The contexts are made by docker's own command, so that their layout is docker's.

use super::*;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// A configuration folder of docker's own command.
struct Configuration(tempfile::TempDir);

impl Configuration {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn docker(self, words: &[&str]) -> Self {
        let mut command = Command::new("docker");
        command.args(words).env("DOCKER_CONFIG", self.folder()).env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
        let done = command.output().expect("this test needs docker's command; ci/setup installs it");
        assert!(done.status.success(), "docker {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        self
    }

    fn context(self, name: &str, endpoint: &str) -> Self {
        self.docker(&["context", "create", name, "--docker", endpoint])
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder().join(name), text).unwrap();
        self
    }

    fn environment(&self) -> Environment {
        Environment { configuration: Some(self.folder().to_owned()), ..Environment::default() }
    }

    fn chosen_with(&self, change: impl FnOnce(&mut Environment)) -> Result<EngineEndpoint, ConnectError> {
        let mut environment = self.environment();
        change(&mut environment);
        choose(&environment)
    }
}

fn address(outcome: &Result<EngineEndpoint, ConnectError>) -> String {
    outcome.as_ref().unwrap().address.to_string()
}

#[test]
fn docker_host_comes_before_docker_context_which_comes_before_the_current_one() {
    let configuration = Configuration::new()
        .context("current", "host=tcp://current:1")
        .context("named", "host=unix:///named.sock")
        .docker(&["context", "use", "current"]);
    assert_eq!(address(&configuration.chosen_with(|_| {})), "tcp://current:1");
    assert_eq!(address(&configuration.chosen_with(|one| one.context = "named".into())), "unix:///named.sock");
    assert_eq!(
        address(&configuration.chosen_with(|one| one.context = "default".into())),
        "unix:///var/run/docker.sock"
    );
    let host = configuration.chosen_with(|one| {
        one.context = "named".into();
        one.host = "tcp://host:2".into();
    });
    assert_eq!(address(&host), "tcp://host:2");
    assert!(host.unwrap().by.to_string().contains("DOCKER_HOST, which overrides the docker context \"named\""));
    // What is not needed is not read.
    let broken = configuration.file("config.json", "{");
    assert_eq!(address(&broken.chosen_with(|one| one.host = "tcp://host:2".into())), "tcp://host:2");
    assert_eq!(address(&broken.chosen_with(|one| one.context = "named".into())), "unix:///named.sock");
}

#[test]
fn without_any_word_it_is_the_usual_socket_and_with_tls_the_usual_port() {
    let configuration = Configuration::new().file("config.json", r#"{"auths":{},"currentContext":"default"}"#);
    assert_eq!(address(&configuration.chosen_with(|_| {})), "unix:///var/run/docker.sock");
    assert_eq!(address(&choose(&Environment::default())), "unix:///var/run/docker.sock");
    let empty = Configuration::new().file("config.json", " \n");
    assert_eq!(address(&empty.chosen_with(|_| {})), "unix:///var/run/docker.sock");
    assert_eq!(address(&configuration.chosen_with(|one| one.tls_verify = true)), "tcp://localhost:2376");
}

#[test]
fn the_variables_for_tls_count_for_tcp_and_not_for_sockets_and_contexts() {
    let configuration = Configuration::new()
        .context("plain", "host=tcp://plain:1")
        .file("ca.pem", "CA")
        .file("cert.pem", "C")
        .file("key.pem", "K");
    let files = |outcome: Result<EngineEndpoint, ConnectError>| outcome.unwrap().tls;
    let verified = files(configuration.chosen_with(|one| {
        one.host = "tcp://there:1".into();
        one.tls_verify = true;
    }));
    let ca = Some(configuration.folder().join("ca.pem"));
    assert!(verified.is_some_and(|files| files.verify && files.authorities == ca && files.key.is_some()));
    let elsewhere = files(configuration.chosen_with(|one| {
        one.host = "tcp://there:1".into();
        one.tls = true;
        one.certificates = Some("/certificates".into());
    }));
    assert!(elsewhere.is_some_and(|files| !files.verify && !files.any()));
    let of_url = files(configuration.chosen_with(|one| one.host = "https://there:1".into()));
    assert!(of_url.is_some_and(|files| files.verify && files.authorities == ca));
    for (host, context) in [("unix:///a.sock", ""), ("http://there:1", ""), ("", "plain")] {
        let outcome = configuration.chosen_with(|one| {
            (one.host, one.context, one.tls_verify) = (host.into(), context.into(), true);
        });
        assert_eq!(files(outcome), None, "{host} {context}");
    }
}

#[test]
fn a_contexts_own_certificates_are_found_where_docker_puts_them() {
    let mut configuration = Configuration::new().context("careless", "host=tcp://there:1,skip-tls-verify=true");
    let (ca, cert, key) = crate::engine::docker::tls_engine::certificates_of_a_client(configuration.folder());
    configuration = configuration
        .context("secure", &format!("host=tcp://there:2376,ca={ca},cert={cert},key={key}"))
        .docker(&["context", "use", "secure"]);
    let secure = configuration.chosen_with(|one| one.certificates = Some("/elsewhere".into())).unwrap().tls.unwrap();
    assert!(secure.verify);
    let found = secure.authorities.as_deref().unwrap();
    assert!(found.starts_with(configuration.folder().join("contexts/tls")), "{}", found.display());
    assert_eq!(fs::read(found).unwrap(), fs::read(&ca).unwrap());
    secure.load().unwrap();
    let careless = configuration.chosen_with(|one| one.context = "careless".into()).unwrap().tls.unwrap();
    assert!(!careless.verify && !careless.any());
    careless.load().unwrap();
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_without_its_contents() {
    let configuration = Configuration::new()
        .context("shell", "host=ssh://me@there")
        .context("broken", "host=tcp://there:1")
        .context("empty", "host=tcp://there:1");
    let meta = |name: &str, text: &str| {
        let all = fs::read_dir(configuration.folder().join("contexts/meta")).unwrap();
        let files = all.map(|entry| entry.unwrap().path().join("meta.json"));
        let named = |path: &PathBuf| fs::read_to_string(path).unwrap().contains(&format!("\"Name\":\"{name}\""));
        fs::write(files.into_iter().find(named).unwrap(), text).unwrap();
    };
    meta("broken", r#"{"Endpoints":{"docker":{"Host":["s3cret"]}}}"#);
    meta("empty", r#"{"Name":"empty","Endpoints":{}}"#);
    let told = |change: &dyn Fn(&mut Environment)| {
        let error = configuration.chosen_with(|one| change(one)).unwrap_err();
        let text = format!("{error}; try: {}", error.advice());
        assert!(!text.contains("s3cret"), "{text}");
        assert!(!error.advice().is_empty());
        text
    };
    let ssh = told(&|one| one.context = "shell".into());
    assert!(
        ssh.contains("cannot reach a Docker Engine by ssh (docker context \"shell\")") && ssh.contains("me@there`"),
        "{ssh}"
    );
    assert!(told(&|one| one.host = "ssh://me:s3cret@there".into()).contains("/var/run/docker.sock me@there"));
    assert!(told(&|one| one.context = "gone".into()).contains("no docker context \"gone\"; DOCKER_CONTEXT chooses it"));
    assert!(
        told(&|one| one.context = "broken".into()).contains("meta.json is not as docker writes it: line 1, column")
    );
    assert!(told(&|one| one.context = "empty".into()).contains("names no Docker Engine"));
    assert!(told(&|one| one.host = "tcp://me:s3cret@there:1".into()).contains("HOST:PORT is wanted"));
    for (text, words) in [
        ("{\"currentContext\":", "config.json is not as docker writes it: line 1"),
        ("{\"currentContext\":{\"auth\":\"s3cret\"}}", "config.json is not as docker writes it"),
        ("{\"currentContext\":\"gone\"}", "no docker context \"gone\"; currentContext in "),
    ] {
        fs::write(configuration.folder().join("config.json"), text).unwrap();
        let said = told(&|_| {});
        assert!(said.contains(words), "{said}");
    }
    fs::remove_file(configuration.folder().join("config.json")).unwrap();
    fs::create_dir(configuration.folder().join("config.json")).unwrap();
    assert!(told(&|_| {}).contains("cannot read docker's configuration in "));
}

#[test]
fn another_engines_socket_is_named_and_not_taken() {
    let configuration = Configuration::new();
    let mut environment = configuration.environment();
    environment.runtime = Some(configuration.folder().to_owned());
    let _listener = UnixListener::bind(configuration.folder().join("docker.sock")).unwrap();
    let endpoint = choose(&environment).unwrap();
    assert_eq!(endpoint.address.to_string(), "unix:///var/run/docker.sock");
    let nobody = || EngineError::Unreachable { address: endpoint.address.to_string(), reason: "none".into() };
    let EngineError::Connect(error) = endpoint.explain(nobody(), &environment) else { panic!("not explained") };
    let own = configuration.folder().join("docker.sock");
    assert!(error.advice().contains(&format!("export DOCKER_HOST=unix://{}", own.display())), "{}", error.advice());
    environment.host = "unix:///nowhere.sock".into();
    let EngineError::Connect(error) = choose(&environment).unwrap().explain(nobody(), &environment) else {
        panic!("not explained")
    };
    assert!(!error.advice().contains("export"), "{}", error.advice());
}

#[test]
fn certificates_and_keys_that_do_not_serve_are_each_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, cert, key) = crate::engine::docker::tls_engine::certificates_of_a_client(folder.path());
    let loaded = || {
        let environment =
            Environment { tls_verify: true, certificates: Some(folder.path().to_owned()), ..Environment::default() };
        environment.tls_files().unwrap().load()
    };
    loaded().unwrap();
    let good = [&ca, &cert, &key].map(|path| fs::read(path).unwrap());
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (file, text, words) in [
        (&ca, None, "cannot read the engine's CA in "),
        (&ca, Some(""), "ca.pem holds no certificate in PEM form"),
        (&cert, Some("?"), "cert.pem holds no certificate in PEM form"),
        (&cert, None, "key.pem is there, but "),
        (&key, None, "cert.pem is there, but "),
        (&key, Some("?"), "key.pem holds no private key"),
        (&key, Some("-----BEGIN ENCRYPTED PRIVATE KEY-----\n?"), "key.pem is encrypted"),
        (&key, Some(other.as_str()), "does not belong to the certificate"),
    ] {
        match text {
            Some(text) => fs::write(file, text).unwrap(),
            None => fs::remove_file(file).unwrap(),
        }
        let error = loaded().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.advice().is_empty(), "{error}");
        for (path, text) in [&ca, &cert, &key].into_iter().zip(&good) {
            fs::write(path, text).unwrap();
        }
    }
}
