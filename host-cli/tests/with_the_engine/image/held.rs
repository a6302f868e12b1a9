//! What of a droplet is there in a container of its image, and what an engine was sent for it.

use super::*;
use faulty::{Fault, Faulty};

/// A droplet with a server, and one more file with these PAX records.
fn marked(records: &[(&str, &[u8])], path: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: &str, mode: u32, content: &[u8], records: &[(&str, &[u8])]| {
        tar.append_pax_extensions(records.iter().copied()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_mtime(1_466_017_043);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content).unwrap();
    };
    add("app/server.pl", 0o644, SERVER.as_bytes(), &[("comment", b"none")]);
    add(path, 0o4755, content, records);
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn of_a_droplets_file_a_container_has_the_users_own_attributes_no_capability_and_zeros_for_holes() {
    const LOOK: &str = "import os; f = 'app/f'; c = open(f, 'rb').read(); s = os.stat(f); print({x: os.getxattr(f, x) for x in \
                        os.listxattr(f)}, oct(s.st_mode), int(s.st_mtime), len(c), c.strip(bytes(1)), c.index(b'e'))";
    let world = World::new();
    let name = world.name("held");
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let records: [(&str, &[u8]); 4] = [
        ("SCHILY.xattr.user.mark", b"mine"),
        ("SCHILY.xattr.security.capability", &capability),
        ("GNU.sparse.size", b"1000000"),
        ("GNU.sparse.map", b"500000,3"),
    ];
    let droplet = world.file("droplet", &marked(&records, "app/f", b"end"));
    let output = world.image(&droplet, &world.lifecycle(), &["--name", &name]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("warning: 1 extended attribute of"), "{}", said(&output));
    let seen = docker(&["run", "--rm", "--entrypoint", "python3", &name, "-c", LOOK]);
    assert_eq!(seen, "{'user.mark': b'mine'} 0o100755 1466017043 1000000 b'end' 500000");
}

#[test]
fn a_second_app_of_a_lifecycle_is_sent_its_own_droplet_and_not_the_lifecycle() {
    let world = World::new();
    let lifecycle = world.lifecycle();
    fs::write(lifecycle.join("new"), &world.base.mark).unwrap(); // Nothing that the engine has ready.
    let sent = |app: &str| {
        let droplet = world.file(app, &server_droplet(app));
        let engine = Faulty::at(&["/images/load", "/build?"], Fault::None);
        let mut command = world.command(&droplet, &lifecycle, &["--name", &world.name(app), "--verbose"]);
        let output = command.env("DOCKER_HOST", engine.host()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        (engine.sent(), said(&output).contains(" by build: "))
    };
    let launcher = usize::try_from(fs::metadata(lifecycle.join("launcher")).unwrap().len()).unwrap();
    let (first, is_built) = sent("one");
    assert!(first > launcher, "{first}");
    if !is_built {
        let (second, _) = sent("two");
        assert!(second < 100_000, "{second}");
    }
}
