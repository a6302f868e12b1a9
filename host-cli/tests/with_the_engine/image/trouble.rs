//! What becomes of an image when the engine, the disk or the user ends it: words, an exit code, and nothing that stays.

use super::*;
use faulty::{Fault, Faulty};
use std::process::{Child, Stdio};

/// The requests that send an image, in whatever way.
const SENDS: [&str; 2] = ["/images/load", "/build?"];

/// What must be as before, whatever happens: images and containers of these tests, and a folder for temporary files.
struct Before<'a> {
    world: &'a World,
    images: Vec<String>,
    containers: String,
    temporary: tempfile::TempDir,
}

impl<'a> Before<'a> {
    fn of(world: &'a World) -> Self {
        let (images, containers) = (world.base.images(), world.base.containers());
        Self { world, images, containers, temporary: tempfile::tempdir().unwrap() }
    }

    #[track_caller]
    fn is_now(&self) {
        assert_eq!(self.world.base.images(), self.images);
        assert_eq!(self.world.base.containers(), self.containers);
        assert_eq!(fs::read_dir(&self.temporary).unwrap().count(), 0);
    }

    /// `host-cli image` of a large droplet that no engine has, through this engine.
    fn image(&self, engine: &Faulty, by: &str) -> Command {
        let noise: String =
            (0..2_u32 << 20).map(|n| char::from(b' ' + (n.wrapping_mul(2_654_435_761) >> 26) as u8)).collect();
        let droplet = self.world.file("large", &server_droplet(&(noise + &self.world.base.mark)));
        let lifecycle = self.world.lifecycle();
        fs::write(lifecycle.join("new"), &self.world.base.mark).unwrap(); // Nothing that the engine has ready.
        let mut command =
            self.world.command(&droplet, &lifecycle, &["--name", &self.world.name("trouble"), "--image-by", by]);
        command.env("DOCKER_HOST", engine.host()).env("TMPDIR", self.temporary.path());
        command
    }
}

#[test]
fn an_engine_that_refuses_or_dies_in_the_middle_is_told_of_and_leaves_nothing() {
    let world = World::new();
    let before = Before::of(&world);
    let full = r#"{"errorDetail":{"message":"write /layer.tar: no space left on device"},"error":"x"}"#;
    for (by, doing) in [("load", "loading an image: "), ("build", "building an image: ")] {
        for (fault, words) in [
            (Fault::Answers("200 OK", full), &["no space left on device", "docker system df"][..]),
            (Fault::Answers("500 Internal Server Error", r#"{"message":"out of order"}"#), &["out of order"]),
            (Fault::Dies { after: 0 }, &["the connection broke", "is the engine still running?"]),
            (Fault::Dies { after: 1 << 20 }, &["the connection broke", "is the engine still running?"]),
        ] {
            let engine = Faulty::at(&SENDS, fault);
            let output = before.image(&engine, by).output().unwrap();
            assert_eq!(output.status.code(), Some(7), "{fault:?}: {}", said(&output));
            for word in words.iter().chain(&[doing]) {
                assert!(said(&output).contains(word), "{fault:?}: {word}: {}", said(&output));
            }
            before.is_now();
        }
    }
}

#[test]
fn what_one_way_is_refused_goes_another_but_a_full_disk_is_full_for_all() {
    let world = World::new();
    let before = Before::of(&world);
    let full = r#"{"errorDetail":{"message":"no space left on device"},"error":"x"}"#;
    let output = before.image(&Faulty::at(&["/images/load"], Fault::Answers("200 OK", full)), "auto").output().unwrap();
    if output.status.success() {
        docker(&["rmi", &world.name("trouble")]);
        return; // This engine is sent a build in any case.
    }
    assert_eq!((output.status.code(), said(&output).contains("trying it by")), (Some(7), false), "{}", said(&output));
    before.is_now();
    let odd = r#"{"errorDetail":{"message":"odd"},"error":"odd"}"#;
    let output = before.image(&Faulty::at(&["/images/load"], Fault::Answers("200 OK", odd)), "auto").output().unwrap();
    assert!(output.status.success() && said(&output).contains("odd; trying it by build"), "{}", said(&output));
    docker(&["rmi", &world.name("trouble")]);
}

fn end(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_signal_in_the_middle_ends_it_with_its_code_and_leaves_nothing() {
    let world = World::new();
    let before = Before::of(&world);
    for by in ["auto", "build"] {
        for (signal, code, words) in [("-INT", 130, "error: interrupted"), ("-TERM", 143, "error: ended by a signal")] {
            let engine = Faulty::at(&SENDS, Fault::Crawls);
            let mut command = before.image(&engine, by);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            engine.wait();
            end(&child, signal);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{by}: {}", said(&output));
            assert!(said(&output).contains(words), "{by}: {}", said(&output));
            before.is_now();
        }
    }
}

#[test]
fn an_engine_that_hangs_can_be_left() {
    let world = World::new();
    let before = Before::of(&world);
    let engine = Faulty::at(&SENDS, Fault::Hangs);
    let mut command = before.image(&engine, "auto");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    engine.wait();
    // Until the engine has all of the archive: as long as that is read, the first signal ends it.
    thread::sleep(Duration::from_secs(1));
    end(&child, "-INT");
    let mut out = String::new();
    let mut stdout = child.stdout.take().unwrap();
    while !out.contains("again to end at once") {
        let mut piece = [0; 100];
        let length = stdout.read(&mut piece).unwrap();
        assert!(length > 0, "{out}");
        out += &String::from_utf8_lossy(&piece[..length]);
    }
    while child.try_wait().unwrap().is_none() {
        end(&child, "-INT");
        thread::sleep(Duration::from_millis(100));
    }
    // It had no time to clean up; whatever comes next does, but for what tells of an image that the engine may still take in.
    // A host-cli of another test may have seen that image, and have removed both.
    let mut next = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    let output = next.args(["push", "stager-test/none", "127.0.0.1:1/none"]).output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    let guards = ["ps", "-a", "-q", "--filter", &world.base.filter(), "--filter", "label=stager.kind=guard"];
    let guards = docker(&guards);
    assert!(guards.lines().count() <= 1, "{guards}");
    for guard in guards.lines() {
        docker(&["rm", guard]);
    }
    before.is_now();
}

#[test]
#[expect(clippy::print_stderr, reason = "says what could not be tried here")]
fn a_disk_without_room_for_the_layers_is_told_of() {
    let world = World::new();
    let before = Before::of(&world);
    let (small, nothing) = (world.folder.path().join("small"), world.folder.path().join("none"));
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).output().unwrap();
    let engine = Faulty::at(&[], Fault::Hangs);
    let fails = |folder: &Path, why: &str| {
        let output = before.image(&engine, "auto").env("TMPDIR", folder).output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", said(&output));
        for word in ["a layer cannot be written to a temporary file: ", why, "set TMPDIR to another folder"] {
            assert!(said(&output).contains(word), "{word}: {}", said(&output));
        }
        before.is_now();
    };
    fails(&nothing, "No such file or directory");
    if mounted.status.success() {
        fails(&small, "No space left on device");
        assert!(Command::new("umount").arg(&small).status().unwrap().success());
    } else {
        eprintln!("a full disk was not tried: {}", String::from_utf8_lossy(&mounted.stderr).trim());
    }
}
