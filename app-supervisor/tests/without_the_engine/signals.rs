//! Signals from outside.

use crate::world::{Supervisor, sidecar};
use rustix::process::Signal;

#[test]
fn term_goes_to_all_and_the_app_says_the_status_when_it_is_done() {
    let slow = "trap 'echo asked; sleep 0.5; exit 9' TERM; echo runs; while :; do sleep 0.02; done";
    let supervisor = Supervisor::after(2, slow, &[sidecar("A", "echo runs; exec sleep 60")]);
    supervisor.send(Signal::TERM);
    let ended = supervisor.ended();
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (9, "asked\n", ""),
        "a sidecar's end is no crash then"
    );
}

#[test]
fn a_second_term_changes_nothing() {
    let counts = "trap 'echo asked' TERM; trap 'exit 6' USR1; echo runs; while :; do sleep 0.02; done";
    let mut supervisor = Supervisor::after(1, counts, &[]);
    supervisor.send(Signal::TERM);
    assert_eq!(supervisor.line(), "asked");
    supervisor.send(Signal::TERM);
    std::thread::sleep(std::time::Duration::from_millis(200));
    supervisor.send(Signal::USR1);
    let ended = supervisor.ended();
    assert_eq!((ended.status, ended.out.as_str()), (6, ""));
}

#[test]
fn an_app_without_a_handler_ends_on_the_signal() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let supervisor = Supervisor::after(1, "echo runs; exec sleep 60", &[]);
        supervisor.send(signal);
        assert_eq!(supervisor.ended().status, status);
    }
}

#[test]
fn other_signals_are_the_apps_alone() {
    let signals = [
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
    ];
    let traps = signals.map(|(_, name)| format!("trap 'echo {name}' {name}; "));
    let app = format!("{} trap 'exit 0' TERM; echo runs; while :; do sleep 0.02; done", traps.concat());
    let mut supervisor = Supervisor::after(2, &app, &[sidecar("A", "echo runs; exec sleep 60")]);
    for (signal, name) in signals {
        supervisor.send(signal);
        assert_eq!(supervisor.line(), name);
    }
    supervisor.send(Signal::TERM);
    assert_eq!(supervisor.ended().status, 0);
}
