//! One-off tasks of an app, against a recording engine.

use super::launch::{engine, launched_from, quick};
use crate::app_ref::AppRef;
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::pipeline::task::{StartedTask, TypedTask, run_task};
use crate::plan::apps::{Part, Selected, choose};
use crate::plan::launch::Size;
use crate::plan::task::{KEPT, TaskState};
use crate::recorded_run::*;

fn running_app() -> (Arc<Fake>, Session) {
    let fake = engine();
    let walked = launched_from(&fake, "", request(RequestKind::Launch, quick(|_| {})));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let session = Session::silent(Arc::<Fake>::clone(&fake));
    (fake, session)
}

fn selected(session: &Session) -> Selected {
    choose(&AppsOnEngine::new(session).apps().unwrap(), &AppRef::word("node-env"), &Part::default()).unwrap()
}

fn task(session: &Session, name: Option<&str>, process: Option<&str>) -> Result<StartedTask, Failure> {
    let size = Size { memory_mb: Some(77), disk_mb: None };
    let typed = TypedTask { process, command: Some("PASSWORD=s3cret rake"), name, size };
    run_task(session, &selected(session), &typed)
}

fn spec(fake: &Fake, task: &StartedTask) -> ContainerSpec {
    fake.state().containers[&task.container.0].1.clone()
}

#[test]
fn a_task_is_a_container_of_the_revision_that_runs_and_each_has_its_number() {
    let (fake, session) = running_app();
    fake.state().calls.clear();
    let first = task(&session, Some("migrate"), None).unwrap();
    let of_task = spec(&fake, &first);
    assert_eq!(of_task.command[1], "PASSWORD=s3cret rake");
    assert!(of_task.entrypoint[0].ends_with("supervisor") && of_task.ports.is_empty(), "{:?}", of_task.entrypoint);
    assert_eq!((of_task.memory_bytes, of_task.health_check.is_none()), (77 << 20, true));
    assert!(of_task.environment.iter().all(|(name, _)| name != "PORT") && !of_task.environment.is_empty());
    assert!(of_task.labels.values().all(|value| !value.contains("s3cret")), "{:?}", of_task.labels);
    assert!(first.container_name.starts_with("cf-task-node-env-"), "{}", first.container_name);
    assert!(!fake.verbs().contains(&"stop".to_owned()), "the app runs on: {:?}", fake.calls());

    let second = task(&session, None, None).unwrap();
    assert_eq!((first.id, second.id, second.name.len()), (1, 2, 8));
    // Its number is remembered where its container is gone.
    fake.remove(&second.container).unwrap();
    assert_eq!(task(&session, None, None).unwrap().id, 3);
    let place = AppsOnEngine::new(&session);
    let app = selected(&session).app;
    let ids: Vec<u64> = place.tasks(&app).unwrap().iter().map(|task| task.id).collect();
    assert_eq!((ids, app.processes[0].instances.len()), (vec![3, 1], 1), "a task is no instance");
    let newest = &place.tasks(&app).unwrap()[0];
    assert_eq!(place.command_of(newest).unwrap().as_deref(), Some("PASSWORD=s3cret rake"));
    let refused = task(&session, None, Some("clock")).unwrap_err();
    assert_eq!(refused.code, ExitCode::CommandLine);
}

#[test]
fn a_task_is_heard_ended_and_goes_with_its_app_and_old_ones_go_by_themselves() {
    let (fake, session) = running_app();
    let (place, app) = (AppsOnEngine::new(&session), selected(&session).app);
    let migrate = task(&session, Some("migrate"), None).unwrap();
    let sources: Vec<String> =
        place.log_sources(&app).unwrap().unwrap().into_iter().map(|source| source.source).collect();
    assert_eq!(sources, ["APP/PROC/WEB/0", "APP/TASK/migrate"]);
    place.terminate(&app, migrate.id).unwrap();
    assert!(place.tasks(&app).unwrap()[0].state.has_ended());
    assert_eq!(place.terminate(&app, 99).unwrap_err().code, ExitCode::CommandLine);

    for _ in 0..=KEPT {
        let next = task(&session, None, None).unwrap();
        place.terminate(&app, next.id).unwrap();
    }
    let running = task(&session, None, None).unwrap();
    let tasks = place.tasks(&app).unwrap();
    assert_eq!((tasks.len(), tasks[0].id, tasks[0].state), (KEPT + 1, running.id, TaskState::Running));
    assert!(tasks.iter().all(|task| task.id != migrate.id));
    place.delete(&app).unwrap();
    assert!(place.tasks(&app).unwrap().is_empty() && fake.state().containers.values().all(|(one, _)| !one.running));
}

#[test]
fn a_container_that_has_a_tasks_labels_from_its_image_is_none_and_is_left_alone() {
    let (fake, session) = running_app();
    let own =
        [(labels::KIND, labels::KIND_TASK), (labels::OWNER, "a.1.1"), (labels::APP_GUID, GUID), (labels::TASK_ID, "9")];
    fake.add_image("evil:latest", &own);
    let spec = ContainerSpec {
        image: "evil:latest".to_owned(),
        labels: own.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..ContainerSpec::default()
    };
    let evil = fake.create(Some("evil"), &spec).unwrap();
    fake.start(&evil).unwrap();
    let (place, app) = (AppsOnEngine::new(&session), selected(&session).app);
    assert!(place.tasks(&app).unwrap().is_empty());
    assert_eq!(task(&session, None, None).unwrap().id, 1);
    place.delete(&app).unwrap();
    assert!(fake.state().containers[&evil.0].0.running);
}

#[test]
fn an_app_of_which_nothing_is_remembered_has_no_tasks() {
    let (fake, session) = running_app();
    let wishes = crate::backend::docker::wishes::wishes(&*fake).unwrap();
    wishes.change(GUID, |_| None).unwrap();
    let refused = task(&session, None, None).unwrap_err();
    assert!(refused.text.contains("nothing is remembered of node-env"), "{}", refused.text);
}
