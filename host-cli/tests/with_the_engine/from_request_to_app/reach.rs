//! A system whose names no Docker network resolves, and that asks for a client certificate.

use crate::app::App;
use crate::hcf::{Hcf, docker};

#[test]
fn a_system_of_bosh_is_reached_by_the_addresses_and_the_certificate_that_were_typed() {
    let app = App::pushed_to(Hcf::like_bosh(), "reached", "hello-procfile", &["--style", "2026"]);
    let (ca, [certificate, key]) = (app.hcf.ca(), app.hcf.certificate());
    let files = [&ca, &certificate, &key].map(|file| file.to_str().unwrap());
    let trust = ["--ca", files[0], "--cert", files[1], "--key", files[2]];
    let unknown = app.restage(&[&trust[..], &["--", "--retries=0"]].concat());
    unknown.failed(4, &["cannot resolve the host name", "--add-host HOST=IP"]);
    app.left_nothing();

    let hosts = app.hcf.run(&["hosts"]);
    let reach: Vec<&str> = hosts.lines().flat_map(|host| ["--add-host", host]).collect();
    app.restage(&[&reach[..], &["--ca", files[0], "--", "--retries=0"]].concat()).failed(4, &["400"]);
    let said = app.restage(&[&reach[..], &trust[..]].concat()).done();
    assert!(said.out.contains(" replaced Cloud Controller's"), "{said:?}");
    let next = format!(" --add-host {} ", hosts.lines().next().unwrap());
    assert!(said.out.contains("Next: host-cli launch ") && said.out.contains(&next), "{said:?}");

    app.launch(&["--add-host", "db.example.com=192.0.2.7", "--dns", "192.0.2.53"]).done();
    let container = &app.containers("app")[0];
    let found = docker(&["exec", container, "getent", "hosts", "db.example.com"]).unwrap();
    assert!(found.starts_with("192.0.2.7 "), "{found}");
    let dns = docker(&["inspect", "--format", "{{.HostConfig.Dns}}", container]).unwrap();
    assert_eq!(dns, "[192.0.2.53]");
}
