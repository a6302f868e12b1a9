//! Wishes → ports of this machine. A free one is found by asking the kernel for one, and is named before the container
//! is made, since `CF_INSTANCE_PORTS` tells it to the app. Somebody may be quicker; then the engine says so.

use super::start;
use crate::engine::Engine;
use crate::engine::container_spec::PublishedPort;
use crate::failure::Failure;
use crate::plan::ports::PortRequest;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::io::{self, ErrorKind};
use std::net::TcpListener;

const ANOTHER: &str = "choose another port with --port, or leave --port out to get a free one";

/// The ports, in the order of the requests. The engine is asked who holds one that is taken.
pub(crate) fn choose(
    engine: &dyn Engine,
    requests: &[PortRequest],
    preferred: &[u16],
) -> Result<Vec<PublishedPort>, Failure> {
    // Held until all are chosen: else the same free port could be given twice.
    let mut held = Vec::new();
    let mut ports = Vec::new();
    for (at, request @ PortRequest { host_address, host, container }) in requests.iter().enumerate() {
        let wish = preferred.get(at).filter(|_| host.is_none());
        let wished = wish.and_then(|port| TcpListener::bind((host_address.as_str(), *port)).ok());
        let listener = wished.map_or_else(|| TcpListener::bind((host_address.as_str(), host.unwrap_or(0))), Ok);
        let found = match (listener, host) {
            (Ok(listener), _) => {
                let found = listener.local_addr().map(|address| address.port());
                held.push(listener);
                found
            }
            // The engine may open ports that this user may not.
            (Err(error), Some(host)) if error.kind() == ErrorKind::PermissionDenied => Ok(*host),
            (Err(error), _) => Err(error),
        };
        let host = found.map_err(|error| taken(engine, request, &error))?;
        ports.push(PublishedPort { host_address: host_address.clone(), host, container: *container });
    }
    Ok(ports)
}

fn taken(engine: &dyn Engine, request: &PortRequest, error: &io::Error) -> Failure {
    let address = &request.host_address;
    let port = request.host.map_or("a free port".to_owned(), |host| format!("port {host}"));
    let text = match error.kind() {
        ErrorKind::AddrInUse => {
            // An engine that does not answer knows nobody; the port is taken all the same.
            if let Ok(Some(app)) = start::app_that_holds(engine, request) {
                let container = escape_control(&app.container);
                let text = format!("{port} of {address} is in use by app {:?} (container {container})", app.name);
                return Failure::new(
                    ExitCode::Launch,
                    text,
                    format!("`docker stop {container}` stops it; or {ANOTHER}"),
                );
            }
            format!("{port} of {address} is in use by another program")
        }
        ErrorKind::AddrNotAvailable => format!("this machine has no address {address}"),
        _ => format!("{port} of {address}: {error}"),
    };
    Failure::new(ExitCode::Launch, text, ANOTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;

    fn request(address: &str, host: Option<u16>) -> PortRequest {
        PortRequest { host_address: address.into(), host, container: 8080 }
    }

    #[test]
    fn free_ports_differ_and_can_be_bound_afterwards() {
        let ports = choose(&Fake::default(), &[request("127.0.0.1", None), request("127.0.0.1", None)], &[]).unwrap();
        assert_ne!(ports[0].host, ports[1].host);
        assert!(TcpListener::bind(("127.0.0.1", ports[0].host)).is_ok());
    }

    #[test]
    fn an_earlier_port_is_had_again_unless_somebody_took_it() {
        let free = choose(&Fake::default(), &[request("127.0.0.1", None)], &[]).unwrap()[0].host;
        let again = choose(&Fake::default(), &[request("127.0.0.1", None)], &[free]).unwrap()[0].host;
        let _taken = TcpListener::bind(("127.0.0.1", free)).unwrap();
        let other = choose(&Fake::default(), &[request("127.0.0.1", None)], &[free]).unwrap()[0].host;
        assert!(again == free && other != free);
    }

    #[test]
    fn a_port_that_is_taken_is_refused_in_words() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        let failure = choose(&Fake::default(), &[request("127.0.0.1", Some(port))], &[]).unwrap_err();
        assert_eq!(failure.code, ExitCode::Launch);
        assert_eq!(failure.text, format!("port {port} of 127.0.0.1 is in use by another program"));

        let failure = choose(&Fake::default(), &[request("192.0.2.1", Some(port))], &[]).unwrap_err();
        assert_eq!(failure.text, "this machine has no address 192.0.2.1");
    }
}
