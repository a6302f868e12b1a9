//! Ends and reaps what programs leave behind. The agent is their subreaper (or process 1 of the container), so every
//! orphan becomes its child; whatever is its child and was not started by it on purpose has lost its program.
#![expect(clippy::disallowed_methods, reason = "reads /proc and starts programs, so that none is taken for an orphan")]

use super::rights;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, waitpid,
};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long orphans that multiply are run after. What is killed is gone in far less, but a look at thousands takes long on
/// a busy machine.
const CHASE: Duration = Duration::from_secs(30);
/// How long one look at /proc may take. Where memory has run out each entry can take as long.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// How many looks at /proc it may take to end them one by one. Whatever is still there multiplies.
const ENOUGH_LOOKS: u32 = 2;
/// How long is waited until all are still that were told to stop: whoever sits in a long call of the system stops behind it.
const SETTLING: Duration = Duration::from_millis(500);
/// Between two looks at /proc: short against patience, long against a look.
const PAUSE: Duration = Duration::from_millis(5);
/// The same while programs are held up by it.
const SHORT_PAUSE: Duration = Duration::from_millis(1);

/// Which fields of `/proc/<pid>/stat` these are, as proc(5) counts.
const PARENT: usize = 4;
const THREADS: usize = 20;

/// Knows which children are ours on purpose.
#[derive(Default)]
pub(crate) struct Reaper {
    programs: Mutex<BTreeSet<i32>>,
    /// False: orphans go elsewhere, so no child may be taken for one.
    in_charge: bool,
}

/// What a program had left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// How many processes were ended; of those that multiply, as many as were seen.
    pub(crate) ended: usize,
    /// True: some are still there.
    pub(crate) some_remain: bool,
}

/// A process as `/proc/<pid>/stat` shows it.
struct Process {
    pid: Pid,
    parent: i32,
    /// All of it has ended. Where only the first of its threads has, it looks as if.
    zombie: bool,
    /// Nothing of it runs: it has ended or was stopped, or it sits in a call of the system behind which it stops, as whoever
    /// has called vfork does for as long as the child is stopped.
    still: bool,
}

/// What a look at /proc has found.
struct Seen {
    processes: Vec<Process>,
    /// False: it took too long, and there are more.
    all: bool,
}

/// Programs that are held still, until this is dropped.
#[must_use = "they go on as soon as this is dropped"]
pub(crate) struct HeldStill {
    /// Empty: all that there are.
    one_by_one: Vec<Pid>,
}

