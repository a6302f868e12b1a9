//! A buildpack app lifecycle for the demo: `builder`, `launcher` and `healthcheck` keep the contract of Cloud
//! Foundry's own, so that staging and launching can be tried where those cannot be had. Whoever runs them must not
//! know the difference: flags, texts, exit codes, the droplet's layout and the result file are those of the real ones.
//!
//! The real ones changed over the years; [`era::Era`] says how. Start reading with [`builder::stage`].
//!
//! Left out: `CredHub` references, `DATABASE_URL` made from `VCAP_SERVICES`, `launch.yml` and the health check's
//! waiting modes. No request that the components log asks a lifecycle for them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

pub mod builder;
pub mod cnb;
mod curl;
pub mod docker;
pub mod era;
pub mod go_flags;
pub mod go_json;
mod go_text;
pub mod healthcheck;
pub mod launcher;
mod registry;
