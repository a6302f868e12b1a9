//! A file that Diego mounts: how the credentials of services come to an app that asked for files instead of `VCAP_SERVICES`.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// The folder below which Diego mounts the files of a request.
pub const SERVICE_BINDINGS: &str = "/etc/cf-service-bindings";

/// The variable that names the folder with the authorities that Diego's cells trust, one certificate a `*.crt` file.
pub const SYSTEM_CERTIFICATES_VARIABLE: &str = "CF_SYSTEM_CERT_PATH";

/// Where an instance finds who it is, and the variables that tell it so: the certificate first, then its key.
pub const INSTANCE_IDENTITY: &str = "/etc/cf-instance-credentials";
/// See [`INSTANCE_IDENTITY`].
pub const IDENTITY_FILES: [(&str, &str); 2] =
    [("CF_INSTANCE_CERT", "instance.crt"), ("CF_INSTANCE_KEY", "instance.key")];

/// A file of a request. `Debug` hides its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountedFile {
    /// Below [`SERVICE_BINDINGS`]: `vcap_services`, `BINDING/KEY`. A valid request's leads nowhere else.
    pub path: String,
    /// Its text as it is; empty where the request has none.
    pub content: Secret<String>,
}
