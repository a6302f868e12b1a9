//! Where is kept what is wanted of apps: one small file an app, written whole or not at all, and closed to all others. [`Folder`] keeps
//! them on this machine; whoever keeps them elsewhere is another [`Keep`].
//!
//! Two who change the same file at once do not lose each other's change: a change is made of what was read, and is taken only as long as
//! that is still there.

mod folder;

pub(crate) use folder::Folder;

use crate::plan::wish::{AppWish, FORM, ProcessWish};
use crate::state_folder::file_name;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::collections::BTreeMap;
use std::io;

/// How large a file may be. A request has some kilobytes, and 200 of variables at most. What is larger is read so far, and so damaged.
pub(crate) const LARGEST: usize = 8 << 20;
/// How often a change is made anew, because somebody else was faster.
const ATTEMPTS: usize = 20;

/// Keeps files, of names that [`name`] gives.
pub(crate) trait Keep: Send + Sync {
    /// Gives each of them with its name, one after the other; of one that cannot be read why.
    ///
    /// # Errors
    /// Nobody can tell which there are.
    fn each(&self, hear: &mut dyn FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()>;

    /// One of them; `None`: there is none.
    fn one(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts `new` in the place of what has the digest `before` (see [`digest`]; `None`: there is none), or removes that (`new`: `None`).
    /// False: something else is there now, and stays.
    fn replace(&self, name: &str, before: Option<&str>, new: Option<&[u8]>) -> io::Result<bool>;
}

/// Why what is remembered of an app is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WishError {
    /// It cannot be read or written.
    #[error("{0}")]
    Kept(#[from] io::Error),
    /// It is not what was written.
    #[error("the file is damaged")]
    Damaged,
    /// A newer program wrote it.
    #[error("the file is of form {0}, which a newer host-cli has written")]
    Newer(u32),
    /// It would be larger than any file may be.
    #[error("with its requests it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// Others change it again and again.
    #[error("others change it at the same time, again and again")]
    Busy,
}

/// What is wanted of an app, without how it is started.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// The app's guid.
    pub(crate) guid: String,
    /// By process type.
    pub(crate) processes: BTreeMap<String, ProcessWish>,
}

/// What is remembered of apps.
pub(crate) struct Wishes<'a>(Box<dyn Keep + 'a>);

impl<'a> Wishes<'a> {
    /// Of those that are kept there.
    pub(crate) fn kept(keep: impl Keep + 'a) -> Self {
        Self(Box::new(keep))
    }

    /// All apps of which something is remembered, by guid; of a file that cannot be read only why, by its name.
    ///
    /// # Errors
    /// None of it can be read.
    pub(crate) fn all(&self) -> io::Result<Vec<Result<AppWish, (String, WishError)>>> {
        self.each()
    }

    /// As [`Self::all`], without the requests, which are by far the most of it.
    pub(crate) fn without_requests(&self) -> io::Result<Vec<Result<Wanted, (String, WishError)>>> {
        self.each()
    }

    fn each<T: DeserializeOwned>(&self) -> io::Result<Vec<Result<T, (String, WishError)>>> {
        let mut all = BTreeMap::new();
        let read = |bytes: io::Result<Vec<u8>>| read(&bytes?);
        self.0.each(&mut |name, bytes| drop(all.insert(name, read(bytes))))?;
        Ok(all.into_iter().map(|(name, read)| read.map_err(|error| (name, error))).collect())
    }

    /// What is remembered of one app; `None`: nothing.
    pub(crate) fn of(&self, guid: &str) -> Result<Option<AppWish>, WishError> {
        self.0.one(&name(guid))?.map(|bytes| read(&bytes)).transpose()
    }

