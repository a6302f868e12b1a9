//! The calls of a staging through TLS, and what is said when TLS comes to nothing.

use super::*;
use crate::engine::connect_error::TlsError;
use crate::engine::docker::tls_engine::{Behind, Recipe, TlsEngine};
use rcgen::{CertificateParams, date_time_ymd};
use std::fs;
use std::io::Write;

const VERSIONS: [&[&rustls::SupportedProtocolVersion]; 2] = [&[&rustls::version::TLS12], &[&rustls::version::TLS13]];

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *text).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Bytes that no layer on the way could make smaller, `count` of them, and others for each test run.
fn noise(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open("/dev/urandom").unwrap().take(count as u64).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_container_reads_its_input_to_the_end_and_answers_after_it_in_either_version_of_tls() {
    for versions in VERSIONS {
        let engine = TlsEngine::new(&Recipe { versions, ..Recipe::default() });
        let docker = Docker::connect_with(&engine.environment()).unwrap();
        let spec = ContainerSpec { reads_stdin: true, ..shell("sha256sum; echo wrong >&2; exit 7") };
        let container = made(&docker, &spec);
        let input = noise(3 << 20);
        let (mut out, mut err) = (String::new(), String::new());
        let status = docker.run(&container.1, Input::Whole(&input), &mut |stream, piece| match stream {
            Stream::Out => out.push_str(&String::from_utf8_lossy(piece)),
            Stream::Err => err.push_str(&String::from_utf8_lossy(piece)),
        });
        assert_eq!((status.unwrap(), err.as_str()), (7, "wrong\n"));
        assert!(out.starts_with(&hex_sha256(&input)), "{out}");
    }
}

fn hex_sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let mut text = Vec::new();
    Sha256::digest(bytes).iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
    String::from_utf8(text).unwrap()
}

#[test]
fn an_image_is_built_exported_removed_loaded_again_and_a_file_taken_out_through_tls() {
    let engine = TlsEngine::new(&Recipe::default());
    let docker = Docker::connect_with(&engine.environment()).unwrap();
    let content = noise(9 << 20);
    let dockerfile = b"FROM scratch\nLABEL stager.kind=app\nCMD [\"/none\"]\nCOPY content /content\n";
    let sources = tar_of(&[("Dockerfile", dockerfile), ("content", &content)]);
    let image = docker.build(Box::new(Cursor::new(sources))).unwrap();
    let mut archive = Vec::new();
    docker.save(&image).unwrap().read_to_end(&mut archive).unwrap();
    docker.remove_dangling(&image).unwrap();
    assert_eq!(docker.image(&image.0).unwrap(), None);
    docker.load(Box::new(Cursor::new(archive))).unwrap();
    assert!(docker.image(&image.0).unwrap().is_some());
    let labels = [("stager.kind".to_owned(), "test".to_owned())].into();
    let spec = ContainerSpec { image: image.0.clone(), labels, ..ContainerSpec::default() };
    let container = made(&docker, &spec);
    let mut taken = tar::Archive::new(docker.copy_out(&container.1, "/content").unwrap());
    let mut found = Vec::new();
    taken.entries().unwrap().next().unwrap().unwrap().read_to_end(&mut found).unwrap();
    assert!(found == content, "{} bytes came out", found.len());
    drop(container);
    docker.remove_dangling(&image).unwrap();
}

#[test]
fn many_calls_at_once_go_through_the_tunnel_beside_a_long_one() {
    let engine = TlsEngine::new(&Recipe::default());
    let docker = Docker::connect_with(&engine.environment()).unwrap();
    let container = made(&docker, &ContainerSpec { reads_stdin: true, ..shell("echo up; cat >/dev/null; sleep 60") });
    docker
        .run(&container.1, Input::Whole(b"x"), &mut |_, _| {
            thread::scope(|scope| {
                for _ in 0..20 {
                    scope.spawn(|| assert!(docker.container(&container.1).unwrap().unwrap().running));
                }
            });
            docker.stop(&container.1, Duration::ZERO).unwrap();
        })
        .unwrap();
}

