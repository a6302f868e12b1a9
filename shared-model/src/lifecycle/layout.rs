//! What a lifecycle fixes for every app of its own: where things lie, how an app is started, what its builder's exit codes say.
//! The programs of Cloud Foundry agree on it; no request tells.

/// See the module. What a request tells otherwise stands above it.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the package is unpacked and the builder works.
    pub workspace: &'static str,
    /// The builder's option that names another such folder; `None`: it has none.
    pub workspace_option: Option<&'static str>,
    /// Folders below vcap's home that each of its droplets has; empty: it makes none.
    pub droplet_folders: &'static [&'static str],
    /// The launcher's arguments for the start command that the droplet has for `web`; empty: it is started without any.
    pub default_arguments: &'static [&'static str],
    /// Variables by which an app's programs find its folders.
    pub variables: &'static [(&'static str, &'static str)],
    /// The builder's exit codes that say more than that it failed, and what each says.
    pub builder_codes: &'static [(u8, &'static str)],
    /// What the builder ends with where `CredHub` does not answer it; `None`: it does not ask.
    pub builder_without_credhub: Option<u8>,
    /// What the launcher ends with then.
    pub launcher_without_credhub: u8,
}

/// buildpackapplifecycle's.
pub(super) const BUILDPACK: Layout = Layout {
    workspace: "/tmp/app",
    workspace_option: Some("buildDir"),
    droplet_folders: &["app"],
    default_arguments: &["app", "", ""],
    variables: &[],
    builder_codes: &[
        (222, "no buildpack detected the app"),
        (223, "the buildpack failed to compile the app"),
        (224, "the buildpack failed to say how the app is started (release)"),
        (225, "a buildpack failed to supply its dependencies"),
        (226, "the buildpack failed to finalize the app"),
    ],
    builder_without_credhub: Some(4),
    launcher_without_credhub: 3,
};

/// cnbapplifecycle's. With arguments its launcher looks for a process of that command, and an empty one is nobody's.
pub(super) const CNB: Layout = Layout {
    workspace: "/home/vcap/workspace",
    workspace_option: Some("workspace-dir"),
    droplet_folders: &["workspace", "layers"],
    default_arguments: &[],
    variables: &[("CNB_LAYERS_DIR", "/home/vcap/layers"), ("CNB_APP_DIR", "/home/vcap/workspace")],
    builder_codes: &[
        (231, "the builder could not begin or end its work"),
        (232, "a buildpack could not be downloaded or read"),
        (233, "no buildpack detected the app"),
        (234, "a buildpack failed to build the app"),
        (235, "the builder failed to export the droplet or the cache"),
        (236, "the builder got no credentials from CredHub"),
        (237, "the builder failed to restore the cached layers"),
    ],
    builder_without_credhub: Some(236),
    launcher_without_credhub: 236,
};

/// dockerapplifecycle's: it works on no files, and makes none but its result.
pub(super) const DOCKER: Layout = Layout {
    workspace: "/",
    workspace_option: None,
    droplet_folders: &[],
    default_arguments: &["app", "", ""],
    variables: &[],
    builder_codes: &[],
    builder_without_credhub: None,
    launcher_without_credhub: 3,
};
