//! `host-cli push` with a real engine and real registries. Wants `docker-registry` (Debian's; ci/setup installs it) and
//! `stager-rootfs:cflinuxfs4` (docker/build makes it); says so where they are missing. What a registry should never answer
//! is answered by a small server of these tests' own. Images bear a mark as a label and go with their test.

#![allow(unused_crate_dependencies, reason = "the command's dependencies are not this test's")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::disallowed_methods, reason = "a test of the whole program runs programs and writes files")]

mod answering;
mod commands;
mod credentials;
mod images;
mod pushing;
mod refusals;
mod registry;
#[path = "../common/said.rs"]
#[allow(dead_code, reason = "the tests of the road use all of it")]
mod said;
mod trust;
