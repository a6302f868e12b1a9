//! The app's containers of earlier launches, by their labels.

use crate::backend::docker::ours::is_container;
use crate::engine::{Container, ContainerId, Engine, EngineError, ImageId};
use crate::labels;
use crate::plan::ports::PortRequest;
use shared_model::process_type::WEB;

/// An earlier container of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name.
    pub(crate) name: String,
    /// What it is made of.
    pub(crate) image: ImageId,
    /// Whether it runs.
    pub(crate) running: bool,
    /// Which instance of the process it is, from 0.
    pub(crate) index: u32,
    /// The revision that it belongs to; 0: nobody counted.
    pub(crate) revision: u64,
    /// What it holds on the host: address and port.
    ports: Vec<(String, u16)>,
}

/// The containers that run, or ran, this process of this app, the newest first. One whose labels come from its image is somebody else's.
pub(crate) fn previous(engine: &dyn Engine, app_guid: &str, process: &str) -> Result<Vec<Previous>, EngineError> {
    let mut found = Vec::new();
    let number = |one: &Container, name| one.labels.get(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    for one in engine.containers_labelled(labels::APP_GUID, app_guid)? {
        if runs(&one, process) && is_container(engine, &one.labels, &one.image)? {
            found.push(Previous {
                index: u32::try_from(number(&one, labels::INDEX)).unwrap_or(0),
                revision: number(&one, labels::REVISION),
                ports: one.labels.get(labels::PORTS).map(|text| read_ports(text)).unwrap_or_default(),
                id: one.id,
                name: one.name,
                image: one.image,
                running: one.running,
            });
        }
    }
    Ok(found)
}

/// Whether the labels say that it runs this process of an app. One without a process type is web's.
fn runs(container: &Container, process: &str) -> bool {
    let label = |name| container.labels.get(name).map(String::as_str);
    label(labels::KIND) == Some(labels::KIND_APP) && label(labels::PROCESS).unwrap_or(WEB) == process
}

impl Previous {
    /// The ports that it held, in the order of its requests.
    pub(super) fn held(&self) -> Vec<u16> {
        self.ports.iter().map(|(_, port)| *port).collect()
    }

    /// Whether one of the requests cannot come true beside it.
    pub(super) fn holds_any_of(&self, requests: &[PortRequest]) -> bool {
        requests.iter().any(|request| is_among(&self.ports, request))
    }
}

/// An app that runs and holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortHolder {
    /// The app's name.
    pub(crate) name: String,
    /// Its container's.
    pub(crate) container: String,
}

/// The app container that uses the port that is asked for, as its labels say; `None`: none of ours. One whose labels come from
/// its image is somebody else's.
pub(crate) fn app_that_holds(engine: &dyn Engine, request: &PortRequest) -> Result<Option<PortHolder>, EngineError> {
    let label = |one: &Container, name| one.labels.get(name).cloned().unwrap_or_default();
    let apps = engine.containers_labelled(labels::KIND, labels::KIND_APP)?;
    for one in apps {
        let holds = one.running && is_among(&read_ports(&label(&one, labels::PORTS)), request);
        if holds && is_container(engine, &one.labels, &one.image)? {
            return Ok(Some(PortHolder { name: label(&one, labels::APP_NAME), container: one.name }));
        }
    }
    Ok(None)
}

/// Whether what is asked for is one of these ports.
fn is_among(ports: &[(String, u16)], request: &PortRequest) -> bool {
    const ALL: &str = "0.0.0.0";
    ports.iter().any(|(address, port)| {
        request.host == Some(*port)
            && (*address == request.host_address || address == ALL || request.host_address == ALL)
    })
}

/// The label's text; what is no port in it is left out.
fn read_ports(text: &str) -> Vec<(String, u16)> {
    let read = |word: &str| {
        let (address, port) = word.rsplit_once(':')?;
        Some((address.to_owned(), port.parse().ok()?))
    };
    text.split(' ').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_runs_the_process_that_its_label_names_and_web_without_one() {
        let labelled = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Container { labels, ..Container::default() }
        };
        let (kind, worker) = ((labels::KIND, labels::KIND_APP), (labels::PROCESS, "worker"));
        assert!(runs(&labelled(&[kind, worker]), "worker") && !runs(&labelled(&[kind, worker]), WEB));
        assert!(runs(&labelled(&[kind]), WEB) && !runs(&labelled(&[kind]), "worker"));
        assert!(!runs(&labelled(&[worker]), "worker"));
    }

    #[test]
    fn a_port_is_held_on_its_address_and_on_all_of_them() {
        let one = Previous {
            id: ContainerId("c".into()),
            name: "c".into(),
            image: ImageId::default(),
            running: true,
            index: 0,
            revision: 0,
            ports: read_ports("127.0.0.1:80 0.0.0.0:81 nonsense x:y"),
        };
        let request = |address: &str, host| PortRequest { host_address: address.into(), host, container: 8080 };
        assert!(one.holds_any_of(&[request("127.0.0.1", Some(80))]));
        assert!(one.holds_any_of(&[request("0.0.0.0", Some(80))]));
        assert!(one.holds_any_of(&[request("127.0.0.1", Some(81))]));
        assert!(!one.holds_any_of(&[
            request("127.0.0.2", Some(80)),
            request("127.0.0.1", None),
            request("127.0.0.1", Some(82))
        ]));
    }
}
