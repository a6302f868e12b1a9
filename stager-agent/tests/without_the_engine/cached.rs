//! What a second staging does with what the first one has kept.

use crate::cloud::{BUILDER, Cloud, names, tgz, zip};
use crate::server::Server;
use crate::world::{Outcome, am_root, printed_by};
use serde_json::{Value, json};
use shared_model::event::Event;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A cloud, and a cache beside it. Only root can keep one.
pub(crate) struct Cached {
    pub(crate) cloud: Cloud,
}

impl Cached {
    /// `None` where we are not root.
    pub(crate) fn new() -> Option<Self> {
        am_root().then(|| Self { cloud: Cloud::new() })
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.cloud.world.path("kept")
    }

    /// As in a new container, nothing is left of the one before.
    fn clean(&self) {
        let buildpacks = self.cloud.world.path("buildpacks");
        if buildpacks.is_symlink() {
            fs::remove_file(buildpacks).unwrap();
        }
        for place in ["lifecycle", "buildpacks/b1", "app"] {
            let path = self.cloud.world.path(place);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }

    pub(crate) fn stage_request(&self, request: &Value, options: &[&str]) -> Outcome {
        self.clean();
        let cache = self.cloud.world.text("kept");
        self.cloud.stage_request(request, &[&["--cache", &cache], options].concat())
    }

    pub(crate) fn stage(&self, options: &[&str]) -> Outcome {
        self.stage_request(&self.cloud.request(), options)
    }

    /// How often the server was asked for this path since the last time that somebody wanted to know.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.cloud.server.asked("GET").iter().filter(|get| get.target.split('?').next() == Some(path)).count()
    }

    /// The entries, by the text of their records.
    pub(crate) fn records(&self) -> Vec<String> {
        let files = fs::read_dir(self.root().join("index")).unwrap().map(|file| file.unwrap().path());
        let records = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
        records.map(|file| fs::read_to_string(file).unwrap()).collect()
    }
}

/// The names of the directories that a staging took from the cache.
fn from_cache<'e>(outcome: &'e Outcome) -> Vec<&'e str> {
    let to = |event: &'e Event| match event {
        Event::Cached { to, reason: None, .. } => to.rsplit('/').next(),
        _ => None,
    };
    let mut all: Vec<&str> = outcome.events.iter().filter_map(to).collect();
    all.sort_unstable();
    all
}

fn copies<'e>(outcome: &'e Outcome) -> Vec<(&'e str, &'e str)> {
    let copy = |event: &'e Event| match event {
        Event::Cached { to, reason: Some(reason), .. } => Some((to.rsplit('/').next()?, reason.as_str())),
        _ => None,
    };
    let mut all: Vec<_> = outcome.events.iter().filter_map(copy).collect();
    all.sort_unstable();
    all
}

/// A server with a certificate that has the lifecycle, the file of its authority, and a request that takes it from there.
fn lifecycle_over_tls(cached: &Cached) -> (Server, String, Value) {
    let (server, authority) = Server::start_tls();
    server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
    fs::write(cached.cloud.world.path("ca.pem"), authority).unwrap();
    let mut request = cached.cloud.request();
    request["cached_dependencies"][0]["from"] = json!(server.url("/lifecycle.tgz?md5=s3cret"));
    (server, cached.cloud.world.text("ca.pem"), request)
}

/// A request with a checksum of each dependency.
fn with_checksums(cached: &Cached, algorithm: &str, program: &str) -> Value {
    let mut request = cached.cloud.request();
    for (at, path) in ["/lifecycle.tgz", "/buildpack.zip"].iter().enumerate() {
        let body = cached.cloud.world.path("body");
        fs::write(&body, cached.cloud.server.body(path)).unwrap();
        let sum = printed_by(program, &[body.to_str().unwrap()]);
        let dependency = &mut request["cached_dependencies"][at];
        dependency["checksum_algorithm"] = json!(algorithm);
        dependency["checksum_value"] = json!(sum.split(' ').next().unwrap());
    }
    request
}

