//! Whose certificates are believed.

use super::*;
use http_client::{ClientError, TrustError};

#[test]
fn an_authority_is_trusted_when_named_and_only_then() {
    let authority = TestAuthority::for_host("localhost");
    let server = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let case = Case::new();
    let error = case.run(&client(Vec::new(), Verify::Yes), &server.url, None).unwrap_err();
    let FetchError::Transfer { cause: TransferError::UnknownAuthority { host }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((host.as_str(), case.audience.heard_of("retrying").len()), ("localhost", 0));

    let certificates = TempDir::new().unwrap();
    let file = certificates.path().join("hcf.crt");
    fs::write(&file, &authority.pem).unwrap();
    Case::new().run(&client(vec![file], Verify::Yes), &server.url, None).unwrap();
    Case::new().run(&client(Vec::new(), Verify::Skip), &server.url, None).unwrap();

    let folder = Some(certificates.path().to_owned());
    let by_folder =
        Http::new(&Trust { files: Vec::new(), folder, verify: Verify::Yes, own: None }, Timeouts::default()).unwrap();
    Case::new().run(&by_folder, &server.url, None).unwrap();
}

#[test]
fn a_certificate_for_another_host_is_told_from_an_unknown_authority() {
    let authority = TestAuthority::for_host("blobstore");
    let server = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let certificates = TempDir::new().unwrap();
    let file = certificates.path().join("ca.pem");
    fs::write(&file, &authority.pem).unwrap();
    let error = Case::new().run(&client(vec![file], Verify::Yes), &server.url, None).unwrap_err();
    assert!(with_causes(&error).ends_with("the certificate of the server is not for \"localhost\""), "{error:?}");
    Case::new().run(&client(Vec::new(), Verify::Skip), &server.url, None).unwrap();
}

#[test]
fn a_server_that_vouches_for_itself_is_trusted_when_its_certificate_is_named_and_only_then() {
    let (own, other) = (TestAuthority::self_signed("localhost"), TestAuthority::self_signed("localhost"));
    let elsewhere = TestAuthority::self_signed("blobstore");
    let folder = TempDir::new().unwrap();
    let named = |name: &str, authority: &TestAuthority| {
        let file = folder.path().join(name);
        fs::write(&file, &authority.pem).unwrap();
        client(vec![file], Verify::Yes)
    };
    let (own_file, other_file) = (named("own.pem", &own), named("other.pem", &other));
    let elsewhere_file = named("elsewhere.pem", &elsewhere);
    let server = Server::tls(&own, |_, _, to| answer(to, 200, "", &tgz(10)));
    let server_elsewhere = Server::tls(&elsewhere, |_, _, to| answer(to, 200, "", &tgz(10)));
    Case::new().run(&own_file, &server.url, None).unwrap();
    Case::new().run(&client(Vec::new(), Verify::Skip), &server.url, None).unwrap();
    for (http, url, expected) in [
        (&client(Vec::new(), Verify::Yes), &server.url, "is signed by an authority that is not trusted here"),
        (&other_file, &server.url, "is signed by an authority that is not trusted here"),
        (&elsewhere_file, &server_elsewhere.url, "the certificate of the server is not for \"localhost\""),
    ] {
        let error = with_causes(&Case::new().run(http, url, None).unwrap_err());
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn a_block_that_is_no_certificate_is_told_with_its_line_and_left_out_where_nobody_named_its_file() {
    let authority = TestAuthority::for_host("localhost");
    let server = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    fs::write(&file, format!("# ours\n{broken}{}", authority.pem)).unwrap();
    let words = "the block in line 2 is base64, but not of a certificate";
    let trust = |files, folder| Trust { files, folder, verify: Verify::Yes, own: None };
    let error = Http::new(&trust(vec![file.clone()], None), Timeouts::default()).unwrap_err().to_string();
    assert_eq!(error, format!("cannot use the certificates in {}: {words}", file.display()));
    let by_folder = trust(Vec::new(), Some(folder.path().to_owned()));
    let told = format!("certificates in {} are left out: {words}", file.display());
    assert_eq!(by_folder.left_out().unwrap(), [told]);
    Case::new().run(&Http::new(&by_folder, Timeouts::default()).unwrap(), &server.url, None).unwrap();
}

#[test]
fn a_certificate_file_that_cannot_be_used_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
    fs::write(&empty, "no certificate").unwrap();
    let build = |path: &std::path::Path| {
        let trust = Trust {
            files: vec![path.to_owned()],
            folder: Some("/does/not/exist".into()),
            verify: Verify::Yes,
            own: None,
        };
        Http::new(&trust, Timeouts::default()).unwrap_err()
    };
    assert!(matches!(build(&missing), ClientError::Trust(TrustError::Unreadable { .. })));
    assert!(build(&empty).to_string().ends_with("empty.pem holds no certificate in PEM form"));
}
