//! Registries that refuse, break, or lie to an engine that pushes. After each the image bears the names that it had, and the text says
//! how to go on. What they say to host-cli itself is tried without an engine.

use super::answering::{Answer, Answering};
use super::commands::{digest, said};
use super::images::{Image, docker, is_podman};
use std::net::TcpListener;

/// An answer as registries give it for errors, with the words that Docker's has for the code: containerd tells no more than
/// these.
fn error(status: &'static str, code: &str) -> Answer {
    let words = match code {
        "UNAUTHORIZED" => "authentication required",
        "DENIED" => "requested access to the resource is denied",
        "NAME_UNKNOWN" => "repository name not known to registry",
        "TOOMANYREQUESTS" => "too many requests",
        "DIGEST_INVALID" => "provided digest did not match uploaded content",
        _ => panic!("which words has {code}?"),
    };
    let errors = format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{words}\"}}]}}");
    (status, format!("Content-Type: application/json\n\n{errors}"))
}

/// A proxy's answer, as nginx gives it. Some engines tell of its status only what the page says.
fn page(status: &'static str) -> Answer {
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, format!("Content-Type: text/html\n\n{page}"))
}

/// The config is there already, so that the manifest is all that is left.
fn has_blobs(method: &str, path: &str) -> Option<Answer> {
    (method == "HEAD" && path.contains("/blobs/")).then(|| {
        let digest = path.rsplit('/').next().unwrap_or_default();
        ("200 OK", format!("Docker-Content-Digest: {digest}\n\n{{}}"))
    })
}

/// Whoever looks whether something is there hears that it is not.
fn to_what_is_sent(method: &str, answer: Answer) -> Answer {
    if method == "HEAD" { ("404 Not Found", String::new()) } else { answer }
}

fn to_the_manifest(method: &str, path: &str, answer: Answer) -> Answer {
    has_blobs(method, path).unwrap_or_else(|| to_what_is_sent(method, answer))
}

/// What the registry answers, and two parts of what is said then.
type Case = (fn(&str, &str) -> Answer, [&'static str; 2]);

#[test]
fn every_refusal_has_its_text_its_advice_and_leaves_the_names_as_they_were() {
    let image = Image::empty();
    let cases: [Case; 9] = [
        (|_, _| error("401 Unauthorized", "UNAUTHORIZED"), ["needs a login", "`docker login 127.0.0.1:"]),
        (
            |_, _| error("403 Forbidden", "DENIED"),
            ["does not let team/app be pushed without a login", "check that the repository is yours"],
        ),
        (
            |method, _| to_what_is_sent(method, error("404 Not Found", "NAME_UNKNOWN")),
            ["knows no repository team/app", "make the repository"],
        ),
        (
            |method, _| to_what_is_sent(method, error("429 Too Many Requests", "TOOMANYREQUESTS")),
            ["limits requests", "wait, then push again"],
        ),
        (|_, _| ("500 Internal Server Error", "<html>".to_owned()), [" failed", "push again later"]),
        (
            |method, path| to_the_manifest(method, path, ("503 Service Unavailable", "down".to_owned())),
            [" failed", "push again later"],
        ),
        (
            |method, path| to_the_manifest(method, path, error("400 Bad Request", "DIGEST_INVALID")),
            ["Docker cannot push to ", "without --by engine"],
        ),
        (
            |method, path| to_the_manifest(method, path, page("413 Request Entity Too Large")),
            ["Docker cannot push to ", "without --by engine"],
        ),
        (|method, path| to_the_manifest(method, path, page("502 Bad Gateway")), [" failed", "push again later"]),
    ];
    for (answer, words) in cases {
        let registry = Answering::with(answer);
        let reference = format!("{}/team/app:1", registry.address);
        let again = format!("`host-cli push {} {reference} --by engine` pushes it again", image.name);
        let refused = said(&["push", "--by", "engine", &image.name, &reference], None);
        let asked = registry.asked.lock().unwrap().join(", ");
        assert!(refused.err.contains(&format!("error: {} was not pushed: ", image.name)), "{asked}: {refused:?}");
        refused.failed(7, &[words[0], words[1], &again]);
        image.assert_named_as_before();
    }
}

#[test]
fn a_registry_that_has_another_image_than_was_sent_is_not_believed() {
    let (image, other) = (Image::empty(), "sha256:".to_owned() + &"0".repeat(64));
    let shown = other.clone();
    let registry = Answering::with(move |method, path| {
        let manifest = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{},"layers":[]}"#;
        has_blobs(method, path).unwrap_or_else(|| match method {
            "PUT" => ("201 Created", format!("Docker-Content-Digest: {shown}\n\n{{}}")),
            _ => (
                "200 OK",
                format!("Content-Type: application/vnd.docker.distribution.manifest.v2+json\r\nDocker-Content-Digest: {shown}\n\n{manifest}"),
            ),
        })
    });
    let reference = format!("{}/team/app:1", registry.address);
    let pushed = said(&["push", "--by", "engine", &image.name, &reference], None);
    if is_podman() {
        // It asks no registry what it has, so the digest is of what was sent.
        assert_ne!(digest(&pushed.done()), other);
        return;
    }
    // Containerd compares them itself, and the engine's words are shown then.
    let pushed = pushed.failed(7, &["sha256:", &other]);
    assert!(["is not what was sent", "got digest "].iter().any(|words| pushed.err.contains(words)), "{pushed:?}");
    image.assert_named_as_before();
}

#[test]
fn a_registry_that_is_not_there_is_told_apart_from_a_name_that_leads_nowhere() {
    let image = Image::empty();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("{free}/app:1");
    let nowhere = "no-such-host.invalid/app:1";
    for (by, who, advice) in
        [("direct", "host-cli", "`host-cli push --by engine`"), ("engine", "Docker", "start the registry")]
    {
        said(&["push", "--by", by, &image.name, &nobody], None)
            .failed(7, &[&format!("{who} cannot connect to registry 127.0.0.1:"), "start the registry", advice]);
        said(&["push", "--by", by, &image.name, nowhere], None)
            .failed(7, &[&format!("{who} cannot resolve the host no-such-host.invalid")]);
    }
    image.assert_named_as_before();
}

#[test]
fn who_had_the_name_before_has_it_again() {
    let (image, other) = (Image::empty(), Image::empty());
    let registry = Answering::with(|_, _| error("403 Forbidden", "DENIED"));
    let reference = format!("{}/app:1", registry.address);
    docker(&["tag", &other.id, &reference]);
    said(&["push", "--by", "engine", &image.name, &reference], None).failed(7, &["does not let app be pushed"]);
    assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", &reference]), other.id);
    image.assert_named_as_before();
}

#[test]
fn what_is_no_app_image_is_not_pushed() {
    said(&["push", "stager-rootfs:cflinuxfs4", "r.invalid/a:1"], None).failed(7, &["is not an app image"]);
    said(&["push", "no-such-app", "r.invalid/a:1"], None).failed(7, &["no app image for \"no-such-app\""]);
}