#[test]
fn a_second_staging_asks_whether_anything_has_changed_and_downloads_nothing_but_the_package() {
    let Some(cached) = Cached::new() else { return };
    assert!(from_cache(cached.stage(&[]).done()).is_empty());
    let second = cached.stage(&[]);
    assert_eq!(from_cache(second.done()), ["b1", "lifecycle"]);
    assert_eq!(names(&second).iter().filter(|name| *name == "downloaded").count(), 1, "the package");
    assert_eq!(second.out()[0], format!("-----> a-buildpack builds hello as {}", crate::world::user()));
    let asked = cached.cloud.server.asked("GET");
    let compared = asked.iter().filter(|get| get.headers.get("range").is_some_and(|range| range == "bytes=0-0"));
    let conditional = asked.iter().filter(|get| get.headers.contains_key("if-none-match"));
    assert_eq!(
        (compared.count(), conditional.count(), asked.len()),
        (2, 0, 6),
        "over http a server's word is no proof"
    );
}

#[test]
fn a_checksum_of_the_request_spares_the_question() {
    let Some(cached) = Cached::new() else { return };
    let request = with_checksums(&cached, "sha256", "sha256sum");
    cached.stage_request(&request, &[]).done();
    assert_eq!(from_cache(cached.stage_request(&request, &[]).done()), ["b1", "lifecycle"]);
    assert_eq!((cached.asked("/lifecycle.tgz"), cached.asked("/buildpack.zip")), (1, 1));
}

#[test]
fn a_checksum_that_the_entry_does_not_have_is_fetched_anew_and_replaces_it() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    // Another algorithm than the record's: nothing can be compared.
    let request = with_checksums(&cached, "md5", "md5sum");
    assert!(from_cache(cached.stage_request(&request, &[]).done()).is_empty());
    assert_eq!(from_cache(cached.stage_request(&request, &[]).done()), ["b1", "lifecycle"]);
    // Another value.
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "another", 0o644)]));
    let request = with_checksums(&cached, "md5", "md5sum");
    let outcome = cached.stage_request(&request, &[]);
    assert_eq!((from_cache(outcome.done()), outcome.out()[0].contains("another builds")), (vec!["lifecycle"], true));
    assert_eq!(cached.records().iter().filter(|record| record.contains("buildpack.zip")).count(), 1);
    // A checksum that nobody has is a failure, and what is kept stays.
    let mut wrong = request.clone();
    wrong["cached_dependencies"][1]["checksum_value"] = json!("0".repeat(32));
    assert_eq!(cached.stage_request(&wrong, &[]).code, 4);
    assert_eq!(from_cache(cached.stage_request(&request, &[]).done()), ["b1", "lifecycle"]);
}

#[test]
fn what_has_changed_replaces_what_was_kept() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "newer", 0o644)]));
    let second = cached.stage(&[]);
    assert_eq!((from_cache(second.done()), second.out()[0].contains("newer builds")), (vec!["lifecycle"], true));
    assert_eq!(from_cache(cached.stage(&[]).done()), ["b1", "lifecycle"]);
    assert_eq!(fs::read_dir(cached.root().join("entries")).unwrap().count(), 2, "the old one is gone");
}

#[test]
fn what_came_over_verified_tls_or_with_a_checksum_is_asked_for_under_a_condition() {
    let Some(cached) = Cached::new() else { return };
    let (server, ca, request) = lifecycle_over_tls(&cached);
    let mut first = request.clone();
    let buildpack = with_checksums(&cached, "sha256", "sha256sum")["cached_dependencies"][1].clone();
    first["cached_dependencies"][1] = buildpack;
    cached.stage_request(&first, &["--ca", &ca]).done();
    assert_eq!(from_cache(cached.stage_request(&request, &["--ca", &ca]).done()), ["b1", "lifecycle"]);
    for (server, path) in [(&server, "/lifecycle.tgz"), (&cached.cloud.server, "/buildpack.zip")] {
        let asked = server.asked("GET").into_iter().rfind(|get| get.target.starts_with(path)).unwrap();
        assert!(asked.headers.contains_key("if-none-match") && !asked.headers.contains_key("range"), "{asked:?}");
    }
}

