//! `ssh`: what can be typed.

use super::place::{ClusterPlace, On};
use crate::app_ref::{AppRef, AppRefError};
use crate::failure::Failure;
use crate::plan::apps::Part;
use crate::plan::port_forward::PortForward;
use argh::{ArgsInfo, FromArgs};
use shared_model::exit_code::ExitCode;

names_an_app! {
    "ssh", happens_somewhere! command!
    /// open a shell in an app's container, or run a command there
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "ssh",
        note = "APP is an app's name, its guid or the start of it; APP/worker is one of its processes, APP/1 its instance of index 1.\n\
                Without a part that is web's first instance that runs.\n\n\
                The command runs as the app's user and through its launcher, so PATH and profile.d are the app's. Its exit code is this\n\
                command's own. Without a terminal its standard output and standard error stay apart, and standard input is passed on to\n\
                its end.",
        example = "$ host-cli ssh my-app",
        example = "Into the worker's second instance:\n$ host-cli ssh my-app --process worker -i 1",
        example = "$ cat dump.sql | host-cli ssh my-app -c 'cat > /tmp/dump.sql'",
        example = "Reach a database that only the app reaches:\n$ host-cli ssh my-app -N -L 5432:db.internal:5432"
    )]
    Ssh {
        /// app whose container to enter, or a part of it
        app,
        /// process type (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// index of the instance (default: the first that runs)
        #[argh(option, short = 'i', long = "app-instance-index", arg_name = "index")]
        pub(crate) instance: Option<u32>,
        /// run this instead of a shell; several are put together with blanks
        #[argh(option, short = 'c', long = "command", arg_name = "command")]
        pub(crate) commands: Vec<String>,
        /// give a command a terminal, if standard input is one
        #[argh(switch, short = 't')]
        pub(crate) request_pseudo_tty: bool,
        /// give it a terminal in any case
        #[argh(switch)]
        pub(crate) force_pseudo_tty: bool,
        /// give even a shell no terminal
        #[argh(switch, short = 'T')]
        pub(crate) disable_pseudo_tty: bool,
        /// listen here and lead each connection through the container: [ADDRESS:]PORT:HOST:PORT (default address: 127.0.0.1); may be
        /// given more than once
        #[argh(option, short = 'L', long = "local-forward", arg_name = "forward")]
        pub(crate) forwards: Vec<PortForward>,
        /// run nothing, only do what -L says, until Ctrl-C
        #[argh(switch, short = 'N')]
        pub(crate) skip_remote_execution: bool,
        /// for those whose hands type it: there is no host key here
        #[argh(switch, short = 'k')]
        #[expect(dead_code, reason = "it changes nothing")]
        pub(crate) skip_host_validation: bool,
    }
}

/// Whether a command gets a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tty {
    /// A shell does, where standard input is one.
    Auto,
    /// It does, where standard input is one.
    Request,
    /// It does.
    Force,
    /// It does not.
    Disable,
}

impl Tty {
    /// Whether it does, as cf decides it.
    pub(crate) const fn is_wanted(self, has_command: bool, input_is_terminal: bool) -> bool {
        match self {
            Self::Auto => input_is_terminal && !has_command,
            Self::Request => input_is_terminal,
            Self::Force => true,
            Self::Disable => false,
        }
    }
}

impl Ssh {
    /// What part of the app the options name.
    pub(crate) fn part(&self) -> Part {
        Part { process: self.process.clone(), index: self.instance }
    }

    /// What was typed behind each -c; empty: a shell is wanted.
    pub(crate) fn line(&self) -> String {
        self.commands.join(" ")
    }

    /// Whether it gets a terminal.
    ///
    /// # Errors
    /// Several of the options were typed.
    pub(crate) fn tty(&self) -> Result<Tty, Failure> {
        match (self.request_pseudo_tty, self.force_pseudo_tty, self.disable_pseudo_tty) {
            (false, false, false) => Ok(Tty::Auto),
            (true, false, false) => Ok(Tty::Request),
            (false, true, false) => Ok(Tty::Force),
            (false, false, true) => Ok(Tty::Disable),
            _ => {
                let text = "-t, --force-pseudo-tty and -T exclude each other";
                Err(Failure::new(ExitCode::CommandLine, text, "type one of them"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_for_a_shell_unless_it_is_typed_otherwise() {
        for (tty, shell_here, command_here, shell_piped) in [
            (Tty::Auto, true, false, false),
            (Tty::Request, true, true, false),
            (Tty::Force, true, true, true),
            (Tty::Disable, false, false, false),
        ] {
            let wanted = (tty.is_wanted(false, true), tty.is_wanted(true, true), tty.is_wanted(false, false));
            assert_eq!(wanted, (shell_here, command_here, shell_piped), "{tty:?}");
        }
    }
}
