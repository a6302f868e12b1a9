//! The builder and launcher of Cloud Native Buildpacks as processes: what they print, write, and end with.

use crate::cnb_world::CnbWorld;
use crate::server::Server;
use crate::world::{names, stderr, stdout};
use std::fs;
use std::os::unix::fs::symlink;

/// A buildpack whose scripts are these lines of shell.
const PASSES: &str = "exit 0";

#[test]
fn an_example_app_becomes_a_droplet_that_its_launcher_starts() {
    let world = CnbWorld::new();
    world.app("env-page").system("key", "cnb-python");
    let output = world.build(&["--buildpack", "key"]);
    let [layers, result, droplet] =
        ["home/layers/examples_python", "out/result.json", "out/droplet"].map(|below| world.path(below));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    let python = said.lines().find(|line| line.starts_with("---> Using Python")).unwrap();
    let expected = format!(
        "Using buildpacks: file://{}\n\
        \u{1b}[36m===> DETECTING\u{1b}[0m\n\
        target distro name/version labels not found, reading /etc/os-release file\n\
        examples/python 1.0.0\n\
        \u{1b}[36m===> RESTORING\u{1b}[0m\n\
        \u{1b}[36m===> BUILDING\u{1b}[0m\n\
        target distro name/version labels not found, reading /etc/os-release file\n\
        {python}\n---> Compiling bytecode\n       1 modules, 0 from the cache\n\
        \u{1b}[36m===> EXPORTING\u{1b}[0m\n\
        Adding cache layer 'examples/python:bytecode'\n\
        result file saved to \"{}\"\ndroplet archive saved to \"{}\"\n",
        world.system_path("key").display(),
        result.display(),
        droplet.display()
    );
    assert_eq!(said, expected);
    assert_eq!(
        world.text("out/result.json"),
        r#"{"lifecycle_metadata":{"buildpacks":[{"key":"examples/python","name":"examples/python@1.0.0","version":"1.0.0"}]},"process_types":{"web":"python3 app.py"},"execution_metadata":"","lifecycle_type":"cnb"}"#
    );
    assert_eq!(
        world.text("home/layers/config/metadata.toml"),
        "buildpack-default-process-type = \"web\"\n\
        [[buildpacks]]\n  id = \"examples/python\"\n  version = \"1.0.0\"\n  api = \"0.10\"\n\
        [[processes]]\n  type = \"web\"\n  command = [\"python3\"]\n  args = [\"app.py\"]\n  direct = true\n  buildpack-id = \"examples/python\"\n"
    );
    let droplet = world.archive("out/droplet");
    assert_eq!(droplet["./"].0, 0o700);
    let droplet = names(&droplet);
    for name in [
        "./",
        "./workspace/app.py",
        "./layers/analyzed.toml",
        "./layers/config/metadata.toml",
        "./layers/examples_python/launch.toml",
        "./layers/examples_python/settings.toml",
        "./layers/examples_python/settings/env.launch/PYTHONPATH.prepend",
        "./layers/sbom/build/sbom.legacy.json",
        "./layers/sbom/launch/sbom.legacy.json",
    ] {
        assert!(droplet.contains(&name), "{name} is not in {droplet:?}");
    }
    assert!(!droplet.iter().any(|name| name.contains("bytecode")), "{droplet:?}");
    assert!(layers.join("bytecode").is_dir());
    let cache = world.archive("out/cache.tgz");
    let [layer, metadata] = names(&cache)[..] else { panic!("{:?}", names(&cache)) };
    assert_eq!(layer, "committed/io.buildpacks.lifecycle.cache.metadata");
    assert!(metadata.strip_suffix(".tar").is_some_and(|name| name.starts_with("committed/sha256:")), "{metadata}");

    let printed = world.launch(&["app", "echo $PYTHONPATH $PYTHONUNBUFFERED $PORT $PWD", ""]);
    let workspace = world.path("home/workspace");
    let (workspace, path) = (workspace.display(), workspace.join("vendor"));
    assert_eq!(stdout(&printed), format!("{} 1 8080 {workspace}\n", path.display()), "{}", stderr(&printed));
}

#[test]
fn a_second_staging_takes_its_layers_from_the_cache() {
    let world = CnbWorld::new();
    world.app("env-page").system("key", "cnb-python");
    assert_eq!(world.build(&["--buildpack", "key"]).status.code(), Some(0));
    let first = fs::read(world.path("out/cache.tgz")).unwrap();
    world.take_the_cache().forget_the_build().app("env-page");
    let output = world.build(&["--buildpack", "key"]);
    let said = stdout(&output);
    for line in [
        "Restoring metadata for \"examples/python:bytecode\" from cache\n",
        "Restoring data for \"examples/python:bytecode\" from cache\n",
        "1 modules, 1 from the cache\n",
        "Reusing cache layer 'examples/python:bytecode'\n",
    ] {
        assert!(said.contains(line), "{said}{}", stderr(&output));
    }
    assert_eq!(fs::read(world.path("out/cache.tgz")).unwrap(), first);
}

