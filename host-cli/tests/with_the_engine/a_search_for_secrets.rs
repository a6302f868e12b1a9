//! Whether a secret can be found where it need not be: one app with a secret in every field of its requests, every command
//! with each of its ends in every form of output, and a search of all that anybody can see of it.
//!
//! Wants what `from_request_to_app` wants, and Debian's `docker-registry`. Nothing is searched without something that must be
//! found there: else a search that finds nothing would say nothing.

mod cli;
mod drop_in;
mod feed;
mod launches;
mod lives;
mod marks;
mod outcomes;
mod road;
mod search;
mod watch;
mod world;

use marks::CANARY;
use std::process::Command;
use watch::{EngineEvents, Processes};
use world::World;

#[test]
fn no_secret_is_found_but_where_the_app_must_have_it() {
    let world = World::new();
    let (processes, events) = (Processes::watched(), EngineEvents::watched(&world.app.guid));
    plant(&world);

    road::requests(&world);
    outcomes::run(&world, &launches::without_an_image(&world));
    outcomes::run(&world, &outcomes::before_a_staging(&world));
    let image = road::stage(&world);
    road::use_image(&world, &image);
    lives::on(&world);
    outcomes::run(&world, &outcomes::of_a_staging(&world));
    outcomes::run_in_turn(&world, &launches::of_launches(&world));
    outcomes::run(&world, &launches::of_images(&world));
    outcomes::ended_from_outside(&world);
    road::push(&world);
    road::keep(&world);
    drop_in::run(&world);
    road::custom_buildpack(&world);

    let (seen, told) = (processes.seen(), events.told());
    // What somebody types is there: nobody but a shell could keep it out. A look may miss what ends at once.
    let typed = ["buildpack-login", "typed-login"];
    world.holds_perhaps("the list of processes", &joined(seen.arguments), &[CANARY], &typed);
    world.holds("what host-cli and the agent hand on", &joined(seen.variables), &["proxy"]);
    world.holds("the engine's events", told.events.as_bytes(), &[CANARY]);
    assert!(told.stagings.len() > 10, "{} staging containers were seen", told.stagings.len());
    world.holds("staging containers", told.stagings.into_iter().collect::<String>().as_bytes(), &[]);
    world.found("home, temporary files and caches", &world.marks.found_below(world.home.path()), &[CANARY]);
    world.ends_well();
}

/// What the searches must find: an argument, an event of the engine, a file.
fn plant(world: &World) {
    let canary = world.marks.of(CANARY);
    Command::new("sh").args(["-c", "sleep 0.5", canary]).status().unwrap();
    let label = format!("stager.canary={canary}");
    let image = "stager-rootfs:cflinuxfs4";
    crate::hcf::docker(&[
        "run",
        "--rm",
        "--label",
        "stager.kind=test",
        "--label",
        &label,
        "--network",
        "none",
        image,
        "true",
    ])
    .unwrap();
    cli::file(world.home.path(), "tmp/canary", canary);
}

fn joined(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    pieces.into_iter().collect::<Vec<_>>().join(&b'\n')
}
