//! The servers inside the containers.

pub(crate) mod cc_error;
pub(crate) mod cc_uploader;
pub(crate) mod cloud_controller;
pub(crate) mod faults;
pub(crate) mod forward;
pub(crate) mod jobs;
pub(crate) mod nginx;
pub(crate) mod receive;
pub(crate) mod rejection;
pub(crate) mod storage;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::serve::cc_uploader::Uploader;
use crate::serve::faults::Faults;
use crate::services::Service;
use crate::state::{IN_CONTAINER, State};

/// How often cc-uploader asks for a job.
const POLL: Duration = Duration::from_secs(1);

/// Serves until nginx or the server ends, which is a failure. Says `ready` when all ports answer.
pub(crate) fn serve(service: Service, out: &mut dyn Write) -> Result<(), Failure> {
    let state = State::at(Path::new(IN_CONTAINER));
    let settings = state.settled()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    let runtime = runtime.map_err(Failure::server("cannot start threads"))?;
    let faults = Faults::at(state.path("faults.json"));
    let router = match service {
        Service::FileServer | Service::Blobstore => None,
        Service::CcUploader => Some(cc_uploader::router(Uploader::new(&state, POLL, faults)?)),
        Service::CloudController => Some(cloud_controller::router(state, faults)),
    };
    if let (Some(router), Some(port)) = (router, service.plain_port()) {
        let listener = runtime.block_on(TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))));
        let listener = listener.map_err(Failure::server(format!("cannot listen on port {port}")))?;
        runtime.spawn(listen(listener, router));
    }
    let mut nginx = nginx::start(service, &settings)?;
    let _ = writeln!(out, "ready");
    let _ = out.flush();
    let status = nginx.wait().map_err(Failure::server("cannot wait for nginx"))?;
    Err(Failure::server(format!("nginx ended: {status}"))(std::io::Error::other("it should not")))
}

/// Serves on a socket; axum goes on after errors of single connections.
pub(crate) async fn listen(listener: TcpListener, router: Router) {
    let _ = axum::serve(listener, router).await; // never returns
}
