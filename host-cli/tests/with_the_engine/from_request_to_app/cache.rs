//! The cache as its users meet it: filled by `restage` and `cache-up`, shared, safe from buildpacks, baked, looked after.

use crate::app::{App, inspect};
use crate::hcf::{Hcf, docker, is_podman, stager_image};
use crate::registry::{Recipe, Registry};
use crate::said::Said;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

/// An app with a buildpack of its own, so that its downloads can be counted.
fn with_own_buildpack(hcf: &Arc<Hcf>, name: &str, compile: &str) -> App {
    hcf.buildpack_with_modes(name, compile, 0o777);
    let app = App::pushed_to(Arc::clone(hcf), name, "hello-procfile", &["--buildpack", &buildpack(name)]);
    assert_eq!(given(&app), 0);
    app
}

fn buildpack(name: &str) -> String {
    format!("{name}_buildpack")
}

/// How often the blobstore has given the app's own buildpack.
fn given(app: &App) -> usize {
    let request = app.request("build-req");
    let dependencies = request["cached_dependencies"].as_array().unwrap();
    let named = |one: &&Value| one["name"] == buildpack(&app.name).as_str();
    let key = dependencies.iter().find(named).expect("its buildpack is a dependency")["cache_key"].as_str().unwrap();
    app.hcf.given("blobstore", key)
}

/// What `cache list` tells of the app's cache.
fn listed(app: &App) -> Vec<Value> {
    serde_json::from_str(&app.cache(&["list", "--output", "json"]).done().out).unwrap()
}

fn kinds(app: &App, kind: &str) -> usize {
    listed(app).iter().filter(|entry| entry["kind"] == kind).count()
}

#[track_caller]
fn has_line(said: &Said, start: &str) {
    assert!(
        said.out.lines().any(|line| line.trim_start().starts_with(start)),
        "no line begins with {start:?}:\n{}",
        said.out
    );
}

#[track_caller]
fn has_no_line(said: &Said, start: &str) {
    assert!(
        !said.out.lines().any(|line| line.trim_start().starts_with(start)),
        "a line begins with {start:?}:\n{}",
        said.out
    );
}

#[test]
fn a_second_restage_downloads_no_dependency() {
    let app = with_own_buildpack(&Hcf::counted(), "twice", "true");
    has_line(
        &app.restage(&["--no-image", "--verbose"]).done(),
        "======> Downloading /tmp/lifecycle from http://diego-access:8080/",
    );
    assert_eq!(given(&app), 1);
    let again = app.restage(&["--verbose"]).done();
    for dependency in ["/tmp/lifecycle", "/tmp/buildpacks/"] {
        has_line(&again, &format!("======> Cached {dependency}"));
        has_no_line(&again, &format!("======> Downloading {dependency}"));
    }
    assert_eq!((given(&app), app.images().len()), (1, 1), "the lifecycle comes out of its copy");
    has_line(&app.restage(&["--keep", "--verbose"]).done(), "======> Image ");
}

#[test]
fn a_buildpack_finds_and_copies_itself_with_a_cache() {
    const COPYING: &str = r#"
here=${0%/bin/compile}
for folder in "$here" /tmp/lifecycle; do
    if [ -L "$folder" ] || [ ! -d "$folder" ]; then echo "NO DIRECTORY $folder"; fi
    rm -rf /tmp/taken && cp -r "$folder" /tmp/taken
    (cd "$folder" && find . -type f | sort) >/tmp/there
    (cd /tmp/taken && find . -type f | sort) >/tmp/copied
    find "$folder" -type f | sed "s|^$folder|.|" | sort | cmp - /tmp/there && cmp /tmp/there /tmp/copied && echo "copied $folder"
    tar -cf - "$folder" 2>/dev/null | tar -tf - | grep -cv '/$' | sed 's/^/packed /'
done
grep -qx ./bin/compile /tmp/there || (cd "$here" && find . -type f) | grep -qx ./bin/compile && echo "found itself"
"#;
    let app = with_own_buildpack(&Hcf::counted(), "copying", COPYING);
    // Once as it was fetched, once as it was found.
    for said in [app.restage(&["--no-image"]).done(), app.restage(&["--no-image"]).done()] {
        for line in ["copied /tmp/buildpacks/", "copied /tmp/lifecycle", "found itself"] {
            has_line(&said, line);
        }
        has_no_line(&said, "NO DIRECTORY");
    }
}

