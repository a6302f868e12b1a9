//! What was typed behind `--port` → which port of the host leads to which port of the app. Which free ports there are is
//! not known here.

/// Where an app is published when nobody says otherwise: on this machine only.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

/// A port of the container that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortRequest {
    /// The address on the host.
    pub(crate) host_address: String,
    /// The port on the host; `None`: any free one.
    pub(crate) host: Option<u16>,
    /// The port in the container.
    pub(crate) container: u16,
}

/// What is wrong with a `--port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    /// Not of the form.
    #[error("--port {0:?} is not [ADDRESS:]PORT[:APP-PORT] with port numbers from 1 to 65535")]
    Unreadable(String),
    /// More ports than the app has.
    #[error("--port {typed}: the app has no other port (it has {}); use PORT:APP-PORT for another one", if ports.is_empty() { "none" } else { ports })]
    TooMany { typed: u16, ports: String },
    /// The request's, not the user's.
    #[error("the request's port {0} is not a port number")]
    OfRequest(u32),
}

/// The requests for an app with `app_ports`: those of `typed` first choose their port, the app's other ports are published
/// on free ones. The order is the app's, additional ports of the container come last.
pub(crate) fn port_requests(app_ports: &[u32], typed: &[String]) -> Result<Vec<PortRequest>, PortError> {
    let mut requests = Vec::new();
    for port in app_ports {
        let container = u16::try_from(*port).ok().filter(|port| *port > 0).ok_or(PortError::OfRequest(*port))?;
        requests.push(PortRequest { host_address: LOOPBACK.to_owned(), host: None, container });
    }
    let mut unassigned = Vec::new();
    for text in typed {
        let Typed { address, host, container } = read(text).ok_or_else(|| PortError::Unreadable(text.clone()))?;
        let Some(container) = container else {
            unassigned.push((address, host));
            continue;
        };
        match requests.iter_mut().find(|request| request.container == container && request.host.is_none()) {
            Some(request) => (request.host_address, request.host) = (address, Some(host)),
            None => requests.push(PortRequest { host_address: address, host: Some(host), container }),
        }
    }
    for (address, host) in unassigned {
        let Some(request) = requests.iter_mut().find(|request| request.host.is_none()) else {
            let ports: Vec<String> = app_ports.iter().map(u32::to_string).collect();
            return Err(PortError::TooMany { typed: host, ports: ports.join(", ") });
        };
        (request.host_address, request.host) = (address, Some(host));
    }
    Ok(requests)
}

struct Typed {
    address: String,
    host: u16,
    container: Option<u16>,
}

/// `8080`, `8080:80`, `0.0.0.0:8080`, `0.0.0.0:8080:80`.
fn read(text: &str) -> Option<Typed> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let address = |text: &str| text.parse::<std::net::Ipv4Addr>().ok().map(|address| address.to_string());
    let parts: Vec<&str> = text.split(':').collect();
    let (at, host, container) = match parts[..] {
        [host] => (None, host, None),
        [at, host] if at.contains('.') => (Some(at), host, None),
        [host, container] => (None, host, Some(container)),
        [at, host, container] => (Some(at), host, Some(container)),
        _ => return None,
    };
    Some(Typed {
        address: at.map_or_else(|| Some(LOOPBACK.to_owned()), address)?,
        host: number(host)?,
        container: container.map_or(Some(None), |container| number(container).map(Some))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(app_ports: &[u32], typed: &[&str]) -> Result<Vec<String>, PortError> {
        let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
        let requests = port_requests(app_ports, &typed)?;
        let line = |request: &PortRequest| {
            let host = request.host.map_or("free".to_owned(), |host| host.to_string());
            format!("{}:{host}:{}", request.host_address, request.container)
        };
        Ok(requests.iter().map(line).collect())
    }

    #[test]
    fn a_free_port_of_this_machine_is_chosen_where_nothing_is_typed() {
        assert_eq!(shown(&[8080, 9090], &[]).unwrap(), ["127.0.0.1:free:8080", "127.0.0.1:free:9090"]);
    }

    #[test]
    fn a_bare_port_leads_to_the_apps_first_port_that_is_left() {
        assert_eq!(shown(&[8080, 9090], &["80", "81"]).unwrap(), ["127.0.0.1:80:8080", "127.0.0.1:81:9090"]);
        assert_eq!(shown(&[8080, 9090], &["80", "81:8080"]).unwrap(), ["127.0.0.1:81:8080", "127.0.0.1:80:9090"]);
    }

    #[test]
    fn an_address_opens_the_port_to_others_and_a_foreign_container_port_is_added() {
        assert_eq!(shown(&[8080], &["0.0.0.0:80"]).unwrap(), ["0.0.0.0:80:8080"]);
        assert_eq!(shown(&[8080], &["9229:9229"]).unwrap(), ["127.0.0.1:free:8080", "127.0.0.1:9229:9229"]);
        assert_eq!(shown(&[8080], &["1.2.3.4:80:81"]).unwrap(), ["127.0.0.1:free:8080", "1.2.3.4:80:81"]);
    }

    #[test]
    fn what_is_no_port_is_refused_in_words() {
        for text in ["", "0", "65536", "http", "80:", ":80", "80:0", "1:2:3:4", "300.0.0.1:80"] {
            assert_eq!(shown(&[8080], &[text]), Err(PortError::Unreadable(text.to_owned())), "{text}");
        }
        let error = shown(&[8080], &["80", "81"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--port 81: the app has no other port (it has 8080); use PORT:APP-PORT for another one"
        );
        assert_eq!(
            shown(&[], &["80"]).unwrap_err().to_string(),
            "--port 80: the app has no other port (it has none); use PORT:APP-PORT for another one"
        );
        assert_eq!(shown(&[70_000], &[]), Err(PortError::OfRequest(70_000)));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(texts in proptest::collection::vec("[0-9.:a-z]{0,20}", 0..4)) {
            let _ = port_requests(&[8080], &texts);
        }
    }
}