    /// Changes what is remembered of an app, and gives what is remembered now. `change` may be called several times; its `None` means:
    /// nothing is to be remembered. What is damaged is nothing to it, and stays where it makes nothing new; [`Self::forget`] takes it away.
    pub(crate) fn change(
        &self,
        guid: &str,
        change: impl Fn(Option<AppWish>) -> Option<AppWish>,
    ) -> Result<Option<AppWish>, WishError> {
        let name = name(guid);
        for _ in 0..ATTEMPTS {
            let before = self.0.one(&name)?;
            let (wish, is_damaged) = match before.as_deref().map(read::<AppWish>).transpose() {
                // A launch makes it anew; a newer program's is not ours to lose.
                Err(WishError::Damaged) => (None, true),
                read => (read?, false),
            };
            let wish = change(wish);
            if is_damaged && wish.is_none() {
                return Err(WishError::Damaged);
            }
            let wish = wish.map(bounded).transpose()?;
            let bytes = wish.as_ref().map(|(_, bytes)| &**bytes);
            let before = before.as_deref().map(digest);
            if (before.is_none() && bytes.is_none()) || self.0.replace(&name, before.as_deref(), bytes)? {
                return Ok(wish.map(|(wish, _)| wish));
            }
        }
        Err(WishError::Busy)
    }

    /// Forgets an app, also one of which only something damaged is there.
    pub(crate) fn forget(&self, guid: &str) -> Result<(), WishError> {
        let name = name(guid);
        for _ in 0..ATTEMPTS {
            let Some(before) = self.0.one(&name)? else { return Ok(()) };
            if let Err(newer @ WishError::Newer(_)) = read::<AppWish>(&before) {
                return Err(newer);
            }
            if self.0.replace(&name, Some(&digest(&before)), None)? {
                return Ok(());
            }
        }
        Err(WishError::Busy)
    }
}

