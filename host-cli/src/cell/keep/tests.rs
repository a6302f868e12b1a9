use super::super::fake::{APP, FakeLives, key};
use super::super::records::Crash;
use super::super::view::{SeenInstance, State, Wish};
use super::*;
use crate::plan::crash_policy::MOST;
use crate::screen::recording::Recording;
use tempfile::TempDir;

struct Stage {
    fake: Arc<FakeLives>,
    keeper: Keeper,
    folder: TempDir,
    said: Arc<Recording>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn keeper(fake: &Arc<FakeLives>, folder: &TempDir) -> (Keeper, Arc<Recording>) {
    let (said, screen) = Recording::new();
    let lives: Arc<dyn Lives> = fake.clone();
    (Keeper::new(lives, screen, RecordFile::new(folder.path().join("cell"))), said)
}

impl Stage {
    fn with(instances: u32) -> Self {
        let (fake, folder) = (Arc::new(FakeLives::with(instances)), tempfile::tempdir().unwrap());
        let (keeper, said) = keeper(&fake, &folder);
        Self { fake, keeper, folder, said }
    }

    /// The cell is killed, and another one goes on with what it kept.
    fn killed(&mut self) {
        (self.keeper, self.said) = keeper(&self.fake, &self.folder);
    }

    /// Looks, waits until what it began has come to its end, and looks at that.
    fn turn(&mut self, second: i64) -> Duration {
        self.keeper.turn(at(second));
        self.keeper.settle();
        self.keeper.turn(at(second))
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.world().calls)
    }

    fn count(&self, index: u32) -> u32 {
        self.keeper.records.of(&key(index)).map_or(0, |record| record.crashes.count)
    }

