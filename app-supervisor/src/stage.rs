//! When the processes are asked to end, and with what the container ends. Pure: knows no process.

use std::time::{Duration, Instant};

/// What Diego gives a process between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// What the container ends with where a sidecar ended well: without it the app is not what it was, so that is a crash
/// (`EX_UNAVAILABLE` of sysexits.h, "a support program is missing").
const SIDECAR_MISSING: u8 = 69;

/// Whose process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    App,
    Sidecar,
}

/// Whether those that run are to be asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Ask,
    Leave,
}

/// How far the container is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// All run.
    #[default]
    Running,
    /// SIGTERM came and was passed on. The app ends when it has done what it was at; how long that may take is the engine's to
    /// say. That sidecars end meanwhile is what was asked for.
    Asked,
    /// What is left is killed at that time, and the container ends with this status.
    Ending { status: u8, kill_at: Instant },
}

impl Stage {
    /// SIGTERM came. A second one changes nothing: Diego cancels once.
    pub(crate) fn asked(&mut self) -> Others {
        if *self != Self::Running {
            return Others::Leave;
        }
        *self = Self::Asked;
        Others::Ask
    }

    /// One has ended; of those that run together only the first counts.
    pub(crate) fn ended(&mut self, role: Role, status: u8, now: Instant) -> Others {
        let others = match (&self, role) {
            (Self::Running, _) => Others::Ask,
            (Self::Asked, Role::App) => Others::Leave, // they were asked before
            (Self::Asked, Role::Sidecar) | (Self::Ending { .. }, _) => return Others::Leave,
        };
        let status = if role == Role::Sidecar && status == 0 { SIDECAR_MISSING } else { status };
        *self = Self::Ending { status, kill_at: now + GRACE };
        others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_end_says_the_status_and_has_the_others_asked() {
        let now = Instant::now();
        for (role, ended, status) in
            [(Role::App, 0, 0), (Role::App, 143, 143), (Role::Sidecar, 3, 3), (Role::Sidecar, 0, SIDECAR_MISSING)]
        {
            let mut stage = Stage::default();
            assert_eq!(stage.ended(role, ended, now), Others::Ask);
            assert_eq!(stage.ended(Role::App, 7, now + GRACE), Others::Leave);
            assert_eq!(stage.asked(), Others::Leave);
            assert_eq!(stage, Stage::Ending { status, kill_at: now + GRACE });
        }
    }

    #[test]
    fn when_asked_from_outside_the_app_says_the_status_however_early_sidecars_end() {
        let now = Instant::now();
        let mut stage = Stage::default();
        assert_eq!((stage.asked(), stage.asked()), (Others::Ask, Others::Leave));
        assert_eq!(stage.ended(Role::Sidecar, 143, now), Others::Leave);
        assert_eq!(stage, Stage::Asked);
        assert_eq!(stage.ended(Role::App, 0, now), Others::Leave);
        assert_eq!(stage, Stage::Ending { status: 0, kill_at: now + GRACE });
    }
}
