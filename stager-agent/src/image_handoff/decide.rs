//! The drop-in form: who may make the app image when a Docker socket is mounted into this container.
//!
//! Whoever can open the socket rules the host. Buildpacks are other people's code, so the first question is whether the
//! user that runs them could open it; only then whether we can. The image itself is made by the `host-cli` that lies
//! beside the agent (`make.rs`): there is one implementation of images, and the agent knows nothing of Docker.

use crate::build::user::User;
use shared_model::action::Action;
use std::path::Path;

/// Where the original's command line mounts the engine's socket.
pub(crate) const SOCKET: &str = "/var/run/docker.sock";

/// Owner and mode of a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    /// The owner's uid.
    pub(crate) uid: u32,
    /// The group's gid.
    pub(crate) gid: u32,
    /// Permission bits.
    pub(crate) mode: u32,
}

/// Somebody who might open a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketUser {
    /// The name, for people.
    pub(crate) name: String,
    /// The user's id; 0 opens everything.
    pub(crate) uid: u32,
    /// All of the user's groups.
    pub(crate) gids: Vec<u32>,
}

/// What is to be done about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody wants an image here.
    Unwanted,
    /// There is no socket: stage and upload only.
    NoSocket,
    /// There is one, but it is closed to us: stage and upload only.
    Closed,
    /// Make the image after the staging. Buildpacks cannot reach the socket.
    Make,
    /// Make the image, though buildpacks could reach the socket: somebody decided so, and is told what it gives away.
    MakeThoughOpen,
    /// Do nothing at all: buildpacks could reach the socket, and nobody has said that they may.
    Refuse,
}

impl Socket {
    /// The socket at `path`, or `None` where nothing or something else is.
    #[expect(clippy::disallowed_methods, reason = "this is the file that looks at the socket")]
    pub(crate) fn at(path: &Path) -> Option<Self> {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.file_type().is_socket())?;
        Some(Self { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() })
    }

    /// Whether `who` may connect: the kernel asks for the write bit of the first class that fits.
    pub(crate) fn opens_to(self, who: &SocketUser) -> bool {
        const OWNER: u32 = 0o200;
        const GROUP: u32 = 0o020;
        const OTHERS: u32 = 0o002;
        let bit = if who.uid == self.uid {
            OWNER
        } else if who.gids.contains(&self.gid) {
            GROUP
        } else {
            OTHERS
        };
        who.uid == 0 || self.mode & bit != 0
    }
}

impl SocketUser {
    pub(crate) fn ours() -> Self {
        use rustix::process::{getegid, geteuid, getgroups};
        let mut gids: Vec<u32> =
            getgroups().unwrap_or_default().into_iter().map(rustix::process::Gid::as_raw).collect();
        gids.push(getegid().as_raw());
        let uid = geteuid().as_raw();
        let name = User::named(&uid.to_string()).map_or_else(|_| format!("user {uid}"), |user| user.name);
        Self { name, uid, gids }
    }

    /// Those whom the request runs programs as, when we are root. Unknown users are left out: nothing will run as them.
    pub(crate) fn from_runs(action: &Action) -> Vec<Self> {
        let users = action.runs().filter_map(|run| User::named(&run.user).ok());
        users.map(|user| Self { name: user.name, uid: user.uid, gids: vec![user.gid] }).collect()
    }
}

/// Decides. `builders` are the users that run foreign programs when we are root; when we are not, they run as us.
/// `trusted` is `--trust-buildpacks`.
pub(crate) fn judge(socket: Option<Socket>, us: &SocketUser, builders: &[SocketUser], trusted: bool) -> Verdict {
    let Some(socket) = socket else { return Verdict::NoSocket };
    if us.uid != 0 {
        // The groups that this process was started with cannot be taken from its children without root's rights, so
        // opening the socket to the agent opened it to them. `--group-add` is the user's explicit word for that.
        return if socket.opens_to(us) { Verdict::MakeThoughOpen } else { Verdict::Closed };
    }
    match (builders.iter().any(|builder| socket.opens_to(builder)), trusted) {
        (false, _) => Verdict::Make,
        (true, true) => Verdict::MakeThoughOpen,
        (true, false) => Verdict::Refuse,
    }
}