    fn texts(&self) -> String {
        let text = |event: Event| match event {
            Event::Note { text } | Event::Warning { text } => Some(text),
            _ => None,
        };
        self.said.events().into_iter().filter_map(text).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn an_instance_that_crashed_runs_again_at_once_and_the_others_are_left_alone() {
    let mut stage = Stage::with(3);
    assert_eq!((stage.turn(100), stage.calls()), (LONGEST_WAIT, vec![]));
    stage.fake.world().die(1, 137, 90, 100);
    stage.turn(101);
    assert_eq!((stage.calls(), stage.fake.world().living()), (vec!["up web/1".to_owned()], 3));
    assert_eq!((stage.count(0), stage.count(1)), (0, 1));
    let said = format!(
        "app {APP} [APP/PROC/WEB/1] crashed: Exited with status 137 (out of memory); it is started again\n\
         app {APP} [APP/PROC/WEB/1] runs again"
    );
    assert_eq!(stage.texts(), said);
    assert_eq!(stage.keeper.records.of(&key(1)).unwrap().restarts, 1);
}

#[test]
fn a_crash_loop_waits_longer_and_longer_and_a_cell_that_is_killed_in_it_goes_on_counting() {
    let mut stage = Stage::with(1);
    let mut now = 1_000;
    for crash in 1..=6_u32 {
        stage.fake.world().die(0, 0, now, now + 1);
        now += 1;
        let pause = stage.turn(now);
        assert_eq!(stage.count(0), crash, "exit 0 is a crash, too");
        if crash > 3 {
            assert_eq!((stage.calls(), pause), (vec![], LONGEST_WAIT.min(pause)));
            stage.killed();
            stage.turn(now + 1);
            assert_eq!((stage.calls(), stage.count(0)), (vec![], crash), "it was counted before");
            now += 30 << (crash - 4);
            stage.turn(now - 1);
            assert_eq!(stage.calls(), [""; 0], "a second too early");
            stage.turn(now);
        }
        assert_eq!((stage.calls(), stage.fake.world().living()), (vec!["up web/0".to_owned()], 1), "crash {crash}");
    }
}

#[test]
fn one_that_does_not_come_up_has_crashed_and_is_given_up_in_the_end() {
    let mut stage = Stage::with(1);
    stage.fake.world().die(0, 1, 1, 2);
    let words = "never healthy within 60 s";
    stage.fake.world().fates =
        (0..300).map(|_| NotUp::Crashed(Crash { words: words.into(), ..Crash::default() })).collect();
    let mut now = 10;
    for _ in 0..300 {
        stage.turn(now);
        now += 1_000;
    }
    assert_eq!((stage.count(0), stage.calls().len()), (MOST, 199));
    assert!(stage.texts().ends_with("given up; `host-cli launch` starts it again"), "{}", stage.texts());
    let status = std::fs::read_to_string(stage.folder.path().join("cell/status.json")).unwrap();
    let status: Status = serde_json::from_str(&status).unwrap();
    assert_eq!((status.given_up, status.wanted, status.up), (vec![key(0)], 1, 0));
    // Somebody launches it: it begins anew.
    let container = ContainerId("launched".into());
    let launched = SeenInstance { key: key(0), container, created: 99, state: State::Up, by_cell: false };
    stage.fake.world().seen.instances.push(launched);
    stage.turn(now);
    stage.fake.world().fates.clear();
    stage.fake.world().die(0, 1, now, now + 1);
    stage.turn(now + 2);
    assert_eq!((stage.count(0), stage.fake.world().living()), (1, 1));
}

#[test]
fn what_somebody_else_is_at_is_no_crash_and_is_tried_again() {
    let mut stage = Stage::with(1);
    stage.fake.world().die(0, 1, 1, 2);
    stage.fake.world().fates.push_back(NotUp::Later("another host-cli launches this app".into()));
    let pause = stage.turn(10);
    assert!(pause <= POSTPONED && stage.fake.world().living() == 0, "its own events do not have it tried at once");
    stage.fake.world().fates.push_back(NotUp::Later("another host-cli launches this app".into()));
    stage.keeper.postponed.clear();
    stage.turn(10);
    assert_eq!(stage.texts().matches("not started yet").count(), 1, "it is said once");
    stage.keeper.postponed.clear();
    stage.turn(10);
    assert_eq!((stage.count(0), stage.fake.world().living()), (1, 1));
    assert!(stage.texts().contains("is not started yet: another host-cli launches this app"), "{}", stage.texts());
}

#[test]
fn a_slow_start_keeps_nobody_waiting_and_is_not_begun_twice() {
    let mut stage = Stage::with(2);
    stage.fake.world().slow = Duration::from_millis(200);
    stage.fake.world().die(0, 1, 1, 2);
    stage.keeper.turn(at(10));
    stage.fake.world().die(1, 1, 1, 2);
    for _ in 0..5 {
        stage.keeper.turn(at(10));
    }
    stage.turn(10);
    assert_eq!(stage.calls(), ["up web/0"], "of one process one after the other");
    stage.turn(10);
    assert_eq!(stage.calls(), ["up web/1"]);
    assert_eq!((stage.count(0), stage.count(1)), (1, 1));
}

#[test]
fn an_engine_that_is_away_is_asked_again_and_all_that_was_lost_with_it_comes_back() {
    let mut stage = Stage::with(20);
    stage.fake.world().is_away = true;
    assert_eq!((stage.turn(10), stage.turn(11)), (RETRY, RETRY));
    assert_eq!(stage.texts().matches("does not answer").count(), 1, "it is said once");
    {
        let mut world = stage.fake.world();
        world.is_away = false;
        (0..20).for_each(|index| world.die(index, 0, 1, 9));
    }
    for second in 12..40 {
        stage.turn(second);
    }
    assert_eq!(stage.fake.world().living(), 20);
    assert!((0..20).all(|index| stage.count(index) == 1));
}

#[test]
fn a_wish_that_cannot_be_read_is_said_once_and_its_app_left_alone() {
    let mut stage = Stage::with(1);
    stage.fake.world().wishes.apps.clear();
    stage.fake.world().wishes.unreadable.push("wish\u{1b}[2J of another form".into());
    stage.fake.world().die(0, 1, 1, 2);
    stage.turn(10);
    stage.turn(50);
    assert_eq!((stage.calls(), stage.texts()), (vec![], "wish\\u{1b}[2J of another form".to_owned()));
}

#[test]
fn what_is_not_wanted_any_more_is_neither_said_nor_put_off() {
    let mut stage = Stage::with(1);
    stage.fake.world().die(0, 1, 1, 2);
    stage.fake.world().fates.push_back(NotUp::Unwanted);
    stage.turn(10);
    stage.turn(10);
    assert_eq!((stage.calls().len(), stage.fake.world().living()), (2, 1));
    assert!(!stage.texts().contains("not started yet"), "{}", stage.texts());
}

#[test]
fn apps_that_never_get_healthy_keep_no_other_from_being_started() {
    let mut stage = Stage::with(0);
    {
        let mut world = stage.fake.world();
        world.wishes.apps.clear();
        // One app has as many processes as may be started at once, and as many apps as that have crashed more often than the last one.
        let many = (0..SIDE_BY_SIDE).map(|number| (format!("p{number}"), 1)).collect();
        world.wishes.apps.push(Wish { app_guid: "0".into(), processes: many });
        for number in 0..SIDE_BY_SIDE {
            let app_guid = format!("app-{number:02}");
            world.wishes.apps.push(Wish { app_guid, processes: [("web".to_owned(), 1)].into() });
        }
        world.wishes.apps.push(Wish { app_guid: "z".into(), processes: [("web".to_owned(), 1)].into() });
        world.slow = Duration::from_millis(300);
    }
    for number in 0..SIDE_BY_SIDE {
        let of_app = InstanceKey { app_guid: format!("app-{number:02}"), process: "web".into(), index: 0 };
        stage.keeper.records.count(&of_app, Crash::default(), at(5));
    }
    stage.keeper.turn(at(10));
    let begun: Vec<&str> = stage.keeper.in_flight.keys().map(|key| &*key.app_guid).collect();
    assert!(begun.len() == SIDE_BY_SIDE && begun.contains(&"z"), "{begun:?}");
    assert_eq!(begun.iter().filter(|app| **app == "0").count(), OF_AN_APP);
}

#[test]
fn a_thousand_that_are_to_end_do_not_take_all_of_the_cells_processes() {
    let mut stage = Stage::with(1);
    stage.keeper.act((0..1000).map(|number| Step::End(ContainerId(number.to_string()))).collect());
    assert_eq!(stage.keeper.ending.len(), ENDED_SIDE_BY_SIDE);
}

#[test]
fn who_waits_for_an_app_finds_the_cell_out_of_the_way() {
    let mut stage = Stage::with(1);
    stage.fake.world().die(0, 1, 1, 2);
    let of_launch = crate::plan::guard::of_launch(APP, "web");
    stage.fake.world().seen.guards.insert(crate::plan::guard::asking_for(&of_launch));
    stage.turn(10);
    assert_eq!(stage.calls(), ["tidy"]);
}

#[test]
fn by_a_guard_that_was_left_an_app_is_left_alone_until_that_is_tidied_away() {
    let mut stage = Stage::with(1);
    stage.fake.world().die(0, 1, 1, 2);
    stage.fake.world().seen.guards.insert(crate::plan::guard::of_launch(APP, "web"));
    stage.turn(10);
    assert_eq!(stage.calls(), ["tidy"], "once in a while");
    stage.fake.world().seen.guards.clear();
    stage.turn(11);
    assert_eq!(stage.calls(), ["up web/0"]);
}

#[test]
fn waiting_ends_with_an_event_a_finished_start_or_its_time() {
    let mut stage = Stage::with(1);
    let waited = |keeper: &Keeper, since: &mut Timestamp| {
        let began = Instant::now();
        keeper.wait(since, Duration::from_millis(300));
        began.elapsed()
    };
    let mut since = at(10);
    assert!(waited(&stage.keeper, &mut since) >= Duration::from_millis(300));
    stage.fake.world().events.extend([at(20), at(20)]);
    assert!(waited(&stage.keeper, &mut since) < Duration::from_millis(250));
    assert_eq!(since, at(20) + SignedDuration::from_nanos(1));
    assert!(waited(&stage.keeper, &mut since) >= Duration::from_millis(300), "that was heard before");
    stage.fake.world().die(0, 1, 1, 2);
    stage.keeper.turn(at(30));
    assert!(waited(&stage.keeper, &mut since) < Duration::from_millis(250));
}
