//! A cache that an image holds, which no process test can put where the agent looks for one.
#![allow(clippy::disallowed_methods, reason = "tests look at real directories")]

use super::*;
use crate::Scope;
use crate::cache::{EntryKind, Identity};
use crate::fetch::loopback::{Audience, Server, answer, client};
use crate::session::scope::Stop;
use crate::unpack::Limits;
use http_client::Verify;
use shared_model::safe_url::SafeUrl;
use std::fs;
use std::path::Path;

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(5);
    tar.append_data(&mut header, "hello", &b"world"[..]).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn what_the_image_holds_is_used_and_what_it_does_not_hold_is_kept_in_the_volume() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let server = Server::plain(|asked, _, to| {
        let known = asked.headers.contains_key("if-none-match");
        let (status, body) = if known { (304, Vec::new()) } else { (200, archive()) };
        answer(to, status, "ETag: \"1-2\"\r\n", &body);
    });
    let (audience, stop, http) = (Audience::default(), Stop::default(), client(Vec::new(), Verify::Yes));
    let scope = Scope::new(&audience, "STG", &stop);
    let urls = ["one", "two"].map(|name| SafeUrl::new(format!("{}/{name}?md5=SECRET", server.url)));
    let tos = ["one", "two"].map(&path);
    let dependency = |at: usize| Dependency {
        name: "",
        from: &urls[at],
        to: &tos[at],
        checksum: None,
        log_source: None,
        identity: Identity::new(EntryKind::Tree, "key", &urls[at]),
    };
    let provide = |caches: &Caches, at: usize| {
        let installer = DependencyInstaller { http: &http, limits: &Limits::GENEROUS, caches, app: "" };
        let dependency = dependency(at);
        let entry = installer.install(&dependency, true, &scope).unwrap().unwrap();
        let from = entry.path().to_owned();
        installer.show(vec![Obtained { dependency: &dependency, entry, together: false }], &scope).unwrap();
        from
    };

    let nowhere = path("nowhere");
    let baking = Caches::open(Some(&path("baked")), u64::MAX, &nowhere, &scope);
    provide(&baking, 0);
    drop(baking);

    let caches = Caches::open(Some(&path("volume")), u64::MAX, &path("baked"), &scope);
    assert!(provide(&caches, 0).starts_with(path("baked")) && provide(&caches, 1).starts_with(path("volume")));
    assert_eq!(audience.heard_of("downloaded").len(), 2, "each once");
    assert_eq!(fs::read_to_string(tos[0].join("hello")).unwrap(), "world");
}

#[test]
fn whatever_the_clock_says_only_what_its_server_refuses_is_missing() {
    const END: i64 = 1_466_017_043;
    let server =
        Server::plain(|asked, _, to| answer(to, if asked.path.starts_with("/gone") { 410 } else { 200 }, "", b""));
    let (audience, stop, http) = (Audience::default(), Stop::default(), client(Vec::new(), Verify::Yes));
    let scope = Scope::new(&audience, "STG", &stop);
    let urls = ["there", "gone"].map(|name| SafeUrl::new(format!("{}/{name}?md5=SECRET&expires={END}", server.url)));
    let dependencies: Vec<Dependency> = urls
        .iter()
        .map(|from| Dependency {
            name: "",
            from,
            to: Path::new("/nowhere"),
            checksum: None,
            log_source: None,
            identity: None,
        })
        .collect();
    let needed: Vec<Needed> = dependencies.iter().map(|dependency| Needed::Dependency(dependency, true)).collect();
    let caches = Caches::default();
    let installer = DependencyInstaller { http: &http, limits: &Limits::GENEROUS, caches: &caches, app: "" };
    for (now, missing) in [
        (i64::MIN, &[][..]),
        (-1, &[]),
        (END - 3 * 3600, &[]),
        (END - 1, &[]),
        (END, &urls[1..]),
        (END + 40 * 365 * 86_400, &urls[1..]),
        (i64::MAX, &urls[1..]),
    ] {
        let found: Vec<SafeUrl> = installer.missing(&needed, now, &scope).into_iter().map(|one| one.from).collect();
        assert_eq!(found, missing, "{now}");
    }
}
