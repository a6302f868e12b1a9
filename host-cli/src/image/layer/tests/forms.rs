//! Droplets as real packers write them, and their layers as a real tar unpacks them: the same files.

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use tempfile::TempDir;

/// Runs a program in `folder`; what it printed.
fn run(folder: &Path, program: &str, words: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(words).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; ci/setup installs it"));
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn shell(folder: &Path, script: &str) -> Vec<u8> {
    run(folder, "sh", &["-ec", script])
}

/// The droplet that a packer makes of a folder with `app` in it.
fn packed(folder: &Path, command: &str) -> Vec<u8> {
    shell(folder, &format!("{command} | gzip -1"))
}

/// What tar makes of a layer: the folder that is the home of vcap.
fn unpacked(layer: &Layer) -> (TempDir, PathBuf) {
    let (folder, home) = (TempDir::new().unwrap(), PathBuf::from("home/vcap"));
    let file = folder.path().join("layer.tar");
    io::copy(&mut layer.content(), &mut File::create(&file).unwrap()).unwrap();
    run(
        folder.path(),
        "tar",
        &["-xpf", "layer.tar", "--no-same-owner", "--delay-directory-restore", "--xattrs", "--xattrs-include=user.*"],
    );
    let home = folder.path().join(home);
    (folder, home)
}

/// By path: kind, mode, time, number of names, attributes, and target or content.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let names = if meta.is_dir() { 0 } else { meta.nlink() };
            let mut line = format!("{:o} {} {names} ", meta.permissions().mode(), meta.mtime());
            if meta.is_dir() {
                folders.push(path.clone());
            } else if meta.is_symlink() {
                line = format!("{line}{:?}", fs::read_link(&path).unwrap());
            } else if meta.is_file() {
                let sha256 = super::super::super::sha256::sha256_of(File::open(&path).unwrap()).unwrap();
                let mark = rustix::fs::lgetxattr(&path, "user.mark", &mut [0; 64]).ok();
                line = format!("{line}{sha256:?} {mark:?}");
            }
            found.insert(path.strip_prefix(root).unwrap().to_owned(), line);
        }
    }
    found
}

const FORMS: [&str; 6] = [
    "tar -c --format=gnu .",
    "tar -c --format=oldgnu .",
    "tar -c --format=posix --xattrs .",
    "bsdtar -c --format=pax --xattrs .",
    "bsdtar -c --format=gnutar .",
    "tar -c --format=posix --pax-option=globexthdr.name=g,comment=all .",
];

