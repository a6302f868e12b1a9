//! Launches as planned from recorded launch requests.

use super::*;
use crate::plan::fetching::Keeping;
use crate::plan::golden::{all_recorded, assert_golden, describe, describe_launch, recorded};
use crate::plan::not_done::DiskBound;
use shared_model::environment::value_of;
use shared_model::event::Event;
use shared_model::secret::Secret;
use shared_model::validate::LONGEST_ARGUMENT;

const LOG_2016: &str = include_str!("../../../../examples/requests/2016/nsync_listener.stdout.log");
const LOG_2017: &str = include_str!("../../../../examples/requests/2017/nsync_listener.stdout.log");
const LOG_2026: &str = include_str!("../../../../examples/requests/2026/nsync_listener.stdout.log");
const CFDOT: &str = include_str!("../../../../examples/requests/cfdot/cfdot-desired-lrps.jsonl");

/// The recorded requests of today's Cloud Controller for apps with a droplet.
fn of_cfdot() -> impl Iterator<Item = &'static str> {
    CFDOT.lines().filter(|line| line.contains(r#""rootfs":"preloaded:"#))
}

fn of_a_worker() -> &'static str {
    of_cfdot().find(|document| document.contains(r#"{"static":"worker"}"#)).unwrap()
}

/// What is decided where nothing is typed.
fn plain_options() -> LaunchOptions<'static> {
    let names = NameResolution::default();
    let keeping = Keeping::InVolume { name: "stager-cache", limit: None };
    LaunchOptions {
        process: None,
        ports: &[],
        volumes: &[],
        network: "hcf",
        names,
        fetching: Fetching { image: "stager:latest", network: "hcf", names, files: &[], keeping, agent_options: &[] },
        lifecycle: LifecycleFrom::Image,
        pull: Pull::Missing,
        authorities: &[],
        identity: None,
        local: None,
        instance: "i",
        index: 0,
        size: Size::default(),
    }
}

fn planned(document: &str, process: impl Into<Option<&'static str>>) -> LaunchPlan {
    let process = process.into();
    let instance = "5eed5eed-0000-4000-8000-000000000000";
    let options = LaunchOptions { process, instance, ..plain_options() };
    LaunchPlan::new(document, None, &options).unwrap()
}

/// What it becomes on an engine that has the image, and port 32768 free.
fn on_an_engine(plan: &LaunchPlan, process_types: Option<&str>) -> ContainerSpec {
    prepared(plan, process_types).container
}

/// The same with a supervisor.
fn prepared(plan: &LaunchPlan, process_types: Option<&str>) -> Prepared {
    prepared_with(plan, plan.container(&ImageId("sha256:abc".into()), process_types).unwrap())
}

fn prepared_with(plan: &LaunchPlan, container: ContainerSpec) -> Prepared {
    let free = |request: &PortRequest| PublishedPort {
        host_address: request.host_address.clone(),
        host: 32768,
        container: request.container,
    };
    let container = published(container, &plan.ports.iter().map(free).collect::<Vec<_>>());
    plan.prepared(container, &ImageSettings::default(), Some(b"ELF"))
}

fn container(log: &str, app: &str, process: &'static str, process_types: Option<&str>) -> ContainerSpec {
    on_an_engine(&planned(&recorded(log, "desiredLRP", app), process), process_types)
}

fn not_done(log: &str, app: &str) -> Vec<String> {
    match planned(&recorded(log, "desiredLRP", app), WEB).not_done.event(DiskBound::Kept) {
        Some(Event::NotDone { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_recorded_request_gives_this_launch() {
    for (year, log) in [(2016, LOG_2016), (2017, LOG_2017), (2026, LOG_2026)] {
        for (at, document) in all_recorded(log, "desiredLRP").iter().enumerate() {
            let plan = planned(document, WEB);
            assert_golden(&format!("launch-{year}-{at}"), &describe_launch(&plan, &prepared(&plan, None)));
        }
    }
    for (at, document) in of_cfdot().enumerate() {
        let plan = planned(document, None);
        assert_golden(&format!("launch-cfdot-{at}"), &describe_launch(&plan, &prepared(&plan, None)));
    }
}

const LRP_EVENTS: &str = include_str!("../../../../examples/requests/cfdot/cfdot-lrp-events.jsonl");

/// The recorded requests of today's Cloud Controller for docker apps: with dependencies, and with image layers.
fn of_docker_apps() -> Vec<String> {
    let created = LRP_EVENTS.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let lrps = created.map(|event| event["data"]["desired_lrp"].to_string());
    let listed = CFDOT.lines().map(str::to_owned);
    listed.chain(lrps).filter(|document| document.contains(r#""rootfs":"docker:"#)).collect()
}

#[test]
fn every_recorded_request_of_a_docker_app_gives_this_launch() {
    let documents = of_docker_apps();
    assert!(documents.len() >= 4, "{}", documents.len());
    for (at, document) in documents.iter().enumerate() {
        let plan = planned(document, None);
        let lifecycle = plan.lifecycle.as_ref().unwrap();
        let container = plan.container_of(&Image { id: ImageId("sha256:abc".into()), ..Image::default() }).unwrap();
        let text = format!(
            "{:?}\nlifecycle {} by {}\n{}",
            plan.image,
            lifecycle.at,
            describe(&lifecycle.container),
            describe_launch(&plan, &prepared_with(&plan, container))
        );
        assert!(!text.contains("registry login"), "{text}");
        assert_golden(&format!("launch-docker-{at}"), &text);
    }
}

#[test]
fn a_droplets_app_gets_the_requests_lifecycle_only_where_that_is_typed() {
    let document = of_cfdot().next().unwrap();
    assert!(planned(document, None).lifecycle.is_none());
    let options = LaunchOptions { lifecycle: LifecycleFrom::Request, ..plain_options() };
    let plan = LaunchPlan::new(document, None, &options).unwrap();
    assert!(plan.lifecycle.is_some() && plan.image == ImageSource::Droplet);
    assert_eq!(on_an_engine(&plan, None).volumes, ["/tmp/lifecycle"]);
}

#[test]
fn a_worker_with_a_request_of_its_own_has_its_command_and_limits_and_is_not_published() {
    for typed in [None, Some("worker")] {
        let plan = planned(of_a_worker(), typed);
        let spec = on_an_engine(&plan, Some(r#"{"worker":"of the image"}"#));
        assert_eq!(spec.command, ["app", "python worker.py", ""]);
        assert_eq!((spec.labels[labels::PROCESS].as_str(), plan.process.process_type.as_str()), ("worker", "worker"));
        assert!(plan.container_name.contains("-worker-"), "{}", plan.container_name);
        assert_eq!((plan.ports.len(), &spec.health_check), (0, &None));
        assert!(plan.subject().ends_with(" (worker)"), "{}", plan.subject());
    }
}

#[test]
fn a_cnb_apps_other_process_is_started_by_the_command_that_its_launcher_looks_for() {
    let site = of_cfdot().find(|document| document.contains(r#""cnb-cflinuxfs4-lifecycle""#)).unwrap();
    let types = r#"{"web":"python3 app.py","worker":"sh -c while sleep 1; do echo work; done"}"#;
    let worker = on_an_engine(&planned(site, "worker"), Some(types));
    assert_eq!(worker.command, ["app", "sh -c while sleep 1; do echo work; done", ""]);
    assert_eq!(on_an_engine(&planned(site, None), Some(types)).command, ["app", "npm start", ""], "the request's");
    for (name, value) in [("CNB_LAYERS_DIR", "/home/vcap/layers"), ("CNB_APP_DIR", "/home/vcap/workspace")] {
        assert!(worker.environment.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    assert!(worker.environment.iter().all(|(name, _)| !name.starts_with("VCAP_APP_")), "{:?}", worker.environment);
}

#[test]
fn files_of_service_bindings_come_in_before_the_start_and_stand_in_nothing_that_the_engine_shows() {
    let plan = planned(include_str!("../../../tests/cases/service-bindings-as-files/files.json"), WEB);
    let [folder] = &plan.folders[..] else { panic!("{:?}", plan.folders) };
    let [file] = &folder.files[..] else { panic!("{folder:?}") };
    assert_eq!((folder.at.as_str(), file.path.as_str()), ("/etc/cf-service-bindings", "vcap_services"));
    assert_eq!(file.content.reveal(), br#"{"user-provided":[{"name":"db"}]}"#);
    let spec = on_an_engine(&plan, None);
    assert_eq!(spec.volumes, ["/etc/cf-service-bindings"]);
    assert!(!describe(&spec).contains("user-provided"), "{}", describe(&spec));
}

#[test]
fn authorities_are_where_the_request_names_a_folder_and_the_app_is_told_unless_its_own_run_says_otherwise() {
    const FOLDER: &str = "/etc/cf-system-certificates";
    let authorities = [("ca-1.crt".to_owned(), "PEM".to_owned())];
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document: serde_json::Value = serde_json::from_str(of_cfdot().next().unwrap()).unwrap();
        change(&mut document);
        let options = LaunchOptions { authorities: &authorities, ..plain_options() };
        let plan = LaunchPlan::new(&document.to_string(), None, &options).unwrap();
        let spec = on_an_engine(&plan, None);
        let told = spec.environment.iter().find(|(name, _)| name == "CF_SYSTEM_CERT_PATH").map(|(_, at)| at.clone());
        (told, spec.volumes, plan.folders.iter().map(|folder| folder.files[0].path.clone()).collect::<Vec<_>>())
    };
    let usual = (Some(FOLDER.to_owned()), vec![FOLDER.to_owned()], vec!["ca-1.crt".to_owned()]);
    assert_eq!(with(&|_| {}), usual);
    let container = serde_json::json!([{"name": "CF_SYSTEM_CERT_PATH", "value": "/own"}]);
    assert_eq!(with(&|document| document["env"] = container.clone()), usual);
    let mut own = usual.clone();
    own.0 = Some("/own".to_owned());
    let of_run = |document: &mut serde_json::Value| {
        let variables = document.pointer_mut("/action/codependent/actions/0/run/env").unwrap();
        variables.as_array_mut().unwrap().push(container[0].clone());
    };
    assert_eq!(with(&of_run), own);
    let none = with(&|document| document["trusted_system_certificates_path"] = "".into());
    assert_eq!(none, (None, Vec::new(), Vec::new()));
}

#[test]
fn what_the_launch_mounts_itself_meets_neither_the_containers_files_nor_a_volume() {
    let authorities = [("ca-1.crt".to_owned(), "PEM".to_owned())];
    let files = serde_json::json!([{"path": "db/uri", "content": "x"}]);
    let refused = |path: &str, volume: &str, authorities: &[(String, String)]| {
        let mut document: serde_json::Value = serde_json::from_str(of_cfdot().next().unwrap()).unwrap();
        document["trusted_system_certificates_path"] = path.into();
        document["volume_mounted_files"] = files.clone();
        document["volume_mounts"] = serde_json::json!([{"container_dir": volume, "shared": {"volume_id": "v"}}]);
        let volumes = ["v=/srv".parse().unwrap()];
        let options = LaunchOptions { authorities, volumes: &volumes, ..plain_options() };
        let planned = LaunchPlan::new(&document.to_string(), None, &options);
        planned.map_or_else(|error| format!("{error}; {}", error.advice()), |_| String::new())
    };
    assert_eq!(refused("/opt/ca", "/opt/share", &authorities), "");
    assert_eq!(refused("/usr/lib", "/opt", &[]), "", "nothing is laid there");
    for path in ["/usr/lib", "/home/vcap/app", "/opt/a:b", "/etc"] {
        let words = format!("--ca: the request wants the authorities at {path:?}, wh");
        let said = refused(path, "/data", &authorities);
        assert!(said.starts_with(&words) && said.ends_with("leave --ca and STAGER_CA out"), "{said}");
    }
    let said = refused("/etc/cf-service-bindings/db", "/data", &authorities);
    assert!(said.contains(", where the launch mounts other files;"), "{said}");
    for volume in ["/opt/ca", "/opt", "/opt/ca/more"] {
        let said = refused("/opt/ca", volume, &authorities);
        assert!(said.contains(", where the launch mounts files of its own; leave this --volume-map out"), "{said}");
    }
}

#[test]
fn no_volume_hides_the_layers_of_a_cnb_app() {
    let document = of_cfdot().find(|document| document.contains(r#""cnb-cflinuxfs4-lifecycle""#)).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(document).unwrap();
    document["volume_mounts"] =
        serde_json::json!([{"container_dir": "/home/vcap/layers", "shared": {"volume_id": "v"}}]);
    let volumes = ["v=/srv".parse().unwrap()];
    let options = LaunchOptions { volumes: &volumes, ..plain_options() };
    let refused = LaunchPlan::new(&document.to_string(), None, &options).unwrap_err();
    assert!(matches!(refused, PlanError::Volume(_)), "{refused}");
}

#[test]
fn an_identity_comes_in_with_its_key_for_the_apps_user_and_no_warning_is_left() {
    let identity = Identity { certificate: b"c".to_vec(), key: Secret::new(b"s3cret".to_vec()) };
    let document =
        of_cfdot().next().unwrap().replace(r#"\"credentials\":{"#, r#"\"credentials\":{\"credhub-ref\":\"/a\","#);
    let with = |identity| {
        let options = LaunchOptions { identity, ..plain_options() };
        LaunchPlan::new(&document, None, &options).unwrap()
    };
    assert!(with(None).not_done.warnings[0].contains("--instance-cert"), "{:?}", with(None).not_done);
    let plan = with(Some(&identity));
    assert_eq!(plan.not_done.warnings, Vec::<String>::new());
    assert_eq!(plan.folders[0].files[1].owner, (2000, 2000));
    let spec = on_an_engine(&plan, None);
    assert_eq!(spec.volumes, ["/etc/cf-instance-credentials"]);
    let told = describe(&spec);
    assert!(told.contains("env CF_INSTANCE_CERT=/etc/cf-instance-credentials/instance.crt\n"), "{told}");
    assert!(told.contains("env CF_INSTANCE_KEY=/etc/cf-instance-credentials/instance.key\n"), "{told}");
    assert!(!told.contains("s3cret") && !format!("{plan:?}").contains("s3cret"));
    let of_sidecar = plan.sidecars[0].environment();
    assert_eq!(value_of(of_sidecar, "CF_INSTANCE_KEY"), Some("/etc/cf-instance-credentials/instance.key"));
}

#[test]
fn a_process_type_called_sidecar_is_the_apps_and_its_own_sidecar_starts_beside_it() {
    let document = of_cfdot().next().unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&document.replace("PROC/WEB", "PROC/SIDECAR")).unwrap();
    document["metric_tags"]["process_type"]["static"] = "sidecar".into();
    document["ports"] = serde_json::json!([2222]);
    let text = document.to_string().replace(r#"\"process_type\":\"web\""#, r#"\"process_type\":\"sidecar\""#);
    let plan = planned(&text.replace("diego-sshd", "envoy"), None);
    assert_eq!(plan.process.process_type, "sidecar");
    assert!(plan.container_name.contains("-sidecar-"), "{}", plan.container_name);
    let ports: Vec<u16> = plan.ports.iter().map(|port| port.container).collect();
    assert_eq!(ports, [2222], "nobody else listens there");
    let sources: Vec<_> = plan.sidecars.iter().filter_map(|run| run.log_source.as_deref()).collect();
    assert_eq!(sources, ["APP/PROC/SIDECAR/SIDECAR/ENVOY-CONFIG"]);
    assert_eq!(on_an_engine(&plan, None).command[1], "node server.js");
}

#[test]
fn web_is_published_even_without_a_route() {
    let mut document: serde_json::Value = serde_json::from_str(of_a_worker()).unwrap();
    document["metric_tags"]["process_type"]["static"] = "web".into();
    let plan =
        planned(&document.to_string().replace(r#"\"process_type\":\"worker\""#, r#"\"process_type\":\"web\""#), None);
    assert_eq!(plan.ports.len(), 1);
}

#[test]
fn a_start_command_that_no_program_can_be_given_is_told_before_anything_starts() {
    let plan = planned(&recorded(LOG_2017, "desiredLRP", "node-env"), "worker");
    let with = |bytes: usize| {
        let types = format!(r#"{{"worker":"{}"}}"#, "s".repeat(bytes));
        plan.container(&ImageId::default(), Some(&types)).map_err(|error| error.to_string())
    };
    with(LONGEST_ARGUMENT).unwrap();
    let told =
        "the start command of \"worker\" has 131072 bytes, and Linux gives a program at most 131071 in one argument";
    assert_eq!(with(LONGEST_ARGUMENT + 1).unwrap_err(), told);
}

#[test]
fn what_is_left_out_is_named_without_its_arguments() {
    let volume = "1 volume mount (vol-1: --volume-map ID=DIR mounts a folder)";
    let of_2026 = ["1 sidecar (CONFIG)", volume, "2 egress rules", "1 readiness check"];
    assert_eq!(not_done(LOG_2026, "node-env"), of_2026);
    let of_2016 = not_done(LOG_2016, "node-env").join("\n");
    assert!(of_2016.contains("`host-cli ssh node-env`") && !of_2016.contains("KEY"), "{of_2016}");
}

#[test]
fn another_process_has_the_same_variables_its_own_command_and_neither_check_nor_alias() {
    let web = container(LOG_2017, "node-env", WEB, None);
    let worker = container(LOG_2017, "node-env", "worker", Some(r#"{"web":"w","worker":"rake work"}"#));
    assert_eq!(worker.command, ["app", "rake work", ""]);
    assert_eq!(web.aliases, ["node-env-18c50a86.apps.stager.internal"]);
    assert_eq!(worker.aliases, ["worker.node-env-18c50a86.apps.stager.internal"]);
    assert_eq!(worker.health_check, None);
    let names = |spec: &ContainerSpec| spec.environment.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&web), names(&worker));
}

#[test]
fn an_unknown_process_is_answered_with_those_that_there_are() {
    let plan = planned(&recorded(LOG_2016, "desiredLRP", "node-env"), "worker");
    for (label, words) in [
        (Some(r#"{"web":"a","clock":"b"}"#), r#"the app has no process type "worker"; its image has clock, web"#),
        (None, r#"the app has no process type "worker"; its image has none"#),
        (Some("not json"), r#"the app has no process type "worker"; its image has none"#),
    ] {
        assert_eq!(plan.container(&ImageId::default(), label).unwrap_err().to_string(), words);
    }
}

#[test]
fn a_request_without_a_launcher_or_a_docker_app_without_lifecycle_or_image_gives_no_plan() {
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document = serde_json::from_str(&recorded(LOG_2016, "desiredLRP", "node-env")).unwrap();
        change(&mut document);
        LaunchPlan::new(&document.to_string(), None, &plain_options()).unwrap_err()
    };
    let sleeps = serde_json::json!({"run": {"path": "/bin/sleep", "user": "vcap"}});
    assert_eq!(refused(&|document| document["action"] = sleeps.clone()), PlanError::NoLauncher);
    let no_lifecycle = refused(&|document| {
        document["rootfs"] = "docker:///x".into();
        document["cached_dependencies"] = serde_json::Value::Null;
    });
    assert_eq!(no_lifecycle, PlanError::NoLifecycle);
    let bad_image = refused(&|document| document["rootfs"] = "docker://r.io/A#1".into());
    assert_eq!(bad_image, PlanError::BadImage { image: "r.io/A:1".into() });
    assert!(matches!(
        refused(&|document| document["action"] = serde_json::Value::Null),
        PlanError::ValidationErrors { .. }
    ));
}

#[test]
fn a_secret_of_the_request_is_in_the_environment_only() {
    let spec = container(LOG_2016, "node-env", WEB, None);
    let without_environment = ContainerSpec { environment: Vec::new(), ..spec.clone() };
    assert!(describe(&spec).contains("10.244.7.6"));
    assert!(!describe(&without_environment).contains("10.244.7.6"));
    let plan = planned(&recorded(LOG_2016, "desiredLRP", "node-env"), WEB);
    assert!(!format!("{spec:?} {plan:?}").contains("10.244.7.6"));
    assert!(!describe(&spec).contains("FIXTURE-NOT-A-KEY"));
}

#[test]
fn an_app_finds_the_hosts_that_were_typed() {
    let (hosts, dns) = (["db.example.com=192.0.2.1".parse().unwrap()], ["192.0.2.53".parse().unwrap()]);
    let names = NameResolution { hosts: &hosts, dns: &dns };
    let options = LaunchOptions { names, ..plain_options() };
    let plan = LaunchPlan::new(&recorded(LOG_2016, "desiredLRP", "node-env"), None, &options).unwrap();
    let spec = on_an_engine(&plan, None);
    assert_eq!(
        (&*spec.extra_hosts, &*spec.dns),
        (&["db.example.com:192.0.2.1".to_owned()][..], &["192.0.2.53".to_owned()][..])
    );
}

#[test]
fn names_differ_between_two_starts_of_an_app() {
    let document = recorded(LOG_2016, "desiredLRP", "node-env");
    let name = |process, instance| {
        let process = Some(process);
        let options = LaunchOptions { process, instance, ..plain_options() };
        LaunchPlan::new(&document, None, &options).unwrap().container_name
    };
    assert_eq!(name(WEB, "5eed5eed-0000-4000"), "cf-app-node-env-18c50a86-5eed5eed");
    assert_eq!(name("worker", "0-1"), "cf-app-node-env-worker-18c50a86-01");
}
