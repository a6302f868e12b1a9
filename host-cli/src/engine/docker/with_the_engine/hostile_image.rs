//! What comes into a container before its start, where its image has something of its own in that place.

use super::*;
use crate::engine::ImageSettings;
use crate::plan::image_source::ImageSource;
use crate::plan::supervisor::Supervised;
use shared_model::action::RunAction;
use tar::{EntryType, Header};

/// Says whose everything is where the files come in, and of which kind.
const LOOKS: &str = "#!/bin/sh\nstat -c '%n %F %U %a' /.stager /.stager/*; cat /.stager/sidecars.json; find /etc/supervisor; stat \
                     -c '%U %a' / /etc; echo x >>/.stager/supervisor; rm -f /.stager/supervisor";

/// What it sees; nothing else has changed.
const SEEN: &str = "/.stager directory root 755\n/.stager/sidecars.json regular file vcap 400\n/.stager/supervisor regular file \
                    root 755\n[{\"path\":\"/sidecar\",\"env\":[],\"user\":\"vcap\",\"suppress_log_output\":false}]root 755\nroot 755\n";

/// A tar of such entries: name, kind, where it leads.
fn tar_of(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, target) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(0);
        header.set_mode(0o777);
        header.set_uid(2000);
        header.set_gid(2000);
        if kind.is_symlink() {
            archive.append_link(&mut header, name, target).unwrap();
        } else {
            archive.append_data(&mut header, name, std::io::empty()).unwrap();
        }
    }
    archive.into_inner().unwrap()
}

#[test]
fn what_an_image_has_where_the_supervisor_comes_in_gives_way() {
    let docker = engine();
    let nothing = [].as_slice();
    let (folder, link, file) = (EntryType::Directory, EntryType::Symlink, EntryType::Regular);
    for entries in [
        nothing,
        &[(".stager", link, "/etc")],
        &[(".stager", link, "/proc/self/root/etc")],
        &[(".stager", file, "")],
        &[
            (".stager", folder, ""),
            (".stager/supervisor", link, "/etc/passwd"),
            (".stager/sidecars.json", link, "/etc/x"),
        ],
        &[(".stager", folder, ""), (".stager/supervisor", folder, ""), (".stager/supervisor/x", file, "")],
    ] {
        let makes = made(&docker, &shell("true"));
        docker.copy_in(&makes.1, "/", tar_of(entries)).unwrap();
        let options = CommitOptions { like: ROOTFS.into(), ..CommitOptions::default() };
        let image = docker.commit(&makes.1, &options).unwrap();
        drop(makes);
        let launcher = ContainerSpec { image: image.0.clone(), user: "vcap".into(), ..shell("") };
        let container = supervised(&docker, launcher);
        for start in ["first", "again"] {
            assert_eq!(seen(&docker, &container), SEEN, "{start} {entries:?}");
        }
        drop(container);
        // Not ours, as its labels say: the engine is asked directly.
        assert!(std::process::Command::new("docker").args(["rmi", &image.0]).output().unwrap().status.success());
    }
}

#[test]
fn a_volume_in_the_supervisors_place_holds_it() {
    let docker = engine();
    let volumes = vec!["/.stager".to_owned()];
    let container = supervised(&docker, ContainerSpec { user: "vcap".into(), volumes, ..shell("") });
    assert_eq!(seen(&docker, &container), SEEN);
}

fn seen(docker: &Docker, container: &Guard<'_>) -> String {
    let mut out = Vec::new();
    let mut output = |stream, piece: &[u8]| {
        if stream == Stream::Out {
            out.extend_from_slice(piece);
        }
    };
    docker.run(&container.1, Input::Whole(b""), &mut output).unwrap();
    // Podman gives every container a root folder of its own, 0555.
    String::from_utf8_lossy(&out).replace("}]root 555\n", "}]root 755\n")
}

/// A container with what looks in the supervisor's place, and with a sidecar.
fn supervised(docker: &Docker, launcher: ContainerSpec) -> Guard<'_> {
    let run = RunAction { path: "/sidecar".into(), user: "vcap".into(), ..RunAction::default() };
    let supervised = Supervised::new(launcher, &[run], &ImageSettings::default());
    let container = made(docker, &supervised.container);
    docker
        .copy_in(&container.1, "/", supervised.folder(LOOKS.into(), &ImageSource::Droplet).archive().unwrap())
        .unwrap();
    container
}
