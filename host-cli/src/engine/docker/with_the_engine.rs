//! Against a real engine and an image with a shell, `stager-rootfs:cflinuxfs4`, which `docker/build` makes.

mod attached;
mod hostile_image;
mod left;
mod over_tls;

use super::endpoint::Address;
use super::tls_engine::socket_of_the_engine;
use super::*;
use crate::engine::connect_error::ConnectError;
use crate::engine::container_spec::{ContainerSpec, HealthCheck};
use crate::engine::{
    CommitOptions, ContainerId, Containers, ExecResult, Health, ImageTransfer, Images, Input, Quota, Store, System,
    VolumesAndNetworks,
};
use crate::labels;
use crate::plan::filled_folder::FilledFolder;
use shared_model::event::Stream;
use shared_model::mounted_file::MountedFile;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const ROOTFS: &str = "stager-rootfs:cflinuxfs4";

fn engine() -> Docker {
    let docker = Docker::connect().expect("these tests need a Docker Engine; ci/setup starts one");
    assert!(docker.image(ROOTFS).unwrap().is_some(), "these tests need {ROOTFS}; docker/build makes it");
    docker
}

/// Whether it is Podman that answers.
fn is_podman(engine: &Docker) -> bool {
    matches!(engine.info().unwrap().store, Store::Podman(_))
}

/// A container that goes when the test ends, however it ends.
struct Guard<'a>(&'a Docker, ContainerId);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.remove(&self.1).unwrap();
        assert_eq!(self.0.container(&self.1).unwrap(), None);
    }
}

fn shell(script: &str) -> ContainerSpec {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let labels = [("stager.kind".to_owned(), "test".to_owned())].into();
    ContainerSpec { image: ROOTFS.into(), entrypoint: command, labels, ..ContainerSpec::default() }
}

fn made<'a>(docker: &'a Docker, spec: &ContainerSpec) -> Guard<'a> {
    Guard(docker, docker.create(None, spec).unwrap())
}

#[test]
fn a_container_gets_its_input_to_the_end_and_gives_both_streams_and_its_status() {
    let docker = engine();
    let spec = ContainerSpec { reads_stdin: true, ..shell("cat; echo wrong >&2; exit 7") };
    let container = made(&docker, &spec);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = docker.run(&container.1, Input::Whole(&vec![b'x'; 300_000]), &mut |stream, piece| match stream {
        Stream::Out => out.extend_from_slice(piece),
        Stream::Err => err.extend_from_slice(piece),
    });
    assert_eq!((status.unwrap(), out.len(), err.as_slice()), (7, 300_000, &b"wrong\n"[..]));
}

#[test]
fn output_without_a_line_end_comes_in_small_pieces() {
    let docker = engine();
    let container = made(&docker, &shell("head -c 30000000 /dev/zero"));
    let (mut bytes, mut longest) = (0, 0);
    let status = docker.run(&container.1, Input::Whole(b""), &mut |_, piece| {
        bytes += piece.len();
        longest = longest.max(piece.len());
    });
    assert_eq!((status.unwrap(), bytes), (0, 30_000_000));
    assert!(longest <= 64 << 10, "{longest}");
}

