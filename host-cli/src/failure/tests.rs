//! Every error of the host, from input that holds secrets wherever it could: no rendering of it shows one.

use super::*;
use crate::engine::connect_error::{ChosenBy, ConnectError, NamedBy};
use crate::image::Bound;
use crate::plan::volumes::VolumeError;
use crate::registry::reference::Reference;
use crate::requests::RequestKind;
use shared_model::assert_all_variants;
use shared_model::lifecycle::Lifecycle;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::PathBuf;

fn refused_by_system() -> io::Error {
    io::Error::from(io::ErrorKind::PermissionDenied)
}

fn path() -> PathBuf {
    "/home/me/.docker/config.json".into()
}

/// An engine's address as those who make errors write it.
fn address() -> String {
    SafeUrl::new("tcp://u:SECRET@engine:2376?t=SECRET").to_string()
}

fn words() -> String {
    "its own words".to_owned()
}

fn connecting() -> Vec<ConnectError> {
    let by = || NamedBy::Host { instead_of: Some("build".into()) };
    let chosen_by = ChosenBy::Variable;
    vec![
        ConnectError::Nobody { address: address(), by: by(), reason: words(), elsewhere: Box::default() },
        ConnectError::Closed { address: address(), by: by(), reason: words(), elsewhere: Box::default() },
        ConnectError::Address { host: SafeUrl::new("ssh://u:SECRET@engine"), by: by(), reason: "no" },
        ConnectError::Ssh { there: "engine".into(), socket: "/run/docker.sock".into(), by: by() },
        ConnectError::NotHttp { address: address(), by: by() },
        ConnectError::Version { value: "1.x".into() },
        ConnectError::TooNew { address: address(), oldest: "9.1".into(), ours: "1.51".into() },
        ConnectError::Configuration { path: path(), cause: refused_by_system() },
        ConnectError::Unreadable { what: "a key", path: path(), cause: refused_by_system() },
        ConnectError::Malformed { path: path(), line: 1, column: 2 },
        ConnectError::NoContext { name: "build".into(), chosen_by },
        ConnectError::ContextWithoutEngine { name: "build".into() },
        ConnectError::NoCertificate { path: path() },
        ConnectError::BadBlocks { path: path(), bad: "the block in line 23 is not base64".into() },
        ConnectError::NoKey { path: path() },
        ConnectError::EncryptedKey { path: path() },
        ConnectError::Half { there: path(), missing: path() },
        ConnectError::Mismatch { key: path(), certificate: path() },
        ConnectError::Unusable { key: path(), certificate: path() },
        ConnectError::NoAuthorities,
        ConnectError::Tunnel { cause: refused_by_system() },
        ConnectError::Tls { address: address(), wrong: crate::engine::connect_error::TlsError::Expired },
    ]
}

fn engines() -> Vec<EngineError> {
    let connecting = connecting().into_iter().map(EngineError::Connect);
    let spec = crate::engine::container_spec::ContainerSpec {
        environment: vec![("A".into(), "SECRET".into())],
        ..Default::default()
    };
    let quoted = EngineError::Refused { doing: "starting".into(), reason: "cannot take \"A=SECRET\"".into() };
    let others = [
        EngineError::Unreachable { address: address(), reason: words() },
        EngineError::Forbidden { address: address(), reason: words() },
        EngineError::NotFound { what: "image a:b".into() },
        EngineError::InvalidReference { doing: "looking".into(), reason: words() },
        quoted.hiding(&spec),
    ];
    connecting.chain(others).collect()
}

