//! Restages as planned from recorded staging requests.

use super::*;
use crate::image::ImageBy;
use crate::image::created::{self, Created};
use crate::labels;
use crate::plan::golden::{all_recorded, assert_golden, describe, describe_restage, recorded};
use crate::plan::name_resolution::NameResolution;

const LOG_2016: &str = include_str!("../../../../examples/requests/2016/stager.stdout.log");
const LOG_2017: &str = include_str!("../../../../examples/requests/2017/stager.stdout.log");
const LOG_2026: &str = include_str!("../../../../examples/requests/2026/stager.stdout.log");
const CFDOT: &str = include_str!("../../../../examples/requests/cfdot/cfdot-tasks.jsonl");

fn plan(log: &str, options: &RestageOptions<'_>) -> ContainerSpec {
    RestagePlan::new(&recorded(log, "taskDefinition", "node-env"), options).unwrap().container
}

fn plain_options() -> RestageOptions<'static> {
    let keeping = Keeping::InVolume { name: "stager-cache", limit: None };
    let fetching = Fetching {
        image: "stager:latest",
        network: "hcf",
        names: NameResolution::default(),
        files: &[],
        keeping,
        agent_options: &[],
    };
    let image =
        ImageOptions { by: ImageBy::Auto, verbose: false, created: Created { time: created::FIXED, newest: None } };
    RestageOptions {
        fetching,
        base: None,
        image: Some(image),
        keep: false,
        keep_images: None,
        identity: None,
        instance: "i-1",
    }
}

#[test]
fn every_recorded_request_gives_this_restage() {
    for (year, log) in [(2016, LOG_2016), (2017, LOG_2017), (2026, LOG_2026)] {
        for (at, document) in all_recorded(log, "taskDefinition").iter().enumerate() {
            let plan = RestagePlan::new(document, &plain_options()).unwrap();
            assert_golden(&format!("restage-{year}-{at}"), &describe_restage(&plan));
        }
    }
}

