//! What a command's exit code says. Agent and host use the same numbers, so that a script need not know who failed.

use crate::lifecycle::Lifecycle;
use std::fmt;
use std::process;

/// Why a command ended. The number is [`ExitCode::number`]; the table in docs/exit-codes.md is tested against [`ExitCode::TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All went well.
    Success,
    /// A bug of ours; please report it.
    Bug,
    /// The command line or the environment was wrong.
    CommandLine,
    /// The request was missing, unreadable or not for this tool.
    Request,
    /// Something could not be fetched or unpacked.
    Fetch,
    /// The builder failed otherwise than by one of its lifecycle's own codes.
    Builder,
    /// The droplet or the build-artifacts cache could not be uploaded.
    Upload,
    /// The app image could not be made, pushed, published or exported.
    Image,
    /// The app could not be started or did not become healthy.
    Launch,
    /// The Docker Engine or the cluster could not be reached, or refused.
    Engine,
    /// The request's timeout or an option's time limit ended it.
    Timeout,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGTERM; of an agent, also by the end of its host.
    Terminated,
    /// The builder's own code; see [`Lifecycle::builder_failure`].
    BuildersOwn(u8),
    /// The own code of a command that was run in an app's container.
    Remote(u8),
}

impl ExitCode {
    /// Every code with the words that the documentation uses.
    pub const TABLE: [(&'static str, &'static str); 15] = [
        ("0", "done"),
        ("1", "a bug of stager; please report it"),
        ("2", "the command line is wrong"),
        ("3", "the request is missing, unreadable or not for this tool"),
        ("4", "something could not be fetched or unpacked"),
        ("5", "the builder failed in another way than by a code of its own"),
        ("6", "the droplet or the build-artifacts cache could not be uploaded"),
        ("7", "the app image could not be made, pushed, published or exported"),
        ("8", "the app did not start or did not become healthy"),
        ("9", "the Docker Engine or the cluster could not be reached, or refused"),
        ("124", "a timeout ended it"),
        ("130", "ended by Ctrl-C (SIGINT)"),
        ("143", "ended by SIGTERM, or, the agent, because its host-cli was gone"),
        (
            "222–226",
            "the builder's own: 222 no buildpack detected the app, 223 compile, 224 release, 225 supply, 226 finalize failed",
        ),
        (
            "231–237",
            "the CNB builder's own: 231 generic, 232 download of a buildpack, 233 no buildpack detected the app, 234 build, 235 export, 236 CredHub, 237 restore failed",
        ),
    ];

    /// The exit status that the status of this lifecycle's builder means for us: its own codes stay, everything else, another
    /// lifecycle's codes too, is [`ExitCode::Builder`].
    #[must_use]
    pub fn from_builder_status(status: i32, lifecycle: Lifecycle) -> Self {
        let own = u8::try_from(status).ok().filter(|code| lifecycle.builder_failure(*code).is_some());
        own.map_or(Self::Builder, Self::BuildersOwn)
    }

    /// The process exit status.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Bug => 1,
            Self::CommandLine => 2,
            Self::Request => 3,
            Self::Fetch => 4,
            Self::Builder => 5,
            Self::Upload => 6,
            Self::Image => 7,
            Self::Launch => 8,
            Self::Engine => 9,
            Self::Timeout => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::BuildersOwn(code) | Self::Remote(code) => code,
        }
    }

    /// The code of a command that was run elsewhere, where ours has nothing to say; `None`: it did not come to that.
    #[must_use]
    pub const fn or_remote(self, status: Option<u8>) -> Self {
        match (self, status) {
            (Self::Success, Some(status)) => Self::Remote(status),
            (own, _) => own,
        }
    }

    /// An exit status as a process can have it; 255 for one that none has.
    #[must_use]
    pub fn of_process(status: i64) -> u8 {
        u8::try_from(status).unwrap_or(u8::MAX)
    }

    /// The reason behind a process exit status of ours; an unknown number is `None`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match u8::try_from(number).ok()? {
            0 => Self::Success,
            1 => Self::Bug,
            2 => Self::CommandLine,
            3 => Self::Request,
            4 => Self::Fetch,
            5 => Self::Builder,
            6 => Self::Upload,
            7 => Self::Image,
            8 => Self::Launch,
            9 => Self::Engine,
            124 => Self::Timeout,
            130 => Self::Interrupted,
            143 => Self::Terminated,
            own if Lifecycle::ALL.iter().any(|lifecycle| lifecycle.builder_failure(own).is_some()) => {
                Self::BuildersOwn(own)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_leads_back_to_its_reason() {
        for number in 0..=255 {
            if let Some(code) = ExitCode::from_number(number) {
                assert_eq!(i64::from(code.number()), number);
            }
        }
        assert_eq!(ExitCode::from_number(77), None);
    }

    #[test]
    fn the_page_of_exit_codes_has_the_same_table() {
        let page = include_str!("../../docs/exit-codes.md");
        for (number, meaning) in ExitCode::TABLE {
            let row = format!("| {number} | {meaning} |");
            assert!(page.contains(&row), "docs/exit-codes.md lacks: {row}");
        }
    }

    #[test]
    fn a_builder_keeps_its_own_codes_only() {
        let from = ExitCode::from_builder_status;
        for (lifecycle, own, others) in [(Lifecycle::Buildpack, 223, 234), (Lifecycle::Cnb, 234, 223)] {
            assert_eq!(from(own, lifecycle), ExitCode::BuildersOwn(u8::try_from(own).unwrap()));
            for status in [others, 1, -1, 256 + own] {
                assert_eq!(from(status, lifecycle), ExitCode::Builder, "{status}");
            }
        }
        assert_eq!((from(223, Lifecycle::Docker), from(2, Lifecycle::Docker)), (ExitCode::Builder, ExitCode::Builder));
    }
}
