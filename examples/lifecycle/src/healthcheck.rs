//! Asks an app whether it lives: a TCP connection, or a GET that must be answered with 200. Like the real one it goes
//! to the container's own address, not to loopback: an app that listens on loopback only cannot be reached by others.

use crate::go_flags::{self, Flag, FlagKind};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const FLAGS: [Flag; 4] = [
    Flag { name: "network", kind: FlagKind::Text, default: "tcp", usage: "network type to dial with (e.g. unix, tcp)" },
    Flag { name: "uri", kind: FlagKind::Text, default: "", usage: "uri to healthcheck" },
    Flag { name: "port", kind: FlagKind::Text, default: "8080", usage: "port to healthcheck" },
    Flag { name: "timeout", kind: FlagKind::Text, default: "1s", usage: "dial timeout" },
];

/// A page of this size is read to its end; what is longer is cut off, since only the status counts.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// One check to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The app's port, as given: it appears in texts.
    port: String,
    number: u16,
    /// Path and query to GET; empty for a TCP connection only.
    uri: String,
    timeout: Duration,
}

/// Why the app is not healthy: the text for stdout, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhealthy {
    /// One line without its end.
    pub text: String,
    /// 3 no address, 4 no connection, 5 no answer, 6 another status, 64 and 65 too late.
    pub code: u8,
}

impl Probe {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The complete text for stderr, after which Go's programs end with 2.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let values = go_flags::parse("healthcheck", &FLAGS, arguments)?;
        let port = values["port"].clone();
        let number = port.parse().map_err(|_| format!("invalid port {port:?}: 1 to 65535\n"))?;
        let timeout = duration(&values["timeout"])
            .ok_or_else(|| format!("invalid value {:?} for flag -timeout: parse error\n", values["timeout"]))?;
        Ok(Self { port, number, uri: values["uri"].clone(), timeout })
    }

    /// Does the check at `address`.
    ///
    /// # Errors
    /// Why the app is not healthy.
    pub fn run(&self, address: Ipv4Addr) -> Result<(), Unhealthy> {
        if self.uri.is_empty() { self.connect(address) } else { self.get(address) }
    }

    fn connect(&self, address: Ipv4Addr) -> Result<(), Unhealthy> {
        let target = SocketAddr::new(IpAddr::V4(address), self.number);
        let failed = format!("Failed to make TCP connection to port {}", self.port);
        match TcpStream::connect_timeout(&target, self.timeout) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Unhealthy { text: format!("{failed}: {}", self.too_late()), code: 64 })
            }
            Err(error) => {
                let why = error.to_string();
                let why = why.split(" (os error").next().unwrap_or(&why).to_lowercase();
                Err(Unhealthy { text: format!("{failed}: dial tcp {target}: connect: {why}"), code: 4 })
            }
        }
    }

    fn get(&self, address: Ipv4Addr) -> Result<(), Unhealthy> {
        let started = Instant::now();
        let failed = format!("Failed to make HTTP request to '{}' on port {}", self.uri, self.port);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("diego-healthcheck")
            .build()
            .into();
        let request =
            agent.get(format!("http://{address}:{}{}", self.port, self.uri)).header("X-Forwarded-Proto", "https");
        match request.call() {
            Ok(mut response) => {
                // A server may take a connection that is closed too soon for an error. What it sends does not matter.
                let _ = io::copy(&mut response.body_mut().as_reader().take(BODY_LIMIT), &mut io::sink());
                match response.status().as_u16() {
                    200 => Ok(()),
                    status => {
                        let took = started.elapsed().as_millis();
                        Err(Unhealthy { text: format!("{failed}: received status code {status} in {took}ms"), code: 6 })
                    }
                }
            }
            Err(ureq::Error::Timeout(_)) => Err(Unhealthy { text: format!("{failed}: {}", self.too_late()), code: 65 }),
            Err(_) => Err(Unhealthy { text: format!("{failed}: connection refused"), code: 5 }),
        }
    }

    fn too_late(&self) -> String {
        format!("timed out after {:.2} seconds", self.timeout.as_secs_f64())
    }
}

/// The first IPv4 address of this machine that is not loopback, in the order of its interfaces.
///
/// # Errors
/// The text and the code (3) that the real one has for a machine without such an address.
pub fn own_address() -> Result<Ipv4Addr, Unhealthy> {
    let addresses = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let mut addresses = addresses.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
    addresses
        .find(|address| !address.is_loopback())
        .ok_or_else(|| Unhealthy { text: "failure to find suitable interface".to_owned(), code: 3 })
}

/// A duration as Go writes it: `1s`, `1.5s`, `500ms`, `1m30s`; `None` for anything else and for zero or less.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests;
