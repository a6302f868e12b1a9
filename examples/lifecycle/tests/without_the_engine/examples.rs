//! The example apps, staged with the example buildpacks: python3 is the machine's, as it is the stack's.

use crate::world::{World, stderr, stdout};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const ORDER: &str = "staticfile,python,procfile";

#[test]
fn every_example_app_is_staged_by_its_buildpack_or_fails_as_its_name_says() {
    let cases = [
        ("env-page", 0, "python 1.0.0", "\"web\":\"python3 app.py\""),
        ("static-site", 0, "staticfile 1.0.0", "\"web\":\"staticfile-server\""),
        ("hello-procfile", 0, "procfile 1.0.0", "\"web\":\"./hello\",\"worker\":\"./hello --worker\""),
        ("slow-start", 0, "python 1.0.0", "\"web\":\"python3 app.py\""),
        ("dies-at-start", 0, "python 1.0.0", "\"web\":\"python3 app.py\""),
        ("does-not-compile", 223, "", "SyntaxError"),
        ("no-buildpack", 222, "", "None of the buildpacks detected a compatible application"),
    ];
    for (app, code, detected, expected) in cases {
        let world = World::of("2017");
        let output = world.examples(app).build(ORDER, &[]);
        assert_eq!(output.status.code(), Some(code), "{app}: {}", stderr(&output));
        if code == 0 {
            let result = world.text("out/result.json");
            assert!(result.contains(&format!("\"detected_buildpack\":\"{detected}\"")), "{app}: {result}");
            assert!(result.contains(expected), "{app}: {result}");
            assert!(stdout(&output).starts_with("-----> "), "{app}");
        } else {
            assert!(stderr(&output).contains(expected), "{app}: {}", stderr(&output));
        }
    }
}

#[test]
fn the_second_staging_takes_bytecode_from_the_cache() {
    let world = World::of("2017");
    world.examples("env-page").file("app/lib/other.py", "x = 1\n");
    assert!(stdout(&world.build("python", &[])).contains("2 modules, 0 from the cache"));
    fs::remove_dir_all(world.path("app")).unwrap();
    world.examples("env-page").file("app/lib/other.py", "x = 2\n");
    assert!(stdout(&world.build("python", &[])).contains("2 modules, 1 from the cache"), "only one is unchanged");
    assert_eq!(fs::read_dir(world.path("cache/final/bytecode")).unwrap().count(), 2, "the old one is gone");
}

#[test]
fn python_packages_cannot_be_installed_and_that_is_said() {
    let world = World::of("2017");
    world.examples("env-page").file("app/requirements.txt", "# none\n");
    assert_eq!(world.build("python", &[]).status.code(), Some(0));
    world.file("app/requirements.txt", "flask==3.0\n");
    let output = world.build("python", &[]);
    assert_eq!(output.status.code(), Some(223));
    assert!(stderr(&output).contains("pip install --target vendor"), "{}", stderr(&output));
}

#[test]
fn a_static_root_outside_the_app_is_refused() {
    for root in ["../..", "/etc", "missing"] {
        let world = World::of("2017");
        world.examples("static-site").file("app/Staticfile", &format!("root: {root}\n"));
        let output = world.build("staticfile", &[]);
        assert_eq!(output.status.code(), Some(226), "{root}");
        assert!(stderr(&output).contains(" !     root in Staticfile "), "{}", stderr(&output));
    }
}

#[test]
fn the_archive_holds_the_three_programs_of_its_kind_and_the_era() {
    let world = World::of("2017");
    // Stand-ins: what is packed does not matter, and compressing the real ones takes seconds.
    for name in ["builder", "launcher", "healthcheck", "cnb-builder", "cnb-launcher"] {
        world.file(&format!("static/{name}"), name);
        fs::set_permissions(world.path("static").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let programs = world.path("static");
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    let archive = world.path("out/lifecycle.tgz");
    let packed = |era: &str| {
        Command::new(&pack).args(["--era", era, "--binaries"]).args([&programs, &archive]).output().unwrap()
    };
    assert!(packed("2016").status.success());
    let listing = Command::new("tar").arg("-tvzf").arg(&archive).output().unwrap();
    let names: Vec<_> = stdout(&listing).lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["builder", "launcher", "healthcheck", "era"]);
    assert!(stdout(&listing).starts_with("-rwxr-xr-x 0/0 "));
    let cnb = Command::new(&pack).args(["--kind", "cnb", "--binaries"]).args([&programs, &archive]).output().unwrap();
    assert!(cnb.status.success(), "{}", stderr(&cnb));
    let entries = world.archive("out/lifecycle.tgz");
    let entries: Vec<_> = entries.iter().map(|(name, (_, text))| format!("{name}={text}")).collect();
    assert_eq!(entries, ["builder=cnb-builder", "healthcheck=healthcheck", "launcher=cnb-launcher"]);
    let refused = packed("1999");
    assert_eq!((refused.status.code(), stderr(&refused).starts_with("pack: no such era: 1999\n")), (Some(2), true));
}