fn images() -> Vec<ImageError> {
    let what = || "droplet.tgz".to_owned();
    let others = [
        ImageError::BadName { name: SafeUrl::new("u:SECRET@registry/a?t=SECRET") },
        ImageError::BadTime { variable: "SOURCE_DATE_EPOCH", typed: "x".into() },
        ImageError::BaseMissing { base: "a:b".into() },
        ImageError::Unreadable { what: what(), reason: words() },
        ImageError::Corrupt { archive: "droplet", reason: words() },
        ImageError::Empty { archive: "droplet" },
        ImageError::OtherDroplet { wanted: Lifecycle::Buildpack, found: None },
        ImageError::OtherDroplet { wanted: Lifecycle::Cnb, found: Some(Lifecycle::Buildpack) },
        ImageError::NoLauncher,
        ImageError::Entry { archive: "droplet", entry: "../a".into(), why: "no" },
        ImageError::TooLarge { archive: "droplet", limit: "32G".into() },
        ImageError::LimitExceeded { archive: "droplet", bound: Bound::from_request(1024) },
        ImageError::Spool { reason: words() },
        ImageError::Unwritable { what: what(), reason: words() },
        ImageError::LayoutExists { path: what() },
        ImageError::Export { reason: words() },
        ImageError::NoDropletLayer,
        ImageError::UnusableBase { base: "oci:a".into(), reason: words() },
        ImageError::OtherBytes { what: what(), digest: "sha256:00".into() },
        ImageError::Registry(RegistryError { text: words(), advice: "ask its operator".into() }),
    ];
    others.into_iter().chain(engines().into_iter().map(ImageError::Engine)).collect()
}

fn requests() -> Vec<RequestError> {
    let kinds = || vec![RequestKind::Staging];
    vec![
        RequestError::NoLogs { kinds: kinds(), looked: vec![path()] },
        RequestError::NoFiles { looked: vec![path()] },
        RequestError::Unreadable { log_file: "stager.stdout.log".into(), reason: words() },
        RequestError::NoRequests {
            kinds: kinds(),
            searched: Vec::new(),
            records: 0,
            is_from: false,
            warnings: Vec::new(),
        },
        RequestError::NoSuchApp {
            kinds: kinds(),
            app: "a".into(),
            nearest: Some("b".into()),
            is_from: true,
            warnings: Vec::new(),
        },
        RequestError::Ambiguous { app: "a".into(), candidates: Vec::new() },
        RequestError::NoRun { program: "builder" },
        RequestError::NoProcess { app: "a".into(), wanted: "b".into(), known: vec!["web".into()] },
    ]
}

fn logins() -> Vec<LoginError> {
    let (path, registry) = (|| "/home/me/.docker/config.json".to_owned(), || "registry.example.com".to_owned());
    vec![
        LoginError::HalfGiven,
        LoginError::NoName,
        LoginError::Terminal,
        LoginError::NoPassword,
        LoginError::Unreadable { reason: words() },
        LoginError::Config { path: path(), reason: words() },
        LoginError::BadAuth { path: path(), registry: registry() },
        LoginError::Helper { name: "pass".into(), path: path(), registry: registry(), did: words() },
    ]
}

fn plans() -> Vec<PlanError> {
    let typed = PortError::TooMany { typed: 80, ports: "8080".into() };
    let mut plans = vec![
        PlanError::ValidationErrors { errors: "x".into(), advice: None },
        PlanError::DockerApp { app: "a".into() },
        PlanError::BadImage { image: "x".into() },
        PlanError::NoLifecycle,
        PlanError::UnknownRootfs { rootfs: "x".into() },
        PlanError::NoLauncher,
        PlanError::NoSuchProcess { wanted: "a".into(), known: "web".into() },
        PlanError::OtherProcess { wanted: "a".into(), own: "b".into() },
        PlanError::UploadAndNot,
        PlanError::NobodysKey { user: "x".into() },
        PlanError::Authorities { path: "/usr".into(), why: "where the container has files of its own" },
        PlanError::LongCommand { process: "worker".into(), bytes: 140_000 },
    ];
    plans.push(PlanError::Volume(VolumeError::Twice("v".into())));
    let (id, path, why) = ("v".into(), "/etc".into(), "where the container has files of its own");
    plans.push(PlanError::Volume(VolumeError::Path { id, path, why }));
    plans.extend([PortError::Unreadable("x".into()), typed, PortError::OfRequest(0)].map(PlanError::Port));
    plans
}

fn rebases() -> Vec<RebaseError> {
    let (image, base) = (|| "a:1".to_owned(), || "b:1".to_owned());
    vec![
        RebaseError::Layers { image: image() },
        RebaseError::NotRootfs { base: base(), what: "an app's image" },
        RebaseError::Architecture { base: base(), its: "linux/arm64".into(), apps: "linux/amd64".into() },
        RebaseError::Stack { base: base(), its: "cflinuxfs5".into(), apps: "cflinuxfs4".into() },
        RebaseError::NoName { image: image() },
    ]
}

