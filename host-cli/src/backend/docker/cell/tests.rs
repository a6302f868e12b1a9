use super::*;
use crate::cell::record_file::STATUS;
use crate::cell::status::Status;
use crate::engine::container_spec::{ContainerSpec, RestartPolicy};
use crate::engine::fake::Fake;
use crate::engine::{ContainerId, Engine, ExecResult};
use crate::labels;
use crate::plan::cell::{APPS, FOLDER, NAME};
use crate::plan::wish::AppWish;
use crate::plan::wish::samples::launched;
use crate::session::Session;
use crate::wishes::{Keep, name, whole};
use jiff::Timestamp;
use kept::archive;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// An engine with the stager image, whose cell has looked as soon as it is started.
fn engine() -> (Arc<Fake>, Session) {
    let fake = Arc::new(Fake::with_image("stager:latest"));
    let status = Status { looked: Timestamp::from_second(1).unwrap(), ..Status::default() };
    let status = archive([(STATUS.to_owned(), &*serde_json::to_vec(&status).unwrap())]).unwrap();
    fake.state().files.insert(format!("{FOLDER}/{STATUS}"), status);
    let engine: Arc<dyn Engine> = Arc::<Fake>::clone(&fake);
    let session = Session::silent(engine);
    (fake, session)
}

fn wish() -> Vec<u8> {
    serde_json::to_vec(&AppWish::launched(None, launched("web", "i1", "{}"), Timestamp::UNIX_EPOCH)).unwrap()
}

/// An app's container that runs, of app `guid`; its id.
fn app(fake: &Fake, guid: &str) -> ContainerId {
    let labels =
        [(labels::KIND, labels::KIND_APP), (labels::APP_GUID, guid), (labels::OWNER, "a.1.1"), (labels::INSTANCE, "i")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let restart = RestartPolicy::UnlessStopped;
    let spec = ContainerSpec { image: "stager:latest".into(), labels, restart, ..ContainerSpec::default() };
    let container = fake.create(Some(guid), &spec).unwrap();
    fake.start(&container).unwrap();
    container
}

fn policy(fake: &Fake, container: &ContainerId) -> RestartPolicy {
    fake.state().containers[&container.0].0.restart
}

/// The cell keeps the wish of app `g`.
fn keeps(fake: &Fake) {
    let content = wish();
    let all = archive([(format!("{APPS}/{}", name("g")), &*content)]).unwrap();
    fake.state().files.insert(format!("{FOLDER}/{APPS}"), all);
}

#[test]
fn a_cell_that_is_started_takes_over_what_is_wanted_and_the_apps_of_which_something_is_known() {
    let (fake, session) = engine();
    let (known, stranger) = (app(&fake, "g"), app(&fake, "of somebody else"));
    own_folder(&**fake).unwrap().replace(&name("g"), None, Some(&wish())).unwrap();
    keeps(&fake);
    assert_eq!(restart_policy(&**fake).unwrap(), RestartPolicy::UnlessStopped);
    start(&session, "stager:latest", None).unwrap();
    let cell = find(&**fake).unwrap().unwrap();
    assert!(cell.running && cell.restart == RestartPolicy::Always);
    assert_eq!(restart_policy(&**fake).unwrap(), RestartPolicy::No);
    assert_eq!((policy(&fake, &known), policy(&fake, &stranger)), (RestartPolicy::No, RestartPolicy::UnlessStopped));
    assert!(whole(&own_folder(&**fake).unwrap()).unwrap().is_empty(), "one place knows");
    let put_in = fake.state().copied_in.clone();
    assert!(put_in[0].0 == FOLDER && String::from_utf8_lossy(&put_in[0].1).contains("\"guid\":\"g\""));
    let made = fake.calls().iter().filter(|call| call.starts_with("create stager-cell")).count();
    start(&session, "stager:latest", None).unwrap();
    assert_eq!((made, fake.calls().iter().filter(|call| call.starts_with("create stager-cell")).count()), (1, 1));
}

#[test]
fn a_cell_that_is_stopped_gives_apps_back_before_it_ends() {
    let (fake, session) = engine();
    start(&session, "stager:latest", None).unwrap();
    let known = app(&fake, "g");
    keeps(&fake);
    fake.set_restart_policy(&known, RestartPolicy::No).unwrap();
    for said in ["another\n", "replaced\n"] {
        fake.state().executions.push_back(ExecResult { status: Some(0), output: said.into() });
    }
    let before = fake.calls().len();
    stop(&session).unwrap();
    let calls = fake.calls();
    let at = |verb: &str| calls.iter().skip(before).position(|call| call.starts_with(verb)).unwrap();
    assert_eq!(calls.iter().skip(before).filter(|call| call.starts_with("exec")).count(), 2, "somebody had changed it");
    assert!(at("set_restart_policy") < at("exec") && at("exec") < at("stop") && at("stop") < at("remove"));
    assert_eq!(policy(&fake, &known), RestartPolicy::UnlessStopped);
    assert_eq!(own_folder(&**fake).unwrap().one(&name("g")).unwrap().unwrap(), wish());
    assert!(find(&**fake).unwrap().is_none());
    stop(&session).unwrap();
}

#[test]
fn a_cell_that_does_not_give_back_what_it_keeps_runs_on() {
    let (fake, session) = engine();
    start(&session, "stager:latest", None).unwrap();
    keeps(&fake);
    let failure = stop(&session).unwrap_err();
    assert!(failure.code == ExitCode::Engine && failure.text.contains("which runs on"), "{}", failure.text);
    assert!(find(&**fake).unwrap().unwrap().running);
}

#[test]
fn a_container_of_the_cells_name_that_somebody_else_made_is_left_alone() {
    let (fake, session) = engine();
    let spec = ContainerSpec { image: "stager:latest".into(), ..ContainerSpec::default() };
    fake.create(Some(NAME), &spec).unwrap();
    let failure = start(&session, "stager:latest", None).unwrap_err();
    assert!(failure.text.contains("was not made by stager"), "{}", failure.text);
    assert_eq!((find(&**fake).unwrap(), fake.state().containers.len()), (None, 1));
    let failure = start(&session, "stager:latest", Some("relative")).unwrap_err();
    assert_eq!(failure.code, ExitCode::CommandLine);
}

#[test]
fn a_change_goes_in_beside_what_is_there_and_no_value_in_a_command_line() {
    let (fake, session) = engine();
    start(&session, "stager:latest", None).unwrap();
    let cell = ThroughCell::new(&**fake, find(&**fake).unwrap().unwrap().id);
    for (said, expected) in [("replaced\n", true), ("another\n", false)] {
        fake.state().executions.push_back(ExecResult { status: Some(0), output: said.into() });
        assert_eq!(cell.replace("0a.json", None, Some(b"s3cret")).unwrap(), expected);
    }
    assert!(cell.replace("0a.json", None, Some(b"s3cret")).is_err(), "it failed there");
    assert!(!fake.calls().concat().contains("s3cret"));
    let (folder, archive) = fake.state().copied_in.last().cloned().unwrap();
    assert!(folder == FOLDER && String::from_utf8_lossy(&archive).contains("s3cret"));
    // The cell does not run: another container takes the change.
    fake.stop(&find(&**fake).unwrap().unwrap().id, std::time::Duration::ZERO).unwrap();
    fake.script(|_, output| {
        output(shared_model::event::Stream::Out, b"replaced\n");
        0
    });
    assert!(cell.replace("0a.json", Some("d"), None).unwrap());
    assert_eq!(fake.state().containers.len(), 1, "which is gone then");
}