/// What is said about the verdict before anything is done; `None`: nothing.
pub(crate) fn warning(verdict: Verdict) -> Option<String> {
    (verdict == Verdict::MakeThoughOpen).then(|| {
        format!("the app's buildpacks can open {SOCKET} too, which makes them root on the host; `host-cli restage` gives them no socket")
    })
}

/// Why there is no image after all; `None` where one is made.
pub(crate) fn why_no_image(verdict: Verdict, us: &SocketUser) -> Option<String> {
    match verdict {
        Verdict::NoSocket => Some(format!(
            "No image was built: there is no Docker socket in this container (`-v {SOCKET}:{SOCKET}` mounts it; `host-cli restage` needs none)"
        )),
        Verdict::Closed => Some(format!(
            "No image was built: {SOCKET} is closed to {}; `--group-add $(stat -c %g {SOCKET})` opens it (and gives the app's buildpacks the host)",
            us.name
        )),
        Verdict::Unwanted | Verdict::Make | Verdict::MakeThoughOpen | Verdict::Refuse => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u32 = 0;
    const VCAP: u32 = 2000;
    const DOCKER: u32 = 998;

    fn socket(mode: u32) -> Socket {
        Socket { uid: ROOT, gid: DOCKER, mode: 0o140_000 | mode }
    }

    fn who(uid: u32, gids: &[u32]) -> SocketUser {
        SocketUser { name: "vcap".to_owned(), uid, gids: gids.to_vec() }
    }

    fn verdict(socket: Option<Socket>, us: &SocketUser, builder: &SocketUser) -> Verdict {
        judge(socket, us, std::slice::from_ref(builder), false)
    }

    #[test]
    fn without_a_socket_there_is_nothing_to_decide() {
        assert_eq!(verdict(None, &who(ROOT, &[ROOT]), &who(ROOT, &[ROOT])), Verdict::NoSocket);
    }

    #[test]
    fn root_makes_the_image_when_the_builders_user_cannot_open_the_socket() {
        assert_eq!(verdict(Some(socket(0o660)), &who(ROOT, &[ROOT]), &who(VCAP, &[VCAP])), Verdict::Make);
    }

    #[test]
    fn root_refuses_when_the_builders_user_could_open_the_socket() {
        let root = who(ROOT, &[ROOT]);
        for (mode, builder) in [(0o666, who(VCAP, &[VCAP])), (0o660, root.clone()), (0o660, who(VCAP, &[DOCKER]))] {
            assert_eq!(verdict(Some(socket(mode)), &root, &builder), Verdict::Refuse, "{mode:o} {builder:?}");
            assert_eq!(judge(Some(socket(mode)), &root, std::slice::from_ref(&builder), true), Verdict::MakeThoughOpen);
        }
    }

    #[test]
    fn vcap_makes_the_image_only_with_the_sockets_group_and_is_told_what_that_gives_away() {
        let vcap = who(VCAP, &[VCAP]);
        assert_eq!(verdict(Some(socket(0o660)), &vcap, &vcap), Verdict::Closed);
        let with_group = who(VCAP, &[VCAP, DOCKER]);
        assert_eq!(verdict(Some(socket(0o660)), &with_group, &vcap), Verdict::MakeThoughOpen);
        assert!(warning(Verdict::MakeThoughOpen).unwrap().contains("root on the host"));
    }

    #[test]
    fn the_owner_is_judged_by_the_owners_bit_alone() {
        let owned = Some(Socket { uid: VCAP, gid: DOCKER, mode: 0o066 });
        assert_eq!(verdict(owned, &who(VCAP, &[DOCKER]), &who(VCAP, &[DOCKER])), Verdict::Closed);
    }

    #[test]
    fn a_closed_socket_names_the_option_that_opens_it() {
        let text = why_no_image(Verdict::Closed, &who(VCAP, &[VCAP])).unwrap();
        assert!(
            text.contains("closed to vcap") && text.contains("--group-add $(stat -c %g /var/run/docker.sock)"),
            "{text}"
        );
    }
}
