//! `host-cli rebase`: what comes of it is what `host-cli image` makes there, and nothing that was whole is lost.

use super::*;

/// Another root file system, with a file of its own.
const OTHER: &str = "FROM {base}\nCOPY mark /etc/rebased\n";

fn inspect(image: &str, what: &str) -> String {
    docker(&["image", "inspect", "--format", what, image])
}

fn id(image: &str) -> String {
    inspect(image, "{{.Id}}")
}

impl World {
    /// An image of this Dockerfile, in which `{base}` is the tests' base.
    fn built(&self, name: &str, dockerfile: &str) -> String {
        let (name, folder) = (self.name(name), self.folder.path().join(name));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mark"), &self.base.mark).unwrap();
        fs::write(folder.join("Dockerfile"), dockerfile.replace("{base}", &self.base.name)).unwrap();
        let mut command = Command::new("docker");
        command.args(["build", "-q", "--force-rm", "-t", &name]).arg(&folder).env("DOCKER_BUILDKIT", "0");
        let built = command.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        name
    }

    fn image_on(&self, base: &str, droplet: &Path, name: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        command.arg("image").arg("--droplet").arg(droplet).arg("--lifecycle").arg(self.lifecycle());
        command.args(["--base", base, "--name", name, "--label", &format!("stager.instance={}", self.base.mark)]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

fn rebase(image: &str, base: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    command.args(["rebase", image, "--base", base]).args(more).output().unwrap()
}

#[test]
fn a_rebased_image_is_the_one_that_is_made_there_of_the_same_droplet_and_its_app_runs() {
    const LAYERS: &str = "{{json .RootFS.Layers}}";
    let world = World::new();
    let other = world.built("other-rootfs", OTHER);
    let droplet = world.file("droplet", &server_droplet("rebased"));
    let name = world.name("rebased");
    world.image_on(&world.base.name, &droplet, &name);
    let (before, layers) = (id(&name), inspect(&name, LAYERS));

    let output = rebase(&name, &other, &["--verbose"]);
    assert!(output.status.success(), "{}", said(&output));
    // Podman puts a host before it.
    assert!(said(&output).contains(&format!("{name}:latest (")), "{}", said(&output));
    let rebased = id(&name);
    assert_ne!(rebased, before);
    let last_two = |layers: &str| layers.rsplitn(3, ',').take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(last_two(&inspect(&name, LAYERS)), last_two(&layers), "the same bytes");
    assert!(!world.base.images().contains(&before), "it lost its last name");
    let run = |words: &[&str]| docker(&[&["run", "--rm", "--entrypoint"], words].concat());
    assert_eq!(run(&["cat", &name, "/etc/rebased"]), world.base.mark);
    let container = docker(&["run", "-d", "-p", "127.0.0.1::8080", &name]);
    let page = page(&docker(&["port", &container, "8080/tcp"]));
    assert!(page.contains("user=vcap"), "{page}");
    docker(&["rm", "-f", "-v", &container]);

    let again = rebase(&name, &other, &[]);
    assert!(again.status.success() && said(&again).contains("already"), "{}", said(&again));
    assert_eq!(id(&name), rebased);

    let is_built = said(&output).contains(" by build: ");
    docker(&["rmi", &name]);
    world.image_on(&other, &droplet, &name);
    assert!(is_built || id(&name) == rebased, "{} is not {rebased}", id(&name));
    let back = rebase(&name, &world.base.name, &["--name", &world.name("back")]);
    assert!(back.status.success(), "{}", said(&back));
    assert!(is_built || id(&world.name("back")) == before);
    assert_eq!(docker(&["images", "-q", "--filter", "dangling=true", "--filter", &world.base.filter()]), "");
}

#[test]
fn what_is_no_app_image_or_should_not_stand_there_is_refused_and_nothing_is_left() {
    let world = World::new();
    let other = world.built("other-rootfs", OTHER);
    let newer = world.built("newer-rootfs", &format!("{OTHER}LABEL stager.stack=cflinuxfs5\n"));
    let name = world.name("refused");
    let droplet = world.file("droplet", &server_droplet("refused"));
    world.image_on(&world.base.name, &droplet, &name);
    let label = |label: &str| inspect(&name, &format!("{{{{index .Config.Labels \"{label}\"}}}}"));
    let bearing: String = ["stager.kind", "stager.droplet", "stager.lifecycle", "stager.build-key"]
        .map(|name| format!("LABEL {name}={}\n", label(name)))
        .concat();
    let base_label = format!("LABEL org.opencontainers.image.base.digest={}\n", id(&world.base.name));
    let hostile = world.built("hostile", &format!("{OTHER}{bearing}{base_label}"));
    let upon_ours = world.built("upon-ours", &format!("FROM {name}\nCOPY mark /home/vcap/app/mark\n"));
    let (before, containers) = (world.base.images(), world.base.containers());
    for (image, base, code, words) in [
        (hostile.as_str(), other.as_str(), 7, "is not an app image of stager's"),
        (&upon_ours, &other, 7, "is not an app image of stager's"),
        (&other, &world.base.name, 7, "is not an app image of stager's"),
        (&name, "stager-test/none:at-all", 7, "no root file system stager-test/none:at-all"),
        (&name, &newer, 7, "is cflinuxfs5"),
        (&name, &upon_ours, 7, "is an app's image, not a root file system"),
        (&name, "stager:latest", 7, "is a stager image, not a root file system"),
    ] {
        let output = rebase(image, base, &[]);
        assert_eq!(output.status.code(), Some(code), "{image} {base}: {}", said(&output));
        assert!(said(&output).contains(words) && said(&output).contains("try: "), "{image} {base}: {}", said(&output));
        assert_eq!((world.base.images(), world.base.containers()), (before.clone(), containers.clone()), "{words}");
    }
    let forced = rebase(&name, &newer, &["--force", "--name", &world.name("forced")]);
    assert!(forced.status.success() && said(&forced).contains("warning: the app was staged on"), "{}", said(&forced));
}
