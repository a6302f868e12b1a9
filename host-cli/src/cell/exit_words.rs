//! How an instance ended, in the words of Diego, with what they mean beside them. Pure.

/// The kernel's number of the signal that a status above 128 stands for.
const SIGNALLED: i64 = 128;

/// `Exited with status 137 (killed: SIGKILL)`, `Exited with status 137 (out of memory)`.
pub(crate) fn exit_words(status: i64, out_of_memory: bool) -> String {
    if out_of_memory {
        return format!("Exited with status {status} (out of memory)");
    }
    let meaning = match status {
        126 => "the program may not be run",
        127 => "no such program",
        _ => match status.saturating_sub(SIGNALLED) {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            4 => "SIGILL: an illegal instruction",
            6 => "SIGABRT: it gave up",
            7 => "SIGBUS",
            8 => "SIGFPE: an impossible calculation",
            9 => "killed: SIGKILL",
            11 => "SIGSEGV: a wrong memory access",
            13 => "SIGPIPE",
            15 => "stopped: SIGTERM",
            _ => return format!("Exited with status {status}"),
        },
    };
    format!("Exited with status {status} ({meaning})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_with_what_it_means() {
        for (status, out_of_memory, words) in [
            (0, false, "Exited with status 0"),
            (1, false, "Exited with status 1"),
            (127, false, "Exited with status 127 (no such program)"),
            (137, false, "Exited with status 137 (killed: SIGKILL)"),
            (137, true, "Exited with status 137 (out of memory)"),
            (143, false, "Exited with status 143 (stopped: SIGTERM)"),
            (i64::MIN, false, "Exited with status -9223372036854775808"),
        ] {
            assert_eq!(exit_words(status, out_of_memory), words);
        }
    }
}
