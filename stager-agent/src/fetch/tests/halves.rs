//! Archives of which only a half can be had, for want of room or of a server: nothing of them may stay.

use super::*;
use crate::small_disk::SmallDisk;
use std::collections::BTreeMap;
use std::io;
use std::process::Command;

/// The same hundred files, 2 MB that do not compress, in every form.
fn forms() -> BTreeMap<&'static str, Vec<u8>> {
    let folder = TempDir::new().unwrap();
    let printed = |script: &str| Command::new("sh").args(["-c", script]).current_dir(&folder).output().unwrap().stdout;
    printed("for n in $(seq 100); do head -c 20000 /dev/urandom > file$n; done");
    let forms = [("tar", "tar -cf - *"), ("tgz", "tar -czf - *"), ("zip", "zip -q - *")];
    BTreeMap::from(forms.map(|(form, script)| (form, printed(script))))
}

#[test]
fn a_full_disk_is_told_and_nothing_is_left() {
    let forms = forms();
    let all = ["tar", "tgz", "zip"];
    // There is no room for a half; for a zip as it comes and its contents too; for so many files.
    for (options, affected) in [("size=1m", &all[..]), ("size=3m", &["zip"]), ("nr_inodes=50", &all)] {
        let Some(disk) = SmallDisk::mount(options) else { return };
        for form in affected {
            let body = forms[form].clone();
            let case = Case { home: TempDir::new_in(disk.path()).unwrap(), ..Case::new() };
            let server = Server::plain(move |_, _, to| answer(to, 200, "", &body));
            let error = case.run(&plain(), &server.url, None).unwrap_err();
            let FetchError::Unpack { cause: UnpackError::Disk { path, cause }, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(cause.kind(), io::ErrorKind::StorageFull, "{form} on {options}");
            assert!(path.starts_with(case.to()), "{}", path.display());
            assert_eq!((server.requests(), case.left_behind()), (1, 0), "{form} on {options}");
        }
    }
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_nothing_of_any_form() {
    for (form, body) in forms() {
        let case = Case::new();
        let server = Server::plain(move |_, _, to| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = to.write_all(head.as_bytes()).and_then(|()| to.write_all(&body[..body.len() / 2]));
        });
        let error = case.run(&plain(), &server.url, None).unwrap_err();
        assert!(matches!(error, FetchError::Transfer { cause: TransferError::CutOff { .. }, .. }), "{form}: {error:?}");
        assert_eq!(case.left_behind(), 0, "{form}");
    }
}
