//! Several processes at one cache, some of which are killed. A child is this test program again, which runs [`child`]
//! with a role to play.
#![allow(clippy::disallowed_methods, reason = "tests start processes")]

use super::*;
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

const ROLE: &str = "STAGER_TEST_CACHE_ROLE";
const ROOT: &str = "STAGER_TEST_CACHE_ROOT";
const LONG: Duration = Duration::from_secs(10);
/// What an entry of the role "churn" takes: six directories, four files.
const CHURNED: u64 = (6 + 4 * 3) * 4096;

pub(super) struct Child {
    process: std::process::Child,
    said: BufReader<ChildStdout>,
    told: ChildStdin,
}

impl Child {
    pub(super) fn play(role: &str, home: &Home) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "cache::tests::processes::child", "--ignored", "--nocapture", "--test-threads=1"])
            .envs([(ROLE, role.into()), (ROOT, home.root())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, told) = (BufReader::new(process.stdout.take().unwrap()), process.stdin.take().unwrap());
        Self { process, said, told }
    }

    /// Waits for a line that starts with `> ` and gives the rest; the test program itself says other things.
    pub(super) fn says(&mut self) -> String {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.trim_end().split_once("> ") {
                return said.to_owned();
            }
            line.clear();
        }
        panic!("the child ended without a word")
    }

    fn go_on(&mut self) {
        self.told.write_all(b"go on\n").unwrap();
    }

    /// Kills it with SIGKILL, which has to be what ends it.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9), "it failed by itself");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {text}").unwrap();
    out.flush().unwrap();
}

fn wait_for_a_word() {
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

#[test]
#[ignore = "a role for other tests"]
fn child() {
    let (Ok(role), Ok(root)) = (env::var(ROLE), env::var(ROOT)) else { return };
    if role == "fill without umask" {
        rights::fill_without_umask(Path::new(&root));
        return say("filled");
    }
    let cache = Cache::open_own(Path::new(&root), if role == "churn" { 5 * CHURNED } else { PLENTY }).unwrap();
    match role.as_str() {
        "fetch" => {
            let claim = claim(&cache, &identity("a"));
            fs::write(claim.path().join("file"), "half").unwrap();
            say("claimed");
            wait_for_a_word();
            let _published = claim.publish(Facts::default(), None).unwrap();
            say("published");
            wait_for_a_word();
        }
        "use" => {
            let entry = found(&cache, &identity("a"));
            say(&text_of(&entry));
            wait_for_a_word();
            say(&text_of(&entry));
        }
        "fetch once" => {
            say("ready");
            wait_for_a_word();
            let claim = claim(&cache, &identity("a"));
            if is_there(&cache, "a") {
                say("found");
            } else {
                thread::sleep(Duration::from_millis(50));
                fs::write(claim.path().join("file"), "x").unwrap();
                claim.publish(Facts::default(), None).unwrap();
                say("fetched");
            }
        }
        "churn" => {
            say("ready");
            for round in std::process::id().. {
                let key = format!("k{}", round.wrapping_mul(2_654_435_761) >> 28);
                if let Lookup::Found(entry) = cache.find(&identity(&key)).unwrap() {
                    assert!(!text_of(&entry).is_empty());
                }
                let claim = claim(&cache, &identity(&key));
                for name in ["file", "a", "b", "c"] {
                    fs::create_dir_all(claim.path().join("d").join(name)).unwrap();
                    fs::write(claim.path().join(name), "x".repeat(9000)).unwrap();
                }
                let published = claim.publish(Facts::default(), None).unwrap();
                assert!(published.warning.is_none(), "{:?}", published.warning);
            }
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn a_killed_fetcher_frees_what_it_claimed_and_its_half_goes() {
    let home = Home::new();
    let mut child = Child::play("fetch", &home);
    assert_eq!(child.says(), "claimed");
    let cache = home.cache();
    assert_eq!(home.names("entries").len(), 1, "what is being filled is no garbage");
    child.kill();
    let began = Instant::now();
    drop(claim(&cache, &identity("a")));
    assert!(began.elapsed() < LONG);
    home.assert_tidy();
    assert_eq!(home.names("entries"), Vec::<String>::new());
}

#[test]
fn whoever_waits_gets_what_the_other_fetched() {
    let home = Home::new();
    let mut child = Child::play("fetch", &home);
    assert_eq!(child.says(), "claimed");
    let cache = home.cache();
    thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let claim = claim(&cache, &identity("a"));
            let text = text_of(&found(&cache, &identity("a")));
            drop(claim);
            text
        });
        thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished(), "it has to wait");
        child.go_on();
        assert_eq!((child.says(), waiting.join().unwrap()), ("published".to_owned(), "half".to_owned()));
    });
    child.go_on();
    assert!(child.process.wait().unwrap().success());
    home.assert_tidy();
}

