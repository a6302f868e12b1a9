//! The program beside GNU's: what either writes the other reads, and what is no stream is GNU's.
#![allow(clippy::unwrap_used, reason = "tests run programs and make files")]

use parallel_gzip as _;
use {crc32fast as _, proptest as _, signal_hook as _};

use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

const OURS: &str = env!("CARGO_BIN_EXE_gzip");

fn ran(program: &str, arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("GZIP").envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// Our program at another place. Another process writes it: what is open for writing cannot run, and a child of another test, which has
/// just been forked, has all that is open here.
fn copied(to: &Path) {
    assert!(Command::new("cp").args([Path::new(OURS), to]).status().unwrap().success());
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Text, machine code and what cannot be made smaller, over many blocks.
fn sample(bytes: usize) -> Vec<u8> {
    let program = fs::read(OURS).unwrap();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    let text = (0_u32..).flat_map(|number| format!("line {number} of a text\n").into_bytes());
    let noise: Vec<u8> = (0..bytes / 4).map(|_| noise()).collect();
    text.take(bytes / 2).chain(noise).chain(program).take(bytes).collect()
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut out).unwrap();
    out
}

#[test]
fn a_stream_comes_back_as_it_was_through_either_gzip_whatever_its_length() {
    for bytes in [0, 1, 1000, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3_000_000] {
        let input = sample(bytes);
        for level in ["-1", "-6", "-9"] {
            let packed = ran(OURS, &[level], &[], &input);
            assert!(packed.status.success() && packed.stderr.is_empty());
            assert!(unpacked(&packed.stdout) == input, "{bytes} {level}");
            let again = ran("gzip", &["-dc"], &[], &packed.stdout);
            assert!(again.status.success() && again.stdout == input, "{bytes} {level}");
        }
    }
}

#[test]
fn what_is_written_depends_on_no_number_of_cores() {
    let input = sample(20_000_000);
    let all = ran(OURS, &[], &[], &input).stdout;
    let one = ran("taskset", &["1", OURS], &[], &input).stdout;
    assert!(all == one && unpacked(&all) == input);
}

#[test]
fn where_no_process_more_is_allowed_it_works_on_its_one_thread() {
    if !is_root() {
        return; // Nobody else may become a user who has reached a limit.
    }
    let (input, home) = (sample(2_000_000), tempfile::tempdir().unwrap());
    let program = home.path().join("gzip");
    copied(&program);
    for folder in [home.path(), &program] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let limit = ["--nproc=1", "setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", program.to_str().unwrap()];
    let packed = ran("prlimit", &limit, &[], &input);
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    assert!(packed.stdout == ran(OURS, &[], &[], &input).stdout);
}

#[test]
fn threads_are_no_more_than_the_processors_that_it_may_use() {
    let threads = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&sample(2_000_000)).unwrap(); // More than a pipe holds: it is at work.
        let count = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        count
    };
    assert_eq!(threads("taskset", &["1", OURS]), 2, "its own, and one that compresses");
    assert!(threads(OURS, &[]) <= 1 + thread::available_parallelism().unwrap().get());
}

#[test]
fn the_memory_that_it_takes_is_small_and_does_not_grow_with_the_input() {
    let peak = |bytes: usize| {
        let mut child = Command::new(OURS).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&sample(bytes)).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let most_kib = 8 << 10;
    let allowed = most_kib + 2 * (1 << 10) * thread::available_parallelism().unwrap().get().min(16);
    let (small, large) = (peak(4_000_000), peak(40_000_000));
    assert!(large <= allowed && large <= small + (4 << 10), "{small} {large} KiB, {allowed} are allowed");
}

#[test]
fn what_only_gnus_knows_is_gnus_through_a_pipe_too() {
    let input = sample(300_000);
    for arguments in [&["-c", "--rsyncable"][..], &["-f"], &["--suffix", ".z", "-c"], &["-N", "-9"]] {
        let (ours, gnus) = (ran(OURS, arguments, &[], &input), ran("gzip", arguments, &[], &input));
        assert!(ours.status.success() && ours.stdout == gnus.stdout, "{arguments:?}");
    }
}

#[test]
fn it_is_as_small_as_gnus_within_a_twentieth_and_fast_is_a_fast_level() {
    let input = sample(4_000_000);
    let (ours, gnus) = (ran(OURS, &[], &[], &input).stdout.len(), ran("gzip", &[], &[], &input).stdout.len());
    assert!(ours * 100 <= gnus * 105, "{ours} {gnus}");
    let fast = ran(OURS, &[], &[("STAGER_COMPRESSION", "fast")], &input).stdout;
    assert!(fast == ran(OURS, &["-2"], &[], &input).stdout && fast.len() > ours);
}

#[test]
fn files_and_everything_else_are_gnus() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "bytes").unwrap();
    let name = file.to_str().unwrap();
    assert!(ran(OURS, &["-k", name], &[], b"").status.success());
    assert_eq!(unpacked(&fs::read(home.path().join("file.gz")).unwrap()), b"bytes");
    let packed = ran("gzip", &["-n"], &[], b"bytes").stdout;
    assert_eq!(ran(OURS, &["-d"], &[], &packed).stdout, b"bytes");
    assert_eq!(ran(OURS, &["-n"], &[("STAGER_COMPRESSION", "stock")], b"bytes").stdout, packed);
    assert_eq!(ran(OURS, &["-n"], &[("GZIP", "-1")], b"bytes").stdout, ran("gzip", &["-n1"], &[], b"bytes").stdout);
    let version = ran(OURS, &["--version"], &[], b"");
    assert!(String::from_utf8_lossy(&version.stdout).contains("gzip"));
    let wrong = ran(OURS, &["--no-such-option"], &[], b"");
    assert_eq!(wrong.status.code(), ran("gzip", &["--no-such-option"], &[], b"").status.code());
}

#[test]
fn without_another_gzip_it_says_what_it_can() {
    let home = tempfile::tempdir().unwrap();
    let alone = home.path().join("gzip");
    copied(&alone);
    // The system's stand in for a PATH without one, so the file that is missing is what is asked for.
    let told = ran(alone.to_str().unwrap(), &["-d", "/no/such/file"], &[("PATH", "/nowhere")], b"");
    assert!(!told.status.success() && !told.stderr.is_empty());
}

const SIGPIPE: i32 = 13;

#[test]
fn whoever_closes_the_pipe_ends_it_as_it_ends_gnus() {
    use std::os::unix::process::ExitStatusExt;
    let mut child = Command::new(OURS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(&sample(3_000_000));
    drop(stdin);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGPIPE));
}