#[test]
fn what_an_impostor_left_in_the_cache_gives_way_to_what_the_real_server_has() {
    const DATE: &str = "Last-Modified: Wed, 15 Jun 2016 18:57:23 GMT\r\n";
    let real = zip(&[("name", "a-buildpack", 0o644)]);
    let longer = zip(&[("name", "an-evil-buildpack", 0o644)]);
    let as_long = zip(&[("name", "X-BUILDPACK", 0o644)]);
    assert!(as_long.len() == real.len() && longer.len() != real.len());
    let tagged = format!("{DATE}ETag: \"1-2\"\r\n");
    let otherwise_tagged = format!("{DATE}ETag: \"1-3\"\r\n");
    let later = DATE.replace(":23", ":24");
    for (evil, its, of_real) in [
        (&longer, DATE, DATE),
        (&longer, &tagged, &tagged),
        (&as_long, &otherwise_tagged, &tagged),
        (&as_long, &tagged, DATE),
        (&as_long, DATE, &tagged),
        (&as_long, &later, DATE),
        (&as_long, "", ""),
    ] {
        let Some(cached) = Cached::new() else { return };
        cached.cloud.server.answers("/buildpack.zip", 200, evil);
        cached.cloud.server.tells("/buildpack.zip", its);
        assert!(!cached.stage(&[]).done().out()[0].contains("a-buildpack"), "the impostor answers");
        cached.cloud.server.answers("/buildpack.zip", 200, &real);
        cached.cloud.server.tells("/buildpack.zip", of_real);
        let staged = cached.stage(&[]);
        assert_eq!(from_cache(staged.done()), ["lifecycle"], "{its:?} {of_real:?}");
        assert!(staged.out()[0].contains("a-buildpack builds"), "{its:?} {of_real:?}: {:?}", staged.out());
        let agreed = if of_real.is_empty() { vec!["lifecycle"] } else { vec!["b1", "lifecycle"] };
        assert_eq!(from_cache(cached.stage(&[]).done()), agreed, "{of_real:?}");
    }
}

#[test]
fn an_expired_signature_is_no_matter_where_the_cache_has_it() {
    let Some(cached) = Cached::new() else { return };
    let expired = "md5=s3cret&expires=1466017043";
    let [swift, good] = ["temp_url_sig=s3cret&temp_url_expires=1466017043", "md5=s3cret&expires=4102444800"];
    let token: &[u8] = b"<Error><Code>ExpiredToken</Code></Error>";
    for (status, name, query, body) in [
        (401, "Unauthorized", swift, &b"Unauthorized: Temp URL invalid"[..]),
        (403, "Forbidden", expired, b"expired"),
        (410, "Gone", expired, b"expired"),
        (400, "Bad Request", expired, b"expired"),
        (400, "Bad Request", good, token),
    ] {
        cached.cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
        cached.cloud.server.answers("/app.zip", 200, &zip(&[("hello.txt", "hello", 0o644)]));
        cached.stage(&[]).done();
        let mut request = cached.cloud.request();
        for path in ["/lifecycle.tgz", "/app.zip"] {
            cached.cloud.server.answers(path, status, body);
        }
        let expired = |path: &str| json!(cached.cloud.server.url(&format!("{path}?{query}")));
        request["cached_dependencies"][0]["from"] = expired("/lifecycle.tgz");
        request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"]["from"] = expired("/app.zip");
        let outcome = cached.stage_request(&request, &[]);
        let answered = format!("the server answered {status} {name}");
        let reason = format!("{answered}; the cached copy is unverified");
        assert_eq!(copies(outcome.done()), [("app", reason.as_str()), ("lifecycle", &reason)]);
        assert!(outcome.out()[0].contains("builds hello"));
        let lines = cached.cloud.world.start(&request, &["--cache", &cached.cloud.world.text("kept"), "--no-upload"]);
        let plain = String::from_utf8(lines.wait_with_output().unwrap().stdout).unwrap();
        let line = format!("======> Copied {} from the cache (", cached.cloud.world.text("app"));
        assert!(plain.contains(&line) && plain.contains(", since 20"), "{plain}");
    }
}

