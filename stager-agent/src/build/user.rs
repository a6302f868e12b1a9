//! Who runs a program and owns files: users as the container's own `/etc/passwd` knows them. Not through NSS, whose
//! plug-ins a static binary cannot load.
#![expect(clippy::disallowed_methods, reason = "reads /etc/passwd")]

use rustix::process::geteuid;
use std::fs;
use std::io;
use std::path::PathBuf;

const PASSWD: &str = "/etc/passwd";

/// A user of the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// As in `/etc/passwd`; the number itself where it has no entry.
    pub(crate) name: String,
    pub(crate) uid: u32,
    /// Primary group.
    pub(crate) gid: u32,
    /// Home directory; `/` where `/etc/passwd` names none.
    pub(crate) home: PathBuf,
}

/// Why there is no such user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("there is no user {0:?} in {PASSWD}")]
    Unknown(String),
    #[error("cannot read {PASSWD}")]
    Unreadable(#[source] io::Error),
    /// It is another user than the agent's, which is not root.
    #[error("the request works as {name}, but the agent is user {own} and only root can become another")]
    OutOfReach { name: String, own: u32 },
}

impl User {
    /// Looks `name` up: a name, or like the engine's a number, `uid` or `uid:gid`. Whoever is found is one that a
    /// program can be started as.
    ///
    /// # Errors
    /// An unknown name (a number needs no entry); a user that the agent can neither be nor become.
    pub(crate) fn named(name: &str) -> Result<Self, UserError> {
        let passwd = fs::read(PASSWD).map_err(UserError::Unreadable)?;
        let user = find(name, &String::from_utf8_lossy(&passwd)).ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        let own = geteuid();
        if own.is_root() || own.as_raw() == user.uid {
            return Ok(user);
        }
        Err(UserError::OutOfReach { name: user.name, own: own.as_raw() })
    }
}

fn find(name: &str, passwd: &str) -> Option<User> {
    entry(passwd, |user| user.name == name).or_else(|| {
        let (uid, gid) = name.split_once(':').map_or((name, None), |(uid, gid)| (uid, Some(gid)));
        let uid: u32 = uid.parse().ok()?;
        let gid: Option<u32> = gid.map(str::parse).transpose().ok()?;
        let known = entry(passwd, |user| user.uid == uid);
        let unknown = || User { name: uid.to_string(), uid, gid: 0, home: PathBuf::from("/") };
        let user = known.unwrap_or_else(unknown);
        Some(User { gid: gid.unwrap_or(user.gid), ..user })
    })
}

fn entry(passwd: &str, wanted: impl Fn(&User) -> bool) -> Option<User> {
    let users = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        let home = fields.nth(1).filter(|home| !home.is_empty()).unwrap_or("/").into();
        Some(User { name, uid, gid, home })
    });
    users.into_iter().find(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment: is no user\n\
        broken:x:one\n\
        vcap:x:2000:2001:,,,:/home/vcap:/bin/bash\n\
        homeless:x:3000:3000::";

    fn user(name: &str, uid: u32, gid: u32, home: &str) -> User {
        User { name: name.into(), uid, gid, home: home.into() }
    }

    #[test]
    fn a_name_leads_to_its_entry() {
        assert_eq!(find("vcap", PASSWD), Some(user("vcap", 2000, 2001, "/home/vcap")));
        assert_eq!(find("homeless", PASSWD), Some(user("homeless", 3000, 3000, "/")));
    }

    #[test]
    fn a_number_needs_no_entry_but_uses_one() {
        assert_eq!(find("2000", PASSWD), Some(user("vcap", 2000, 2001, "/home/vcap")));
        assert_eq!(find("2000:5", PASSWD), Some(user("vcap", 2000, 5, "/home/vcap")));
        assert_eq!(find("77", PASSWD), Some(user("77", 77, 0, "/")));
    }

    #[test]
    fn nobody_else_is_found() {
        for name in ["", "broken", "nobody", "vca", "-1", "2000:x", "#"] {
            assert_eq!(find(name, PASSWD), None, "{name}");
        }
    }

    #[test]
    fn whoever_can_be_had_is_found_on_this_machine() {
        let own = geteuid();
        assert_eq!(User::named(&own.as_raw().to_string()).unwrap().uid, own.as_raw());
        assert!(User::named("no-such-user").unwrap_err().to_string().contains("\"no-such-user\""));
        assert_eq!(User::named("root").is_ok(), own.is_root());
    }
}
