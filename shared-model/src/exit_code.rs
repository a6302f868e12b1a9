//! What a command's exit code says. Agent and host use the same numbers, so that a script need not know who failed.

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
    /// The builder failed otherwise than by one of its own codes (222–226).
    Builder,
    /// The droplet or the build-artifacts cache could not be uploaded.
    Upload,
    /// The app image could not be made, pushed or exported.
    Image,
    /// The app could not be started or did not become healthy.
    Launch,
    /// The Docker Engine could not be reached, or refused.
    Engine,
    /// The request's timeout or an option's time limit ended it.
    Timeout,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGTERM; of an agent, also by the end of its host.
    Terminated,
    /// The builder's own code: 222 no buildpack detected, 223 compile, 224 release, 225 supply, 226 finalize.
    BuildersOwn(u8),
}

impl ExitCode {
    /// Every code with the words that the documentation uses.
    pub const TABLE: [(&'static str, &'static str); 14] = [
        ("0", "done"),
        ("1", "a bug of stager; please report it"),
        ("2", "the command line is wrong"),
        ("3", "the request is missing, unreadable or not for this tool"),
        ("4", "something could not be fetched or unpacked"),
        ("5", "the builder failed in another way than 222–226"),
        ("6", "the droplet or the build-artifacts cache could not be uploaded"),
        ("7", "the app image could not be made, pushed or exported"),
        ("8", "the app did not start or did not become healthy"),
        ("9", "the Docker Engine could not be reached, or refused"),
        ("124", "a timeout ended it"),
        ("130", "ended by Ctrl-C (SIGINT)"),
        ("143", "ended by SIGTERM, or, the agent, because its host-cli was gone"),
        (
            "222–226",
            "the builder's own: 222 no buildpack detected the app, 223 compile, 224 release, 225 supply, 226 finalize failed",
        ),
    ];

    /// The exit status that a builder's status means for us: its own codes stay, everything else is [`ExitCode::Builder`].
    #[must_use]
    pub fn from_builder_status(status: i32) -> Self {
        match u8::try_from(status) {
            Ok(own @ 222..=226) => Self::BuildersOwn(own),
            _ => Self::Builder,
        }
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
            Self::BuildersOwn(code) => code,
        }
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
            own @ 222..=226 => Self::BuildersOwn(own),
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
        assert_eq!(ExitCode::from_builder_status(223), ExitCode::BuildersOwn(223));
        assert_eq!(ExitCode::from_builder_status(1), ExitCode::Builder);
        assert_eq!(ExitCode::from_builder_status(-1), ExitCode::Builder);
    }
}
