//! The staging container as planned from recorded staging requests.

use super::*;
use crate::plan::fetching::{Keeping, MountedFile};
use crate::plan::golden::{assert_golden, describe, recorded};

const LOG_2016: &str = include_str!("../../../../examples/requests/2016/stager.stdout.log");
const LOG_2017: &str = include_str!("../../../../examples/requests/2017/stager.stdout.log");
const LOG_2026: &str = include_str!("../../../../examples/requests/2026/stager.stdout.log");

fn plan(log: &str, options: &StagingOptions<'_>) -> ContainerSpec {
    let task = shared_model::validate::task(&recorded(log, "taskDefinition", "node-env")).unwrap();
    staging_container(&task, options)
}

fn plain_options() -> StagingOptions<'static> {
    let keeping = Keeping::InVolume { name: "stager-cache", limit: None };
    let fetching = Fetching { image: "stager:latest", network: "hcf", files: &[], keeping, agent_options: &[] };
    StagingOptions { fetching, keep: false, instance: "i-1" }
}

#[test]
fn the_recorded_requests_give_these_containers() {
    assert_golden("staging-2016", &plan(LOG_2016, &plain_options()));
    assert_golden("staging-2026", &plan(LOG_2026, &plain_options()));
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
    let spec = plan(LOG_2016, &StagingOptions { fetching, keep: true, ..plain_options() });
    let command = "--output json --lease --no-image --keep --ca /etc/stager/ca.pem --key /etc/stager/key.pem --cache-limit 2G --no-upload";
    assert_eq!(spec.command.join(" "), command);
    let binds =
        ["/home/me/ca.pem:/etc/stager/ca.pem:ro", "/home/me/k.pem:/etc/stager/key.pem:ro", "mine:/var/cache/stager"];
    assert_eq!(spec.binds, binds);
    assert_eq!(spec.labels[labels::KEPT], "true");
    assert!(spec.auto_remove);
}

#[test]
fn without_a_cache_the_agent_is_told_and_nothing_is_mounted() {
    let fetching = Fetching { keeping: Keeping::Nothing, ..plain_options().fetching };
    let spec = plan(LOG_2016, &StagingOptions { fetching, ..plain_options() });
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
fn limits_that_a_request_leaves_open_stay_open_except_for_processes() {
    let spec = staging_container(&TaskDefinition::default(), &plain_options());
    assert_eq!((spec.memory_bytes, spec.cpu_shares, spec.nofile, spec.pids), (0, 0, 0, DEFAULT_PIDS));
    assert_eq!(spec.disk_bytes, 0);
    assert_eq!(memory_bytes(1), LEAST_MEMORY);
    assert_eq!(memory_bytes(-1), 0);
    assert_eq!(cpu_shares(100), 1024);
}

#[test]
fn what_is_taken_out_and_where_a_visitor_lands_follows_the_request() {
    let task = shared_model::validate::task(&recorded(LOG_2026, "taskDefinition", "node-env")).unwrap();
    assert_eq!((droplet_path(&task), task.lifecycle()), ("/tmp/droplet", "/tmp/lifecycle"));
    let id = ContainerId("0123456789abcdef".into());
    assert_eq!(visit_command(&task, &id), "docker exec -it -u vcap -w /tmp/app 0123456789ab bash");
    assert_eq!(container_name(&task, "5eed5eed-0000"), "stager-node-env-5eed5eed");
    let odd: TaskDefinition = serde_json::from_str(
        r#"{"action":{"serial":{"actions":[{"run":{"path":"/x/builder","args":["-buildDir=/a b","-outputDroplet=/d"],"user":"it's"}}]}}}"#,
    )
    .unwrap();
    assert_eq!((droplet_path(&odd), odd.lifecycle()), ("/d", "/x"));
    assert_eq!(visit_command(&odd, &id), r"docker exec -it -u 'it'\''s' -w '/a b' 0123456789ab bash");
}

#[test]
fn more_open_files_than_any_kernel_has_are_not_asked_for() {
    assert_eq!([None, Some(16384), Some(u64::MAX)].map(open_files), [0, 16384, 1 << 20]);
}
