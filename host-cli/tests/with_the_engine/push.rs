//! `host-cli push` with a real engine and real registries. Wants `docker-registry` (Debian's; ci/setup installs it) and
//! `stager-rootfs:cflinuxfs4` (docker/build makes it); says so where they are missing. What a registry should never answer
//! is answered by a small server of these tests' own. Images bear a mark as a label and go with their test.

mod answering;
mod commands;
mod credentials;
pub(crate) mod images;
mod pushing;
mod refusals;
mod trust;