#[test]
fn every_staging_that_cfdot_printed_gives_this_restage_and_a_docker_apps_has_no_image() {
    let stagings = CFDOT.lines().filter(|line| line.contains(r#""domain":"cf-app-staging""#));
    let (docker, others): (Vec<&str>, Vec<&str>) = stagings.partition(|line| line.contains("-dockerRef="));
    assert_eq!((docker.len(), others.len()), (2, 6));
    for (at, document) in docker.into_iter().enumerate() {
        let plan = RestagePlan::new(document, &plain_options()).unwrap();
        assert!(plan.image.is_none());
        let described = describe_restage(&plan);
        assert!(!described.contains("not-a-secret"), "{described}");
        assert_golden(&format!("restage-docker-{at}"), &described);
    }
    for (at, document) in others.into_iter().enumerate() {
        let described = describe_restage(&RestagePlan::new(document, &plain_options()).unwrap());
        assert!(!described.contains("not-a-secret"), "{described}");
        assert_golden(&format!("restage-cfdot-{at}"), &described);
    }
}

#[test]
fn options_reach_the_agent_and_certificates_are_mounted_read_only() {
    let file = |option, host: &str, container| MountedFile { option, host: host.into(), container };
    let fetching = Fetching {
        files: &[
            file("--ca", "/home/me/ca.pem", "/etc/stager/ca.pem"),
            file("--key", "/home/me/k.pem", "/etc/stager/key.pem"),
        ],
        keeping: Keeping::InVolume { name: "mine", limit: Some("2G") },
        agent_options: &["--no-upload".to_owned()],
        ..plain_options().fetching
    };
    let spec = plan(LOG_2016, &RestageOptions { fetching, keep: true, ..plain_options() });
    let command = "--output json --lease --no-image --keep --ca /etc/stager/ca.pem --key /etc/stager/key.pem --cache-limit 2G --no-upload";
    assert_eq!(spec.command.join(" "), command);
    let binds =
        ["/home/me/ca.pem:/etc/stager/ca.pem:ro", "/home/me/k.pem:/etc/stager/key.pem:ro", "mine:/var/cache/stager"];
    assert_eq!(spec.binds, binds);
    assert_eq!(spec.labels[labels::KEPT], "true");
    assert!(spec.auto_remove);
}

#[test]
fn hosts_and_name_servers_that_were_typed_reach_the_container_and_a_mapped_host_is_known_by_its_address() {
    let hosts = ["diego-access=192.0.2.1", "c:[::1]", "d=host-gateway"].map(|typed| typed.parse().unwrap());
    let dns = ["192.0.2.53".parse().unwrap()];
    let fetching = Fetching { names: NameResolution { hosts: &hosts, dns: &dns }, ..plain_options().fetching };
    let options = RestageOptions { fetching, ..plain_options() };
    let plan = RestagePlan::new(&recorded(LOG_2016, "taskDefinition", "node-env"), &options).unwrap();
    assert_eq!(plan.container.extra_hosts, ["diego-access:192.0.2.1", "c:::1", "d:host-gateway"]);
    assert_eq!(plan.container.dns, ["192.0.2.53"]);
    assert!(plan.hosts.contains("192.0.2.1") && plan.hosts.contains("192.0.2.53"), "{:?}", plan.hosts);
    assert!(!plan.hosts.contains("diego-access") && plan.hosts.contains("blobstore"), "{:?}", plan.hosts);
}

#[test]
fn the_command_that_launches_says_where_hosts_are() {
    let application = Application { name: "my-app".into(), ..Application::default() };
    let places = [("--network", "my net".to_owned()), ("--add-host", "a.b=::1".to_owned())];
    let command = launch_command(&application, None, &places);
    assert_eq!(command, "host-cli launch --network 'my net' --add-host a.b=::1 my-app");
    assert_eq!(quoted("=ls"), "'=ls'");
}

#[test]
fn without_a_cache_the_agent_is_told_and_nothing_is_mounted() {
    let fetching = Fetching { keeping: Keeping::Nothing, ..plain_options().fetching };
    let spec = plan(LOG_2016, &RestageOptions { fetching, ..plain_options() });
    assert_eq!((spec.command.last().unwrap().as_str(), spec.binds.len()), ("--no-cache", 0));
    let with_cache = plan(LOG_2016, &plain_options());
    assert!(spec.disk_bytes > with_cache.disk_bytes, "it has to unpack the dependencies beside the request's disk_mb");
}

#[test]
fn no_plan_mounts_the_docker_socket_or_shows_a_secret() {
    for log in [LOG_2016, LOG_2017, LOG_2026] {
        let spec = plan(log, &plain_options());
        assert_eq!(spec.binds, ["stager-cache:/var/cache/stager"]);
        assert_eq!(spec.environment, []);
        for secret in ["md5=", "expires=", "password", "p@ss", "credentials", "s3cret"] {
            assert!(!describe(&spec).contains(secret), "{secret}");
        }
    }
}

#[test]
fn what_is_copied_out_and_where_a_visitor_lands_follows_the_request() {
    let id = ContainerId("0123456789abcdef".into());
    let task = staging_request(&recorded(LOG_2026, "taskDefinition", "node-env")).unwrap();
    let files = StagedFiles::new(&task);
    assert_eq!((&*files.droplet, &*files.lifecycle), ("/tmp/droplet", "/tmp/lifecycle"));
    assert_eq!(Visit::new(&task).command(&id), "docker exec -it -u vcap -w /tmp/app 0123456789ab bash");
    let cnb = CFDOT.lines().find(|line| line.contains("mirror.example.com/cnb/nginx")).unwrap();
    let visit = Visit::new(&staging_request(cnb).unwrap());
    assert_eq!(visit.command(&id), "docker exec -it -u vcap -w /home/vcap/workspace 0123456789ab bash");
    let kept = RestageOptions { keep: true, instance: "5eed5eed-0000", ..plain_options() };
    let plan = RestagePlan::new(&recorded(LOG_2026, "taskDefinition", "node-env"), &kept).unwrap();
    assert_eq!((&*plan.container_name, plan.visit), ("stager-node-env-5eed5eed", Some(Visit::new(&task))));
    let odd: TaskDefinition = serde_json::from_str(
        r#"{"action":{"serial":{"actions":[{"run":{"path":"/x/builder","args":["-buildDir=/a b","-outputDroplet=/d"],"user":"it's"}}]}}}"#,
    )
    .unwrap();
    let files = StagedFiles::new(&odd);
    assert_eq!((&*files.droplet, &*files.lifecycle), ("/d", "/x"));
    assert_eq!(Visit::new(&odd).command(&id), r"docker exec -it -u 'it'\''s' -w '/a b' 0123456789ab bash");
}

#[test]
fn a_program_of_roots_keeps_nothing_for_others_and_a_root_file_system_needs_an_image() {
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document = serde_json::from_str(&recorded(LOG_2026, "taskDefinition", "node-env")).unwrap();
        change(&mut document);
        document.to_string()
    };
    let by_root =
        changed(&|document| document["action"] = serde_json::json!({"run": {"path": "/x/builder", "user": "root"}}));
    let plan = RestagePlan::new(&by_root, &plain_options()).unwrap();
    assert_eq!((plan.volume, plan.container.binds.len()), (None, 0));
    assert!(matches!(&plan.notes[0], Event::Warning { text } if text.starts_with("the cache is not filled")));
    let strange = changed(&|document| document["rootfs"] = "other:x".into());
    let refused = RestagePlan::new(&strange, &plain_options()).err();
    assert_eq!(refused, Some(PlanError::UnknownRootfs { rootfs: "other:x".into() }));
    let without = RestageOptions { image: None, ..plain_options() };
    assert!(RestagePlan::new(&strange, &without).unwrap().image.is_none());
    let named = RestageOptions { base: Some("mine"), ..plain_options() };
    assert_eq!(RestagePlan::new(&strange, &named).unwrap().image.unwrap().plan.base, "mine");
}
