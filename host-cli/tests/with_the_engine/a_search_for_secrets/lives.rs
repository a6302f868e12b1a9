//! The app lives on: each of the words for that, with what it says in each form, and what it makes.

use super::cli::{Call, FORMS, Form};
use super::world::World;
use crate::app::inspect;
use crate::hcf::stager_image;

/// Of an app that was launched; it runs afterwards, too.
pub(crate) fn on(world: &World) {
    let guid = world.app.guid.as_str();
    let of = |word: &str| Call::of(&[word, guid]);
    let json = ["--output", "json"];
    for form in FORMS {
        let lists = ["app", "tasks", "events", "revisions", "scale"].map(|word| (word, of(word)));
        for (word, call) in lists.into_iter().chain([("apps", Call::of(&["apps"])), ("env", of("env"))]) {
            let call = if form == Form::Json && word != "env" { call.and(&json) } else { call };
            world.run(word, 0, &call, form);
        }
        world.run("restart", 0, &of("restart"), form);
        world.run("restart-app-instance", 0, &of("restart-app-instance").and(&["0"]), form);
        world.run("scale -i", 0, &of("scale").and(&["-i", "2"]), form);
        world.run("scale -m", 0, &of("scale").and(&["-i", "1", "-m", "512M"]), form);
        world.run("ssh -c", 3, &of("ssh").and(&["-c", "echo here; exit 3"]), form);
        world.run("run-task", 4, &of("run-task").and(&["--command", "echo done; exit 4", "--wait"]), form);
        world.run("terminate-task", 2, &of("terminate-task").and(&["99"]), form);
        world.run("logs", 0, &of("logs").and(&["--recent"]), form);
        world.run("stop", 0, &of("stop"), form);
        world.run("start", 0, &of("start"), form);
    }
    // A revision of its own, and back.
    let logs = world.logs();
    let launch = Call::of(&["launch", &world.app.name, "--logs", logs.to_str().unwrap(), "--env", "COLOUR=blue"]);
    let place = ["--network", &world.app.hcf.network, "--stager-image", &stager_image()];
    world.run("launch --env", 0, &launch.and(&place), Form::Plain);
    world.run("rollback", 0, &of("rollback"), Form::Plain);
    world.run("rollback to what is not there", 8, &of("rollback").and(&["--version", "99"]), Form::Plain);

    let own = ["service", "variable", "container-variable"];
    for form in ["json", "dotenv"] {
        let shown = world.home.run(&world.marks, &of("env").and(&["--show", "--output", form]), Form::Plain).said;
        world.holds(&format!("env --show --output {form}"), &shown, &own);
    }
    for container in world.app.containers("app").into_iter().chain(world.app.containers("task")) {
        let mut inspected = inspect(&container);
        inspected["Config"]["Env"].take();
        world.holds("a container that lived on, but for its environment", inspected.to_string().as_bytes(), &[]);
    }
}