/// What is said of an engine where the environment is changed so.
#[track_caller]
fn told(engine: &TlsEngine, change: impl FnOnce(&mut Environment)) -> TlsError {
    let mut environment = engine.environment();
    change(&mut environment);
    match Docker::connect_with(&environment).err() {
        Some(EngineError::Connect(ConnectError::Tls { wrong, .. })) => wrong,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_engines_certificate_that_does_not_serve_is_told_with_the_reason() {
    let with = |certificate: CertificateParams| TlsEngine::new(&Recipe { certificate, ..Recipe::default() });
    let mut old = Recipe::default().certificate;
    (old.not_before, old.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    assert_eq!(told(&with(old), |_| {}), TlsError::Expired);
    let mut early = Recipe::default().certificate;
    (early.not_before, early.not_after) = (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
    assert_eq!(told(&with(early), |_| {}), TlsError::NotYetValid);
    let other = told(&with(CertificateParams::new(vec!["elsewhere".to_owned()]).unwrap()), |_| {});
    assert!(other.to_string().contains("elsewhere"), "{other}");
    let stranger = TlsEngine::new(&Recipe::default());
    // One that shows the very certificate in ca.pem is believed; one that shows another authority's is not.
    let authority = TlsEngine::new(&Recipe { shows_authority: true, ..Recipe::default() });
    Docker::connect_with(&authority.environment()).unwrap();
    fs::copy(stranger.certificates.path().join("ca.pem"), authority.certificates.path().join("ca.pem")).unwrap();
    assert_eq!(told(&authority, |_| {}), TlsError::AuthorityAsServer);

    let known = TlsEngine::new(&Recipe::default());
    fs::copy(stranger.certificates.path().join("ca.pem"), known.certificates.path().join("ca.pem")).unwrap();
    let trusted = known.certificates.path().join("ca.pem");
    assert_eq!(told(&known, |_| {}), TlsError::UnknownAuthority { trusted });
    // Whoever asks for no proof gets none.
    let careless = Environment { tls_verify: false, tls: true, ..known.environment() };
    Docker::connect_with(&careless).unwrap();
}

#[test]
fn an_engine_that_refuses_our_certificate_is_told_in_either_version_of_tls() {
    for versions in VERSIONS {
        let foreign = TlsEngine::new(&Recipe { versions, foreign_client: true, ..Recipe::default() });
        let shown = foreign.certificates.path().join("cert.pem");
        match told(&foreign, |_| {}) {
            TlsError::Refused { how, shown: named } => {
                assert_eq!((how, named), ("does not know the authority of", shown));
            }
            // The kernel drops the engine's last words when ours came after them.
            TlsError::HungUp { shown: named } => assert_eq!(named, Some(shown)),
            other => panic!("{other}"),
        }
        let engine = TlsEngine::new(&Recipe { versions, ..Recipe::default() });
        for name in ["cert.pem", "key.pem"] {
            fs::remove_file(engine.certificates.path().join(name)).unwrap();
        }
        let none = told(&engine, |_| {});
        assert!(matches!(none, TlsError::NothingToShow | TlsError::HungUp { shown: None }), "{none}");
    }
}

#[test]
fn tls_to_an_engine_without_it_and_none_to_one_with_it_are_told_apart() {
    let Address::Tcp(plain) = over_tcp() else { panic!("no TCP") };
    let engine = TlsEngine::new(&Recipe::default());
    assert_eq!(told(&engine, |one| one.host = format!("tcp://{plain}")), TlsError::Plain);
    let error = Docker::connect_with(&Environment { tls_verify: false, ..engine.environment() }).err().unwrap();
    assert!(matches!(error, EngineError::Connect(ConnectError::NotHttp { .. })), "{error}");
    let nothing = TlsEngine::new(&Recipe { behind: Behind::Nothing, ..Recipe::default() });
    assert!(matches!(told(&nothing, |_| {}), TlsError::HungUp { .. }));
}

#[test]
fn an_engine_that_has_answered_once_and_hangs_up_later_is_not_said_to_refuse_our_certificate() {
    let engine = TlsEngine::new(&Recipe { behind: Behind::EngineOnce, ..Recipe::default() });
    let docker = Docker::connect_with(&engine.environment()).unwrap();
    let error = docker.has_network("bridge").unwrap_err();
    assert!(matches!(error, EngineError::Refused { .. }), "{error}");
}