#[test]
fn a_system_buildpack_that_is_a_link_ends_with_232() {
    let world = CnbWorld::new();
    world.app("env-page").system("real", "cnb-python");
    symlink(world.system_path("real"), world.system_path("key")).unwrap();
    let output = world.build(&["--buildpack", "key"]);
    assert_eq!(output.status.code(), Some(232));
    assert!(stderr(&output).contains("reading buildpack.toml: could not find entry path"), "{}", stderr(&output));
}

#[test]
fn each_phase_has_its_code_and_leaves_no_droplet() {
    const RED: &str = "\u{1b}[31;1mERROR: \u{1b}[0m";
    let detects = |code: &str| format!("exit {code}");
    for (detect, build, options, code, said) in [
        (
            detects("100"),
            "exit 0",
            vec![],
            233,
            format!("{RED}failed 'detect' phase, error: no buildpacks participating\nError: detecting failed\n"),
        ),
        (detects("7"), "exit 0", vec![], 233, "Error: detecting failed\n".to_owned()),
        (
            detects("0"),
            "exit 9",
            vec![],
            234,
            format!("{RED}failed 'build' phase, error: exit status 9\nError: building failed\n"),
        ),
        (detects("0"), "exit 0", vec!["--droplet", "/no/where"], 235, "Error: exporting failed\n".to_owned()),
        (detects("0"), "exit 0", vec!["--nonsense"], 231, "Error: unknown flag: --nonsense\n".to_owned()),
    ] {
        let world = CnbWorld::new();
        world.app("env-page").folder("own", "a/b", &detect, build);
        let own = world.own("own");
        let output = world.build(&[&["--buildpack", own.as_str()][..], &options].concat());
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).ends_with(&said), "{}", stderr(&output));
        assert!(!world.path("out/droplet").exists());
    }
}

#[test]
fn a_broken_cache_ends_with_237_and_a_reference_to_credhub_with_236() {
    let world = CnbWorld::new();
    world.app("env-page").folder("own", "a/b", PASSES, PASSES);
    let own = world.own("own");
    world.file("cache/committed/io.buildpacks.lifecycle.cache.metadata", "{");
    let output = world.build(&["--buildpack", &own]);
    assert_eq!(output.status.code(), Some(237), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("Error: restoring failed\n"), "{}", stderr(&output));
    let world = CnbWorld::new();
    world.app("env-page").folder("own", "a/b", PASSES, PASSES);
    let refers = [
        ("VCAP_SERVICES", "{\"a\":[{\"credentials\":{\"credhub-ref\":\"/x\"}}]}"),
        ("VCAP_PLATFORM_OPTIONS", "{\"credhub-uri\":\"https://c\"}"),
    ];
    let own = world.own("own");
    let output = world.builder(&["--buildpack", &own]).envs(refers).output().unwrap();
    assert_eq!(output.status.code(), Some(236));
    assert!(stderr(&output).contains("Missing CF_INSTANCE_CERT and/or CF_INSTANCE_KEY"), "{}", stderr(&output));
    let skip = ("CREDHUB_SKIP_INTERPOLATION", "true");
    assert_eq!(
        world.builder(&["--buildpack", &own]).envs(refers).envs([skip]).output().unwrap().status.code(),
        Some(0)
    );
}

