//! The image of a CNB app. Its launcher is a script with the manners of cnbapplifecycle's: without arguments it starts web, and a
//! process of the command in its arguments, where an empty one is nobody's.

use super::*;

const LAUNCHER: &str = r#"#!/bin/sh
[ $# -eq 0 ] || [ "$2" = "perl server.pl" ] || { echo "no default process" >&2; exit 1; }
. "$CNB_LAYERS_DIR/acme_perl/tools/profile.d/hello.sh"
cd "$CNB_APP_DIR" && exec perl server.pl
"#;

fn cnb_droplet() -> Vec<u8> {
    droplet(&[
        ("./", b"", 0o700),
        ("./app/", b"", 0o755),
        ("./layers/config/metadata.toml", b"buildpack-default-process-type = \"web\"\n", 0o644),
        ("./layers/acme_perl/tools/profile.d/hello.sh", b"export HELLO=layers", 0o644),
        ("./workspace/", b"", 0o755),
        ("./workspace/server.pl", SERVER.as_bytes(), 0o600),
    ])
}

#[test]
fn a_bare_docker_run_of_a_cnb_apps_image_starts_web_whatever_way_it_came_into_the_engine() {
    let world = World::new();
    let (file, name) = (world.file("droplet", &cnb_droplet()), world.name("cnb"));
    let lifecycle = world.lifecycle();
    fs::write(lifecycle.join("launcher"), LAUNCHER).unwrap();
    for by in ["auto", "build"] {
        // Another droplet, or the image would be found.
        let more =
            droplet(&[("./app/", b"", 0o755), ("./workspace/by", by.as_bytes(), 0o644), ("./layers/", b"", 0o755)]);
        let none = world.image(&world.file("more", &more), &lifecycle, &["--name", &name, "--image-by", by]);
        assert!(!none.status.success() && said(&none).contains("it is one of a cnb app"), "{}", said(&none));

        let label = format!("by={by}");
        let arguments = ["--name", &name, "--kind", "cnb", "--image-by", by, "--label", &label];
        let output = world.image(&file, &lifecycle, &arguments);
        assert!(output.status.success(), "{}", said(&output));
        let inspected = docker(&["image", "inspect", "--format", "{{json .Config.Env}} {{len .Config.Cmd}}", &name]);
        assert_eq!(
            inspected,
            r#"["PATH=/usr/local/bin:/usr/bin:/bin","LANG=en_US.UTF-8","PORT=8080","CNB_LAYERS_DIR=/home/vcap/layers","CNB_APP_DIR=/home/vcap/workspace"] 0"#
        );
        for arguments in [&[][..], &["app", "perl server.pl", ""]] {
            let run = ["run", "-d", "-p", "127.0.0.1::8080", &name];
            let container = docker(&[&run[..], arguments].concat());
            let page = page(&docker(&["port", &container, "8080/tcp"]));
            for line in ["user=vcap", "HELLO=layers", "PWD=/home/vcap/workspace", "PORT=8080"] {
                assert!(page.lines().any(|found| found == line), "{line}: {page}");
            }
            assert!(!page.contains("VCAP_APP_"), "{page}");
            docker(&["rm", "-f", "-v", &container]); // An image in use would outlive its name.
        }
        let out = world.folder.path().join(format!("out-{by}"));
        let export =
            Command::new(env!("CARGO_BIN_EXE_host-cli")).args(["export", &name, "--droplet"]).arg(&out).output();
        let export = export.unwrap();
        assert!(export.status.success(), "{}", said(&export));
        let listing = Command::new("tar").arg("-tzf").arg(&out).output().unwrap();
        assert!(said(&listing).contains("./workspace/server.pl\n"), "{}", said(&listing));
    }
}