fn choices() -> Vec<ChooseError> {
    let app = || "shop".to_owned();
    vec![
        ChooseError::NoApp { word: app() },
        ChooseError::Several { word: app(), guids: "g-1, g-2".into() },
        ChooseError::SeveralNames { guid: "g-1".into(), names: "mine, victim".into() },
        ChooseError::NoProcess { app: app(), process: "clock".into(), has: "web".into() },
        ChooseError::NoInstance { app: app(), index: 7, has: "0".into() },
        ChooseError::Twice { word: "shop/web".into() },
    ]
}

fn app_refs() -> [AppRefError; 3] {
    [AppRefError::Twice, AppRefError::Push, AppRefError::Missing { command: "logs" }]
}

fn all() -> Vec<Failure> {
    let typed = ["https://u:SECRET@registry/a", "u:SECRET@registry/a", "registry/a?t=SECRET"];
    let mut all: Vec<Failure> = engines().into_iter().map(Failure::from).collect();
    all.extend(images().into_iter().map(Failure::from));
    all.extend(requests().into_iter().map(Failure::from));
    all.extend(logins().into_iter().map(Failure::from));
    all.extend(plans().into_iter().map(Failure::from));
    all.extend(rebases().into_iter().map(Failure::from));
    all.extend(app_refs().map(Failure::from));
    all.extend(choices().into_iter().map(Failure::from));
    all.extend(typed.map(|typed| Reference::read(typed).unwrap_err().into()));
    all
}

#[test]
fn no_failure_shows_a_secret_in_any_rendering() {
    for failure in all() {
        let event = failure.event();
        let shown = format!(
            "{} {} {failure:?}",
            shared_model::plain_line::plain_line(&event).unwrap().text,
            event.to_json_line()
        );
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[test]
fn no_error_is_forgotten_here() {
    assert_all_variants!(
        &connecting(),
        ConnectError,
        ConnectError {
            Nobody,
            Closed,
            Address,
            Ssh,
            NotHttp,
            Version,
            TooNew,
            Configuration,
            Unreadable,
            Malformed,
            NoContext,
            ContextWithoutEngine,
            NoCertificate,
            BadBlocks,
            NoKey,
            EncryptedKey,
            Half,
            Mismatch,
            Unusable,
            NoAuthorities,
            Tunnel,
            Tls
        }
    );
    assert_all_variants!(
        &engines(),
        EngineError,
        EngineError { Connect, Unreachable, Forbidden, NotFound, Refused, InvalidReference }
    );
    assert_all_variants!(
        &images(),
        ImageError,
        ImageError {
            BadName,
            BadTime,
            BaseMissing,
            Unreadable,
            Corrupt,
            Empty,
            OtherDroplet,
            NoLauncher,
            Entry,
            TooLarge,
            LimitExceeded,
            Spool,
            Unwritable,
            LayoutExists,
            Export,
            NoDropletLayer,
            UnusableBase,
            OtherBytes,
            Registry,
            Engine
        }
    );
    assert_all_variants!(
        &requests(),
        RequestError,
        RequestError { NoLogs, NoFiles, Unreadable, NoRequests, NoSuchApp, Ambiguous, NoProcess, NoRun }
    );
    assert_all_variants!(
        &logins(),
        LoginError,
        LoginError { HalfGiven, NoName, Terminal, NoPassword, Unreadable, Config, BadAuth, Helper }
    );
    assert_all_variants!(
        &plans(),
        PlanError,
        PlanError {
            ValidationErrors,
            DockerApp,
            BadImage,
            NoLifecycle,
            UnknownRootfs,
            NoLauncher,
            NoSuchProcess,
            OtherProcess,
            UploadAndNot,
            NobodysKey,
            Authorities,
            LongCommand,
            Volume,
            Port
        }
    );
    assert_all_variants!(&rebases(), RebaseError, RebaseError { Layers, NotRootfs, Architecture, Stack, NoName });
    assert_all_variants!(&app_refs(), AppRefError, AppRefError { Twice, Push, Missing });
    assert_all_variants!(
        &choices(),
        ChooseError,
        ChooseError { NoApp, Several, SeveralNames, NoProcess, NoInstance, Twice }
    );
}
