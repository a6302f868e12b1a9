//! The command line of `stager-agent`.
#![expect(clippy::disallowed_methods, reason = "reads the process's arguments")]

mod cache;

pub(crate) use cache::{CacheCommand, Command};

use crate::compression::Compression;
use crate::outlet::MOST_OUTPUT;
use crate::session::screen::OutputFormat;
use crate::unpack::Limits;
use argh::{ArgsInfo, FromArgs};
use http_client::{OwnCertificate, Timeouts, Trust, Verify, duration};
use shared_model::command_line::{self, Mistake, NoArguments};
use shared_model::event::{Event, Stream};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::plain_line;
use shared_model::size;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// Of a cache, where nobody says: 10 GiB.
const CACHE_LIMIT: u64 = 10 << 30;

/// Stages one Cloud Foundry app. Reads the staging request that Cloud Foundry sent to Diego (a TaskDefinition) on standard
/// input, downloads what it names, runs the builder and uploads the droplet.
#[derive(ArgsInfo, FromArgs, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a command line has switches")]
#[argh(
    name = "stager-agent",
    example = "Stage and upload the app that was pushed last:\n$ build_req | docker run -i --rm --net hcf stager",
    example = "Upload nothing, and look around afterwards:\n\
               $ build_req | docker run -i --rm --net hcf --name look stager --no-upload --keep\n\
               $ docker exec -it -u vcap -w /tmp/app look bash",
    note = "Exit codes: 0 done, 1 bug, 2 command line, 3 request, 4 fetch, 5 builder, 6 upload, 7 image, 9 Docker Engine,\n\
            124 timeout, 130 and 143 signal, 222 no buildpack detected the app, 223 compile, 224 release, 225 supply, 226 finalize failed;\n\
            CNB: 231 generic, 232 download, 233 no buildpack detected the app, 234 build, 235 export, 236 CredHub, 237 restore failed."
)]
pub(crate) struct Arguments {
    /// read the request from this file instead of standard input
    #[argh(option, arg_name = "file")]
    pub(crate) request: Option<PathBuf>,
    /// plain (default) or json, one event a line (docs/events.md)
    #[argh(option, default = "OutputFormat::Plain", arg_name = "plain|json")]
    pub(crate) output: OutputFormat,
    /// certificates to trust besides the system's, PEM; may be given more than once
    #[argh(option, arg_name = "file")]
    pub(crate) ca: Vec<PathBuf>,
    /// client certificate, PEM
    #[argh(option, arg_name = "file")]
    pub(crate) cert: Option<PathBuf>,
    /// private key for --cert, PEM (default: same file)
    #[argh(option, arg_name = "file")]
    pub(crate) key: Option<PathBuf>,
    /// longest wait for a connection, such as 90s, 10m or 1h (default: 10s)
    #[argh(option, default = "Timeouts::default().connect", from_str_fn(duration), arg_name = "time")]
    pub(crate) connect_timeout: Duration,
    /// longest pause in a transfer (default: 30s)
    #[argh(option, default = "Timeouts::default().idle", from_str_fn(duration), arg_name = "time")]
    pub(crate) idle_timeout: Duration,
    /// longest time for a transfer with all its retries (default: 30m)
    #[argh(option, default = "Timeouts::default().total", from_str_fn(duration), arg_name = "time")]
    pub(crate) transfer_timeout: Duration,
    /// number of retries of a transfer that gets no further (default: 3)
    #[argh(option, default = "Timeouts::default().retries", arg_name = "number")]
    pub(crate) retries: u32,
    /// how the builder's gzip compresses: default (on all cores), fast (a tenth larger) or stock (the stack's own gzip)
    #[argh(option, default = "Compression::default()", arg_name = "fast|default|stock")]
    pub(crate) compression: Compression,
    /// do not upload droplet and build artifacts cache; Cloud Controller keeps its droplet
    #[argh(switch)]
    pub(crate) no_upload: bool,
    /// report the result to Cloud Controller, as Diego does; it then starts the app on Diego
    #[argh(switch)]
    pub(crate) report: bool,
    /// used by host-cli: the staging ends when standard input ends, or is silent for 25s
    #[argh(switch)]
    pub(crate) lease: bool,
    /// keep the container for up to an hour after the staging, to look around
    #[argh(switch)]
    pub(crate) keep: bool,
    /// make no image, even if a Docker socket is mounted
    #[argh(switch)]
    pub(crate) no_image: bool,
    /// leave the droplet's sha256, the lifecycle and the result in this empty folder, which only the agent may write to, for another
    /// container to make the image of (`host-cli image --handover`)
    #[argh(option, arg_name = "dir")]
    pub(crate) handover: Option<PathBuf>,
    /// stage even if buildpacks can reach the Docker socket, which is root on the host
    #[argh(switch)]
    pub(crate) trust_buildpacks: bool,
    /// largest size of an archive, packed or unpacked, such as 500M or 2T (default: 32G)
    #[argh(option, default = "Limits::GENEROUS.bytes", from_str_fn(size), arg_name = "size")]
    pub(crate) max_unpacked: u64,
    /// largest number of entries in an archive (default: 1000000)
    #[argh(option, default = "Limits::GENEROUS.entries", arg_name = "n")]
    pub(crate) max_entries: u64,
    /// an archive may unpack to this many times its size, once it is above 100M (default: 200)
    #[argh(option, default = "Limits::GENEROUS.ratio", arg_name = "n")]
    pub(crate) max_ratio: u64,
    /// deepest nesting of folders in an archive (default: 256)
    #[argh(option, default = "Limits::GENEROUS.depth", arg_name = "n")]
    pub(crate) max_depth: u64,
    /// longest name or link target in an archive (default: 4095)
    #[argh(option, default = "Limits::GENEROUS.name", arg_name = "bytes")]
    pub(crate) max_name: u64,
    /// most output of the builder to show, such as 10M or 1G (default: 64M)
    #[argh(option, default = "MOST_OUTPUT", from_str_fn(size), arg_name = "size")]
    pub(crate) max_output: u64,
    /// folder of the cache (default: /var/cache/stager, if a volume is mounted there)
    #[argh(option, arg_name = "dir")]
    pub(crate) cache: Option<PathBuf>,
    /// largest size of the cache, such as 500M; least recently used entries go first (default: 10G)
    #[argh(option, default = "CACHE_LIMIT", from_str_fn(size), arg_name = "size")]
    pub(crate) cache_limit: u64,
    /// use no cache
    #[argh(switch)]
    pub(crate) no_cache: bool,
    /// print the version
    #[argh(switch)]
    #[expect(dead_code, reason = "here for --help; it is answered before argh looks")]
    pub(crate) version: bool,
    #[argh(subcommand)]
    pub(crate) command: Option<Command>,
}

