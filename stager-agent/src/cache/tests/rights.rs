//! What a builder, which runs as another user in the same container, can do with the cache of all stagings.
#![allow(clippy::disallowed_methods, reason = "tests start processes")]

use super::processes::Child;
use super::*;
use crate::fetch::loopback::{Server, answer, client};
use crate::fetch::{Archive, fetch};
use crate::unpack::Limits;
use http_client::Verify;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The builder's user.
const VCAP: u32 = 2000;

/// A tar with the widest modes: writable by all, set-user-id, a directory for all.
fn wide_open() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let entries: [(&str, u32, tar::EntryType); 4] = [
        ("bin/", 0o7777, tar::EntryType::Directory),
        ("bin/detect", 0o4777, tar::EntryType::Regular),
        ("bin/compile", 0o2666, tar::EntryType::Regular),
        ("sticky/", 0o1777, tar::EntryType::Directory),
    ];
    for (name, mode, kind) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_entry_type(kind);
        let text = if kind == tar::EntryType::Regular { &b"x"[..] } else { b"" };
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Runs a shell line as the builder would.
fn builder_can(line: &str) -> bool {
    Command::new("sh").arg("-c").arg(line).uid(VCAP).gid(VCAP).output().unwrap().status.success()
}

/// A cache in a directory that has to be made for it.
fn deep(root: &Path) -> PathBuf {
    root.with_file_name("deep").join("er")
}

/// A role for another process, whose umask lets everything through: what keeps the builder out must be ours.
pub(super) fn fill_without_umask(root: &Path) {
    rustix::process::umask(0.into());
    drop(Cache::open(&deep(root), PLENTY).unwrap());
    let cache = Cache::open(root, PLENTY).unwrap();
    let claim = claim(&cache, &identity("a"));
    let server = Server::plain(|_, _, connection| answer(connection, 200, "", &wide_open()));
    let (from, stop) = (SafeUrl::new(format!("{}/a", server.url)), Stop::default());
    let archive = Archive {
        name: "",
        from: &from,
        to: Path::new("/tmp/buildpacks/a"),
        into: Some(claim.path()),
        checksum: None,
        owner: None,
        known: None,
        copy: None,
        limits: &Limits::GENEROUS,
        disk: None,
    };
    let outcome = fetch(&client(Vec::new(), Verify::Skip), &archive, &Scope::new(&Nobody, "STG", &stop)).unwrap();
    let Some(fetched) = outcome else { panic!("{outcome:?}") };
    assert!(claim.publish(Facts::default(), fetched.contents).unwrap().warning.is_none());
    publish_package(&cache, "app", "secret source");
}

#[test]
fn a_builder_can_read_what_it_is_told_of_and_nothing_else() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can become the builder
    }
    let home = Home::new();
    fs::set_permissions(home.folder.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(Child::play("fill without umask", &home).says(), "filled");
    let cache = home.cache();
    let (entry, package) = (found(&cache, &identity("a")), found(&cache, &package("app")));

    let (root, tree) = (home.root().display().to_string(), entry.path().display().to_string());
    for line in [format!("cat {tree}/bin/detect"), format!("ls {tree}/bin"), format!("test -x {tree}/bin/detect")] {
        assert!(builder_can(&line), "{line}");
    }
    for line in [
        format!("echo evil >{tree}/bin/detect"),
        format!("echo evil >{tree}/bin/compile"),
        format!("echo evil >{tree}/bin/new"),
        format!("echo evil >{tree}/sticky/new"),
        format!("echo evil >{tree}/new"),
        format!("rm -f {tree}/bin/detect && test ! -e {tree}/bin/detect"),
        format!("mv {tree}/bin {tree}/nib"),
        format!("chmod 0777 {tree}"),
        format!("test -u {tree}/bin/detect"),
        format!("test -g {tree}/bin/compile"),
        format!("ls {root}"),
        format!("ls {root}/entries"),
        format!("ls {root}/index"),
        format!("cat {root}/index/{}.json", identity("a").id()),
        format!("ls {root}/packages"),
        format!("cat {}", package.path().display()),
        format!("ls {root}/locks"),
        format!("flock -n -s {root}/locks/{} true", identity("a").id()),
        format!("flock -n -s {root}/locks true"),
        format!("echo >{root}/new"),
        format!("echo 9 >{root}/format"),
        format!("echo >{}/../new", deep(&home.root()).display()),
        format!("mkdir {root}/entries/0123456789abcdef0123456789abcdef"),
    ] {
        assert!(!builder_can(&line), "{line}");
    }
    assert!(is_there(&cache, "a"));
}

#[test]
fn another_user_than_root_keeps_no_cache() {
    let home = Home::new();
    if rustix::process::geteuid().is_root() {
        assert!(Cache::open(&home.root(), PLENTY).is_ok());
        return; // the agent as another user is tried as a process
    }
    let error = Cache::open(&home.root(), PLENTY).unwrap_err();
    assert!(matches!(error, CacheError::NotOurs { .. }), "{error}");
    assert!(!home.root().exists());
}
