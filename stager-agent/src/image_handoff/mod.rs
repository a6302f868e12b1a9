//! The drop-in form: with a Docker socket in this container, the app image is made here, by the `host-cli` beside the agent.

mod decide;
mod make;

pub(crate) use decide::{SOCKET, Socket, SocketUser, Verdict, judge, warning, why_no_image};
pub(crate) use make::{HandoffError, Ingredients, make};