/// The wish as it is written; the oldest revisions that nothing runs are forgotten where it is too large with them.
fn bounded(mut wish: AppWish) -> Result<(AppWish, Vec<u8>), WishError> {
    loop {
        let bytes = serde_json::to_vec(&wish).map_err(io::Error::from)?;
        if bytes.len() <= LARGEST {
            return Ok((wish, bytes));
        }
        if !wish.forget_oldest() {
            return Err(WishError::TooLarge);
        }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WishError> {
    #[derive(Deserialize)]
    struct Form {
        form: u32,
    }
    let Form { form } = serde_json::from_slice(bytes).map_err(|_| WishError::Damaged)?;
    if form > FORM {
        return Err(WishError::Newer(form));
    }
    serde_json::from_slice(bytes).map_err(|_| WishError::Damaged)
}

/// The file's name for an app's guid, which may be any text.
pub(crate) fn name(guid: &str) -> String {
    format!("{}.json", file_name(guid))
}

/// By which one content is told from another.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// All files of a place, of which each can be read.
pub(crate) fn whole(keep: &dyn Keep) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut all = Vec::new();
    keep.each(&mut |name, bytes| all.push((name, bytes)))?;
    all.into_iter().map(|(name, bytes)| Ok((name, bytes?))).collect()
}

/// By which all files of a place are told from others.
pub(crate) fn digest_of_all(all: &BTreeMap<String, Vec<u8>>) -> String {
    let lines: Vec<String> = all.iter().map(|(name, bytes)| format!("{name} {}\n", digest(bytes))).collect();
    digest(lines.concat().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::wish::samples::launched;
    use jiff::Timestamp;

    fn wishes() -> (tempfile::TempDir, Wishes<'static>) {
        let here = tempfile::tempdir().unwrap();
        let wishes = Wishes::kept(Folder::at(here.path().join("apps")));
        (here, wishes)
    }

    #[expect(clippy::unnecessary_wraps, reason = "a change may forget an app, too")]
    fn with_web(wish: Option<AppWish>) -> Option<AppWish> {
        Some(AppWish::launched(wish, launched("web", "i1", "{}"), Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn two_who_change_it_at_once_do_not_lose_each_others_change() {
        let (_here, wishes) = wishes();
        wishes.change("g", with_web).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let one_more = |wish: Option<AppWish>| {
                            let mut wish = wish?;
                            wish.last_task += 1;
                            Some(wish)
                        };
                        while matches!(wishes.change("g", one_more), Err(WishError::Busy)) {}
                    }
                });
            }
        });
        assert_eq!(wishes.of("g").unwrap().unwrap().last_task, 40);
    }

    #[test]
    fn a_damaged_file_is_told_and_a_launch_makes_it_anew_but_a_newer_programs_stays() {
        let (here, wishes) = wishes();
        wishes.change("g", with_web).unwrap();
        let file = here.path().join("apps").join(name("g"));
        std::fs::write(&file, "{\"form\":1").unwrap();
        assert!(matches!(wishes.of("g"), Err(WishError::Damaged)));
        assert!(matches!(wishes.all().unwrap()[..], [Err((_, WishError::Damaged))]));
        assert!(matches!(wishes.without_requests().unwrap()[..], [Err((_, WishError::Damaged))]));
        assert!(matches!(wishes.change("g", |wish| wish), Err(WishError::Damaged)) && file.exists());
        assert!(wishes.change("g", with_web).unwrap().is_some() && wishes.of("g").unwrap().is_some());
        std::fs::write(&file, "{\"form\":9}").unwrap();
        assert!(matches!(wishes.change("g", with_web), Err(WishError::Newer(9))));
        assert!(matches!(wishes.forget("g"), Err(WishError::Newer(9))));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"form\":9}");
    }

    #[test]
    fn a_large_request_costs_earlier_revisions_or_is_not_remembered_and_is_nobody_elses_matter() {
        let (here, wishes) = wishes();
        let launch = |guid: &'static str, image: &'static str, bytes: usize| {
            let document = "x".repeat(bytes);
            wishes.change(guid, move |wish| {
                Some(AppWish::launched(wish, launched("web", image, &document), Timestamp::UNIX_EPOCH))
            })
        };
        launch("small", "i", 2).unwrap();
        launch("g", "i1", LARGEST / 2).unwrap();
        launch("g", "i2", LARGEST / 2 - 1).unwrap();
        assert_eq!(launch("g", "i3", LARGEST / 2).unwrap().unwrap().revisions.len(), 1);
        assert!(matches!(launch("g", "i4", LARGEST), Err(WishError::TooLarge)));
        std::fs::write(here.path().join("apps").join(name("huge")), vec![b' '; LARGEST + 9]).unwrap();
        let all = wishes.all().unwrap();
        assert_eq!((all.len(), all.iter().filter(|one| one.is_ok()).count()), (3, 2));
        wishes.forget("huge").unwrap();
        assert_eq!(wishes.all().unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_remembered_any_more_is_gone() {
        let (_here, wishes) = wishes();
        assert!(wishes.of("g").unwrap().is_none() && wishes.all().unwrap().is_empty());
        assert!(wishes.change("g", |_| None).unwrap().is_none());
        wishes.change("g", with_web).unwrap();
        assert_eq!(wishes.all().unwrap().len(), 1);
        wishes.change("g", |_| None).unwrap();
        assert!(wishes.all().unwrap().is_empty());
    }

    #[test]
    fn what_is_damaged_goes_with_its_app() {
        let (here, wishes) = wishes();
        wishes.forget("g").unwrap();
        wishes.change("g", with_web).unwrap();
        std::fs::write(here.path().join("apps").join(name("g")), "{").unwrap();
        wishes.forget("g").unwrap();
        assert!(wishes.all().unwrap().is_empty());
    }

    #[test]
    fn a_guid_may_be_any_text() {
        let names: std::collections::BTreeSet<String> =
            ["", "../../etc/passwd", "g", "\0", &"x".repeat(9999)].into_iter().map(name).collect();
        assert_eq!(names.len(), 5);
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')));
    }
}
