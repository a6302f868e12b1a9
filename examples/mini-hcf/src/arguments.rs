//! What was typed.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};
use shared_model::command_line::{self, Mistake, NoArguments};

use crate::request::bindings::Bindings;
use crate::request::lifecycle::Kind;
use crate::request::style::Style;

/// Enough of HCF on a Docker network to be the real thing on the wire.
#[derive(ArgsInfo, FromArgs)]
pub(crate) struct Arguments {
    /// what to do
    #[argh(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub(crate) enum Command {
    /// Starts everything.
    Up(Up),
    /// Removes it.
    Down(Down),
    /// Installs a buildpack.
    AddBuildpack(AddBuildpack),
    /// Installs the lifecycle.
    Lifecycle(Lifecycle),
    /// Pushes an app.
    Push(Push),
    /// Prints requests as cfdot does.
    Cfdot(Cfdot),
    /// Prints where the services are.
    Hosts(Hosts),
    /// Writes a recorded log anew.
    Replay(Replay),
    /// Serves inside a container.
    Serve(Serve),
}

/// starts network, blobstore, file server, cc-uploader and Cloud Controller
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "up")]
pub(crate) struct Up {
    /// the network; `<name>-mini` where that one is somebody else's (default: hcf)
    #[argh(option, default = "String::from(\"hcf\")")]
    pub(crate) network: String,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
    /// names this mini-HCF among others (default: as before, or demo)
    #[argh(option)]
    pub(crate) instance: Option<String>,
    /// the Debian image that nginx is added to (default: stager-rootfs:cflinuxfs4)
    #[argh(option, default = "String::from(\"stager-rootfs:cflinuxfs4\")")]
    pub(crate) base: String,
    /// the name of the image that is built (default: mini-hcf:latest)
    #[argh(option, default = "String::from(\"mini-hcf:latest\")")]
    pub(crate) image: String,
    /// the network knows no *.service.cf.internal, as none does beside BOSH; `mini-hcf hosts` says where they are
    #[argh(switch)]
    pub(crate) hidden_names: bool,
    /// every TLS port asks for a client certificate: client.pem and client.key in the state folder
    #[argh(switch)]
    pub(crate) mutual_tls: bool,
    /// a static build of this program (default: the running one)
    #[argh(option)]
    pub(crate) binary: Option<PathBuf>,
}

/// removes containers and network
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "down")]
pub(crate) struct Down {
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
    /// remove the state folder and the image, too
    #[argh(switch)]
    pub(crate) purge: bool,
}

/// installs a buildpack, or replaces the one of this name
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "add-buildpack")]
pub(crate) struct AddBuildpack {
    /// its name
    #[argh(positional)]
    pub(crate) name: String,
    /// a folder or a zip; of a Cloud Native Buildpack its image as a tgz
    #[argh(positional)]
    pub(crate) source: PathBuf,
    /// for apps staged how: buildpack or cnb (default: buildpack)
    #[argh(option, default = "Kind::Buildpack")]
    pub(crate) lifecycle: Kind,
    /// its place in the order of detection, from 1 (default: last)
    #[argh(option)]
    pub(crate) position: Option<usize>,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// installs builder, launcher and healthcheck
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "lifecycle")]
pub(crate) struct Lifecycle {
    /// a folder or a tgz
    #[argh(positional)]
    pub(crate) source: PathBuf,
    /// for apps staged how: buildpack, cnb or docker (default: buildpack)
    #[argh(option, default = "Kind::Buildpack")]
    pub(crate) kind: Kind,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// does what `cf push` would leave behind: package in the blobstore, requests in the logs
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "push")]
pub(crate) struct Push {
    /// the app's folder, or its package as a zip; a docker app has none
    #[argh(positional)]
    pub(crate) source: Option<PathBuf>,
    /// the app's name (default: the folder's or image's)
    #[argh(option)]
    pub(crate) name: Option<String>,
    /// how it is staged: buildpack, cnb or docker (default: buildpack; with --docker-image docker)
    #[argh(option)]
    pub(crate) lifecycle: Option<Kind>,
    /// a buildpack that must be used, by name or URL; may be given several times (default: all detect)
    #[argh(option)]
    pub(crate) buildpack: Vec<String>,
    /// the image that is the app
    #[argh(option)]
    pub(crate) docker_image: Option<String>,
    /// who may pull it; the password is taken from `CF_DOCKER_PASSWORD`
    #[argh(option)]
    pub(crate) docker_username: Option<String>,
    /// a registry that need not speak TLS, HOST:PORT; may be given several times
    #[argh(option)]
    pub(crate) insecure_registry: Vec<String>,
    /// the start command (default: the droplet's own)
    #[argh(option, default = "String::new()")]
    pub(crate) command: String,
    /// a further process, TYPE=COMMAND; may be given several times
    #[argh(option)]
    pub(crate) process: Vec<String>,
    /// a program beside the web process, NAME=COMMAND; may be given several times
    #[argh(option)]
    pub(crate) sidecar: Vec<String>,
    /// services as files: file-based-vcap-services or service-binding-k8s (default: `VCAP_SERVICES`)
    #[argh(option)]
    pub(crate) service_files: Option<Bindings>,
    /// the stack (default: cflinuxfs4)
    #[argh(option, default = "String::from(\"cflinuxfs4\")")]
    pub(crate) stack: String,
    /// the memory limit, e.g. 256M or 1G (default: 256M)
    #[argh(option, default = "256", from_str_fn(memory))]
    pub(crate) memory: u32,
    /// port, http, process or none (default: port)
    #[argh(option, default = "String::from(\"port\")")]
    pub(crate) health_check: String,
    /// the path that an http check asks for (default: /)
    #[argh(option, default = "String::from(\"/\")")]
    pub(crate) health_path: String,
    /// a variable of the app, K=V; may be given several times
    #[argh(option)]
    pub(crate) env: Vec<String>,
    /// the form of the requests: 2016, 2017, 2026 or 2026-layers (default: 2016; 2026 where 2016 knew no such thing)
    #[argh(option)]
    pub(crate) style: Option<Style>,
    /// write no logs, as an unpatched Cloud Foundry: only `mini-hcf cfdot` prints the requests
    #[argh(switch)]
    pub(crate) no_logs: bool,
    /// make signatures that have expired already
    #[argh(switch)]
    pub(crate) expired: bool,
    /// leave diego-sshd out
    #[argh(switch)]
    pub(crate) no_ssh: bool,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// prints the requests that BBS knows, in cfdot's words
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "cfdot")]
pub(crate) struct Cfdot {
    /// tasks, task, task-events, desired-lrps, desired-lrp or lrp-events
    #[argh(positional)]
    pub(crate) command: String,
    /// the task's guid, or the process guid
    #[argh(positional)]
    pub(crate) guid: Option<String>,
    /// of lrp-events: no events of instances; there are none
    #[argh(switch, short = 'x')]
    #[expect(dead_code, reason = "typed because the real one has it")]
    pub(crate) exclude_actual_lrps: bool,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// prints the address of each service by its full name: HOST=IP
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "hosts")]
pub(crate) struct Hosts {
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// writes a recorded log anew, with URLs that work now
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "replay")]
pub(crate) struct Replay {
    /// a folder with the standard output of stager and nsync-listener
    #[argh(positional)]
    pub(crate) logs: PathBuf,
    /// only the lines of this app, by name or guid
    #[argh(option)]
    pub(crate) app: Option<String>,
    /// what to serve as app package: a folder or a zip (default: a page of one line)
    #[argh(option)]
    pub(crate) package: Option<PathBuf>,
    /// the state folder (default: .stager/mini-hcf)
    #[argh(option, default = "default_state()")]
    pub(crate) state: PathBuf,
}