impl Reaper {
    /// Makes this process the one that orphans come to.
    ///
    /// # Errors
    /// Kernels before 3.4.
    pub(crate) fn take_charge() -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        Ok(Self { in_charge: true, ..Self::default() })
    }

    /// Starts a program. It stays known until [`Reaper::forget`].
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let mut programs = self.programs();
        let child = rights::handing_on_none(|| command.spawn())?;
        programs.insert(Pid::from_child(&child).as_raw_pid());
        Ok(child)
    }

    /// The program `pid` is reaped.
    pub(crate) fn forget(&self, pid: Pid) {
        self.programs().remove(&pid.as_raw_pid());
    }

    /// Reaps orphans that have ended, so that they do not fill the container's process table.
    pub(crate) fn reap(&self) {
        let programs = self.programs();
        for orphan in self.orphans(&processes().processes, &programs).filter(|orphan| orphan.zombie) {
            let _ = waitpid(Some(orphan.pid), WaitOptions::NOHANG);
        }
    }

    /// Ends the program `pid` and all that there is beside it, where that takes one call and no look: with memory run out a
    /// look can take minutes. False, and nothing is done: the agent runs another program too. Where it is not process 1 the
    /// program's own group is all that can be ended so, and that is the caller's.
    pub(crate) fn end_all_at_once(&self, pid: Pid) -> bool {
        let programs = self.programs(); // none is started meanwhile
        let is_alone = programs.iter().all(|program| *program == pid.as_raw_pid());
        if is_alone {
            end_all_at_once();
        }
        is_alone
    }

    /// Ends all that the program `ended` left. While another program runs nothing is done: its processes cannot be told
    /// from the others, and it has its own end.
    pub(crate) fn end_orphans(&self, ended: Pid) -> Left {
        let programs = self.programs();
        let mut killed = BTreeSet::new();
        let started = Instant::now();
        let mut looks = 0;
        while programs.iter().all(|program| *program == ended.as_raw_pid()) {
            let seen = processes();
            let family = descendants(&seen.processes, self.orphans(&seen.processes, &programs));
            if family.is_empty() && seen.all {
                break;
            }
            if started.elapsed() >= CHASE {
                let some_remain = !seen.all || family.iter().any(|process| !process.zombie);
                return Left { ended: killed.len(), some_remain };
            }
            for process in family {
                if process.zombie {
                    let _ = waitpid(Some(process.pid), WaitOptions::NOHANG); // another's child: its parent dies first
                } else if kill_process(process.pid, Signal::KILL).is_ok() {
                    killed.insert(process.pid.as_raw_pid());
                }
            }
            looks += 1;
            if looks > ENOUGH_LOOKS || !seen.all {
                end_all_at_once();
            }
            thread::sleep(PAUSE);
        }
        Left { ended: killed.len(), some_remain: false }
    }

    /// Stops all that programs of ours are running, so that one can look at what they have made; `None`: not all of them
    /// stand still. They go on when the answer is dropped.
    pub(crate) fn hold_still(&self) -> Option<HeldStill> {
        if !self.in_charge {
            return None;
        }
        let own = getpid();
        let mut held = HeldStill { one_by_one: Vec::new() };
        if own == Pid::INIT {
            let _ = kill_process_group(own, Signal::STOP); // kill(-1, …): in one call, during which none can fork
        }
        let until = Instant::now() + SETTLING;
        loop {
            let Seen { processes, all } = processes();
            let running: Vec<Pid> =
                ours(&processes).filter(|process| !process.still).map(|process| process.pid).collect();
            if running.is_empty() && all {
                return Some(held);
            }
            if Instant::now() >= until {
                return None;
            }
            if own != Pid::INIT {
                for pid in running {
                    if kill_process(pid, Signal::STOP).is_ok() {
                        held.one_by_one.push(pid);
                    }
                }
            }
            thread::sleep(SHORT_PAUSE);
        }
    }

    fn orphans<'a>(&self, all: &'a [Process], programs: &BTreeSet<i32>) -> impl Iterator<Item = &'a Process> {
        let own = getpid().as_raw_pid();
        let in_charge = self.in_charge;
        all.iter()
            .filter(move |process| in_charge && process.parent == own && !programs.contains(&process.pid.as_raw_pid()))
    }

    fn programs(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody has gone on in between.
pub(crate) fn are_still(_: &HeldStill) -> bool {
    let seen = processes();
    seen.all && ours(&seen.processes).all(|process| process.still)
}

impl Drop for HeldStill {
    fn drop(&mut self) {
        if getpid() == Pid::INIT {
            let _ = kill_process_group(Pid::INIT, Signal::CONT);
        }
        for pid in &self.one_by_one {
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}

/// Those that stop when ours are told to: as process 1 all, also who came by `docker exec`.
fn ours(all: &[Process]) -> impl Iterator<Item = &Process> {
    let own = getpid();
    let children = all.iter().filter(|process| process.parent == own.as_raw_pid());
    let family = if own == Pid::INIT { all.iter().collect() } else { descendants(all, children) };
    family.into_iter().filter(move |process| process.pid != own)
}

/// Ends every process but this one, as process 1 of a container can: in one call, during which none can fork. Others do
/// not own all that they may signal.
fn end_all_at_once() {
    let own = getpid();
    if own == Pid::INIT {
        let _ = kill_process_group(own, Signal::KILL); // kill(-1, …): all, as the group of process 1 is called
    }
}

/// `roots` and all below them.
fn descendants<'a>(all: &'a [Process], roots: impl Iterator<Item = &'a Process>) -> Vec<&'a Process> {
    let mut family: Vec<&Process> = roots.collect();
    let mut next = 0;
    while next < family.len() {
        let parent = family[next].pid.as_raw_pid();
        family.extend(all.iter().filter(|process| process.parent == parent));
        next += 1;
    }
    family
}

/// The processes that can be seen; none where there is no /proc.
fn processes() -> Seen {
    let Ok(entries) = fs::read_dir("/proc") else { return Seen { processes: Vec::new(), all: true } };
    let until = Instant::now() + LONGEST_LOOK;
    let mut all = true;
    let of_entry = |entry: fs::DirEntry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        process(pid, &fs::read_to_string(entry.path().join("stat")).ok()?)
    };
    let in_time = entries.flatten().take_while(|_| {
        all = Instant::now() < until;
        all
    });
    let processes = in_time.filter_map(of_entry).collect();
    Seen { processes, all }
}

/// `12 (a name) with) brackets) Z 1 …`: the name may hold anything, so what counts is behind its last bracket.
fn process(pid: Pid, stat: &str) -> Option<Process> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let threads = fields.nth(THREADS - PARENT - 1);
    let has_ended = matches!(state, "Z" | "X");
    let zombie = has_ended && threads.and_then(|threads| threads.parse().ok()).is_none_or(|threads: u32| threads <= 1);
    Some(Process { pid, parent, zombie, still: has_ended || matches!(state, "T" | "t" | "D") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_could_still_do_something_is_not_still() {
        for (state, still) in
            [("R", false), ("S", false), ("I", false), ("T", true), ("t", true), ("D", true), ("Z", true)]
        {
            assert_eq!(
                process(getpid(), &format!("1 (a) {state} 7 1")).map(|process| process.still),
                Some(still),
                "{state}"
            );
        }
    }

    fn parse(stat: &str) -> Option<(i32, bool)> {
        process(getpid(), stat).map(|process| (process.parent, process.zombie))
    }

    #[test]
    fn a_process_may_be_called_anything() {
        assert_eq!(parse("12 (sh) S 7 12 12 0"), Some((7, false)));
        assert_eq!(parse("12 (a) Z 99 (b)) Z 7 12"), Some((7, true)));
        assert_eq!(parse("12 (sh"), None);
    }

    #[test]
    fn who_has_lost_only_the_first_of_its_threads_has_not_ended() {
        let with = |threads| format!("12 (sh) Z 7 12 12 0 -1 4 0 0 0 0 1 2 0 0 20 0 {threads} 0 99");
        assert_eq!(parse(&with(2)), Some((7, false)));
        assert_eq!(parse(&with(1)), Some((7, true)));
        assert_eq!(parse(&with(0)), Some((7, true)));
    }

    #[test]
    fn a_family_is_found_however_deep() {
        let process = |pid, parent| Process { pid: Pid::from_raw(pid).unwrap(), parent, zombie: false, still: false };
        let all = [process(5, 4), process(4, 3), process(3, 1), process(2, 1), process(6, 2)];
        let family: Vec<i32> = descendants(&all, all.iter().filter(|process| process.pid.as_raw_pid() == 3))
            .iter()
            .map(|p| p.pid.as_raw_pid())
            .collect();
        assert_eq!(family, [3, 4, 5]);
    }

    #[test]
    fn this_process_sees_itself() {
        assert!(processes().processes.iter().any(|process| process.pid == getpid() && !process.zombie));
    }
}