#[test]
fn a_server_in_a_mood_is_asked_once_and_the_cache_serves_with_a_warning() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    cached.cloud.server.answers("/buildpack.zip", 503, b"");
    let outcome = cached.stage(&[]);
    assert_eq!(from_cache(outcome.done()), ["b1", "lifecycle"]);
    assert_eq!(cached.asked("/buildpack.zip"), 2, "once in either staging");
    let warned = |outcome: &Outcome| -> Vec<String> {
        let notes = outcome.notes().into_iter().filter(|note| note.contains("although it may have changed"));
        notes.map(|note| note.split(" is used for ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(warned(&outcome), ["the cache's unverified copy"]);
    // What a request has vouched for is not called so.
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "a-buildpack", 0o666)]));
    cached.stage_request(&with_checksums(&cached, "md5", "md5sum"), &[]).done();
    cached.cloud.server.answers("/buildpack.zip", 503, b"");
    assert_eq!(warned(&cached.stage(&[])), ["the cache's"]);
    // That it is gone is no mood.
    cached.cloud.server.answers("/buildpack.zip", 404, b"");
    let outcome = cached.stage(&[]);
    assert!(outcome.code == 4 && outcome.failure().0.contains("404 Not Found"), "{}", outcome.failure().0);
}

#[test]
fn what_has_no_key_is_not_kept() {
    let Some(cached) = Cached::new() else { return };
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["cache_key"] = json!("");
    cached.stage_request(&request, &[]).done();
    assert_eq!(from_cache(cached.stage_request(&request, &[]).done()), ["lifecycle"]);
    assert!(fs::symlink_metadata(cached.cloud.world.path("buildpacks/b1")).unwrap().is_dir());
}

#[test]
fn the_same_key_from_another_origin_is_another_entry() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    cached.cloud.server.answers("/elsewhere/buildpack.zip", 200, &zip(&[("name", "a-stranger", 0o644)]));
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["from"] = json!(cached.cloud.url("/elsewhere/buildpack.zip"));
    let outcome = cached.stage_request(&request, &[]);
    assert_eq!((from_cache(outcome.done()), outcome.out()[0].contains("a-stranger")), (vec!["lifecycle"], true));
    let outcome = cached.stage(&[]);
    assert_eq!((from_cache(outcome.done()), outcome.out()[0].contains("a-buildpack")), (vec!["b1", "lifecycle"], true));
}

#[test]
fn what_came_from_who_knows_whom_is_not_used_where_certificates_are_looked_at() {
    let Some(cached) = Cached::new() else { return };
    let (_server, ca, request) = lifecycle_over_tls(&cached);
    let mut careless = request.clone();
    careless["action"]["timeout"]["action"]["serial"]["actions"][1]["emit_progress"]["action"]["run"]["args"][6] =
        json!("-skipCertVerify=true");
    cached.stage_request(&careless, &[]).done();
    assert_eq!(from_cache(cached.stage_request(&careless, &[]).done()), ["b1", "lifecycle"]);
    assert_eq!(from_cache(cached.stage_request(&request, &["--ca", &ca]).done()), ["b1"], "fetched anew");
    assert_eq!(from_cache(cached.stage_request(&request, &["--ca", &ca]).done()), ["b1", "lifecycle"]);
}

#[test]
fn the_builder_gets_directories_that_it_can_neither_change_nor_list() {
    let Some(cached) = Cached::new() else { return };
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "a-buildpack", 0o777)]));
    let kept = cached.cloud.world.text("kept");
    let pry = format!(
        "for i in buildpacks/b1 lifecycle; do rm -rf $i 2>/dev/null; touch $i/x 2>/dev/null && echo changed; done\n\
         echo more 2>/dev/null >> buildpacks/b1/name && echo changed\n\
         for i in entries views index locks packages; do ls {kept}/$i 2>/dev/null && echo listed; done; true\n"
    );
    let builder = BUILDER.replacen("set -e\n", &format!("({pry}) 2>/dev/null\nset -e\n"), 1);
    cached.cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", &builder, 0o755)]));
    for _ in 0..2 {
        let outcome = cached.stage(&[]);
        let lines = outcome.done().out();
        assert!(lines.iter().all(|line| !line.contains("changed") && !line.contains("listed")), "{lines:?}");
        for place in ["lifecycle", "buildpacks/b1"] {
            assert!(fs::symlink_metadata(cached.cloud.world.path(place)).unwrap().is_dir(), "{place}");
        }
    }
    assert_eq!(from_cache(cached.stage(&[]).done()), ["b1", "lifecycle"], "and nothing was damaged");
}

