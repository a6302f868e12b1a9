//! Where the requests to an engine go: straight to it, or through a tunnel that speaks TLS.

use super::endpoint::{Address, EngineEndpoint};
use super::tunnel::{self, LastError};
use crate::engine::connect_error::ConnectError;

/// How requests go to an engine.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Where they go: the engine itself, or the near end of a tunnel.
    pub(super) socket: Address,
    /// The engine's address, for people.
    pub(super) shown: String,
    /// What went wrong in the tunnel; nothing ever where there is none.
    pub(super) last_error: LastError,
}

impl Route {
    /// Straight to an address, without TLS.
    pub(super) fn direct(address: &Address) -> Self {
        Self { socket: address.clone(), shown: address.to_string(), last_error: LastError::default() }
    }

    /// To an endpoint, through a tunnel where TLS is spoken. Must be called on the runtime, which the tunnel lives as long
    /// as; nothing is connected yet.
    pub(super) fn open(endpoint: &EngineEndpoint) -> Result<Self, ConnectError> {
        let direct = Self::direct(&endpoint.address);
        let (Address::Tcp(authority), Some(files)) = (&endpoint.address, &endpoint.tls) else { return Ok(direct) };
        let (path, last_error) = tunnel::open(authority, &direct.shown, files.clone(), tunnel::PATIENCE)?;
        Ok(Self { socket: Address::Unix(path), last_error, ..direct })
    }
}
