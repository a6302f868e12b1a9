//! Everything that can go wrong in the manager: what, with what, and what to try.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A failure with its exit code.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file or folder would not do what was wanted of it.
    #[error("cannot {what} {}", path.display())]
    File {
        /// A verb: read, write, …
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A file of the state folder holds something else than we wrote.
    #[error("{} is not what mini-hcf wrote there; `mini-hcf down --purge` and `up` start anew", path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        cause: serde_json::Error,
    },
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    CommandLine(String),
    /// BBS has no such thing.
    #[error("BBS error: type 13: ResourceNotFound: {0}")]
    NotInBbs(String),
    /// A recorded log cannot be replayed.
    #[error("{0}")]
    Request(String),
    /// An archive would not be read or written.
    #[error("cannot pack {}", path.display())]
    Archive {
        /// What was packed.
        path: PathBuf,
        /// What the library or the system says.
        #[source]
        cause: zip::result::ZipError,
    },
    /// Certificates would not be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// A program that we need is not there.
    #[error("cannot start `{program}`; is it installed?")]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// What the library or the system says.
        #[source]
        cause: io::Error,
    },
    /// A program ended with an error.
    #[error("{program} {verb} failed:\n{said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// Its subcommand.
        verb: String,
        /// Its last lines.
        said: String,
    },
    /// A service did not come up.
    #[error("the service {service} {how}; it said:\n{said}")]
    Service {
        /// Its name on the network.
        service: String,
        /// What it did instead.
        how: &'static str,
        /// The last lines of its log.
        said: String,
    },
    /// A server inside a container cannot go on.
    #[error("{what}")]
    Server {
        /// What it wanted.
        what: String,
        /// Why it cannot.
        #[source]
        cause: io::Error,
    },
}

impl Failure {
    /// For `map_err`: a verb and the file.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
        let path = path.to_owned();
        move |cause| Failure::File { what, path, cause }
    }

    /// For `map_err`: what a server wanted.
    pub(crate) fn server(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        let what = what.into();
        move |cause| Failure::Server { what, cause }
    }

    /// The exit code, from the list that all of stager's programs share.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::State { .. } | Failure::Certificate(_) | Failure::Archive { .. } | Failure::Server { .. } => 1,
            Failure::File { .. } | Failure::CommandLine(_) => 2,
            Failure::Request(_) => 3,
            Failure::NotInBbs(_) => 4, // cfdot's own
            Failure::NoProgram { .. } | Failure::Program { .. } | Failure::Service { .. } => 9,
        }
    }
}

/// The failure and, after colons, its causes.
pub(crate) fn told(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
