//! Who made a thing: this very process, written so that another one can tell whether it still lives.
//!
//! An owner is a process id with its start time, in a pid namespace of a machine since that was started. Only who sees
//! the same processes can judge it; to all others its life is unknown. Nothing secret: machine and namespace are a digest.

#![expect(clippy::disallowed_methods, reason = "asks the kernel about processes")]

use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;

/// A process of a machine, told from later ones of the same number by its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Where its number means something; empty where this machine does not say.
    place: String,
    process: i32,
    /// Clock ticks since the machine was started.
    began: u64,
}

/// What can be known of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It works.
    Living,
    /// It is gone.
    Ended,
    /// It is, or was, somewhere else.
    Unknown,
}

impl Owner {
    /// This process.
    pub(crate) fn ourselves() -> Self {
        let process = getpid().as_raw_nonzero().get();
        Self { place: place(), process, began: stat(process).map_or(0, |stat| stat.began) }
    }

    /// The owner that a label names; `None` for what is no owner.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split('.');
        let (place, process, began) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then(|| Self { place: place.to_owned(), process, began })
    }

    /// Whether it lives.
    pub(crate) fn life(&self) -> Life {
        if self.place.is_empty() || self.place != place() {
            return Life::Unknown;
        }
        let Some(pid) = Pid::from_raw(self.process) else { return Life::Unknown };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            return Life::Ended;
        }
        // A process that may not be looked at is there all the same.
        match stat(self.process) {
            Some(Stat { began, .. }) if began != self.began => Life::Ended,
            Some(Stat { is_dead: true, .. }) => Life::Ended,
            _ => Life::Living,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.place, self.process, self.began)
    }
}

/// This machine since it was started, and this pid namespace of it.
fn place() -> String {
    const BYTES: usize = 6; // of the digest: enough to tell machines apart
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let namespace = fs::read_link("/proc/self/ns/pid").ok();
    let Some((boot, namespace)) = boot.zip(namespace) else { return String::new() };
    let digest = Sha256::digest(format!("{}\n{}", boot.trim(), namespace.display()));
    let start = digest.iter().take(BYTES).fold(0_u64, |start, byte| start << 8 | u64::from(*byte));
    format!("{start:012x}")
}

struct Stat {
    began: u64,
    /// Nobody has asked for its exit status yet.
    is_dead: bool,
}

/// `None` where there is no such process, or none that we may look at.
fn stat(process: i32) -> Option<Stat> {
    const BEGAN: usize = 19; // behind the name, which may hold anything: the state is number 0
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, behind_name) = text.rsplit_once(')')?;
    let words: Vec<&str> = behind_name.split_whitespace().collect();
    Some(Stat { began: words.get(BEGAN)?.parse().ok()?, is_dead: matches!(words.first(), Some(&("Z" | "X"))) })
}

#[cfg(test)]
pub(crate) mod samples {
    use super::{Owner, getpid};

    /// One that lives: this process.
    pub(crate) fn living() -> String {
        Owner::ourselves().to_string()
    }

    /// One that had our number before us.
    pub(crate) fn ended() -> String {
        let ours = Owner::ourselves();
        assert_eq!(ours.process, getpid().as_raw_nonzero().get());
        Owner { began: ours.began - 1, ..ours }.to_string()
    }

    /// One of another machine.
    pub(crate) fn elsewhere() -> String {
        Owner { place: "0123456789ab".into(), ..Owner::ourselves() }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn life(text: &str) -> Life {
        Owner::read(text).unwrap().life()
    }

    #[test]
    fn a_process_lives_until_it_is_killed_whether_or_not_anybody_asked_for_its_status() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = i32::try_from(child.id()).unwrap();
        let owner = Owner { process, began: stat(process).unwrap().began, ..Owner::ourselves() };
        assert_eq!((life(&owner.to_string()), owner.life()), (Life::Living, Life::Living));
        child.kill().unwrap();
        while owner.life() == Life::Living {
            std::thread::yield_now();
        }
        assert!(stat(process).is_some_and(|stat| stat.is_dead), "its status was not asked for yet");
        child.wait().unwrap();
        assert_eq!(owner.life(), Life::Ended);
    }

    #[test]
    fn another_process_of_the_same_number_is_another_owner_and_another_machines_are_not_judged() {
        assert_eq!(life(&samples::living()), Life::Living);
        assert_eq!(life(&samples::ended()), Life::Ended);
        assert_eq!(life(&samples::elsewhere()), Life::Unknown);
        assert_eq!(life(".1.1"), Life::Unknown);
        for nonsense in ["", "a", "a.b.c", "a.1.2.3", "a.1"] {
            assert_eq!(Owner::read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn nobody_reads_the_machine_in_it() {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let text = Owner::ourselves().to_string();
        assert!(boot.trim().split('-').all(|part| !text.contains(part)), "{text}");
    }
}