/// An end before the beginning: help, the version, or a command line that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EarlyExit {
    /// What to print.
    pub(crate) text: String,
    pub(crate) stream: Stream,
    /// What to end with.
    pub(crate) code: ExitCode,
}

impl EarlyExit {
    /// In the form of every error: what is wrong, and what to try.
    fn wrong(text: &str, advice: &str) -> Self {
        let (text, advice) = (text.to_owned(), advice.to_owned());
        let failed = Event::Failed { code: ExitCode::CommandLine.number(), text, advice };
        let line = plain_line(&failed);
        Self {
            text: line.map(|line| line.text.into_owned()).unwrap_or_default(),
            stream: Stream::Err,
            code: ExitCode::CommandLine,
        }
    }
}

impl Arguments {
    /// Whom to trust and what to show them; `folder` holds further certificates.
    pub(crate) fn trust(&self, folder: Option<PathBuf>, verify: Verify) -> Trust {
        let own = self.cert.clone().map(|certificate| OwnCertificate { certificate, key: self.key.clone() });
        Trust { files: self.ca.clone(), folder, verify, own }
    }

    /// How long transfers may take, and how often they are tried.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let (connect, idle, total) = (self.connect_timeout, self.idle_timeout, self.transfer_timeout);
        Timeouts { connect, idle, total, retries: self.retries, ..Timeouts::default() }
    }

    /// What this process was started with.
    pub(crate) fn from_process() -> Result<Self, EarlyExit> {
        let given: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        Self::parse(&given)
    }

    /// What an archive may ask for.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bytes: self.max_unpacked,
            entries: self.max_entries,
            ratio: self.max_ratio,
            depth: self.max_depth,
            name: self.max_name,
        }
    }

    /// What was typed behind the program's name.
    ///
    /// # Errors
    /// Help or the version was asked for, or it cannot be understood.
    pub(crate) fn parse(given: &[String]) -> Result<Self, EarlyExit> {
        if command_line::asks_for_version(given) {
            let text = format!("stager-agent {}", env!("CARGO_PKG_VERSION"));
            return Err(EarlyExit { text, stream: Stream::Out, code: ExitCode::Success });
        }
        let wrong = |text: &str, advice: &str| EarlyExit::wrong(text, advice);
        let arguments: Self = command_line::read("stager-agent", given).map_err(|none| match none {
            NoArguments::Help(text) => EarlyExit { text, stream: Stream::Out, code: ExitCode::Success },
            NoArguments::Mistake(Mistake { text, advice }) => wrong(&text, &advice),
        })?;
        if arguments.key.is_some() && arguments.cert.is_none() {
            return Err(wrong(
                "--key is given without --cert",
                "give the certificate that the key belongs to with --cert FILE",
            ));
        }
        if arguments.report && arguments.no_upload {
            let text = "--report and --no-upload exclude each other";
            let advice = "leave one of them out: Cloud Controller cannot be told of a droplet that is not uploaded";
            return Err(wrong(text, advice));
        }
        if arguments.no_cache && arguments.cache.is_some() {
            return Err(wrong("--cache and --no-cache exclude each other", "leave one of them out"));
        }
        if arguments.no_cache && arguments.command.is_some() {
            return Err(wrong("--no-cache cannot go with the command `cache`", "leave --no-cache out"));
        }
        Ok(arguments)
    }
}

