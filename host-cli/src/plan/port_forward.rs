//! What `-L` means: `[ADDRESS:]PORT:HOST:PORT`, as ssh has it. Pure.

use std::net::{IpAddr, SocketAddr};

/// Where to listen, and where each connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortForward {
    /// Where to listen; at port 0: at a free one.
    pub(crate) at: SocketAddr,
    /// The host, as the container finds it.
    pub(crate) host: String,
    /// Its port.
    pub(crate) host_port: u16,
}

/// The longest name of a host, as DNS has it.
const LONGEST_HOST: usize = 253;

impl PortForward {
    /// What was typed; else why it cannot be.
    fn parse(typed: &str) -> Result<Self, String> {
        let words = words(typed);
        let (address, rest) = match &words[..] {
            [port, host, host_port] => (None, [port, host, host_port]),
            [address, port, host, host_port] => (Some(*address), [port, host, host_port]),
            _ => return Err("write [ADDRESS:]PORT:HOST:PORT, such as 8080:localhost:8080".to_owned()),
        };
        let [port, host, host_port] = rest;
        let number = |port: &str| port.parse::<u16>().map_err(|_| format!("{port:?} is no port"));
        let host = unbracketed(host);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:%".contains(c);
        if host.is_empty() || host.len() > LONGEST_HOST || !host.chars().all(is_plain) {
            return Err(format!("{host:?} is no host"));
        }
        let host_port = number(host_port)?;
        if host_port == 0 {
            return Err("a host has no port 0".to_owned());
        }
        let at = SocketAddr::new(listening(address)?, number(port)?);
        Ok(Self { at, host: host.to_owned(), host_port })
    }

    /// `HOST:PORT`, where a connection leads.
    pub(crate) fn target(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.host_port)
        } else {
            format!("{}:{}", self.host, self.host_port)
        }
    }
}

/// Nobody but this machine, unless it is typed.
fn listening(address: Option<&str>) -> Result<IpAddr, String> {
    match address.map(unbracketed) {
        None | Some("localhost") => Ok([127, 0, 0, 1].into()),
        Some("*" | "") => Ok([0, 0, 0, 0].into()),
        Some(address) => address.parse().map_err(|_| format!("{address:?} is no IP address to listen at")),
    }
}

/// Parted by colons, but for those within brackets.
fn words(typed: &str) -> Vec<&str> {
    let mut is_within = false;
    typed
        .split(|c| {
            is_within = (is_within || c == '[') && c != ']';
            c == ':' && !is_within
        })
        .collect()
}

fn unbracketed(word: &str) -> &str {
    word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word)
}

impl argh::FromArgValue for PortForward {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        Self::parse(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_is_ssh_s_and_listens_on_this_machine_alone_unless_told_otherwise() {
        for (typed, address, port, target) in [
            ("8080:localhost:80", "127.0.0.1", 8080, "localhost:80"),
            ("0:db.internal:5432", "127.0.0.1", 0, "db.internal:5432"),
            ("localhost:1:a:2", "127.0.0.1", 1, "a:2"),
            ("*:1:a:2", "0.0.0.0", 1, "a:2"),
            (":1:a:2", "0.0.0.0", 1, "a:2"),
            ("[::1]:1:[fe80::1]:2", "::1", 1, "[fe80::1]:2"),
        ] {
            let forward = PortForward::parse(typed).unwrap();
            assert_eq!((forward.at.ip().to_string().as_str(), forward.at.port()), (address, port), "{typed}");
            assert_eq!(forward.target(), target, "{typed}");
        }
        for typed in
            ["", "80", "80:a", "a:b:c", "1:a:0", "1:a:99999", "1::2", "1:a b:2", "x:1:a:2", "1:2:3:4:5", "1:a\u{1b}:2"]
        {
            assert!(PortForward::parse(typed).is_err(), "{typed}");
        }
    }
}
