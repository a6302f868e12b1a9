//! What a droplet and a lifecycle become as layers, byte by byte, and what is refused.

use super::super::droplet::droplet_layer;
use super::super::lifecycle::{LifecycleSource, lifecycle_layer};
use super::super::samples::{Sample, as_file};
use super::super::sha256::sha256_of;
use super::*;
use crate::image::GENEROUS;
use crate::screen::recording::Recording;
use proptest::prelude::*;
use shared_model::event::Event;
use shared_model::lifecycle::Lifecycle;

mod forms;

/// `mode owner path [-> target] content`, one an entry.
fn listing(layer: &Layer) -> Vec<String> {
    let mut tar = tar::Archive::new(layer.content());
    let mut lines = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let head = entry.header();
        let mut line = format!("{:o} {}:{} ", head.mode().unwrap(), head.uid().unwrap(), head.gid().unwrap());
        line.push_str(&String::from_utf8_lossy(&entry.path_bytes()));
        if let Some(target) = entry.link_name_bytes() {
            let arrow = if entry.header().entry_type().is_symlink() { " -> " } else { " = " };
            line = line + arrow + &String::from_utf8_lossy(&target);
        }
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        lines.push(if content.is_empty() { line } else { line + " " + &content });
    }
    lines
}

/// The layer of a droplet, with its own times; what is said about it is not heard.
fn made(droplet: &[u8]) -> Result<Layer, ImageError> {
    droplet_layer(droplet, Lifecycle::Buildpack, None, Bound::from_option(GENEROUS), &Recording::default(), |_| None)
}

fn droplet_error(droplet: Sample) -> String {
    made(&droplet.tgz()).err().unwrap().to_string()
}

#[test]
fn a_droplet_comes_to_the_home_of_vcap_in_its_order_with_its_modes_and_links() {
    let long = format!("./app/{}/file", "long".repeat(40));
    let droplet = Sample::droplet()
        .link(EntryType::Symlink, "./app/link", "../../../etc/./hosts")
        .link(EntryType::Link, "./app/again", "./app/run.sh")
        .link(EntryType::Symlink, "./app/far", &"../far/".repeat(30))
        .file(&long, b"deep", 0o4773)
        .file("./staging_info.yml", b"{}", 0o644);
    let lines = listing(&made(&droplet.tgz()).unwrap());
    assert_eq!(
        lines,
        [
            "755 2000:2000 home/vcap/".to_owned(),
            "755 2000:2000 home/vcap/app/".to_owned(),
            "755 2000:2000 home/vcap/app/run.sh echo hello".to_owned(),
            "777 2000:2000 home/vcap/app/link -> ../../../etc/./hosts".to_owned(),
            "755 2000:2000 home/vcap/app/again = home/vcap/app/run.sh".to_owned(),
            format!("777 2000:2000 home/vcap/app/far -> {}", "../far/".repeat(30)),
            format!("751 2000:2000 home/vcap/{} deep", &long[2..]),
            "644 2000:2000 home/vcap/staging_info.yml {}".to_owned(),
        ]
    );
}

#[test]
fn a_droplet_is_of_the_lifecycle_that_it_is_wanted_of() {
    let made = |droplet: Sample, lifecycle| {
        droplet_layer(&*droplet.tgz(), lifecycle, None, Bound::from_option(GENEROUS), &Recording::default(), |_| None)
    };
    let lines = listing(&made(Sample::cnb_droplet(), Lifecycle::Cnb).unwrap());
    assert_eq!(
        lines[1..4].iter().map(|line| line.trim_start_matches("755 2000:2000 ")).collect::<Vec<_>>(),
        ["home/vcap/app/", "644 2000:2000 home/vcap/layers/config/metadata.toml", "home/vcap/workspace/",]
    );
    let only = |folder: &str| Sample::new().folder("./", 0o700).folder("./app/", 0o755).folder(folder, 0o755);
    let none = || only("./app/x/").link(EntryType::Symlink, "./workspace", "app").file("./layers", b"", 0o644);
    for (droplet, lifecycle, why) in [
        (Sample::cnb_droplet(), Lifecycle::Buildpack, "not a droplet of a buildpack app: it is one of a cnb app"),
        (Sample::droplet(), Lifecycle::Cnb, "not a droplet of a cnb app: it is one of a buildpack app"),
        (only("./workspace/"), Lifecycle::Cnb, "not a droplet of a cnb app: it is one of a buildpack app"),
        (none(), Lifecycle::Cnb, "not a droplet of a cnb app: it is one of a buildpack app"),
        (
            Sample::new().folder("./layers/", 0o755),
            Lifecycle::Cnb,
            "not a droplet of a cnb app: it has no folders `workspace`, `layers`",
        ),
    ] {
        assert_eq!(made(droplet, lifecycle).err().unwrap().to_string(), why);
    }
}