fn size(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| "a size is a number of bytes, or one with K, M, G or T behind it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::cache::CacheArguments;
    use std::path::Path;

    fn parse(line: &str) -> Result<Arguments, EarlyExit> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_taken_in_either_form() {
        let arguments = parse("--ca=/a --ca /b --output=json --no-upload").unwrap();
        assert_eq!(arguments.ca, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!((arguments.output, arguments.no_upload, arguments.report), (OutputFormat::Json, true, false));
    }

    #[test]
    fn every_bound_on_archives_can_be_set_and_its_default_is_in_the_help() {
        assert_eq!(parse("").unwrap().limits(), Limits::GENEROUS);
        let line = "--max-unpacked 1T --max-entries 2 --max-ratio 3 --max-depth 4 --max-name 5";
        let expected = Limits { bytes: 1 << 40, entries: 2, ratio: 3, depth: 4, name: 5 };
        assert_eq!(parse(line).unwrap().limits(), expected);
        let help = parse("--help").unwrap_err().text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Limits { bytes, entries, ratio, depth, name } = Limits::GENEROUS;
        assert_eq!(size::parse("32G"), Some(bytes));
        for default in ["32G".to_owned(), entries.to_string(), ratio.to_string(), depth.to_string(), name.to_string()] {
            assert!(help.contains(&format!("(default: {default})")), "{default}: {help}");
        }
    }

    #[test]
    fn the_bound_on_output_can_be_set_and_its_default_is_in_the_help() {
        assert_eq!((parse("").unwrap().max_output, parse("--max-output 1G").unwrap().max_output), (64 << 20, 1 << 30));
        assert!(parse("--help").unwrap_err().text.contains("(default: 64M)"));
    }

    #[test]
    fn what_is_said_of_the_network_reaches_the_transfers() {
        assert_eq!(parse("").unwrap().timeouts(), Timeouts::default());
        let line = "--connect-timeout 5 --idle-timeout=1m --transfer-timeout 2h --retries 0";
        let seconds = Duration::from_secs;
        let expected = Timeouts {
            connect: seconds(5),
            idle: seconds(60),
            total: seconds(7200),
            retries: 0,
            ..Timeouts::default()
        };
        assert_eq!(parse(line).unwrap().timeouts(), expected);
    }

    #[test]
    fn a_certificate_of_ours_may_hold_its_key() {
        let own = |line: &str| parse(line).unwrap().trust(None, Verify::Yes).own;
        let certificate = PathBuf::from("/own.pem");
        assert_eq!(own(""), None);
        assert_eq!(own("--cert /own.pem"), Some(OwnCertificate { certificate: certificate.clone(), key: None }));
        let key = Some(PathBuf::from("/own.key"));
        assert_eq!(own("--cert /own.pem --key /own.key"), Some(OwnCertificate { certificate, key }));
    }

    #[test]
    fn the_help_names_the_defaults_that_are() {
        let help = parse("--help").unwrap_err().text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Timeouts { connect, idle, total, retries, .. } = Timeouts::default();
        assert_eq!((connect.as_secs(), idle.as_secs(), total.as_secs(), retries), (10, 30, 30 * 60, 3));
        for default in
            ["1h (default: 10s)", "transfer (default: 30s)", "retries (default: 30m)", "further (default: 3)"]
        {
            assert!(help.contains(default), "{default}: {help}");
        }
    }

    #[test]
    fn options_of_all_commands_stand_before_the_command() {
        let arguments = parse("--output json --cache /c --cache-limit=2G cache up --into=/d").unwrap();
        assert_eq!((arguments.cache.as_deref(), arguments.cache_limit), (Some(Path::new("/c")), 2 << 30));
        let Some(Command::Cache(CacheArguments { command: CacheCommand::Up(up) })) = arguments.command else {
            panic!()
        };
        assert_eq!(up.into, Some(PathBuf::from("/d")));
    }

    #[test]
    fn help_and_version_are_no_failures() {
        for (line, expected) in [
            ("--help", "--no-upload"),
            ("-h", "docker run -i"),
            ("--version", "stager-agent "),
            ("cache --help", "cache list"),
            ("cache clear --help", "[<KEY>]"),
        ] {
            let early = parse(line).unwrap_err();
            assert_eq!((early.code, early.stream), (ExitCode::Success, Stream::Out));
            assert!(early.text.contains(expected), "{}", early.text);
        }
    }

    #[test]
    fn what_is_named_of_a_command_line_is_harmless() {
        let given = ["--x\u{1b}]8;;http://h\u{7}\u{200b}".to_owned()];
        let text = Arguments::parse(&given).unwrap_err().text;
        assert!(text.contains("--x\\u{1b}]8;;http://h\\u{7}\\u{200b}"), "{text:?}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, expected) in [
            ("--frobnicate", "error: unknown option --frobnicate\n  try: `stager-agent --help`"),
            ("--no-uplaod", "did you mean --no-upload?"),
            ("--output xml", "plain or json"),
            ("x", "x"),
            ("--max-unpacked 1X", "K, M, G or T"),
            ("--max-depth -1", "invalid digit"),
            ("--idle-timeout 0", "is not between 1s and 24h"),
            ("--transfer-timeout soon", "is no time such as 90s, 10m or 1h"),
            ("--retries many", "many"),
            ("--key /own.key", "--key is given without --cert"),
            ("--report --no-upload", "exclude"),
            ("--cache /c --no-cache", "exclude"),
            ("--cache-limit much", "much"),
            ("--no-cache cache list", "leave --no-cache out"),
            ("cache", "`stager-agent cache` needs a command"),
            ("cache list --output yaml", "plain or json"),
        ] {
            let early = parse(line).unwrap_err();
            assert_eq!((early.code, early.stream), (ExitCode::CommandLine, Stream::Err));
            assert!(early.text.contains(expected), "{}", early.text);
        }
    }
}
