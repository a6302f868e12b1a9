//! What a push leaves in the components' logs. Pure: no clock, no files, no chance.

pub(crate) mod application;
pub(crate) mod bbs;
pub(crate) mod bindings;
pub(crate) mod environment;
pub(crate) mod json;
pub(crate) mod lager;
pub(crate) mod launching;
pub(crate) mod lifecycle;
pub(crate) mod lines;
pub(crate) mod parts;
pub(crate) mod renew;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod signature;
pub(crate) mod staging;
pub(crate) mod style;
pub(crate) mod upload_url;
