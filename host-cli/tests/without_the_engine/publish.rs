//! `host-cli image --publish` with registries that are as they should be, and with one that is not. Wants `docker-registry`
//! and `skopeo` (Debian's; ci/setup installs them). However a registry behaves, the program ends in bounded time, says what
//! failed and what to try, shows no secret, and leaves under the tag the whole image or what was there before.

mod debian;
mod handed_over;
mod images;
mod misbehaving;
mod moved;
mod rebased;
mod refused;
mod survived;
mod token_server;
mod tokens;
mod trickling;
mod world;