#[test]
fn of_extended_attributes_the_users_own_survive_and_the_others_are_left_out_with_one_warning() {
    let records: [(&str, &[u8]); 4] = [
        ("SCHILY.xattr.user.mime", b"text/plain"),
        ("SCHILY.xattr.security.capability", b"\x01\0\0\x02"),
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
        ("LIBARCHIVE.xattr.user.encoded", b"eA"),
    ];
    let acl: [(&str, &[u8]); 1] = [("SCHILY.xattr.system.posix_acl_access", b"\x02\0\0\0")];
    let droplet = Sample::droplet().records(&records).file("./app/marked", b"x", 0o644);
    let droplet = droplet.file("./app/plain", b"y", 0o644).records(&acl).file("./app/shared", b"z", 0o644);
    let events = Recording::default();
    let layer =
        droplet_layer(&*droplet.tgz(), Lifecycle::Buildpack, None, Bound::from_option(GENEROUS), &events, |_| None)
            .unwrap();
    let mut found = Vec::new();
    for entry in tar::Archive::new(layer.content()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        for record in entry.pax_extensions().unwrap().into_iter().flatten() {
            let record = record.unwrap();
            found.push(format!("{path} {} {}", record.key().unwrap(), record.value().unwrap()));
        }
    }
    let marked = "home/vcap/app/marked SCHILY.xattr.user.";
    assert_eq!(found, [format!("{marked}encoded x"), format!("{marked}mime text/plain")]);
    let text = "3 extended attributes of the droplet's files left out (the first is security.capability); of those only \
                user.* is kept, as no other would be in Diego";
    assert_eq!(events.events(), [Event::Warning { text: text.to_owned() }]);
}

#[test]
fn the_digest_is_that_of_the_bytes_and_the_same_droplet_gives_the_same_bytes() {
    let droplet = Sample::droplet().tgz();
    let (first, second) = (made(&droplet).unwrap(), made(&droplet).unwrap());
    let (digest, bytes) = sha256_of(first.content()).unwrap();
    assert_eq!((&digest, bytes), (&first.sha256, first.bytes));
    assert_eq!(first.sha256, second.sha256);
}

#[test]
fn an_entry_that_would_leave_its_folder_is_refused_by_name() {
    for (path, why) in [
        ("../../etc/passwd", "`../../etc/passwd`, which leads out"),
        ("/etc/passwd", "`/etc/passwd`, which leads out"),
        ("./app/../../x", "which leads out"),
        ("./app/.wh.run.sh", "deletion"),
        ("./app/.wh..wh..opq", "deletion"),
    ] {
        let error = droplet_error(Sample::droplet().file(path, b"x", 0o644));
        assert!(error.contains(why), "{path}: {error}");
    }
    for target in ["/etc/shadow", "../../etc/shadow"] {
        let error = droplet_error(Sample::droplet().link(EntryType::Link, "./app/hard", target));
        assert!(error.contains("`./app/hard`, which leads out"), "{error}");
    }
    let through = Sample::droplet().link(EntryType::Symlink, "./app/etc", "/etc").file("./app/etc/passwd", b"x", 0o644);
    assert!(droplet_error(through).contains("`./app/etc/passwd`, which leads through a symbolic link"));
    let twice = Sample::droplet()
        .link(EntryType::Symlink, "./app/etc", "/etc")
        .link(EntryType::Link, "./app/same", "app/etc")
        .file("./app/same/passwd", b"x", 0o644);
    assert!(droplet_error(twice).contains("`./app/same/passwd`, which leads through"));
    let hard = Sample::droplet().link(EntryType::Symlink, "./app/etc", "/etc").link(
        EntryType::Link,
        "./app/shadow",
        "app/etc/shadow",
    );
    assert!(droplet_error(hard).contains("`./app/shadow`, which leads through"));
    for kind in [EntryType::Char, EntryType::Block] {
        assert!(droplet_error(Sample::droplet().link(kind, "./app/disk", "")).contains("device"));
    }
    assert!(droplet_error(Sample::droplet().file(".", b"x", 0o644)).contains("not a folder"));
}