#[test]
fn the_files_of_every_form_come_to_the_layer() {
    let original = TempDir::new().unwrap();
    let long = format!("app/{}/{}", "d".repeat(200), "f".repeat(250));
    let script = "umask 022; mkdir -p app/empty app/closed \"${0%/*}\"; echo run >app/run; chmod 755 app/run
        echo long >\"$0\"; ln \"$0\" app/hard; ln -s \"../$0\" app/soft; ln -s /nowhere/./.. app/odd
        printf x >\"app/line
end\"; printf x >\"$(printf 'app/\\377\\376')\"; printf x >'app/blank  and \\ and \"'; mkfifo app/pipe
        touch -d '1969-12-31 UTC' app/old; touch -d '2016-06-15 18:30:43.75 UTC' app/fraction; chmod 0 app/closed
        touch -d '2300-01-01 UTC' app/future; touch -d '2016-01-01 UTC' app/* \"${0%/*}\" 2>/dev/null
        touch -d '1969-12-31 UTC' app/old; touch -d '2016-06-15 18:30:43.75 UTC' app/fraction";
    run(original.path(), "sh", &["-c", script, &long]);
    for form in FORMS {
        let (_folder, home) = unpacked(&made(&packed(original.path(), form)).unwrap());
        let mut expected = tree(original.path());
        let old = expected.get_mut(Path::new("app/old")).unwrap();
        *old = old.replace("-86400", "0"); // engines know nothing before 1970
        assert_eq!(tree(&home), expected, "{form}");
    }
}

#[test]
fn sparse_files_of_all_four_forms_come_whole_and_give_one_layer() {
    let original = TempDir::new().unwrap();
    // The oldest form has room for 4 pieces in the header and for 21 in each block after it.
    let script = "mkdir app; cd app; truncate -s 1M hole; cp hole end; printf end >>end; printf begin >begin
        truncate -s 70000 begin; : >nothing; printf dense >dense; truncate -s 2M many
        for n in $(seq 60); do printf piece$n | dd of=many bs=8k seek=$n conv=notrunc status=none; done
        touch -d '2016-01-01 UTC' * .";
    shell(original.path(), script);
    let forms = ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix --sparse-version=1.0"];
    let layers = forms.map(|form| {
        let droplet = packed(original.path(), &format!("tar -cS --sort=name --format={form} ."));
        let plain = packed(original.path(), &format!("tar -c --sort=name --format={form} ."));
        let layer = made(&droplet).unwrap();
        assert_eq!(layer.sha256, made(&plain).unwrap().sha256, "{form}");
        layer
    });
    assert!(layers.iter().all(|layer| layer.sha256 == layers[0].sha256));
    let (_folder, home) = unpacked(&layers[0]);
    assert_eq!(tree(&home), tree(original.path()));
}

#[test]
fn the_holes_of_a_petabyte_fill_no_disk_and_a_map_that_contradicts_itself_is_damage() {
    let huge = TempDir::new().unwrap();
    shell(huge.path(), "mkdir app; truncate -s 7T app/huge; printf x >>app/huge");
    for form in ["gnu", "posix"] {
        let error = made(&packed(huge.path(), &format!("tar -cS --format={form} ."))).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the droplet makes a layer of more than 16 GiB, the most that --max-layer allows",
            "{form}"
        );
    }
    let sparse = |map: &str, size: &str| {
        let records = [("GNU.sparse.map", map.as_bytes()), ("GNU.sparse.size", size.as_bytes())];
        droplet_error(Sample::droplet().records(&records).file("./app/sparse", b"12345678", 0o644))
    };
    for (map, size, why) in [
        ("0,4,2,4", "8", "overlap"),
        ("4,4,0,4", "8", "overlap"),
        ("0,4,9,4", "8", "does not fit"),
        ("0,4", "8", "does not fit"),
        ("0,9", "9", "does not fit"),
        ("0,8", "18446744073709551615", "more than"),
        ("18446744073709551615,8", "18446744073709551615", "does not fit"),
        ("0,4,4", "8", "malformed"),
        ("0,x", "8", "malformed"),
    ] {
        let error = sparse(map, size);
        assert!(error.contains(why), "{map} of {size}: {error}");
    }
}

#[test]
fn no_file_is_newer_than_the_time_that_was_asked_for_and_so_two_stagings_give_one_layer() {
    let original = TempDir::new().unwrap();
    let layer = |touch: &str, newest| {
        shell(
            original.path(),
            &format!("mkdir -p app; echo x >app/old; echo y >app/new; touch -d @1000 app/old; {touch}"),
        );
        droplet_layer(
            &*packed(original.path(), "tar -c --sort=name ."),
            Lifecycle::Buildpack,
            newest,
            Bound::from_option(GENEROUS),
            &Recording::default(),
            |_| None,
        )
        .unwrap()
    };
    let newest = Some(1_500_000_000);
    let first = layer("touch -d @1600000000 app/new app .", newest);
    let second = layer("touch -d @1600000001 app/new app .", newest);
    assert_eq!(first.sha256, second.sha256);
    assert_ne!(first.sha256, layer("touch -d @1600000001 app/new app .", None).sha256);
    let (_folder, home) = unpacked(&first);
    let time = |path: &str| fs::metadata(home.join(path)).unwrap().mtime();
    assert_eq!((time("app/old"), time("app/new"), time("app")), (1000, 1_500_000_000, 1_500_000_000));
}

#[test]
fn what_comes_twice_counts_once_and_what_is_in_the_way_of_another_is_refused() {
    let link = |path, target| Sample::droplet().file("./app/a", b"1", 0o644).link(EntryType::Link, path, target);
    let twice = Sample::droplet().file("./app/a", b"1", 0o644).file("./app/a", b"2", 0o644);
    let twice = twice.file("./app/b", b"", 0o644).folder("./app/b", 0o755).file("./app/b/c", b"3", 0o644);
    let (_folder, home) = unpacked(&made(&twice.tgz()).unwrap());
    assert_eq!(
        (fs::read(home.join("app/a")).unwrap(), fs::read(home.join("app/b/c")).unwrap()),
        (b"2".into(), b"3".into())
    );
    let text = "*.log\n".repeat(120);
    let (_folder, home) = unpacked(&made(&Sample::droplet().link(EntryType::Symlink, "./app/l", &text).tgz()).unwrap());
    assert_eq!(fs::read_link(home.join("app/l")).unwrap(), PathBuf::from(text));
    let (_folder, home) = unpacked(&made(&link("./app/a", "./app/a").tgz()).unwrap());
    assert_eq!(fs::read(home.join("app/a")).unwrap(), b"1");
    for (droplet, why) in [
        (
            link("./app/b", "./app/later").file("./app/later", b"", 0o644),
            "`./app/b`, which is a hard link to what is not there",
        ),
        (link("./app/b", "./app"), "`./app/b`, which is a hard link to a folder"),
        (link("./app/b", ""), "`./app/b`, which has a name that is none"),
        (Sample::droplet().link(EntryType::Symlink, "./app/l", ""), "`./app/l`, which is a symbolic link to nowhere"),
        (
            Sample::droplet().link(EntryType::Symlink, "./app/l", &"*.log\n".repeat(800)),
            "`./app/l`, which is a symbolic link to a name of more than 4095 bytes",
        ),
        (
            Sample::droplet().file("./app/a", b"", 0o644).file("./app/a/b", b"", 0o644),
            "`./app/a/b`, which lies in what is not a folder",
        ),
        (Sample::droplet().file("./app", b"", 0o644), "`./app`, which wants the place of a folder that is not empty"),
        (Sample::droplet().file(&format!("./app/{}", "n".repeat(256)), b"", 0o644), "more than 255 bytes"),
    ] {
        let error = droplet_error(droplet);
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn gzip_members_in_a_row_are_one_droplet_and_anything_else_behind_them_is_damage() {
    let whole = Sample::droplet().tar();
    let gzip = |bytes: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gz, bytes).unwrap();
        gz.finish().unwrap()
    };
    let members = [gzip(&whole[..700]), gzip(&whole[700..])].concat();
    assert_eq!(made(&members).unwrap().sha256, made(&gzip(&whole)).unwrap().sha256);
    for (droplet, why) in [
        ([&members[..], b"garbage"].concat(), "something follows behind its end"),
        (whole.clone(), "it is not packed with gzip"),
        (b"PK\x03\x04".to_vec(), "it is not packed with gzip"),
        (gzip(b"no tar but packed"), "ends in the middle"),
        (gzip(&[b'x'; 2000]), "checksum"),
        (gzip(&[&whole[..], &vec![0; 17 << 20]].concat()), "it goes on behind its end"),
    ] {
        let error = made(&droplet).err().unwrap().to_string();
        assert!(error.starts_with("the droplet is corrupt: ") && error.contains(why), "{why}: {error}");
    }
}

/// What a file of a random tree is.
#[derive(Clone, Debug)]
enum Node {
    Folder(u32),
    File {
        bytes: Vec<u8>,
        hole: u64,
        mode: u32,
        mark: Option<Vec<u8>>,
    },
    Soft(String),
    /// One more name for the file that was made so many nodes before.
    Hard(usize),
}

fn node() -> impl Strategy<Value = Node> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..2000);
    prop_oneof![
        prop::sample::select(vec![0o755, 0o700, 0o555]).prop_map(Node::Folder),
        (
            bytes(),
            prop::sample::select(vec![0_u64, 1, 4096, 300_000]),
            prop::sample::select(vec![0o644, 0o755, 0o600, 0o4755]),
            prop::option::of(prop::collection::vec(any::<u8>(), 1..40))
        )
            .prop_map(|(bytes, hole, mode, mark)| Node::File { bytes, hole, mode, mark }),
        "[a-z./]{1,150}".prop_map(Node::Soft),
        (0_usize..5).prop_map(Node::Hard),
    ]
}

/// Makes the tree below `app`, each node in a folder that was made before.
fn grow(root: &Path, nodes: &[(String, usize, i64, Node)]) {
    let mut folders = vec![root.join("app")];
    let mut files: Vec<PathBuf> = Vec::new();
    let mut modes = Vec::new();
    fs::create_dir(&folders[0]).unwrap();
    for (name, folder, mtime, node) in nodes {
        let path = folders[folder % folders.len()].join(name);
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match node {
            Node::Folder(mode) => {
                fs::create_dir(&path).unwrap();
                folders.push(path.clone());
                modes.push((path, *mode, *mtime));
            }
            Node::File { bytes, hole, mode, mark } => {
                fs::write(&path, bytes).unwrap();
                File::options().write(true).open(&path).unwrap().set_len(bytes.len() as u64 + hole).unwrap();
                if let Some(mark) = mark {
                    // Where the file system knows none, none is expected.
                    let _ = rustix::fs::setxattr(&path, "user.mark", mark, rustix::fs::XattrFlags::empty());
                }
                files.push(path.clone());
                modes.push((path, *mode, *mtime));
            }
            Node::Soft(target) => symlink(target, &path).unwrap(),
            Node::Hard(back) => {
                if let Some(file) = files.iter().rev().nth(*back) {
                    fs::hard_link(file, &path).unwrap();
                }
            }
        }
    }
    for (path, mode, mtime) in modes.iter().rev() {
        fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        run(root, "touch", &["-h", "-d", &format!("@{mtime}.25"), path.to_str().unwrap()]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_that_a_packer_packs_comes_out_of_its_layer_as_it_was(
        nodes in prop::collection::vec(("[a-zü \\n]{1,120}", 0_usize..9, 0_i64..8_000_000_000, node()), 1..25),
    ) {
        let original = TempDir::new().unwrap();
        grow(original.path(), &nodes);
        let mut expected = tree(original.path());
        for line in expected.values_mut() {
            *line = line.replace("104755 ", "100755 "); // set-user-id does not come along
        }
        let marks = |tree: &BTreeMap<PathBuf, String>| tree.values().any(|line| line.contains("Some("));
        for form in ["tar -c --format=gnu .", "tar -cS --format=posix --xattrs .", "bsdtar -c --format=pax --xattrs ."] {
            let (_folder, home) = unpacked(&made(&packed(original.path(), form)).unwrap());
            let mut found = tree(&home);
            found.remove(Path::new("")); // the root itself
            // Links' own times are not told by `touch` alone, and GNU's form knows no attributes.
            let comparable = |tree: &BTreeMap<PathBuf, String>| -> BTreeMap<PathBuf, String> {
                let without = |line: &String| match line.split_once(" Some(") {
                    Some((before, _)) if form.contains("gnu") => format!("{before} None"),
                    _ => line.clone(),
                };
                tree.iter().map(|(path, line)| (path.clone(), without(line))).collect()
            };
            prop_assert_eq!(comparable(&found), comparable(&expected), "{} {}", form, marks(&expected));
        }
    }
}
