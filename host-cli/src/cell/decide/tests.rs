use super::*;
use crate::plan::crash_policy::MOST;

const APP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

fn key(index: u32) -> InstanceKey {
    InstanceKey { app_guid: APP.into(), process: "web".into(), index }
}

fn wanted(instances: u32) -> Wishes {
    let processes = [("web".to_owned(), instances)].into();
    Wishes { apps: vec![Wish { app_guid: APP.into(), processes }], unreadable: Vec::new() }
}

fn one(index: u32, container: &str, created: i64, state: State) -> SeenInstance {
    SeenInstance { key: key(index), container: ContainerId(container.into()), created, state, by_cell: false }
}

fn down(status: i64, started: i64, ended: i64) -> State {
    State::Down(Ended { status, out_of_memory: false, started, ended })
}

fn seen(instances: impl IntoIterator<Item = SeenInstance>) -> Seen {
    Seen { instances: instances.into_iter().collect(), ..Seen::default() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn end(container: &str) -> Step {
    Step::End(ContainerId(container.into()))
}

fn up(key: InstanceKey) -> Step {
    Step::BringUp(key, Vec::new())
}

fn steps(instances: u32, there: impl IntoIterator<Item = SeenInstance>) -> Vec<Step> {
    decide(&wanted(instances), &seen(there), &mut Records::default(), at(1_000)).steps
}

#[test]
fn what_is_wanted_and_lives_is_left_alone_and_what_is_missing_is_brought_up() {
    assert_eq!(steps(2, [one(0, "a", 1, State::Up), one(1, "b", 1, State::Starting)]), []);
    assert_eq!(steps(2, [one(0, "a", 1, State::Up)]), [up(key(1))]);
    assert_eq!(steps(1, []), [up(key(0))]);
    assert_eq!(steps(1, [one(0, "a", 1, State::Made)]), [up(key(0))], "who made it was killed");
}

#[test]
fn an_exit_with_status_0_is_a_crash_as_any_other() {
    let mut records = Records::default();
    let there = seen([one(0, "a", 1, down(0, 10, 20))]);
    let decision = decide(&wanted(1), &there, &mut records, at(1_000));
    assert_eq!(decision.steps, [up(key(0))]);
    assert_eq!(decision.crashed, [(key(0), "Exited with status 0".to_owned(), Restart::Now)]);
    assert_eq!((records.of(&key(0)).unwrap().crashes.count, records.rows[0].exit_status), (1, Some(0)));
}

#[test]
fn an_unhealthy_instance_is_ended_and_has_crashed_once() {
    let mut records = Records::default();
    let unhealthy = seen([one(0, "a", 1, State::Unhealthy { started: 10 })]);
    let decision = decide(&wanted(1), &unhealthy, &mut records, at(20));
    assert_eq!(decision.steps, [Step::BringUp(key(0), vec![ContainerId("a".into())])]);
    records.instances[0].crashes.count = 3;
    let waits = decide(&wanted(1), &seen([one(0, "b", 1, State::Unhealthy { started: 11 })]), &mut records, at(20));
    assert_eq!((waits.steps, waits.due), (vec![end("b")], Some(at(50))), "it does not run while it waits");
    records = Records::default();
    decide(&wanted(1), &unhealthy, &mut records, at(20));
    // Killed here, or before the next one came up: its end is no second crash.
    let decision = decide(&wanted(1), &seen([one(0, "a", 1, down(137, 10, 21))]), &mut records, at(30));
    assert_eq!((decision.steps, decision.crashed.len()), (vec![up(key(0))], 0));
    assert_eq!(records.of(&key(0)).unwrap().crashes.count, 1);
}

#[test]
fn one_that_crashes_again_and_again_waits_and_is_given_up() {
    let (mut records, mut waited) = (Records::default(), 0);
    for crash in 1..=i64::from(MOST) {
        let now = crash * 2_000;
        let there = seen([one(0, &format!("c{crash}"), now, down(1, now, now))]);
        let decision = decide(&wanted(1), &there, &mut records, at(now));
        if let Some(due) = decision.due {
            waited += 1;
            assert_eq!(decision.steps, []);
            assert!(due.as_second() - now <= 960);
            let decision = decide(&wanted(1), &there, &mut records, due);
            assert_eq!(decision.steps, [up(key(0))], "crash {crash}");
        } else if crash == i64::from(MOST) {
            assert_eq!((decision.steps, &decision.crashed[0].2), (vec![], &Restart::GivenUp));
        } else {
            assert_eq!(decision.steps, [up(key(0))], "crash {crash}");
        }
    }
    assert_eq!(waited, MOST - 4);
    assert_eq!(records.of(&key(0)).unwrap().crashes.count, MOST);
}

#[test]
fn what_a_killed_replacement_left_comes_to_one_instance_that_lives() {
    let (up, starting) = (State::Up, State::Starting);
    let unhealthy = State::Unhealthy { started: 1 };
    // Made, but not started: the old one runs on.
    assert_eq!(steps(1, [one(0, "new", 9, State::Made), one(0, "old", 1, up.clone())]), []);
    // Started: the old one stays until the new one is healthy.
    assert_eq!(steps(1, [one(0, "new", 9, starting.clone()), one(0, "old", 1, up.clone())]), []);
    assert_eq!(steps(1, [one(0, "new", 9, up.clone()), one(0, "old", 1, up.clone())]), [end("old")]);
    // It did not get healthy, or has ended.
    assert_eq!(steps(1, [one(0, "new", 9, unhealthy), one(0, "old", 1, up.clone())]), [end("new")]);
    assert_eq!(steps(1, [one(0, "new", 9, down(1, 9, 9)), one(0, "old", 1, up.clone())]), []);
    // The old one has ended already.
    assert_eq!(steps(1, [one(0, "new", 9, up), one(0, "old", 1, down(143, 1, 9))]), []);
    assert_eq!(steps(1, [one(0, "new", 9, starting), one(0, "old", 1, down(143, 1, 9))]), []);
}

#[test]
fn an_engine_that_was_restarted_has_all_instances_down_which_come_back_and_have_crashed_once() {
    let (mut records, there) = (Records::default(), seen((0..3).map(|i| one(i, &format!("c{i}"), 1, down(0, 10, 20)))));
    let all: Vec<Step> = (0..3).map(|index| up(key(index))).collect();
    assert_eq!(decide(&wanted(3), &there, &mut records, at(30)).steps, all);
    // The cell was killed before it had brought one up.
    assert_eq!(decide(&wanted(3), &there, &mut records, at(31)).steps, all);
    assert!((0..3).all(|index| records.of(&key(index)).unwrap().crashes.count == 1));
}

#[test]
fn what_somebody_works_at_is_left_to_him() {
    let mut there = seen([one(0, "a", 1, down(1, 1, 2)), one(7, "b", 1, State::Up)]);
    there.guards.insert(guard::of_launch(APP, "web"));
    let mut records = Records::default();
    let decision = decide(&wanted(1), &there, &mut records, at(30));
    assert_eq!((decision.steps, &records), (vec![], &Records::default()));
    let mut there = seen([one(0, "a", 1, down(1, 1, 2)), one(1, "b", 1, State::Starting)]);
    there.at_work = [key(0), key(1)].into();
    let decision = decide(&wanted(1), &there, &mut records, at(30));
    assert_eq!((decision.steps, records), (vec![], Records::default()), "the cell itself is at it");
}

#[test]
fn what_is_not_wanted_ends_and_what_nobody_wished_anything_of_is_left_alone() {
    assert_eq!(
        steps(1, [one(0, "a", 1, State::Up), one(1, "b", 1, State::Up), one(2, "c", 1, down(1, 1, 2))]),
        [end("b")]
    );
    assert_eq!(steps(0, [one(0, "a", 1, State::Starting)]), [end("a")]);
    let mut stranger = one(0, "s", 1, State::Up);
    stranger.key.app_guid = "another".into();
    let mut worker = one(0, "w", 1, down(1, 1, 2));
    worker.key.process = "worker".into();
    assert_eq!(steps(1, [one(0, "a", 1, State::Up), stranger, worker]), []);
}

#[test]
fn crashes_of_an_app_are_forgotten_when_it_is_gone_but_not_because_its_wish_is_damaged() {
    let mut records = Records::default();
    decide(&wanted(2), &seen([one(1, "a", 1, down(1, 1, 2))]), &mut records, at(30));
    let damaged = Wishes { apps: Vec::new(), unreadable: vec!["wish a: damaged".into()] };
    decide(&damaged, &Seen::default(), &mut records, at(30));
    assert!(records.of(&key(1)).is_some());
    decide(&wanted(1), &seen([one(0, "b", 1, State::Up)]), &mut records, at(30));
    assert_eq!((records.of(&key(1)), records.rows.len()), (None, 1), "it was scaled down; what happened stays");
    decide(&Wishes::default(), &Seen::default(), &mut records, at(30));
    assert_eq!(records, Records::default());
}

#[test]
fn a_clock_that_jumps_makes_nobody_wait_for_long() {
    let mut records = Records::default();
    for crash in 0..6 {
        let there = seen([one(0, &format!("c{crash}"), crash, down(1, crash, crash))]);
        decide(&wanted(1), &there, &mut records, at(1_000_000));
    }
    let there = seen([one(0, "c5", 5, down(1, 5, 5))]);
    let due = decide(&wanted(1), &there, &mut records, at(1_000)).due.unwrap();
    assert_eq!(due, at(1_120), "set back: the pause begins anew");
    assert_eq!(decide(&wanted(1), &there, &mut records, at(1_060)).due, Some(at(1_120)));
    assert_eq!(decide(&wanted(1), &there, &mut records, at(9_999_999)).steps, [up(key(0))]);
}