#[test]
fn a_buildpack_finds_copies_and_packs_itself_with_a_cache_as_without() {
    // What buildpacks do: none of them follows a link that it is given as a directory.
    const WALKS: &str = "set -e\nfor bp in buildpacks/b1 lifecycle; do\n\
        echo \"found $(find $bp -type f | wc -l)\"\nrm -rf taken taken.tar\ncp -r $bp taken\n\
        echo \"copied $(find taken -type f | wc -l)\"\ntar -cf taken.tar $bp\n\
        echo \"packed $(tar -tvf taken.tar | grep -c ^-)\"\ntest -d $bp -a ! -L $bp\n\
        ln $bp/* here 2>/dev/null && rm -f here\nchmod -R u+w $bp 2>/dev/null && echo changed\n\
        mv $bp/* taken 2>/dev/null && echo moved\ntouch -c $bp/* 2>/dev/null && echo touched\ndone\nset -e\n";
    let Some(cached) = Cached::new() else { return };
    let builder = BUILDER.replacen("set -e\n", WALKS, 1);
    let lifecycle = [("builder", builder.as_str(), 0o755), ("launcher", "", 0o755)];
    cached.cloud.server.answers("/lifecycle.tgz", 200, &tgz(&lifecycle));
    let buildpack = [("name", "a-buildpack", 0o644), ("bin/detect", "", 0o755), ("lib/a/b", "", 0o644)];
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&buildpack));
    let mut layers = cached.cloud.request();
    let dependencies = layers["cached_dependencies"].take();
    let layer = |it: &Value| json!({"name": it["name"], "url": it["from"], "destination_path": it["to"], "layer_type": "SHARED", "media_type": "TGZ"});
    layers["image_layers"] = dependencies.as_array().unwrap().iter().map(layer).collect();
    for request in [cached.cloud.request(), layers] {
        for with_cache in [false, true, true] {
            cached.clean();
            let outcome = if with_cache {
                cached.stage_request(&request, &[])
            } else {
                cached.cloud.stage_request(&request, &["--no-cache"])
            };
            let said: Vec<&str> = outcome.done().out().into_iter().take(6).collect();
            let expected = ["found 3", "copied 3", "packed 3", "found 2", "copied 2", "packed 2"];
            assert_eq!(said, expected, "{with_cache} {:?}", outcome.out());
        }
        let path = cached.cloud.world.path("buildpacks");
        assert!(fs::canonicalize(path).unwrap().starts_with(cached.root().join("views")), "no byte is copied");
    }
}

#[test]
fn a_parent_that_is_anybodys_lets_the_directory_be_replaced_and_never_the_entry() {
    let Some(cached) = Cached::new() else { return };
    let builder = BUILDER.replacen(
        "set -e\n",
        "mv buildpacks/b1 buildpacks/gone && mkdir buildpacks/b1 && echo x >buildpacks/b1/name\nset -e\n",
        1,
    );
    cached.cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", &builder, 0o755)]));
    fs::create_dir(cached.cloud.world.path("buildpacks")).unwrap();
    fs::set_permissions(cached.cloud.world.path("buildpacks"), fs::Permissions::from_mode(0o777)).unwrap();
    for _ in 0..2 {
        assert!(
            cached.stage(&[]).done().out()[0].contains("-----> x builds"),
            "the directory is in the builder's hands"
        );
        fs::remove_dir_all(cached.cloud.world.path("buildpacks/gone")).unwrap();
    }
    assert_eq!(from_cache(cached.stage(&[]).done()), ["b1", "lifecycle"]);
}

