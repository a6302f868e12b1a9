//! What a list of containers tells of apps. Pure.

use crate::engine::{ContainerSummary, Health, Image, Running};
use crate::labels;
use crate::plan::apps::{AppInstance, InstanceState, RunningApp, Seen};
use crate::plan::guard;
use crate::plan::wish::AppWish;
use jiff::Timestamp;
use shared_model::process_type::WEB;
use std::collections::BTreeSet;

/// Whether it is an app's container whose labels are its own, as far as a list of `images`, those that call themselves an app's, tells.
/// What is of another image was called an app's by who made it.
pub(super) fn is_listed(one: &ContainerSummary, images: &[Image]) -> bool {
    let image = images.iter().find(|image| image.id == one.image);
    is_an_apps(one) && image.map_or(has_owner(one), |image| guard::are_its_own(&one.labels, image))
}

/// Whether its labels say that it is this app's container.
pub(super) fn of_app(one: &ContainerSummary, app: &RunningApp) -> bool {
    is_an_apps(one) && names(one, app)
}

/// Whether its labels say that it is a task's of this app.
pub(super) fn is_task_of(one: &ContainerSummary, app: &RunningApp) -> bool {
    one.label(labels::KIND) == labels::KIND_TASK && names(one, app)
}

/// What has no guid is told apart by its name.
fn names(one: &ContainerSummary, app: &RunningApp) -> bool {
    if app.guid.is_empty() {
        one.label(labels::APP_GUID).is_empty() && one.label(labels::APP_NAME) == app.name
    } else {
        one.label(labels::APP_GUID) == app.guid
    }
}

/// Whether its labels say that it is a container of the app with this guid.
pub(super) fn is_of(one: &ContainerSummary, guid: &str) -> bool {
    is_an_apps(one) && one.label(labels::APP_GUID) == guid
}

/// The process type that it runs.
pub(crate) fn process_type(one: &ContainerSummary) -> &str {
    let named = one.label(labels::PROCESS);
    if named.is_empty() { WEB } else { named }
}

/// Which instance of its process it is.
pub(crate) fn index(one: &ContainerSummary) -> u32 {
    one.label(labels::INDEX).parse().unwrap_or_default()
}

/// The instance that it is.
pub(super) fn seen(one: &ContainerSummary) -> Seen {
    let state = match (one.running, one.health) {
        (Running::NotYet, _) => InstanceState::Starting,
        // It has ended, and the engine waits before it starts it again.
        (Running::Now, _) if one.restarting => InstanceState::Down,
        (Running::Now, Health::Unhealthy) => InstanceState::Unhealthy,
        // An engine's own check comes late, or never (Podman); `launch` has asked the app itself before it left it.
        (Running::Now, Health::Starting | Health::Healthy | Health::Unchecked) => InstanceState::Running,
        (Running::Not, _) => InstanceState::Down,
    };
    let routes = one.label(labels::PORTS).split(' ').filter(|route| !route.is_empty() && state.is_up());
    let instance = AppInstance {
        index: index(one),
        state,
        exit_status: one.exit_status.filter(|_| state == InstanceState::Down),
        since: Timestamp::from_second(one.created).ok().filter(|_| one.created > 0),
        routes: routes.map(str::to_owned).collect(),
        name: one.name.clone(),
        id: one.id.0.clone(),
        image: one.image.0.clone(),
        ..AppInstance::default()
    };
    Seen {
        app_name: one.label(labels::APP_NAME).to_owned(),
        app_guid: one.label(labels::APP_GUID).to_owned(),
        process_type: process_type(one).to_owned(),
        wanted: None,
        started: None,
        instance: Some(instance),
    }
}