#[test]
fn a_droplet_that_is_none_says_what_is_wrong() {
    let cut = Sample::droplet().file("./app/big", &vec![7; 100_000], 0o644).tgz();
    for end in [0, 1, 9, 20, cut.len() / 2, cut.len() - 1] {
        let error = made(&cut[..end]).err().unwrap().to_string();
        assert!(error.starts_with("the droplet is corrupt") || error.contains("no folder `app`"), "{end}: {error}");
    }
    let mut flipped = cut.clone();
    let checksum = cut.len() - 6;
    flipped[checksum] ^= 1;
    assert!(made(&flipped).err().unwrap().to_string().contains("corrupt"));
    assert!(made(b"no archive at all").err().unwrap().to_string().contains("corrupt"));
    assert!(droplet_error(Sample::new().folder("./", 0o700)).contains("no folder `app`"));
    assert!(droplet_error(Sample::new().file("./apple", b"", 0o644)).contains("no folder `app`"));
}

#[test]
fn a_lifecycle_is_roots_and_executable_from_archive_folder_or_programs_alike() {
    let archive = || Sample::new().file("./healthcheck", b"h", 0o600).file("./launcher", b"l", 0o644);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("launcher"), "l").unwrap();
    std::fs::write(folder.path().join("healthcheck"), "h").unwrap();
    // As the agent shows what its cache holds: a link, and regular files behind it.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("lifecycle");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let programs = || vec![("launcher".to_owned(), as_file(b"l")), ("healthcheck".to_owned(), as_file(b"h"))];
    let layers = [
        LifecycleSource::Archive(as_file(&archive().tgz())),
        LifecycleSource::Archive(as_file(&archive().tar())),
        LifecycleSource::at(folder.path()).unwrap(),
        LifecycleSource::at(&link).unwrap(),
        LifecycleSource::Programs(programs()),
    ]
    .map(|mut lifecycle| lifecycle_layer(&mut lifecycle, None, Bound::from_option(GENEROUS)).unwrap());
    assert!(layers.iter().all(|layer| layer.sha256 == layers[0].sha256));
    let [first, ..] = layers;
    assert_eq!(
        listing(&first),
        [
            "1777 0:0 tmp/",
            "755 0:0 tmp/lifecycle/",
            "755 0:0 tmp/lifecycle/healthcheck h",
            "755 0:0 tmp/lifecycle/launcher l"
        ]
    );
}

#[test]
fn a_lifecycle_without_a_launcher_or_that_is_none_is_refused() {
    let error = |bytes: &[u8]| {
        lifecycle_layer(&mut LifecycleSource::Archive(as_file(bytes)), None, Bound::from_option(GENEROUS))
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(error(b""), "the lifecycle is empty");
    assert!(error(b"no archive").starts_with("the lifecycle is corrupt"));
    for sample in [Sample::new().file("./builder", b"b", 0o755), Sample::new().folder("launcher", 0o755)] {
        assert_eq!(error(&sample.tgz()), "the lifecycle has no program `launcher`");
    }
    assert!(error(&Sample::new().file("../launcher", b"l", 0o755).tar()).contains("leads out"));
    let missing = LifecycleSource::at(Path::new("/no/such/lifecycle")).unwrap_err().to_string();
    assert!(missing.contains("/no/such/lifecycle"), "{missing}");
}

proptest! {
    #[test]
    fn nothing_ever_leaves_the_home_of_vcap(
        entries in prop::collection::vec(
            ("(\\./|/)?((\\.\\.|\\.|app|a|b|etc)/){0,4}(\\.\\.|a|b|app|etc)/?", prop::sample::select(vec![b'0', b'1', b'2', b'5']), "(/|\\.\\./)?(a|b|etc)(/a)?"),
            0..12)
    ) {
        let sample = entries.iter().fold(Sample::droplet(), |sample, (path, kind, target)| {
            sample.link(EntryType::new(*kind), path, target)
        });
        if let Ok(layer) = made(&sample.tgz()) {
            let mut links: Vec<PathBuf> = Vec::new();
            for entry in tar::Archive::new(layer.content()).entries().unwrap() {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().into_owned();
                let plain = |path: &Path| path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(path.starts_with("home/vcap") && plain(&path));
                prop_assert!(!links.iter().any(|link| path != *link && path.starts_with(link)));
                let target = entry.link_name().unwrap().map(std::borrow::Cow::into_owned).unwrap_or_default();
                match entry.header().entry_type() {
                    EntryType::Symlink => links.push(path),
                    EntryType::Link => {
                        prop_assert!(target.starts_with("home/vcap") && plain(&target));
                        if links.contains(&target) {
                            links.push(path);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
