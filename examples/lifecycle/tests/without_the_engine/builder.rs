//! The example builder as a process: detection, compilation, what it writes, and how it fails.

use crate::world::{World, is_empty, names, stderr, stdout};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

const DETECT: (&str, &str) = ("detect", "test -e \"$1/hello.sh\" && echo 'hello 1.0'");
const COMPILE: (&str, &str) = (
    "compile",
    "echo '-----> Compiling'; echo x >> \"$2/count\"; mkdir \"$1/.profile.d\"; echo 'export A=1' > \"$1/.profile.d/a.sh\"",
);
const RELEASE: (&str, &str) =
    ("release", "printf -- '---\\ndefault_process_types:\\n  web: ./hello.sh web\\n  worker: ./hello.sh worker\\n'");

fn hello(era: &str) -> World {
    let world = World::of(era);
    world.file("app/hello.sh", "echo hello").file("app/.hidden", "").link("app/link", "hello.sh");
    world.buildpack("refuses", &[("detect", "echo not me; echo looking >&2; exit 1")]);
    world.buildpack("hello", &[DETECT, COMPILE, RELEASE]);
    world
}

#[test]
fn an_app_of_2016_becomes_the_droplet_and_result_that_diego_made() {
    let world = hello("2016");
    let output = world.build("missing,refuses,hello", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "-----> Compiling\n");
    assert!(stderr(&output).starts_with("Failed to read buildpack directory '"), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("' for buildpack 'missing'\nlooking\n"), "{}", stderr(&output));
    assert_eq!(
        world.text("out/result.json"),
        "{\"lifecycle_metadata\":{\"buildpack_key\":\"hello\",\"detected_buildpack\":\"hello 1.0\"},\"process_types\":{\"web\":\"./hello.sh web\",\"worker\":\"./hello.sh worker\"},\"execution_metadata\":\"\",\"lifecycle_type\":\"buildpack\"}\n"
    );
    let droplet = world.archive("out/droplet");
    let expected = [
        "./",
        "./app/",
        "./app/.hidden",
        "./app/.profile.d/",
        "./app/.profile.d/a.sh",
        "./app/hello.sh",
        "./app/link",
        "./logs/",
        "./staging_info.yml",
        "./tmp/",
    ];
    assert_eq!(names(&droplet), expected);
    assert_eq!(droplet["./"].0, 0o700);
    assert_eq!(droplet["./tmp/"].0, 0o755);
    assert_eq!(droplet["./app/link"].1, "-> hello.sh");
    assert_eq!(
        droplet["./staging_info.yml"].1,
        "{\"detected_buildpack\":\"hello 1.0\",\"start_command\":\"./hello.sh web\"}\n"
    );
    assert_eq!(names(&world.archive("out/cache.tgz")), ["./", "./count"]);
    assert!(is_empty(&world.path("tmp")), "the contents directory is left");
}

