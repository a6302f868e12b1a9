//! The program beside GNU's: what either writes the other reads, and what is no stream is GNU's.
#![allow(clippy::unwrap_used, reason = "tests run programs and make files")]

use parallel_gzip as _;
use {crc32fast as _, proptest as _, signal_hook as _};

use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::{Read, Write};
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
    fs::copy(OURS, &alone).unwrap();
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