/// What was seen with what is wanted: of an app that is remembered its name and its numbers; and of each instance its newest container,
/// besides those that run. Earlier ones are kept for what they printed.
pub(super) fn as_wished(seen: impl Iterator<Item = Seen>, wishes: &[AppWish]) -> Vec<Seen> {
    let of = |guid: &str| wishes.iter().find(|wish| wish.guid == guid);
    let mut all: Vec<Seen> = seen.collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.instance.as_ref().and_then(|instance| instance.since)));
    let mut known = BTreeSet::new();
    all.retain(|one| {
        let Some(instance) = &one.instance else { return true };
        let is_first = known.insert((one.app_guid.clone(), one.process_type.clone(), instance.index));
        let wanted = of(&one.app_guid).and_then(|wish| wish.processes.get(&one.process_type));
        let is_wanted = wanted.is_none_or(|wanted| instance.index < wanted.instances);
        instance.state.is_up() || (is_first && is_wanted)
    });
    for one in &mut all {
        if let Some(wish) = of(&one.app_guid) {
            one.app_name.clone_from(&wish.name);
        }
    }
    let wanted = wishes.iter().flat_map(|wish| {
        wish.processes.iter().map(|(process, wanted)| Seen {
            app_name: wish.name.clone(),
            app_guid: wish.guid.clone(),
            process_type: process.clone(),
            wanted: Some(wanted.instances as usize),
            started: Some(wanted.started),
            instance: None,
        })
    });
    all.extend(wanted);
    all
}

fn is_an_apps(one: &ContainerSummary) -> bool {
    one.label(labels::KIND) == labels::KIND_APP
}

fn has_owner(one: &ContainerSummary) -> bool {
    !one.label(labels::OWNER).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ImageId;

    fn container(labels: &[(&str, &str)]) -> ContainerSummary {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ContainerSummary { labels, running: Running::Now, image: ImageId("i".into()), ..ContainerSummary::default() }
    }

    #[test]
    fn labels_that_come_from_the_image_make_no_app() {
        let labels = [(labels::KIND, labels::KIND_APP), (labels::OWNER, "a.1.1"), (labels::INSTANCE, "x")];
        let one = container(&labels);
        let image = |labels: &[(&str, &str)]| Image {
            id: ImageId("i".into()),
            labels: container(labels).labels,
            ..Image::default()
        };
        assert!(is_listed(&one, &[]) && is_listed(&one, &[image(&labels[..1])]));
        assert!(!is_listed(&one, &[image(&labels)]));
        assert!(!is_listed(&container(&labels[..1]), &[]), "a build's container has no owner");
        assert!(!is_listed(&container(&labels[1..]), &[]));
    }

    #[test]
    fn a_container_is_an_instance_with_its_state_and_the_ports_that_it_holds() {
        let labels = [(labels::PORTS, "127.0.0.1:80 0.0.0.0:81"), (labels::INDEX, "2"), (labels::PROCESS, "")];
        let one = ContainerSummary { health: Health::Starting, created: 7, ..container(&labels) };
        let seen_of = |one: &ContainerSummary| seen(one).instance.unwrap();
        let instance = seen_of(&one);
        assert_eq!((instance.index, instance.state, instance.routes.len()), (2, InstanceState::Running, 2));
        let again = ContainerSummary { restarting: true, exit_status: Some(1), ..one.clone() };
        assert_eq!((seen_of(&again).state, seen_of(&again).exit_status), (InstanceState::Down, Some(1)));
        assert!(seen_of(&again).routes.is_empty());
        let unhealthy = ContainerSummary { health: Health::Unhealthy, ..one.clone() };
        assert_eq!(seen_of(&unhealthy).state, InstanceState::Unhealthy);
        let made = ContainerSummary { running: Running::NotYet, ..one.clone() };
        assert_eq!(seen_of(&made).state, InstanceState::Starting);
        assert_eq!((process_type(&one), instance.since), (WEB, Timestamp::from_second(7).ok()));
        let ended = ContainerSummary { running: Running::Not, exit_status: Some(137), ..one };
        let instance = seen_of(&ended);
        assert_eq!((instance.state, instance.exit_status, instance.routes.len()), (InstanceState::Down, Some(137), 0));
        assert_eq!(index(&container(&[(labels::INDEX, "-1")])), 0);
    }
}
