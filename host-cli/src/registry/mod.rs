//! What a push needs besides an engine: the name that an image gets in a registry, who pushes and how, and what a refusal means;
//! and `client`, which speaks to registries. The pushing itself is in `backend/docker/push.rs` and `backend/registry.rs`.

pub(crate) mod client;
pub(crate) mod credentials;
mod docker_config;
#[cfg(test)]
pub(crate) mod fake;
mod helper;
pub(crate) mod image_name;
pub(crate) mod login;
pub(crate) mod push_by;
pub(crate) mod reference;
pub(crate) mod refusal;
pub(crate) mod registries;
pub(crate) mod registry_error;
pub(crate) mod repository;