#[test]
fn a_buildpack_sees_what_is_passed_and_nothing_of_the_builder() {
    let world = CnbWorld::new();
    let build = "echo \"$PASSED|${CNB_REGISTRY_CREDS-none}|${OTHER-none}|$CNB_STACK_ID|$CNB_TARGET_OS\"; ls $2/env; cat $2/env/PASSED; [ \"$1\" = \"$CNB_LAYERS_DIR\" ] && [ \"$3\" = \"$CNB_BP_PLAN_PATH\" ] && pwd";
    world.app("env-page").folder(
        "own",
        "a/b",
        "[ -n \"$CNB_BUILD_PLAN_PATH\" ] && [ \"$2\" = \"$CNB_BUILD_PLAN_PATH\" ]",
        build,
    );
    let own = world.own("own");
    let mut builder = world.builder(&["--buildpack", &own, "--pass-env-var", "PASSED", "--pass-env-var", "MISSING"]);
    let variables = [("PASSED", "1"), ("OTHER", "2"), ("CNB_REGISTRY_CREDS", "null"), ("CNB_STACK_ID", "cflinuxfs4")];
    let output = builder.envs(variables).output().unwrap();
    let workspace = world.path("home/workspace");
    let expected = format!("1|none|none|cflinuxfs4|linux\nPASSED\n1{}\n", workspace.display());
    assert!(stdout(&output).contains(&expected), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn buildpacks_go_together_by_what_they_provide_and_build_for_each_other() {
    let world = CnbWorld::new();
    let provides = "printf '[[provides]]\\nname = \"tool\"\\n' >$2";
    let requires = "printf '[[requires]]\\nname = \"tool\"\\n[requires.metadata]\\nversion = \"3\"\\n' >$2";
    let makes = "cat $3; mkdir -p $1/t/bin $1/t/env.build; printf '#!/bin/sh\\necho tool runs' >$1/t/bin/tool; chmod +x $1/t/bin/tool; printf '[types]\\nbuild = true\\n' >$1/t.toml";
    world.app("env-page").folder("one", "x/one", provides, makes).folder("two", "x/two", requires, "tool; cat $3");
    let (one, two) = (world.own("one"), world.own("two"));
    let output = world.build(&["--buildpack", &one, "--buildpack", &two]);
    let said = stdout(&output);
    assert!(said.contains("x/one 1.0.0\nx/two 1.0.0\n"), "{said}{}", stderr(&output));
    assert!(
        said.contains("[[entries]]\nname = \"tool\"\n\n[entries.metadata]\nversion = \"3\"\ntool runs\n"),
        "{said}"
    );
    assert!(!names(&world.archive("out/droplet")).iter().any(|name| name.contains("x_one/t")), "only for building");
    let alone = world.forget_the_build().build(&["--buildpack", &one]);
    assert_eq!(alone.status.code(), Some(233), "nobody requires what it provides");
}

#[test]
fn with_auto_detect_the_first_that_takes_the_app_is_the_only_one() {
    let world = CnbWorld::new();
    world.app("hello-procfile").system("python", "cnb-python").system("procfile", "cnb-procfile");
    let keys = ["--buildpack", "python", "--buildpack", "procfile"];
    assert_eq!(world.build(&keys).status.code(), Some(233), "all of those named must take it");
    let output = world.build(&[&keys[..], &["--auto-detect"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("examples/procfile 1.0.0\n"), "{}", stdout(&output));
    assert!(world.text("out/result.json").contains(r#""process_types":{"web":"./hello","worker":"./hello --worker"}"#));
}

#[test]
fn a_custom_buildpack_comes_from_the_web_without_its_password_being_said() {
    let world = CnbWorld::new();
    world.app("env-page");
    let server = Server::start(vec![("/bp.tgz", fs::read(world.packed("cnb-python")).unwrap())], None);
    let url = format!("http://user:hunter2@{}/bp.tgz?sig=hunter2", server.address());
    let output = world.build(&["--buildpack", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("Downloading from http://") && said.contains("0 B/"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let missing = world.build(&["--buildpack", &format!("http://user:hunter2@{}/none", server.address())]);
    assert_eq!(missing.status.code(), Some(232));
    assert!(
        stderr(&missing).contains("status code 404") && !stderr(&missing).contains("hunter2"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn a_buildpack_of_a_registry_needs_the_right_login() {
    let world = CnbWorld::new();
    world.app("env-page");
    let server = Server::of_image(&world.unpacked("cnb-python"), "cnb/python", "1", Some(("me", "right")));
    let image = format!("docker://{}/cnb/python:1", server.address());
    let with = |password: &str| {
        let login = format!("{{\"{}\":{{\"username\":\"me\",\"password\":\"{password}\"}}}}", server.address());
        world.builder(&["--buildpack", &image]).env("CNB_REGISTRY_CREDS", login).output().unwrap()
    };
    let output = with("right");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("examples/python 1.0.0\n"));
    let refused = with("wrong");
    assert_eq!(refused.status.code(), Some(232));
    assert!(stderr(&refused).contains("unauthorized") && !stderr(&refused).contains("wrong"), "{}", stderr(&refused));
}

#[test]
fn a_launcher_starts_web_where_it_is_told_nothing() {
    let world = CnbWorld::new();
    let build = "mkdir -p $1/l/profile.d $1/l/env.launch/web; printf '[types]\\nlaunch = true\\n' >$1/l.toml; printf 'export FROM_PROFILE=1' >$1/l/profile.d/a.sh; printf yes >$1/l/env.launch/web/IS_WEB; printf '[[processes]]\\ntype = \"web\"\\ncommand = [\"sh\"]\\nargs = [\"-c\", \"echo web ${IS_WEB-no} ${FROM_PROFILE-no}\"]\\n' >$1/launch.toml";
    world.app("env-page").folder("own", "a/b", PASSES, build);
    let own = world.own("own");
    let output = world.build(&["--buildpack", &own]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&world.launch(&[])), "web yes no\n", "a direct process has no shell");
    assert_eq!(stdout(&world.launch(&["app", "echo $FROM_PROFILE ${IS_WEB-no}", ""])), "1 no\n");
    assert_eq!(stdout(&world.launch(&["--", "echo $FROM_PROFILE"])), "1\n");
    assert_eq!(stdout(&world.launch(&["--", "echo", "$FROM_PROFILE"])), "$FROM_PROFILE\n");
    assert_eq!(world.launch(&["app", "exit 42", ""]).status.code(), Some(42));
    let refused = world.launch(&["app", "", ""]);
    assert_eq!((stderr(&refused).as_str(), refused.status.code()), ("Error: no default process\n", Some(236)));
}
