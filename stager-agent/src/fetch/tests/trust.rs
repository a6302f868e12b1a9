//! Whose certificates are believed.

use super::*;

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
