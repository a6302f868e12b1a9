//! The services of a mini-HCF: under which names and ports the real ones would be found.

use crate::state::Settings;

/// One container on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Serves the lifecycle; HCF's own name for Diego's file server.
    FileServer,
    /// nginx with signed URLs over TLS.
    Blobstore,
    /// Takes droplets from cells and gives them to Cloud Controller.
    CcUploader,
    /// Cloud Controller's upload endpoints.
    CloudController,
}

impl Service {
    /// All of them, in the order in which they are started.
    pub(crate) const ALL: [Service; 4] =
        [Service::FileServer, Service::Blobstore, Service::CloudController, Service::CcUploader];

    /// The argument of `mini-hcf serve`.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Service::FileServer => "file-server",
            Service::Blobstore => "blobstore",
            Service::CcUploader => "cc-uploader",
            Service::CloudController => "cloud-controller",
        }
    }

    /// The service that `mini-hcf serve` calls so.
    pub(crate) fn from_role(role: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.role() == role)
    }

    /// The names it answers to; the first is also part of its container's name.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Service::FileServer => &["diego-access", "file-server.service.cf.internal"],
            Service::Blobstore => &["blobstore", "blobstore.service.cf.internal"],
            Service::CcUploader => &["cc-uploader", "cc-uploader.service.cf.internal"],
            Service::CloudController => &["api", "api.service.cf.internal", "cloud-controller-ng.service.cf.internal"],
        }
    }

    /// Those names that this mini-HCF's network knows: its full ones may be hidden, as BOSH's are from any Docker network.
    pub(crate) fn names_on(self, settings: &Settings) -> Vec<&'static str> {
        let names = self.names().iter().copied();
        names.filter(|name| !settings.hidden_names || !is_full(name)).collect()
    }

    /// Its names with a domain, which today's requests have.
    pub(crate) fn full_names(self) -> impl Iterator<Item = &'static str> {
        self.names().iter().copied().filter(|name| is_full(name))
    }

    /// Where it speaks plain HTTP; the blobstore does not.
    pub(crate) fn plain_port(self) -> Option<u16> {
        match self {
            Service::FileServer => Some(8080),
            Service::Blobstore => None,
            Service::CcUploader => Some(9090),
            Service::CloudController => Some(9022),
        }
    }

    /// Where it speaks TLS. nginx does it, and asks for a client certificate with `up --mutual-tls`.
    pub(crate) fn tls_ports(self) -> &'static [u16] {
        match self {
            Service::FileServer => &[8447],
            Service::Blobstore => &[443, 4443],
            Service::CcUploader => &[9091],
            Service::CloudController => &[9023],
        }
    }
}

fn is_full(name: &str) -> bool {
    name.contains('.')
}
