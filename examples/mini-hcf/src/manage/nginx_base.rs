//! The image below ours: a Debian root file system with nginx. Made once for each root file system.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::manage::docker::{self, KIND_LABEL};
use crate::manage::programs;

/// Where packages come from; a proxy of the environment is used by apt itself.
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The name of that image, which exists afterwards. `base` must exist.
pub(crate) fn provide(base: &str) -> Result<String, Failure> {
    let id = docker::run(&["image", "inspect", "--format", "{{.Id}}", base]).map_err(|_| {
        Failure::CommandLine(format!(
            "the engine has no image {base}; docker/build makes it, or name another Debian image with --base"
        ))
    })?;
    let name = format!("mini-hcf-nginx:{}", short(&id));
    if docker::run(&["image", "inspect", "--format", "{{.Id}}", &name]).is_ok() {
        return Ok(name);
    }
    let context = tempfile::tempdir().map_err(Failure::file("make a folder in", &std::env::temp_dir()))?;
    let recipe = if in_base(base, "/usr/bin/apt-get", "--version").is_ok() {
        with_apt_inside(base)
    } else {
        download(base, context.path())?;
        with_packages(base)
    };
    let file = context.path().join("Dockerfile");
    fs::write(&file, recipe).map_err(Failure::file("write", &file))?;
    docker::build(context.path(), &name)?;
    Ok(name)
}

/// The name under which `provide` keeps what it made of the image with this id.
fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

fn in_base(base: &str, program: &str, argument: &str) -> Result<String, Failure> {
    let label = ["--label", KIND_LABEL];
    docker::run(&[&["run", "--rm"], &label[..], &["--user", "0", "--entrypoint", program, base, argument]].concat())
}

fn with_apt_inside(base: &str) -> String {
    format!(
        "FROM {base}\n\
         USER root\n\
         RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx \
         && rm -rf /var/lib/apt/lists/*\n"
    )
}

fn with_packages(base: &str) -> String {
    format!(
        "FROM {base}\n\
         USER root\n\
         COPY packages /tmp/packages\n\
         RUN PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive dpkg --install /tmp/packages/*.deb && rm -r /tmp/packages\n"
    )
}

/// stager's own root file system has no apt, as a stack has none. So this machine's apt, with folders of its
/// own and the package list of the image, fetches what nginx needs beyond what the image has.
fn download(base: &str, context: &Path) -> Result<(), Failure> {
    let release = in_base(base, "/bin/cat", "/etc/os-release")?;
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("stable");
    let apt = context.join("apt");
    for folder in ["state/lists/partial", "cache/archives/partial", "etc"] {
        let folder = apt.join(folder);
        fs::create_dir_all(&folder).map_err(Failure::file("make the folder", &folder))?;
    }
    let write = |name: &str, text: &str| {
        let file = apt.join(name);
        fs::write(&file, text).map_err(Failure::file("write", &file))
    };
    write("state/status", &format!("{}\n", in_base(base, "/bin/cat", "/var/lib/dpkg/status")?))?;
    write("etc/sources.list", &format!("deb [signed-by={KEYRING}] {MIRROR} {suite} main\n"))?;
    let root = apt.display();
    let options: Vec<String> = [
        format!("Dir::State={root}/state"),
        format!("Dir::State::status={root}/state/status"),
        format!("Dir::Cache={root}/cache"),
        format!("Dir::Etc::sourcelist={root}/etc/sources.list"),
        "Dir::Etc::sourceparts=-".to_owned(),
        "APT::Sandbox::User=".to_owned(),
        "Acquire::Languages=none".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect();
    let with = |command: &[&str]| {
        let command = command.iter().map(|&word| word.to_owned());
        let arguments: Vec<String> = options.iter().cloned().chain(command).collect();
        programs::output("apt-get", &arguments).map(drop)
    };
    with(&["update"])?;
    with(&["install", "--yes", "--download-only", "--no-install-recommends", "nginx"])?;
    let (archives, packages) = (apt.join("cache/archives"), context.join("packages"));
    fs::rename(&archives, &packages).map_err(Failure::file("move", &archives))?;
    fs::remove_dir_all(&apt).map_err(Failure::file("remove", &apt))?;
    // apt leaves a lock and a folder beside the packages.
    let partial = packages.join("partial");
    fs::remove_dir_all(&partial).map_err(Failure::file("remove", &partial))
}
