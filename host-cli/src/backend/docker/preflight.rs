//! What must be there before anything is done: better said now than after minutes of staging.

use crate::arguments::FetchOptions;
use crate::backend::mounts;
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{
    Container, Containers, Engine, EngineInfo, Image, Images, Limits, NetworkEndpoint, Quota, VolumesAndNetworks,
};
use crate::failure::Failure;
use crate::labels;
use crate::plan::cache;
use crate::plan::fetching::Keeping;
use crate::plan::restage::RestagePlan;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;

/// What a restage needs is there, and no program of the request can read a key. The stager image.
pub(super) fn restage(engine: &dyn Engine, plan: &RestagePlan) -> Result<Image, Failure> {
    mounts::closed(&plan.files, &plan.users)?;
    let network_name = &plan.container.network;
    network(engine, network_name)?;
    no_app_answers_for(engine, network_name, &plan.hosts)?;
    image(engine, &plan.container.image, STAGER)
}

/// The network exists.
pub(crate) fn network(engine: &dyn VolumesAndNetworks, name: &str) -> Result<(), Failure> {
    if engine.has_network(name)? {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Engine,
        format!("no network {:?} on this Docker Engine", escape_control(name)),
        "choose your Cloud Foundry's network with --network NAME; `docker network ls` lists them, and for a try-out \
         `mini-hcf up` makes one",
    ))
}

/// No app answers for a host that the requests speak to: on one network with it, whoever has the host's name or address
/// gets what is sent there, and what it answers would be staged.
pub(crate) fn no_app_answers_for(
    engine: &dyn Containers,
    network: &str,
    hosts: &BTreeSet<String>,
) -> Result<(), Failure> {
    for app in engine.containers_labelled(labels::KIND, labels::KIND_APP)?.iter().filter(|app| app.running) {
        let Some(host) = app.endpoints.get(network).and_then(|endpoint| answered(app, endpoint, hosts)) else {
            continue;
        };
        let text = format!(
            "on network {} the app container {} answers for {}, a host that the request uses",
            escape_control(network),
            escape_control(&app.name),
            escape_control(host)
        );
        let advice = format!(
            "stop it with `docker rm -fv {}`, or name the network of your Cloud Foundry with --network",
            escape_control(&app.name)
        );
        return Err(Failure::new(ExitCode::Engine, text, advice));
    }
    Ok(())
}

/// The first of the hosts that lead to this container.
fn answered<'a>(container: &Container, endpoint: &NetworkEndpoint, hosts: &'a BTreeSet<String>) -> Option<&'a String> {
    let NetworkEndpoint { addresses, names } = endpoint;
    let is_one = |names: &[String], host: &str| names.iter().any(|name| name.eq_ignore_ascii_case(host));
    hosts.iter().find(|host| {
        // As a resolver has it: a full stop at the end says that the name is whole.
        let host = host.trim_end_matches('.').trim_matches(['[', ']']);
        container.name.eq_ignore_ascii_case(host) || is_one(names, host) || is_one(addresses, host)
    })
}

/// Says which of the container's limits the engine, of which `info` tells, does not keep; it would not say so itself. What its
/// storage can bound.
pub(crate) fn limits(session: &Session, info: &EngineInfo, spec: &ContainerSpec) -> Quota {
    let Limits { memory, processes } = info.limits;
    let lost = match (spec.memory_bytes > 0 && !memory, spec.pids > 0 && !processes) {
        (false, false) => return info.quota,
        (true, false) => "memory",
        (false, true) => "processes",
        (true, true) => "memory and processes",
    };
    let text =
        format!("this Docker Engine does not limit {lost}: the container may use all of it (`docker info` says why)");
    session.emit(Event::Warning { text });
    info.quota
}

/// The role of the image that stages.
pub(crate) const STAGER: &str = "stager image";

/// The image `reference` exists; `role` says what it is for.
pub(crate) fn image(engine: &dyn Images, reference: &str, role: &str) -> Result<Image, Failure> {
    engine.image(reference)?.ok_or_else(|| {
        Failure::new(
            ExitCode::Engine,
            format!("no {role} {:?} on this Docker Engine", escape_control(reference)),
            match role {
                STAGER => {
                    "`docker load` one that another machine saved (`docker save stager | gzip`), build it with docker/build \
                     from stager's source, or name another with --stager-image"
                }
                _ => {
                    "`docker load` or `docker pull` it, build it with docker/build from stager's source, or name another \
                     with --base"
                }
            },
        )
    })
}

/// The cache volume exists.
pub(crate) fn volume(engine: &dyn VolumesAndNetworks, name: &str) -> Result<(), Failure> {
    volume_name(name)?;
    if engine.has_volume(name)? {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Engine,
        format!("no cache volume {:?} on this Docker Engine", escape_control(name)),
        "`host-cli cache-up` or `host-cli restage` makes it; name another with --cache-volume",
    ))
}

/// `name` can be a volume's.
pub(crate) fn volume_name(name: &str) -> Result<(), Failure> {
    if cache::is_volume_name(name) {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::CommandLine,
        format!("--cache-volume {:?}: not a volume's name", escape_control(name)),
        "use letters, digits and _.-; `docker volume ls` lists the volumes",
    ))
}

/// Where it is kept what is fetched.
pub(crate) fn keeping<'a>(options: &FetchOptions<'a>, no_cache: bool) -> Result<Keeping<'a>, Failure> {
    if no_cache && (options.cache_volume.is_some() || options.cache_limit.is_some()) {
        let text = "--no-cache cannot go with --cache-volume or --cache-limit";
        return Err(Failure::new(ExitCode::CommandLine, text, "leave --no-cache out, or the other"));
    }
    let name = options.cache_volume.unwrap_or(cache::VOLUME);
    volume_name(name)?;
    Ok(if no_cache { Keeping::Nothing } else { Keeping::InVolume { name, limit: options.cache_limit } })
}