#[test]
fn what_is_there_already_or_overlaps_is_unpacked_in_place() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    // The package goes above a dependency.
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["to"] = json!(cached.cloud.world.text("app/buildpacks/b1"));
    let outcome = cached.stage_request(&request, &[]);
    assert_eq!(from_cache(&outcome), ["lifecycle"]);
    let note = "is not taken from the cache: something else is unpacked at the same place, above or below it";
    assert!(outcome.notes().iter().any(|said| said.contains(note)), "{:?}", outcome.notes());
    // Something of the image's own.
    fs::create_dir_all(cached.cloud.world.path("mine")).unwrap();
    fs::write(cached.cloud.world.path("mine/own"), "").unwrap();
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["to"] = json!(cached.cloud.world.text("mine"));
    let outcome = cached.stage_request(&request, &[]);
    assert!(outcome.notes().iter().any(|said| said.contains("there is something already")), "{:?}", outcome.notes());
    assert!(cached.cloud.world.exists("mine/own") && cached.cloud.world.exists("mine/name"));
}

#[test]
fn an_empty_directory_gives_way_and_a_link_into_the_cache_is_never_unpacked_through() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let link = cached.cloud.world.path("buildpacks");
    let view = fs::read_link(&link).unwrap();
    // Another run in the same container, in which the buildpack cannot be kept: the link gives way to a directory.
    cached.cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "a-buildpack", 0o644), ("new", "x", 0o644)]));
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["cache_key"] = json!("");
    let cache = cached.cloud.world.text("kept");
    cached.cloud.world.stage(&request, &["--cache", &cache]).done();
    assert!(!view.join("b1/new").exists() && !link.is_symlink() && link.join("b1/new").exists());
    let mut request = cached.cloud.request();
    request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"]["to"] =
        json!(cached.cloud.world.path("way/app").to_str().unwrap());
    std::os::unix::fs::symlink(cached.root(), cached.cloud.world.path("way")).unwrap();
    let outcome = cached.stage_request(&request, &[]);
    assert!(outcome.code == 4 && outcome.failure().0.contains("it leads into the cache"), "{}", outcome.failure().0);
}

#[test]
fn a_damaged_entry_is_noticed_and_fetched_again() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    fs::write(cached.cloud.world.path("buildpacks/b1/name"), "something else").unwrap();
    let outcome = cached.stage(&[]);
    assert_eq!((from_cache(outcome.done()), outcome.out()[0].contains("a-buildpack")), (vec!["lifecycle"], true));
    assert!(outcome.notes().iter().any(|note| note.contains("is damaged and is not used")), "{:?}", outcome.notes());
}

#[test]
fn a_damaged_copy_of_a_package_is_removed_and_the_refusal_stands() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    cached.cloud.server.answers("/app.zip", 410, b"");
    assert_eq!(copies(cached.stage(&[]).done()).len(), 1);
    let packages = || fs::read_dir(cached.root().join("packages")).unwrap().map(|file| file.unwrap().path());
    let copy = packages().next().unwrap();
    let times = fs::metadata(&copy).unwrap().modified().unwrap();
    let mut bytes = fs::read(&copy).unwrap();
    bytes[10] ^= 1;
    fs::write(&copy, bytes).unwrap();
    fs::File::options().write(true).open(&copy).unwrap().set_modified(times).unwrap();
    let outcome = cached.stage(&[]);
    assert!(outcome.code == 4 && outcome.failure().0.contains("410 Gone"), "{}", outcome.failure().0);
    assert_eq!(packages().count(), 0);
}

#[test]
fn nothing_is_read_or_kept_with_no_cache_and_a_cache_that_is_none_is_a_note() {
    let Some(cached) = Cached::new() else { return };
    cached.cloud.stage(&["--no-cache"]).done();
    assert!(!cached.root().exists());
    fs::create_dir(cached.root()).unwrap();
    std::os::unix::fs::chown(cached.root(), Some(65534), Some(65534)).unwrap();
    let outcome = cached.stage(&[]);
    let said: Vec<_> =
        outcome.done().notes().into_iter().filter(|note| note.contains("The cache is not used")).collect();
    assert_eq!(said.len(), 1, "{:?}", outcome.notes());
}

#[test]
fn a_request_that_runs_a_program_as_root_gets_no_cache() {
    let Some(cached) = Cached::new() else { return };
    let mut request = cached.cloud.request();
    request["action"]["timeout"]["action"]["serial"]["actions"][1]["emit_progress"]["action"]["run"]["user"] =
        json!("root");
    // Where a socket is mounted, that would be another reason not to begin.
    let outcome = cached.stage_request(&request, &["--trust-buildpacks"]);
    assert!(outcome.notes().iter().any(|note| note.contains("runs a program as root")), "{:?}", outcome.notes());
    assert!(!cached.root().exists());
}

