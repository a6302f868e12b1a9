//! The happy ends: every command does its work, in every form of output, and what it made is searched.

use super::cli::{BOTH, Call, FORMS, Form};
use super::marks::{CANARY, OF_BOTH, OF_LAUNCH, OF_STAGING};
use super::outcomes::script;
use super::world::World;
use crate::app::inspect;
use crate::hcf::{docker, stager_image, write_program};
use crate::registry::{PASSWORD, Registry, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn of_app(world: &World, command: &str) -> Call {
    Call::of(&[command, &world.app.name, "--logs", world.logs().to_str().unwrap()])
}

/// The four commands that print a request as it was logged: all of it is in there, and only they may say it.
pub(crate) fn requests(world: &World) {
    let printed = |command: &str| world.home.run(&world.marks, &of_app(world, command), Form::Plain).said;
    // With what mini-HCF has put into it.
    let of_staging = [&OF_BOTH[..], &OF_STAGING, &["controller-password", "signature"]].concat();
    world.holds("build-req", &printed("build-req"), &of_staging);
    world.holds("build-cmd", &printed("build-cmd"), &["service", "variable", "mounted-file"]);
    let of_launch = [&OF_BOTH[..], &OF_LAUNCH, &["fixture-key"]].concat();
    world.holds("launch-req", &printed("launch-req"), &of_launch);
    world.holds("launch-cmd", &printed("launch-cmd"), &["service", "variable", "mounted-file"]);
    for form in FORMS {
        world.run("requests", 0, &of_app(world, "requests"), form);
        for help in ["--help", "--version"] {
            world.run(help, 0, &Call::of(&[help]), form);
        }
    }
}

/// From the cache to the image; gives the image's name.
pub(crate) fn stage(world: &World) -> String {
    let app = &world.app;
    let container = ["--network", &app.hcf.network, "--stager-image", &stager_image(), "--cache-volume", &app.volume()]
        .map(str::to_owned);
    let container: Vec<&str> = container.iter().map(String::as_str).collect();
    for form in FORMS {
        world.run("cache-up", 0, &of_app(world, "cache-up").and(&container), form);
        // On a terminal it asks before it replaces the droplet.
        let agreeing = Call { stdin: "y\n".to_owned(), ..of_app(world, "restage").and(&container) };
        world.run("restage", 0, &agreeing, form);
    }
    let baked = format!("stager-test-secrets:{}", std::process::id());
    world.run(
        "cache-up --bake",
        0,
        &of_app(world, "cache-up").and(&container[..4]).and(&["--bake", &baked]),
        Form::Json,
    );
    world.found("the baked image", &world.marks.found_in_image(&baked), &[CANARY]);
    docker(&["rmi", &baked]).unwrap();
    for form in BOTH {
        for command in ["list", "verify"] {
            world.run("cache", 0, &Call::of(&["cache", command]).and(&container[2..]), form);
        }
    }
    world.found("the cache", &world.marks.found_in_volume(&app.volume()), &[CANARY]);
    format!("cf-app/{}-{}:latest", app.name, &app.guid[..8])
}

/// A buildpack that its URL names with a login: it is an argument of the builder, as in Diego, and nowhere else.
pub(crate) fn custom_buildpack(world: &World) {
    const BUILDER: &str = r#"mkdir -p /tmp/made/app && tar -czf /tmp/droplet -C /tmp/made ./app && echo >/tmp/output-cache
        printf '{"lifecycle_metadata":{"buildpack_key":"%s","detected_buildpack":""}}\n' "${1#*=}" >/tmp/result.json"#;
    let url = format!("https://u:{}@git.example.com/pack?token={0}", world.marks.in_url("buildpack-login"));
    let request = world.request("build-req", "custom", |request| {
        let dependencies = request["cached_dependencies"].clone();
        script(BUILDER)(request);
        request["cached_dependencies"] = dependencies;
        super::feed::each(request, &mut |key, value| {
            if key == "run" {
                value["args"].as_array_mut().unwrap().extend(["sh".into(), format!("-buildpackOrder={url}").into()]);
            }
        });
    });
    for form in BOTH {
        world.run(
            "restage with a buildpack's URL",
            0,
            &world.restage(&request, &[]).telling_agent(&["--no-upload"]),
            form,
        );
    }
    let name = format!("cf-app/{}-{}:latest", world.app.name, &world.app.guid[..8]);
    world.found("the image of a buildpack's URL", &world.marks.found_in_image(&name), &[]);
    let labels = inspect(&name)["Config"]["Labels"].to_string();
    if !labels.contains("https://***@git.example.com/pack?***") {
        world.complain(format!("the image of a buildpack's URL does not tell it: {labels}"));
    }
}

/// A container that is kept is searched too.
pub(crate) fn keep(world: &World) {
    let request = world.file("kept.json", &world.document("build-req"));
    world.run("restage --keep", 0, &world.restage(&request, &["--keep", "--no-image"]), Form::Plain);
    let kept = world.app.containers("staging");
    let [container] = &kept[..] else { return world.complain(format!("{} containers are kept, not one", kept.len())) };
    world.found("a kept container", &world.marks.found_in_container(container), &[CANARY]);
    let inside = docker(&["exec", container, "sh", "-c", "cat /proc/1/cmdline; env"]).unwrap();
    world.holds("a visitor's shell", inside.as_bytes(), &[]);
    docker(&["rm", "--force", container]).unwrap();
}

/// The image, whatever becomes of it, and the app's container, where secrets are in its environment and with its sidecars.
pub(crate) fn use_image(world: &World, image: &str) {
    world.found("the app's image", &world.marks.found_in_image(image), &[CANARY]);
    let words = ["--network", &world.app.hcf.network, "--stager-image", &stager_image()];
    for form in FORMS {
        world.run("launch", 0, &of_app(world, "launch").and(&words), form);
    }
    let [container] = &world.app.running()[..] else { panic!("one container runs") };
    // The one that it replaced is kept.
    let own = ["service", "variable", "container-variable"];
    for container in world.app.containers("app") {
        let mut inspected = inspect(&container);
        let environment = inspected["Config"]["Env"].take();
        world.holds("the app's environment", environment.to_string().as_bytes(), &own);
        world.holds("the app's container but for its environment", inspected.to_string().as_bytes(), &[]);
    }
    let sidecars = docker(&["exec", container, "cat", "/.stager/sidecars.json"]).unwrap();
    world.holds("the sidecars in the app's container", sidecars.as_bytes(), &["container-variable", "sidecar"]);

    let (droplet, layout) = (world.path("droplet.tgz"), world.path("layout"));
    let lifecycle = world.app.hcf.folder("lifecycle");
    let request = world.file("imaged.json", &world.document("build-req"));
    for form in BOTH {
        world.run("export --droplet", 0, &Call::of(&["export", &world.app.name]).and(&["--droplet", &droplet]), form);
        world.run(
            "export --oci",
            0,
            &Call::of(&["export", &world.app.name]).and(&["--oci", &format!("{layout}-{form:?}")]),
            form,
        );
        let call = Call::of(&["image", "--request", &request, "--droplet", &droplet, "--lifecycle"]);
        world.run("image", 0, &call.and(&[lifecycle.to_str().unwrap()]), form);
    }
    let unpacked = world.marks.found_in_output(Command::new("zcat").arg(&droplet));
    world.found("the exported droplet", &unpacked, &[CANARY]);
    world.found("the exported layout", &world.marks.found_below(Path::new(&format!("{layout}-Json"))), &[CANARY]);
}

/// Pushes with a password from each place where one can come from.
pub(crate) fn push(world: &World) {
    let registry = Registry::new();
    let reference = format!("{}/team/app:1", registry.address);
    let call = Call::of(&["push", &world.app.name, &reference]);
    let piped = Call { stdin: PASSWORD.to_owned(), ..call.clone().and(&["--username", USER, "--password-stdin"]) };
    let wrong = Call { stdin: world.marks.of("registry-token").to_owned(), ..piped.clone() };
    let config = |name: &str, document: &Value| {
        std::fs::create_dir(world.path(name)).unwrap();
        world.file(&format!("{name}/config.json"), &document.to_string());
        call.clone().with("DOCKER_CONFIG", world.path(name))
    };
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let of_file = config("file", &json!({ "auths": { &registry.address: { "auth": auth } } }));
    let token = world.marks.of("registry-token");
    let of_token = config("token", &json!({ "auths": { &registry.address: { "identitytoken": token } } }));
    let broken = config("broken", &json!({ "auths": token }));
    let helped = config("helped", &json!({ "credsStore": "ours" }));
    let answer = world.file("helped/answer", &json!({ "Username": USER, "Secret": PASSWORD }).to_string());
    write_program(world.path("helped/docker-credential-ours").as_ref(), &format!("sleep 0.1\ncat {answer}"));
    let helped = helped.with("PATH", format!("{}:{}", world.path("helped"), std::env::var("PATH").unwrap()));
    let nowhere = Call::of(&["push", &world.app.name, "127.0.0.1:1/a"]);
    let login = format!("https://u:{}@{}/a", world.marks.in_url("typed-login"), registry.address);
    let by_engine = |call: &Call| call.clone().and(&["--by", "engine"]);
    for form in BOTH {
        // On a terminal there is no pipe.
        if form != Form::Bars {
            world.run("push with a password", 0, &piped, form);
            world.run("push with another password", 7, &wrong, form);
            world.run("push by the engine with a password", 0, &by_engine(&piped), form);
            world.run("push by the engine with another password", 7, &by_engine(&wrong), form);
        }
        world.run("push as config.json says", 0, &of_file, form);
        world.run("push as a helper says", 0, &helped, form);
        world.run("push with a token that is none", 7, &of_token, form);
        world.run("push by the engine as a helper says", 0, &by_engine(&helped), form);
        world.run("push by the engine with a token that is none", 7, &by_engine(&of_token), form);
        world.run("push with a configuration that is none", 7, &broken, form);
        world.run("push to nobody", 7, &nowhere.clone().with("DOCKER_CONFIG", world.path("file")), form);
        world.run("push to a URL", 2, &Call::of(&["push", &world.app.name, &login]), form);
    }
}
