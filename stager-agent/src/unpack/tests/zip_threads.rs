//! Whatever the number of threads, the same tree comes out of a zip, and the one that another program sees in it.

use super::handmade_zip::{Handmade, deflated, folder, stored, symlink, zip_of};
use super::*;
use proptest::prelude::*;

/// Compares what Python sees in a zip with trees, entry by entry: kind, mode, and the bytes of files and links.
const PYTHONS_VIEW: &str = r"
import os, posixpath, stat, sys, zipfile

def of_zip(path):
    seen, archive = {}, zipfile.ZipFile(path)
    for info in archive.infolist():
        mode, name = info.external_attr >> 16, posixpath.normpath(info.filename)
        kind = stat.S_IFMT(mode)
        mode = kind | (0o777 if stat.S_ISLNK(mode) else mode & 0o755)
        seen[name] = mode, b'' if stat.S_ISDIR(mode) else archive.open(info).read()
    for name in list(seen):
        while name := posixpath.dirname(name):
            seen.setdefault(name, (0o40755, b''))
    return seen

def of_tree(top):
    seen = {}
    for base, folders, files in os.walk(top):
        for path in [os.path.join(base, name) for name in folders + files]:
            mode, contents = os.lstat(path).st_mode, b''
            if stat.S_ISLNK(mode): contents = os.readlink(path).encode()
            if stat.S_ISREG(mode): contents = open(path, 'rb').read()
            seen[os.path.relpath(path, top)] = mode, contents
    return seen

expected = of_zip(sys.argv[1])
for top in sys.argv[2:]:
    found = of_tree(top)
    for name in expected.keys() | found.keys():
        if found.get(name) != expected.get(name):
            sys.exit(f'{top}: {name}: {found.get(name)} and not {expected.get(name)}')
";

fn contents() -> impl Strategy<Value = Vec<u8>> {
    let short = prop::collection::vec(any::<u8>(), 0..50);
    // Some longer than what is inflated whole.
    (short, prop::sample::select(vec![1, 1, 100, 10_000])).prop_map(|(short, times)| short.repeat(times))
}

fn entry() -> impl Strategy<Value = Handmade> {
    let parents = prop::sample::select(vec!["", "./", "d/", "d/e/", "./d//e/f/", "g/"]);
    let file_mode = prop::sample::select(vec![0o100_644, 0o100_755, 0o100_600, 0o100_777, 0o104_555]);
    let folder_mode = prop::sample::select(vec![0o040_755, 0o040_700, 0o040_777]);
    (parents, 0..8_u8, 0..4_u8, contents(), file_mode, folder_mode).prop_map(
        |(parents, number, kind, contents, file_mode, folder_mode)| match kind {
            0 => Handmade { mode: folder_mode, ..folder(if parents.is_empty() { "d/" } else { parents }) },
            1 => Handmade { mode: file_mode, ..stored(&format!("{parents}{number}"), &contents) },
            2 => Handmade { mode: file_mode, ..deflated(&format!("{parents}{number}"), &contents) },
            _ => symlink(&format!("{parents}l{number}"), &"../".repeat(1 + usize::from(number))),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_thread_and_many_make_what_python_sees(entries in prop::collection::vec(entry(), 1..60)) {
        // Its own mode is none of the archive's business.
        let entries: Vec<Handmade> = entries.into_iter().filter(|entry| entry.central.name != b"./").collect();
        let zip = zip_of(&entries);
        let (one, many) = (Target::new(), Target::new());
        let by_one = one.unzip(&zip, 1).unwrap();
        let by_many = many.unzip(&zip, 64).unwrap();
        prop_assert_eq!(by_one, by_many);
        let file = one.home.path().join("made.zip");
        fs::write(&file, zip).unwrap();
        let [zip, one, many] = [&file, &one.inside(), &many.inside()].map(|path| path.to_str().unwrap().to_owned());
        run(Path::new("/"), "python3", &["-c", PYTHONS_VIEW, &zip, &one, &many]);
    }
}

#[test]
fn what_several_threads_gather_of_the_files_is_what_reading_gives() {
    let entries: Vec<Handmade> =
        (0..1000).map(|number| deflated(&format!("{}/{number}", number % 7), &[7; 3].repeat(number))).collect();
    let target = Target::new();
    let unpacked = target.unzip(&zip_of(&entries), 4).unwrap();
    assert_eq!(unpacked.contents, Some(crate::tree_digest::Digest::of_files(&target.inside(), &|| Ok(())).unwrap()));
    assert_eq!(unpacked.entries, 1000);
}

#[test]
fn zips_of_other_programs_come_out_as_they_went_in() {
    let fill = "umask 022; mkdir -p bin empty deep/er; echo run > bin/detect; chmod 755 bin/detect; : > nothing
        head -c 9000000 /dev/urandom > large; head -c 9000000 /dev/zero > zeros
        for i in $(seq 500); do echo $i > deep/er/$i; done";
    for pack in [
        "ln -s bin/detect link; zip -qry ../made.zip .",
        "zip -0qr ../made.zip .",
        "zip -qr -fz ../made.zip .",       // zip64
        "zip -qr - . | cat > ../made.zip", // data descriptors
        "python3 -m zipfile -c ../made.zip bin empty deep nothing large zeros",
    ] {
        let home = TempDir::new().unwrap();
        let original = home.path().join("original");
        fs::create_dir(&original).unwrap();
        run(&original, "sh", &["-c", &format!("{fill}; {pack}")]);
        let target = Target::new();
        let archive = fs::read(home.path().join("made.zip")).unwrap();
        target.unzip(&archive, 2).unwrap_or_else(|error| panic!("{pack}: {error}"));
        assert_eq!(listing(&target.inside()), listing(&original), "{pack}");
    }
}