#[test]
fn two_stagings_at_once_fetch_a_dependency_once() {
    let Some(cached) = Cached::new() else { return };
    let cache = cached.cloud.world.text("kept");
    let mut request = cached.cloud.request();
    request["action"] = cached.cloud.world.shell("true");
    let stall = cached.cloud.server.stalls("/buildpack.zip");
    let start = |to: &str| {
        let mut request = request.clone();
        request["cached_dependencies"][0]["to"] = json!(cached.cloud.world.text(&format!("{to}/lifecycle")));
        request["cached_dependencies"][1]["to"] = json!(cached.cloud.world.text(&format!("{to}/b1")));
        request["result_file"] = json!("");
        cached.cloud.world.start(&request, &["--output", "json", "--cache", &cache])
    };
    let first = start("one");
    stall.wait_until_asked();
    let second = start("two");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    stall.go_on();
    let (first, second) = (Outcome::of(first), Outcome::of(second));
    first.done();
    assert!(second.done().notes().iter().any(|note| note.starts_with("Waiting for another staging")));
    assert_eq!(from_cache(&second), ["b1", "lifecycle"]);
    assert_eq!(cached.asked("/buildpack.zip"), 1);
}

#[test]
fn another_staging_that_does_not_get_on_is_not_waited_for_for_ever() {
    let Some(cached) = Cached::new() else { return };
    let cache = cached.cloud.world.text("kept");
    let mut request = cached.cloud.request();
    request["action"] = cached.cloud.world.shell("true");
    request["result_file"] = json!("");
    let stall = cached.cloud.server.stalls("/buildpack.zip");
    let first = cached.cloud.world.start(&request, &["--output", "json", "--cache", &cache]);
    stall.wait_until_asked();
    cached.cloud.server.stalls("/nothing"); // the first one still waits for its answer
    let place = cached.cloud.world.text("second");
    request["cached_dependencies"] = json!([request["cached_dependencies"][1]]);
    request["cached_dependencies"][0]["to"] = json!(place);
    let patience = ["--output", "json", "--cache", &cache, "--transfer-timeout", "2s"];
    let second = Outcome::of(cached.cloud.world.start(&request, &patience));
    let warning = "no longer waiting for another staging that fetches the same";
    assert!(second.done().notes().iter().any(|note| note.contains(warning)), "{:?}", second.notes());
    assert!(fs::symlink_metadata(place).unwrap().is_dir(), "it is unpacked in place");
    stall.go_on();
    Outcome::of(first).done();
}

#[test]
fn a_slash_at_the_end_of_a_place_changes_nothing() {
    let Some(cached) = Cached::new() else { return };
    let mut request = cached.cloud.request();
    request["cached_dependencies"][1]["to"] = json!(cached.cloud.world.text("buildpacks/b1/"));
    cached.stage_request(&request, &[]).done();
    let second = cached.stage_request(&request, &[]);
    assert_eq!(from_cache(second.done()).len(), 2);
    // And where it is shown already.
    let cache = cached.cloud.world.text("kept");
    assert_eq!(from_cache(cached.cloud.world.stage(&request, &["--cache", &cache]).done()).len(), 2);
    assert!(cached.cloud.world.path("buildpacks").is_symlink());
}

#[test]
fn a_cache_that_is_named_by_a_link_is_used_by_another_run_in_the_same_container_too() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    std::os::unix::fs::symlink(cached.root(), cached.cloud.world.path("alias")).unwrap();
    let alias = cached.cloud.world.text("alias");
    let again = cached.cloud.world.stage(&cached.cloud.request(), &["--cache", &alias]);
    assert_eq!(from_cache(again.done()), ["b1", "lifecycle"]);
}

#[test]
fn no_secret_is_in_the_cache() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let records = cached.records();
    assert_eq!(records.len(), 3);
    for record in records {
        assert!(!record.contains("s3cret") && !record.contains("expires"), "{record}");
    }
}