#[test]
fn a_run_ends_when_another_thread_removes_the_container_and_the_callback_may_use_the_engine() {
    let docker = engine();
    let container = made(&docker, &shell("trap '' TERM; echo up; sleep 60 & wait"));
    let (up, told) = mpsc::channel();
    let begun = Instant::now();
    thread::scope(|scope| {
        let (docker, id) = (&docker, &container.1);
        scope.spawn(move || {
            told.recv().unwrap();
            docker.remove(id).unwrap();
        });
        let status = docker.run(&container.1, Input::Whole(b""), &mut |_, _| {
            assert!(docker.container(&container.1).unwrap().unwrap().running);
            up.send(()).unwrap();
        });
        assert!(status.is_err() || status.unwrap() == 137);
    });
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn limits_of_a_spec_hold_in_the_container() {
    let docker = engine();
    let spec = ContainerSpec {
        nofile: 1234,
        pids: 77,
        memory_bytes: 64 << 20,
        drop_capabilities: vec!["ALL".into()],
        security_options: vec!["no-new-privileges".into()],
        user: "vcap".into(),
        working_directory: "/tmp".into(),
        init: true,
        environment: vec![("A".into(), "b c=d".into())],
        ..shell("ulimit -n; id -un; pwd; echo \"$A\"; cat /proc/1/comm; grep -E 'CapBnd|NoNewPrivs' /proc/self/status")
    };
    let container = made(&docker, &spec);
    let mut out = String::new();
    docker.run(&container.1, Input::Whole(b""), &mut |_, piece| out.push_str(&String::from_utf8_lossy(piece))).unwrap();
    let said: Vec<&str> = out.split_whitespace().collect();
    let said = said.join(" ").replace("podman-init", "docker-init");
    assert_eq!(said, "1234 vcap /tmp b c=d docker-init CapBnd: 0000000000000000 NoNewPrivs: 1");
}

#[test]
fn a_bound_of_the_disk_is_kept_or_refused_where_storage_is_sure_of_its_counts() {
    let docker = engine();
    let most = 64 << 20;
    let image_bytes = docker.image(ROOTFS).unwrap().unwrap().bytes;
    let quota = docker.info().unwrap().quota;
    let disk_bytes = if quota == Quota::Nothing { most } else { quota.bound(most, image_bytes) };
    let spec = ContainerSpec { disk_bytes, ..shell("head -c 128M /dev/zero >/tmp/written; stat -c %s /tmp/written") };
    match docker.create(None, &spec) {
        // As XFS without quotas does, too.
        Err(EngineError::Refused { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(container) => {
            let container = Guard(&docker, container);
            let mut out = Vec::new();
            let hear = &mut |stream, piece: &[u8]| {
                if stream == Stream::Out {
                    out.extend_from_slice(piece);
                }
            };
            docker.run(&container.1, Input::Whole(b""), hear).unwrap();
            let written: u64 = String::from_utf8(out).unwrap().trim().parse().unwrap();
            // Where nothing bounds, containerd's store takes the option and forgets it.
            assert!(written <= most || matches!(quota, Quota::WithImage | Quota::Nothing), "{written}");
        }
    }
}

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_program_beside_the_main_process_runs_as_its_user_and_tells_status_and_the_start_of_its_output() {
    let docker = engine();
    let container = made(&docker, &ContainerSpec { user: "vcap".into(), init: true, ..shell("sleep 60") });
    docker.start(&container.1).unwrap();
    let patience = Duration::from_secs(30);
    let ran =
        docker.exec(&container.1, &words(&["/bin/sh", "-c", "id -un; echo wrong >&2; exit 3"]), patience).unwrap();
    let mut lines: Vec<&str> = std::str::from_utf8(&ran.output).unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!((ran.status, lines), (Some(3), vec!["vcap", "wrong"]));
    let ran = docker.exec(&container.1, &words(&["head", "-c", "300000", "/dev/zero"]), patience).unwrap();
    assert_eq!((ran.status, ran.output.len()), (Some(0), 4096));
    let missing = docker.exec(&container.1, &words(&["/no/such/program"]), patience);
    assert!(missing.is_err() || missing.unwrap().status != Some(0));
}

#[test]
fn a_program_that_does_not_end_is_not_awaited_for_ever_nor_is_one_whose_container_ends() {
    let docker = engine();
    let container = made(&docker, &ContainerSpec { init: true, ..shell("sleep 60") });
    docker.start(&container.1).unwrap();
    let waiting = words(&["/bin/sh", "-c", "echo here; sleep 60"]);
    let ran = docker.exec(&container.1, &waiting, Duration::from_secs(1)).unwrap();
    assert_eq!(ran, ExecResult { status: None, output: b"here\n".to_vec() });
    thread::scope(|scope| {
        let asks = scope.spawn(|| docker.exec(&container.1, &waiting, Duration::from_secs(300)));
        thread::sleep(Duration::from_millis(500)); // It should be in the middle of it; the outcome is the same where it is not.
        docker.stop(&container.1, Duration::ZERO).unwrap();
        let ran = asks.join().unwrap();
        assert!(ran.is_err() || ran.unwrap().status != Some(0));
    });
    let error = docker.exec(&container.1, &waiting, Duration::from_secs(300)).unwrap_err();
    assert!(matches!(error, EngineError::Refused { .. }), "{error}");
    let gone = docker.exec(&ContainerId("0123456789ab".into()), &waiting, Duration::from_secs(300)).unwrap_err();
    assert!(matches!(gone, EngineError::NotFound { .. }), "{gone}");
}

#[test]
fn a_health_check_is_asked_and_its_last_words_are_kept() {
    let docker = engine();
    let check = HealthCheck {
        command: ["/bin/sh", "-c", "echo not yet; exit 1"].map(str::to_owned).to_vec(),
        beside: Vec::new(),
        ports: vec![],
        interval: Duration::from_millis(100),
        only_interval: Duration::from_millis(100),
        start_interval: Duration::from_millis(100),
        timeout: Duration::from_secs(5),
        retries: 1,
        start_period: Duration::ZERO,
    };
    let container = made(
        &docker,
        &ContainerSpec { health_check: Some(check), init: true, ..shell("echo one; echo two; sleep 60") },
    );
    docker.start(&container.1).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let found = loop {
        let found = docker.container(&container.1).unwrap().unwrap();
        if found.health == Health::Unhealthy || Instant::now() > deadline {
            break found;
        }
        thread::sleep(Duration::from_millis(50));
    };
    // Without systemd Podman leaves that to others.
    if !is_podman(&docker) {
        assert_eq!((found.health, found.health_output.trim()), (Health::Unhealthy, "not yet"));
    }
    assert_eq!(docker.log_tail(&container.1, 1).unwrap(), b"two\n");
    docker.stop(&container.1, Duration::ZERO).unwrap();
    docker.stop(&container.1, Duration::ZERO).unwrap();
    assert!(!docker.container(&container.1).unwrap().unwrap().running);
}

#[test]
fn files_come_out_of_a_container_as_a_tar_and_what_is_missing_is_not_found() {
    let docker = engine();
    let container = made(&docker, &shell("true"));
    let mut archive = tar::Archive::new(docker.copy_out(&container.1, "/etc/passwd").unwrap());
    let mut text = String::new();
    archive.entries().unwrap().next().unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("vcap:"));
    let error = docker.copy_out(&container.1, "/no/such").err().unwrap();
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
}

#[test]
fn files_that_come_into_a_volume_outlive_a_restart_are_in_no_image_and_go_with_the_container() {
    const FOLDER: &str = "/etc/cf-service-bindings";
    let docker = engine();
    let file = |path: &str, content: &str| MountedFile { path: path.into(), content: Secret::new(content.into()) };
    let folder = FilledFolder::of_bindings(&[file("db/uri", "postgres://\n"), file("vcap_services", "{}\n")]).unwrap();
    let look =
        format!("cd {FOLDER} && cat db/uri vcap_services; stat -c '%n %U:%G %a' . db db/uri; touch db/uri db/x . x");
    let spec = ContainerSpec { volumes: vec![FOLDER.into()], user: "vcap".into(), ..shell(&look) };
    let container = made(&docker, &spec);
    docker.copy_in(&container.1, FOLDER, folder.archive().unwrap()).unwrap();
    let volume = volumes_of(&container.1);
    // Podman makes a new volume the container's user's own, but for what comes into it.
    let (owner, denied) = if is_podman(&docker) { ("vcap:vcap", 2) } else { ("root:root", 4) };
    for start in ["first", "again"] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = |stream, piece: &[u8]| match stream {
            Stream::Out => out.extend_from_slice(piece),
            Stream::Err => err.extend_from_slice(piece),
        };
        docker.run(&container.1, Input::Whole(b""), &mut output).unwrap();
        let seen = format!("postgres://\n{{}}\n. {owner} 755\ndb root:root 755\ndb/uri root:root 644\n");
        assert_eq!(String::from_utf8_lossy(&out), seen, "{start}");
        assert_eq!(String::from_utf8_lossy(&err).matches("Permission denied").count(), denied, "{start}");
    }
    let image =
        docker.commit(&container.1, &CommitOptions { like: ROOTFS.into(), ..CommitOptions::default() }).unwrap();
    let looks = made(&docker, &ContainerSpec { image: image.0.clone(), ..shell(&format!("find {FOLDER} -type f")) });
    let mut found = Vec::new();
    docker.run(&looks.1, Input::Whole(b""), &mut |_, piece| found.extend_from_slice(piece)).unwrap();
    drop(looks);
    // It bears the label of a root file system, which host-cli removes for nobody.
    let removed = std::process::Command::new("docker").args(["rmi", "--force", &image.0]).output().unwrap();
    assert!(removed.status.success());
    assert_eq!(String::from_utf8_lossy(&found), "");
    drop(container);
    assert!(!docker.has_volume(&volume).unwrap(), "{volume} is left");
}

#[test]
fn a_volume_that_a_careless_removal_leaves_is_found_and_removed() {
    let docker = engine();
    let container = made(&docker, &ContainerSpec { volumes: vec!["/etc/some".into()], ..shell("true") });
    let volume = volumes_of(&container.1);
    assert!(!docker.unused_volumes(labels::KIND_FILES).unwrap().contains(&volume));
    let told = std::process::Command::new("docker").args(["rm", "--force", &container.1.0]).output().unwrap();
    assert!(told.status.success());
    // Whoever begins meanwhile removes it too.
    let found = docker.unused_volumes(labels::KIND_FILES).unwrap().contains(&volume);
    let _ = docker.remove_volume(&volume);
    assert!(found || !docker.has_volume(&volume).unwrap());
    assert!(!docker.has_volume(&volume).unwrap(), "{volume} is left");
}

/// The one volume of a container.
fn volumes_of(container: &ContainerId) -> String {
    let told = std::process::Command::new("docker")
        .args(["inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", &container.0])
        .output()
        .unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// A volume that goes when the test ends.
struct Volume(String);

impl Volume {
    fn new(docker: &Docker, name: &str) -> Self {
        let volume = Self(format!("stager-test-{name}-{}", std::process::id()));
        let labels = [("stager.kind".to_owned(), "test".to_owned())].into();
        assert!(!docker.has_volume(&volume.0).unwrap());
        docker.ensure_volume(&volume.0, &labels).unwrap();
        docker.ensure_volume(&volume.0, &BTreeMap::new()).unwrap();
        assert!(docker.has_volume(&volume.0).unwrap());
        volume
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let removed = std::process::Command::new("docker").args(["volume", "rm", &self.0]).output().unwrap();
        assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    }
}

#[test]
fn a_lifecycle_that_is_a_link_into_a_volume_comes_out_of_a_running_and_of_an_ended_container() {
    let docker = engine();
    let volume = Volume::new(&docker, "lifecycle");
    let script =
        "mkdir -p /cache/entries/x && echo program >/cache/entries/x/launcher && ln -s launcher /cache/entries/x/link
        ln -s /cache/entries/x /tmp/lifecycle && ln -s /etc/passwd /tmp/droplet && echo ready && cat";
    let spec = ContainerSpec { binds: vec![format!("{}:/cache", volume.0)], reads_stdin: true, ..shell(script) };
    let container = made(&docker, &spec);
    let is_podman = is_podman(&docker);
    let look = || {
        let taken = |path: &str, name| {
            let stream = docker.copy_out(&container.1, path).map_err(|error| error.to_string())?;
            crate::image::copied_file::single_file(stream, name, 1 << 10).map_err(|error| error.to_string())
        };
        let mut text = String::new();
        taken("/tmp/lifecycle/launcher", "launcher").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "program\n");
        // What a builder could have put there leads nowhere.
        assert!(taken("/tmp/droplet", "droplet").unwrap_err().contains("not a regular file"));
        // Only root makes entries of a cache; Podman follows a link there.
        assert!(is_podman || taken("/tmp/lifecycle/link", "link").unwrap_err().contains("not a regular file"));
    };
    let mut looked = 0;
    docker
        .run(&container.1, Input::Whole(b""), &mut |_, piece| {
            assert_eq!(piece, b"ready\n");
            look();
            looked += 1;
        })
        .unwrap();
    assert_eq!(looked, 1, "it ran while it was looked into");
    look();
}

#[test]
fn a_committed_container_has_its_images_entry_point_and_its_own_files_and_no_name() {
    let docker = engine();
    let container = made(&docker, &shell("echo new >/baked"));
    docker.run(&container.1, Input::Whole(b""), &mut |_, _| {}).unwrap();
    let labels = [("stager.kind".to_owned(), "stager".to_owned()), ("stager.instance".to_owned(), "x".to_owned())];
    let options = CommitOptions { like: ROOTFS.into(), labels: labels.into() };
    let id = docker.commit(&container.1, &options).unwrap();
    let (made_image, base) = (docker.image(&id.0).unwrap().unwrap(), docker.image(ROOTFS).unwrap().unwrap());
    assert_eq!((&made_image.tags, &made_image.labels["stager.kind"][..]), (&Vec::new(), "stager"));
    assert_eq!(made_image.labels["stager.stack"], base.labels["stager.stack"]);
    let configuration = |image: &str| {
        let form = "{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.OpenStdin}}";
        let output = std::process::Command::new("docker").args(["image", "inspect", "--format", form, image]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(configuration(&id.0), configuration(ROOTFS).replace("null", "[]"));
    let container = made(&docker, &ContainerSpec { image: id.0.clone(), ..shell("cat /baked") });
    let mut out = Vec::new();
    docker.run(&container.1, Input::Whole(b""), &mut |_, piece| out.extend_from_slice(piece)).unwrap();
    assert_eq!(out, b"new\n");
    drop(container);
    docker.remove_dangling(&id).unwrap();
    assert_eq!(docker.image(&id.0).unwrap(), None);
    let error = docker.commit(&ContainerId("0123456789ab".into()), &options).unwrap_err();
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
}

#[test]
fn what_is_not_there_is_none_and_not_an_error() {
    let docker = engine();
    assert!(docker.image("stager-no-such-image:at-all").unwrap().is_none());
    for odd in ["", "a b", "Ümlaut", "../containers/json", "a?b", "a//b", "/x"] {
        assert!(docker.image(odd).unwrap().is_none(), "{odd}");
    }
    let capitals = docker.image("stager-test/Capitals:1");
    assert!(matches!(capitals, Err(EngineError::InvalidReference { .. })), "{capitals:?}");
    assert!(docker.container(&ContainerId("0123456789ab".into())).unwrap().is_none());
    assert!(docker.has_network("bridge").unwrap());
    assert!(!docker.has_network("stager-no-such-network").unwrap());
    for odd in ["", "a b", "../networks", "a?b", "stager-no-such-volume"] {
        assert!(!docker.has_volume(odd).unwrap(), "{odd}");
    }
    docker.remove(&ContainerId("0123456789ab".into())).unwrap();
    let spec = ContainerSpec { image: "stager-no-such-image".into(), ..ContainerSpec::default() };
    let error = docker.create(None, &spec).unwrap_err();
    assert_eq!(error.to_string(), "image stager-no-such-image: not found");
}

#[test]
fn containers_are_found_by_label() {
    let docker = engine();
    let mark = format!("engine-test-{}", std::process::id());
    let mut spec = shell("true");
    spec.labels.insert("stager.instance".into(), mark.clone());
    let (first, second) = (made(&docker, &spec), made(&docker, &spec));
    let found = docker.containers_labelled("stager.instance", &mark).unwrap();
    assert_eq!(found.len(), 2);
    assert!([&first.1, &second.1].iter().all(|id| found.iter().any(|one| one.id == **id)));
    let found = docker.containers_labelled("stager.instance", "").unwrap();
    assert!(![&first.1, &second.1].iter().any(|id| found.iter().any(|one| one.id == **id)), "nothing is not anything");
}

#[test]
fn a_build_context_that_breaks_off_is_an_error_that_says_so() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let docker = engine();
    let error = docker.build(Box::new(Cursor::new(vec![0; 512]).chain(Broken))).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    let error = docker.build(Box::new(Cursor::new(vec![0; 1024]))).unwrap_err();
    assert!(error.to_string().contains("Dockerfile"), "{error}");
}

/// The engine that `DOCKER_HOST` with this address chooses.
fn at(address: &Address) -> Result<Docker, EngineError> {
    Docker::connect_with(&Environment { host: address.url(), ..Environment::default() })
}

/// Lets the engine's socket be reached over TCP, one connection after the other, each way closed by itself.
fn over_tcp() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, engine) = (client.unwrap(), UnixStream::connect(socket_of_the_engine()).unwrap());
            let (mut from_client, mut to_engine) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_engine);
                let _ = to_engine.shutdown(Shutdown::Write);
            });
            let (mut from_engine, mut to_client) = (engine, client);
            thread::spawn(move || {
                let _ = std::io::copy(&mut from_engine, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

#[test]
fn an_engine_on_tcp_is_spoken_to_like_one_on_a_socket() {
    let docker = at(&over_tcp()).unwrap();
    let spec = ContainerSpec { reads_stdin: true, ..shell("cat; exit 3") };
    let container = made(&docker, &spec);
    let mut out = Vec::new();
    let status = docker.run(&container.1, Input::Whole(b"over the wire"), &mut |_, piece| out.extend_from_slice(piece));
    assert_eq!((status.unwrap(), out.as_slice()), (3, &b"over the wire"[..]));
    assert!(docker.has_network("bridge").unwrap());
}

/// The engine, which cannot list its images the first `times`, as one with containerd's store where an image just goes.
fn that_loses_an_image_as_it_lists(times: usize) -> Address {
    const GONE: &str = r#"{"message":"rpc error: code = NotFound desc = content digest sha256:9e8d: not found"}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let left = Arc::new(AtomicUsize::new(times));
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut engine) = (client.unwrap(), UnixStream::connect(socket_of_the_engine()).unwrap());
            let (mut from_engine, mut to_client) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from_engine, &mut to_client));
            let left = Arc::clone(&left);
            thread::spawn(move || {
                let mut request = [0; 8 << 10];
                loop {
                    let length = client.read(&mut request).unwrap_or(0);
                    let lists = String::from_utf8_lossy(&request[..length]).contains("/images/json");
                    if length == 0 {
                        return engine.shutdown(Shutdown::Both);
                    } else if lists && left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                        let length = GONE.len();
                        write!(client, "HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\n\r\n{GONE}")?;
                    } else {
                        engine.write_all(&request[..length])?;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn images_are_listed_although_others_go_meanwhile() {
    let docker = at(&that_loses_an_image_as_it_lists(3)).unwrap();
    assert!(docker.dangling_images().is_ok());
    let error = at(&that_loses_an_image_as_it_lists(usize::MAX)).unwrap().dangling_images().unwrap_err();
    assert!(error.to_string().starts_with("listing images: rpc error: code = NotFound"), "{error}");
}

#[test]
fn an_engine_that_is_not_there_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Address::Unix(folder.path().join("docker.sock"));
    assert!(matches!(at(&missing), Err(EngineError::Connect(ConnectError::Nobody { .. }))));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = Address::Tcp(listener.local_addr().unwrap().to_string());
    drop(listener);
    let error = at(&nobody).err().unwrap();
    assert!(matches!(error, EngineError::Connect(ConnectError::Nobody { .. })), "{error}");
}
