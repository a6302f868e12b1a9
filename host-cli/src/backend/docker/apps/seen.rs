//! What a list of containers tells of apps. Pure.

use crate::engine::{ContainerSummary, Health, Image, Running};
use crate::labels;
use crate::plan::apps::{AppInstance, InstanceState, RunningApp, Seen};
use crate::plan::guard;
use jiff::Timestamp;
use shared_model::process_type::WEB;

/// Whether it is an app's container whose labels are its own, as far as a list of `images`, those that call themselves an app's, tells.
/// What is of another image was called an app's by who made it.
pub(super) fn is_listed(one: &ContainerSummary, images: &[Image]) -> bool {
    let image = images.iter().find(|image| image.id == one.image);
    is_an_apps(one) && image.map_or(has_owner(one), |image| guard::are_its_own(&one.labels, image))
}

/// Whether its labels say that it is this app's container.
pub(super) fn of_app(one: &ContainerSummary, app: &RunningApp) -> bool {
    let is_it = if app.guid.is_empty() {
        label(one, labels::APP_GUID).is_empty() && label(one, labels::APP_NAME) == app.name
    } else {
        label(one, labels::APP_GUID) == app.guid
    };
    is_an_apps(one) && is_it
}

/// The process type that it runs.
pub(super) fn process_type(one: &ContainerSummary) -> &str {
    let named = label(one, labels::PROCESS);
    if named.is_empty() { WEB } else { named }
}

/// Which instance of its process it is.
pub(super) fn index(one: &ContainerSummary) -> u32 {
    label(one, labels::INDEX).parse().unwrap_or_default()
}

/// The instance that it is.
pub(super) fn seen(one: &ContainerSummary) -> Seen {
    let state = match (one.running, one.health) {
        (Running::NotYet, _) => InstanceState::Starting,
        (Running::Now, Health::Unhealthy) => InstanceState::Unhealthy,
        // An engine's own check comes late, or never (Podman); `launch` has asked the app itself before it left it.
        (Running::Now, Health::Starting | Health::Healthy | Health::Unchecked) => InstanceState::Running,
        (Running::Not, _) => InstanceState::Down,
    };
    let routes = label(one, labels::PORTS).split(' ').filter(|route| !route.is_empty() && one.running == Running::Now);
    let instance = AppInstance {
        index: index(one),
        state,
        exit_status: one.exit_status.filter(|_| state == InstanceState::Down),
        since: Timestamp::from_second(one.created).ok().filter(|_| one.created > 0),
        routes: routes.map(str::to_owned).collect(),
        name: one.name.clone(),
        id: one.id.0.clone(),
        image: one.image.0.clone(),
    };
    Seen {
        app_name: label(one, labels::APP_NAME).to_owned(),
        app_guid: label(one, labels::APP_GUID).to_owned(),
        process_type: process_type(one).to_owned(),
        wanted: None,
        instance: Some(instance),
    }
}

fn is_an_apps(one: &ContainerSummary) -> bool {
    label(one, labels::KIND) == labels::KIND_APP
}

fn has_owner(one: &ContainerSummary) -> bool {
    !label(one, labels::OWNER).is_empty()
}

/// Empty where it has none.
fn label<'a>(one: &'a ContainerSummary, name: &str) -> &'a str {
    one.labels.get(name).map_or("", String::as_str)
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