#[test]
fn since_2017_the_last_buildpack_caches_in_final_and_what_others_left_is_removed() {
    let world = hello("2017");
    world.file("cache/final/count", "x\n").file("cache/of-another/file", "").file("cache/stray", "");
    let output = world.build("hello", &["-skipDetect=true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let cache = world.archive("out/cache.tgz");
    assert_eq!(names(&cache), ["./", "./final/", "./final/count"]);
    assert_eq!(cache["./final/count"].1, "x\nx\n");
    assert!(world.text("out/result.json").contains("\"detected_buildpack\":\"\""), "detect was skipped");
    assert_eq!(names(&world.archive("out/droplet"))[6..9], ["./app/link", "./deps/", "./logs/"]);
}

#[test]
fn several_buildpacks_supply_and_the_last_finalizes() {
    let world = World::of("2017");
    let note = |word: &str| format!("echo {word} $4; echo {word} > \"$3/$4/{word}\"; echo {word} >> \"$2/seen\"");
    world.buildpack("tools", &[("supply", &note("tools"))]);
    world.buildpack("main", &[("supply", &note("main")), ("finalize", "echo finalize $4; ls \"$3\""), RELEASE]);
    let output = world.build("tools,main", &["-skipDetect=true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "tools 0\nmain 1\nfinalize 1\n0\n1\n");
    let droplet = world.archive("out/droplet");
    assert_eq!((droplet["./deps/0/tools"].1.as_str(), droplet["./deps/1/main"].1.as_str()), ("tools\n", "main\n"));
    let cache = names(&world.archive("out/cache.tgz")).join(" ");
    assert!(cache.contains("./final/seen") && cache.matches("/seen").count() == 2, "{cache}");
}

#[test]
fn todays_result_lists_every_buildpack_and_finalize_gets_the_profile_directory() {
    let world = World::of("2026");
    world.buildpack("tools", &[("supply", "printf 'name: tools\\nversion: 1.2\\n' > \"$3/$4/config.yml\"")]);
    world.buildpack("main", &[("finalize", "echo 'echo pre' > \"$5/main.sh\""), RELEASE]);
    let output = world.build("tools,main", &["-skipDetect=true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        world.text("out/result.json"),
        "{\"lifecycle_metadata\":{\"buildpack_key\":\"main\",\"detected_buildpack\":\"\",\"buildpacks\":[{\"key\":\"tools\",\"name\":\"tools\",\"version\":\"1.2\"},{\"key\":\"main\",\"name\":\"\"}]},\"process_types\":{\"web\":\"./hello.sh web\",\"worker\":\"./hello.sh worker\"},\"processes\":[{\"type\":\"web\",\"command\":\"./hello.sh web\"},{\"type\":\"worker\",\"command\":\"./hello.sh worker\"}],\"sidecars\":null,\"execution_metadata\":\"\",\"lifecycle_type\":\"buildpack\"}\n"
    );
    assert!(world.archive("out/droplet").contains_key("./profile.d/main.sh"));
}

#[test]
fn a_procfile_replaces_all_types_in_2016_and_overrides_single_ones_later() {
    for (era, types) in [
        ("2016", "{\"clock\":\"tick\",\"web\":\"./mine\"}"),
        ("2017", "{\"clock\":\"tick\",\"web\":\"./mine\",\"worker\":\"./hello.sh worker\"}"),
    ] {
        let world = hello(era);
        world.file("app/Procfile", "web: ./mine\nclock: tick\n");
        assert_eq!(world.build("hello", &[]).status.code(), Some(0));
        assert!(world.text("out/result.json").contains(&format!("\"process_types\":{types}")), "{era}");
        assert!(world.archive("out/droplet")["./staging_info.yml"].1.contains("./mine"));
    }
}

#[test]
fn no_web_process_is_only_a_warning() {
    let world = hello("2017");
    world.buildpack("hello", &[("release", "true")]);
    let output = world.build("hello", &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stderr(&output),
        "No start command specified by buildpack or via Procfile.\nApp will not start unless a command is provided at runtime.\n"
    );
    assert!(world.text("out/result.json").contains("\"process_types\":null"));
}

#[test]
fn every_failure_has_its_code_and_last_line_and_leaves_no_droplet() {
    let cases: [(&str, &str, &str, &str, i32, &str); 12] = [
        ("2016", "refuses", "", "", 222, "None of the buildpacks detected a compatible application"),
        ("2016", "hello", "compile", "exit 3", 223, "Failed to compile droplet"),
        ("2017", "hello", "compile", "exit 3", 223, "Failed to compile droplet: exit status 3"),
        (
            "2026",
            "hello",
            "compile",
            "exit 3",
            223,
            "Failed to compile droplet: Failed to compile droplet: exit status 3",
        ),
        ("2017", "hello", "compile", "kill -9 $$", 223, "Failed to compile droplet: signal: killed"),
        ("2016", "hello", "release", "exit 3", 224, "Failed to build droplet release: exit status 3"),
        (
            "2016",
            "hello",
            "release",
            "true",
            224,
            "Failed to build droplet release: buildpack's release output invalid: EOF",
        ),
        ("2017", "hello", "supply", "exit 4", 0, ""), // without finalize nobody runs it
        ("2017", "hello", "finalize", "exit 4", 226, "Failed to run finalize script: exit status 4"),
        (
            "2026",
            "hello",
            "finalize",
            "exit 4",
            223,
            "Failed to compile droplet: Failed to run finalize script: exit status 4",
        ),
        ("2016", "hello", "finalize", "exit 4", 0, ""), // unknown in 2016
        ("2017", "a,hello", "", "", 222, "None of the buildpacks detected a compatible application"),
    ];
    for (era, order, name, script, code, last_line) in cases {
        let world = hello(era);
        if order == "a,hello" {
            std::fs::remove_file(world.path("app/hello.sh")).unwrap();
        }
        if !name.is_empty() {
            world.buildpack("hello", &[(name, script)]);
        }
        let output = world.build(order, &[]);
        assert_eq!(output.status.code(), Some(code), "{era} {name} {script}: {}", stderr(&output));
        assert_eq!(stderr(&output).lines().last().unwrap_or_default(), last_line);
        assert_eq!(world.path("out/droplet").exists(), code == 0);
    }
}

#[test]
fn a_supplying_buildpack_without_supply_or_that_fails_ends_with_225() {
    let world = hello("2017");
    let output = world.build("refuses,hello", &["-skipDetect"]);
    assert_eq!(output.status.code(), Some(225));
    assert_eq!(
        stderr(&output),
        "Error: one of the buildpacks chosen to supply dependencies does not support multi-buildpack apps\n"
    );
    world.buildpack("refuses", &[("supply", "exit 7")]);
    let output = world.build("refuses,hello", &["-skipDetect"]);
    assert_eq!(output.status.code(), Some(225));
    assert_eq!(stderr(&output), "Failed to run all supply scripts: exit status 7\n");
}

#[test]
fn a_broken_procfile_is_an_error_that_does_not_quote_it() {
    let world = hello("2017");
    world.file("app/Procfile", "web: [secret");
    let output = world.build("hello", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "Failed to read command from Procfile: invalid YAML\n");
}

#[test]
fn a_buildpack_may_be_nested_one_directory_deeper() {
    let world = hello("2017");
    let key = "5d41402abc4b2a76b9719d911017c592"; // md5 of "hello"
    std::fs::rename(world.path("buildpacks").join(key), world.path("inner")).unwrap();
    std::fs::create_dir(world.path("buildpacks").join(key)).unwrap();
    std::fs::rename(world.path("inner"), world.path("buildpacks").join(key).join("hello-1.0")).unwrap();
    assert_eq!(world.build("hello", &[]).status.code(), Some(0));
    world.file(&format!("buildpacks/{key}/README"), "two entries now");
    let output = world.build("hello", &[]);
    assert_eq!(output.status.code(), Some(222));
    assert!(stderr(&output).starts_with("malformed buildpack does not contain a /bin dir: hello\n"));
}

#[test]
fn a_detect_that_prints_without_end_neither_blocks_nor_grows() {
    let world = hello("2017");
    world.buildpack("hello", &[("detect", "head -c 5000000 /dev/zero | tr '\\0' a")]);
    assert_eq!(world.build("hello", &[]).status.code(), Some(0));
    let length = world.text("out/result.json").len();
    assert!((1_000_000..1_100_000).contains(&length), "{length}");
}

#[test]
fn a_buildpack_url_is_cloned_and_its_password_is_not_shown() {
    let world = hello("2017");
    let source = world.path("buildpacks/5d41402abc4b2a76b9719d911017c592");
    for arguments in [
        &["init", "-q", "-b", "v1"][..],
        &["add", "."],
        &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"],
    ] {
        assert!(Command::new("git").current_dir(&source).args(arguments).status().unwrap().success());
    }
    let output = world.build(&format!("file://{}#v1", source.display()), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(world.path("downloads").exists());

    let output = world.build("file://user:secret@localhost/nowhere?token=secret", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("Failed to clone git repository at file://"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("secret"), "{}", stderr(&output));
}

#[test]
fn a_buildpack_url_that_ends_in_zip_is_downloaded_and_its_query_is_not_shown() {
    let world = hello("2017");
    let folder = world.path("buildpacks/5d41402abc4b2a76b9719d911017c592");
    let zip = world.path("hello.zip");
    assert!(Command::new("zip").current_dir(folder).args(["-qr"]).arg(&zip).arg(".").status().unwrap().success());
    let served = fs::read(zip).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (stream, (status, body)) in listener.incoming().zip([("200 OK", served.as_slice()), ("404 Gone", b"")]) {
            let mut stream = stream.unwrap();
            BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).find(String::is_empty);
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
            stream.write_all(body).unwrap();
        }
    });
    let url = format!("http://user:secret@127.0.0.1:{port}/hello.zip?token=secret");
    let output = world.build(&url, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let words = stdout(&output);
    assert!(words.starts_with("Downloaded buildpack `http://") && !words.contains("secret"), "{words}");
    let output = world.build(&url, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).ends_with(": status 404\n") && !stderr(&output).contains("secret"), "{}", stderr(&output));
}
