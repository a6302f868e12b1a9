//! Whether somebody listens in a container, seen from this machine: a connection to the address that the engine gave it.

use crate::engine::Reach;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How an engine's address begins that is a socket of this machine. Any other engine's containers may have addresses that are
/// somebody else's here.
const HERE: &str = "unix:";

/// Asks once; `engine` is where the engine itself is.
pub(super) fn reach(engine: &str, address: SocketAddr, patience: Duration) -> Reach {
    if !engine.starts_with(HERE) {
        return Reach::Unknown;
    }
    match TcpStream::connect_timeout(&address, patience) {
        Ok(_) => Reach::Open,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Reach::Closed,
        Err(_) => Reach::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn whoever_listens_is_seen_from_the_engines_own_machine_only() {
        const SOCKET: &str = "unix:///var/run/docker.sock";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_secs(5);
        assert_eq!(reach(SOCKET, address, patience), Reach::Open);
        assert_eq!(reach("tcp://engine.example.com:2376", address, patience), Reach::Unknown);
        drop(listener);
        assert_eq!(reach(SOCKET, address, patience), Reach::Closed);
    }
}