#[test]
fn whoever_waits_can_be_stopped() {
    let home = Home::new();
    let mut child = Child::play("fetch", &home);
    assert_eq!(child.says(), "claimed");
    let (cache, stop) = (home.cache(), Stop::default());
    thread::scope(|threads| {
        threads.spawn(|| {
            thread::sleep(Duration::from_millis(50));
            stop.ask(crate::session::scope::Stopped::Signal(15));
        });
        let began = Instant::now();
        let waited = cache.claim(&identity("a"), &Scope::new(&Nobody, "STG", &stop));
        assert!(matches!(waited, Err(CacheError::Stopped(_))), "{waited:?}");
        assert!(began.elapsed() < LONG);
    });
}

#[test]
fn what_another_process_uses_is_neither_evicted_nor_cleared_until_it_is_killed() {
    let home = Home::new();
    drop(publish(&home.cache(), "a", "used"));
    let mut child = Child::play("use", &home);
    assert_eq!(child.says(), "used");
    let cache = home.bounded(SMALL);
    drop(publish(&cache, "b", "evicts"));
    assert!(is_there(&cache, "a"));
    assert!(cache.clear(None).unwrap().iter().any(|cleared| cleared.removal == Removal::InUse));
    drop(publish(&cache, "a", "another"));
    child.go_on();
    assert_eq!(child.says(), "used", "the replaced tree stays for whoever uses it");
    let mut child = Child::play("use", &home);
    assert_eq!(child.says(), "another");
    child.kill();
    assert_eq!(cache.clear(None).unwrap()[0].removal, Removal::Removed);
    home.assert_tidy();
    assert_eq!(home.names("entries"), Vec::<String>::new());
}

#[test]
fn of_several_processes_one_fetches() {
    for count in [2, 8] {
        let home = Home::new();
        let mut children: Vec<Child> = (0..count).map(|_| Child::play("fetch once", &home)).collect();
        for child in &mut children {
            assert_eq!(child.says(), "ready");
        }
        children.iter_mut().for_each(Child::go_on);
        let mut said = BTreeMap::new();
        for child in &mut children {
            *said.entry(child.says()).or_insert(0) += 1;
        }
        let expected = BTreeMap::from([("fetched".to_owned(), 1), ("found".to_owned(), count - 1)]);
        assert_eq!(said, expected, "{count} at once");
        drop(children);
        home.assert_tidy();
    }
}

/// Three processes publish, replace, use and evict as fast as they can and are killed at another moment each time.
#[test]
fn killed_at_any_moment_the_cache_is_whole() {
    const ROUNDS: u64 = 25;
    let home = Home::new();
    for round in 0..ROUNDS {
        let mut children: Vec<Child> = (0..3).map(|_| Child::play("churn", &home)).collect();
        for child in &mut children {
            assert_eq!(child.says(), "ready");
        }
        for (number, child) in children.iter_mut().enumerate() {
            thread::sleep(Duration::from_micros(100 + round * 1237 + number as u64 * 311));
            child.kill();
        }
        home.assert_tidy();
        let cache = home.cache();
        for listed in cache.list().unwrap() {
            let entry = found(&cache, &listed.record.identity());
            assert_eq!(fs::metadata(entry.path().join("file")).unwrap().size(), 9000);
        }
    }
    assert!(!home.names("entries").is_empty());
}