/// serves inside a container
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "serve")]
pub(crate) struct Serve {
    /// file-server, blobstore, cc-uploader or cloud-controller
    #[argh(positional)]
    pub(crate) role: String,
}

fn default_state() -> PathBuf {
    PathBuf::from(".stager/mini-hcf")
}

/// MiB; `M` and `G` as `cf` writes them, `MB` and `GB` too.
fn memory(text: &str) -> Result<u32, String> {
    let upper = text.to_ascii_uppercase();
    let number = upper.trim_end_matches('B');
    let (number, factor) = match number.strip_suffix('G') {
        Some(number) => (number, 1024),
        None => (number.strip_suffix('M').unwrap_or(number), 1),
    };
    let megabytes = number.parse().ok().and_then(|number: u32| number.checked_mul(factor));
    let megabytes = megabytes.filter(|megabytes| *megabytes > 0 && i32::try_from(*megabytes).is_ok());
    megabytes.ok_or_else(|| format!("`{text}` is no amount of memory; write 256M or 1G"))
}

/// Why there is no command to execute.
pub(crate) enum Exit {
    /// Help or the version was asked for; this is it.
    Help(String),
    /// This is what is wrong.
    Wrong(String),
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(program: &str, arguments: &[String]) -> Result<Command, Exit> {
    let name = program.rsplit('/').next().unwrap_or(program);
    if command_line::asks_for_version(arguments) {
        return Err(Exit::Help(format!("{name} {}\n", env!("CARGO_PKG_VERSION"))));
    }
    match command_line::read(name, arguments) {
        Ok(Arguments { command }) => Ok(command),
        Err(NoArguments::Help(text)) => Err(Exit::Help(text + "\n")),
        Err(NoArguments::Mistake(Mistake { text, advice })) => Err(Exit::Wrong(format!("{text}\n  try: {advice}\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_may_have_an_equals_sign_and_so_may_its_value() {
        let typed = ["push", "app", "--env=A=b=c", "--env", "D=e"].map(str::to_owned);
        let Ok(Command::Push(push)) = parse("mini-hcf", &typed) else { panic!("not push") };
        assert_eq!(push.env, ["A=b=c", "D=e"]);
    }

    #[test]
    fn help_and_version_are_no_failures() {
        for (typed, start) in [("--help", "Usage: mini-hcf"), ("-h", "Usage: mini-hcf"), ("--version", "mini-hcf ")] {
            let Err(Exit::Help(text)) = parse("/some/where/mini-hcf", &[typed.to_owned()]) else { panic!("{typed}") };
            assert!(text.starts_with(start), "{text}");
        }
    }

    #[test]
    fn memory_is_read_as_cf_reads_it() {
        assert_eq!(memory("256M"), Ok(256));
        assert_eq!(memory("1gb"), Ok(1024));
        assert_eq!(memory("64"), Ok(64));
        for wrong in ["", "M", "-1M", "0", "9999999G"] {
            assert!(memory(wrong).unwrap_err().contains("no amount of memory"), "{wrong}");
        }
    }
}