fn source() -> String {
    format!("{}/../examples/apps/hello-procfile", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_cache_fetches_everything_and_keeps_nothing() {
    let app = with_own_buildpack(&Hcf::counted(), "forgetful", "true");
    for times in [1, 2] {
        let mut command = app.restaging_without_options();
        command.args(["--no-cache", "--no-image", "--verbose", "--stager-image", &stager_image()]);
        let said = Said::from(command.output().unwrap()).done();
        has_line(&said, "======> Downloading /tmp/lifecycle from");
        assert_eq!(given(&app), times);
    }
}

#[test]
fn a_buildpack_can_neither_change_an_entry_nor_look_for_others() {
    const PRYING: &str = r#"
cache=/var/cache/stager
here=$(cd "$(dirname "$0")/.." && pwd -P)
case $here in $cache/views/*) echo "I lie in the cache" ;; esac
for folder in $cache $cache/entries $cache/views $cache/index $cache/locks $cache/packages; do
    ls "$folder" >/dev/null 2>&1 && echo "LISTED $folder"
done
for file in "$here/bin/compile" "$here/bin/detect" /tmp/lifecycle/launcher /tmp/lifecycle/builder; do
    (echo evil >>"$file") 2>/dev/null && echo "WROTE $file"
    chmod 0777 "$file" 2>/dev/null && echo "OPENED $file"
    rm -f "$file" 2>/dev/null && echo "REMOVED $file"
done
(: >"$here/new") 2>/dev/null && echo "ADDED to $here"
(: >"$here/bin/new") 2>/dev/null && echo "ADDED to $here/bin"
mv "$here" "$here-away" 2>/dev/null && echo "MOVED $here"
ln "$here/bin/compile" /tmp/app/linked 2>/dev/null && echo "LINKED $here/bin/compile"
mv "$here/bin/compile" "$here/bin/detect" 2>/dev/null && echo "MOVED $here/bin/compile"
touch -c "$here/bin/compile" 2>/dev/null && echo "TOUCHED $here/bin/compile"
rm -f /tmp/buildpacks 2>/dev/null && echo "REMOVED the link"
mv /tmp/lifecycle /tmp/lifecycle-away 2>/dev/null && echo "MOVED the lifecycle"
cat /etc/stager/key.pem >/dev/null 2>&1 && echo "READ the key"
ls /etc/stager | sed 's/^/there is /'
find $cache "$here" /tmp/lifecycle/ -writable 2>/dev/null | sed 's/^/WRITABLE /'
find "$here" /tmp/lifecycle/ -perm /6022 ! -type l 2>/dev/null | sed 's/^/LOOSE /'
echo pried
"#;
    let app = with_own_buildpack(&Hcf::counted(), "prying", PRYING);
    let [cert, key] = app.hcf.certificate();
    let options = ["--no-image", "--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
    // Once as it was fetched, once as it was found.
    for said in [app.restage(&options).done(), app.restage(&options).done()] {
        for line in ["I lie in the cache", "there is key.pem", "pried"] {
            has_line(&said, line);
        }
        for line in
            ["LISTED", "WROTE", "OPENED", "REMOVED", "ADDED", "MOVED", "LINKED", "TOUCHED", "READ", "WRITABLE", "LOOSE"]
        {
            has_no_line(&said, line);
        }
    }
    app.cache(&["verify"]).done();
}

#[test]
fn an_expired_request_is_staged_from_the_cache_and_says_from_when_its_package_is() {
    let app = with_own_buildpack(&Hcf::counted(), "overdue", "true");
    app.restage(&["--no-image"]).done();
    app.hcf.run(&["push", &source(), "--name", &app.name, "--buildpack", &buildpack(&app.name), "--expired"]);
    let said = app.restage(&["--verbose"]).done();
    has_line(&said, "======> Copied /tmp/app from the cache (");
    assert!(said.out.contains(", since 20") && said.out.contains("410 Gone"), "{}", said.out);
    assert_eq!((given(&app), app.images().len()), (1, 1));

    // Without the copies nothing is done, and everything that is missing is named.
    app.cache(&["clear"]).done();
    let said = app.restage(&["--verbose"]).failed(4, &["expired", "cc-buildpacks", "cc-packages", "UTC"]);
    has_no_line(&said, "======> Downloading");
}

#[test]
fn what_cache_up_has_fetched_a_restage_does_not_fetch_again() {
    let app = with_own_buildpack(&Hcf::counted(), "forehanded", "true");
    let said = app.cache_up(&["--cache-volume", &app.volume()]).done();
    let lifecycle = "======> Downloading /tmp/lifecycle from http://diego-access:8080/v1/static/buildpack_app_lifecycle/buildpack_app_lifecycle.tgz";
    has_line(&said, lifecycle);
    has_line(&said, "======> Downloading /tmp/buildpacks/");
    assert!(!said.out.contains("md5=") && !said.err.contains("md5="), "{}{}", said.out, said.err);
    let restaged = app.restage(&["--no-image", "--verbose"]).done();
    has_no_line(&restaged, "======> Downloading /tmp/lifecycle");
    let again = app.cache_up(&["--cache-volume", &app.volume()]).done();
    assert_eq!((given(&app), kinds(&app, "tree")), (1, 2), "{}{}{}", said.out, restaged.out, again.out);
}

#[test]
fn a_baked_image_stages_without_the_file_server_and_shows_what_it_holds() {
    let hcf = Hcf::own("baked");
    let app = with_own_buildpack(&hcf, "baked", "true");
    let image = Baked(format!("stager-test-baked:{}", std::process::id()));
    let registry = Registry::with(Recipe { host: "127.0.0.1", asks_who: false, tls: false });
    let published = format!("{}/cf/stager:baked", registry.address);
    let baked = app.cache_up(&["--bake", &image.0, "--publish", &published]).done();
    has_line(&baked, &format!("======> Image {} (sha256:", image.0));
    // The engine has what the registry gives, layer for layer.
    docker(&["pull", "--quiet", &published]).unwrap();
    let there = inspect(&published);
    docker(&["rmi", &published]).unwrap();
    assert_eq!(there["RootFS"], inspect(&image.0)["RootFS"]);
    let inspected = inspect(&image.0);
    let labels = &inspected["Config"]["Labels"];
    assert_eq!((&labels["stager.kind"], &labels["stager.baked-dependencies"]), (&"stager".into(), &"2".into()));
    assert!(!inspected.to_string().contains("md5="), "{inspected}");
    let plain = inspect(&stager_image());
    for setting in ["Entrypoint", "Cmd", "User", "WorkingDir", "Env"] {
        // Podman tells of a setting that is not there as of an empty one.
        let [baked, plain] = [&inspected, &plain].map(|image| match &image["Config"][setting] {
            Value::Array(words) if words.is_empty() => Value::Null,
            value => value.clone(),
        });
        assert_eq!(without_podmans_own(baked), plain, "{setting}");
    }
    let given_to_bake = given(&app);
    docker(&["stop", "--time", "0", &hcf.container("diego-access")]).unwrap();
    let mut command = app.restaging_without_options();
    let said = Said::from(
        command.args(["--verbose", "--cache-volume", &app.volume(), "--stager-image", &image.0]).output().unwrap(),
    );
    let staged = said.done();
    has_line(&staged, "======> Cached /tmp/lifecycle");
    assert_eq!((given(&app), app.images().len()), (given_to_bake, 1), "{}{}", baked.out, staged.out);
}

/// A setting of an image without what Podman gives every container, which its commit takes for the container's.
fn without_podmans_own(mut setting: Value) -> Value {
    if let (true, Value::Array(words)) = (is_podman(), &mut setting) {
        words.retain(|word| word != "TERM=xterm" && word != "container=podman");
    }
    setting
}

/// An image that goes when the test ends.
struct Baked(String);

impl Drop for Baked {
    fn drop(&mut self) {
        let _ = docker(&["rmi", "--force", &self.0]);
    }
}

#[test]
fn two_restages_at_once_fetch_a_dependency_once() {
    let app = with_own_buildpack(&Hcf::counted(), "pair", "true");
    let both = [(); 2].map(|()| app.restage_in_background(&["--no-image", "--", "--no-upload"]));
    for child in both {
        Said::from(child.wait_with_output().unwrap()).done();
    }
    assert_eq!(given(&app), 1);
}

#[test]
fn a_staging_that_is_killed_in_the_middle_leaves_a_cache_that_serves() {
    let app = with_own_buildpack(&Hcf::counted(), "killed", "echo compiling; sleep 60");
    // While it fetches, and while the buildpack in the cache runs.
    for word in ["Downloading /tmp/buildpacks", "compiling"] {
        let mut child = app.restage_in_background(&["--no-image", "--verbose"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(word)), "{word:?} was not said");
        let [container] = &app.containers("staging")[..] else { panic!("one container stages") };
        docker(&["kill", "--signal", "KILL", container]).unwrap();
        lines.for_each(drop);
        Said::from(child.wait_with_output().unwrap()).failed(9, &["killed"]);
    }
    app.hcf.buildpack("quick", "true");
    app.hcf.run(&["push", &source(), "--name", &app.name, "--buildpack", "quick_buildpack"]);
    let said = app.restage(&["--no-image", "--verbose"]).done();
    has_line(&said, "======> Cached /tmp/lifecycle");
    app.cache(&["verify"]).done();
    app.left_nothing();
}

#[test]
fn what_the_cache_holds_is_listed_verified_and_cleared() {
    let app = with_own_buildpack(&Hcf::counted(), "keeper", "true");
    app.restage(&["--no-image"]).done();
    let entries = listed(&app);
    assert_eq!((kinds(&app, "tree"), kinds(&app, "package")), (2, 1), "{entries:?}");
    let everything = format!("{entries:?}");
    assert!(everything.contains("https://blobstore/read/cc-packages/") && !everything.contains("md5="), "{everything}");
    let table = app.cache(&["list"]).done().out;
    let lifecycle = table.lines().find(|line| line.contains("buildpack_app_lifecycle.tgz")).expect("the lifecycle");
    assert!(table.starts_with("NAME  ") && lifecycle.contains("tree"), "{table}");

    // Somebody who is root on the host can damage an entry; nobody else can.
    let damage = "for launcher in /cache/entries/*/launcher; do echo x >>$launcher; done";
    let mount = format!("{}:/cache", app.volume());
    let run = ["run", "--rm", "--label", "stager.kind=test", "--network", "none", "-v", &mount, "--entrypoint", "sh"];
    docker(&[&run[..], &["stager-rootfs:cflinuxfs4", "-c", damage]].concat()).unwrap();
    app.cache(&["verify"]).failed(4, &["lifecycle"]);
    assert_eq!(kinds(&app, "tree"), 1);
    app.cache(&["verify"]).done();

    let key = entries.iter().find(|entry| entry["origin"].as_str().unwrap().contains("cc-buildpacks")).unwrap();
    app.cache(&["clear", key["key"].as_str().unwrap()]).done();
    assert_eq!((kinds(&app, "tree"), kinds(&app, "package")), (0, 1));
    app.cache(&["clear"]).done();
    assert_eq!(listed(&app), Vec::<Value>::new());
    has_line(&app.restage(&["--no-image", "--verbose"]).done(), "======> Downloading /tmp/lifecycle");

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_host-cli"));
    command.args(["cache", "list", "--cache-volume", "stager-no-such-volume"]);
    command.args(["--stager-image", &stager_image()]);
    Said::from(command.output().unwrap())
        .failed(9, &["no cache volume \"stager-no-such-volume\"", "host-cli cache-up"]);
}
