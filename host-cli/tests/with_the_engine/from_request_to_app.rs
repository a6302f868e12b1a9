//! `restage` and `launch` as a user types them, against a mini-HCF on a real Docker Engine.
//!
//! Needs a Docker Engine, the images that `docker/build` makes (the stager image may be named in `STAGER_TEST_IMAGE`), and
//! the static programs of `ci/build-static` in `STAGER_STATIC_BIN`, else in `target/static`. The tests share one mini-HCF
//! on a network of its own; each has an app of its own and asserts that nothing of it stays behind.

mod cache;
mod docker_apps;
mod drop_in;
mod every_kind;
mod health;
mod launch;
mod lease;
mod life;
mod pushed;
mod reach;
mod restage;
mod rootfs;
mod ssh;
mod supervisor;
mod trouble;
mod words;
