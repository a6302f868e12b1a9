//! The objects of every recorded request, as files that ci/test also shows to the schemas of clusters.

mod launch_troubles;
mod launching;
mod staging;
mod staging_faults;
mod staging_log;

use super::app_pod::Index;
use super::cache_job::{CacheOptions, cache_job};
use super::job_publisher::{JobPublishing, RegistryLogin};
use super::manifest::{Manifest, Secrets};
use super::stage_job::{JobOptions, stage_job};
use super::workload::{WorkloadOptions, workload};
use crate::image::created::{self, Created};
use crate::image::{ImageBy, ImageOptions};
use crate::labels;
use crate::plan::fetching::{Fetching, Keeping, MountedFile};
use crate::plan::golden::{all_recorded, assert_golden_file};
use crate::plan::image_source::Pull;
use crate::plan::launch::{LaunchOptions, LaunchPlan, Size};
use crate::plan::lifecycle::LifecycleFrom;
use crate::plan::name_resolution::NameResolution;
use crate::plan::restage::{RestageOptions, RestagePlan};
use serde_json::Value;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const STAGINGS: [(&str, &str); 3] = [
    ("2016", include_str!("../../../../examples/requests/2016/stager.stdout.log")),
    ("2017", include_str!("../../../../examples/requests/2017/stager.stdout.log")),
    ("2026", include_str!("../../../../examples/requests/2026/stager.stdout.log")),
];
const CFDOT: &str = include_str!("../../../../examples/requests/cfdot/cfdot-tasks.jsonl");

/// Every recorded staging request, by the name of its file here.
fn stagings() -> Vec<(String, String)> {
    let of_year = |(year, log): (&str, &str)| {
        let documents = all_recorded(log, "taskDefinition").into_iter().enumerate();
        documents.map(|(at, document)| (format!("restage-{year}-{at}"), document)).collect::<Vec<_>>()
    };
    let cfdot = CFDOT.lines().filter(|line| line.contains(r#""domain":"cf-app-staging""#)).enumerate();
    let cfdot = cfdot.map(|(at, line)| (format!("restage-cfdot-{at}"), line.to_owned()));
    STAGINGS.into_iter().flat_map(of_year).chain(cfdot).collect()
}

fn plan(document: &str, keeping: Keeping<'_>, files: &[MountedFile]) -> RestagePlan {
    let image =
        ImageOptions { by: ImageBy::Auto, verbose: false, created: Created { time: created::FIXED, newest: None } };
    let hosts = ["blobstore=192.0.2.1".parse().unwrap()];
    let names = NameResolution { hosts: &hosts, dns: &[] };
    let fetching = Fetching { image: "stager:latest", network: "", names, files, keeping, agent_options: &[] };
    let options = RestageOptions {
        fetching,
        base: Some("registry.example.com/stager-rootfs:cflinuxfs4"),
        image: Some(image),
        keep: false,
        keep_images: None,
        identity: None,
        instance: "5eed5eed-0000-4000-8000-000000000000",
    };
    RestagePlan::new(document, &options).unwrap()
}

fn ca() -> MountedFile {
    MountedFile { option: "--ca", host: "/home/me/ca.pem".into(), container: "/etc/stager/ca.pem" }
}

fn job(document: &str) -> Manifest {
    let publishing = JobPublishing {
        reference: "registry.example.com/team/app:latest",
        login: RegistryLogin::Given(Secret::new(r#"{"auths":{"registry.example.com":{"auth":"l0gin"}}}"#.to_owned())),
    };
    let certificates = [("/etc/stager/ca.pem", Secret::new(b"s3cret-ca".to_vec()))].into();
    stage_job(
        &plan(document, Keeping::WithContainer, &[ca()]),
        &JobOptions { namespace: Some("apps"), certificates, publishing: Some(publishing) },
    )
}

/// The documents of a text, read as anybody reads YAML.
fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

#[test]
fn every_recorded_staging_request_gives_this_job_in_which_nothing_is_secret() {
    for (name, document) in stagings() {
        let yaml = job(&document).yaml(Secrets::Named).unwrap();
        for secret in ["md5=", "expires=", "password", "p@ss", "credentials", "s3cret", "not-a-secret", "l0gin"] {
            assert!(!yaml.contains(secret), "{name}: {secret}");
        }
        assert_golden_file(&format!("backend/kubernetes/golden/{name}.yaml"), &yaml);
    }
}

#[test]
fn secrets_that_are_asked_for_come_first_and_each_holds_what_its_name_says() {
    let (_, document) = stagings().remove(0);
    let manifest = job(&document);
    let left_out = manifest.left_out().unwrap();
    for name in ["-request (request.json)", "-certificates (ca.pem)", "-login (.dockerconfigjson)"] {
        assert!(left_out.contains(name), "{left_out}");
    }
    let all = documents(&manifest.yaml(Secrets::Whole).unwrap());
    let kinds: Vec<&str> = all.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert_eq!(kinds, ["Secret", "Secret", "Secret", "Job"]);
    let plain = |at: usize, key: &str| {
        use base64::Engine as _;
        let text = all[at]["data"][key].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(plain(0, "request.json"), document);
    assert_eq!(plain(1, "ca.pem"), "s3cret-ca");
    assert_eq!(all[2]["type"], "kubernetes.io/dockerconfigjson");
    assert!(plain(2, ".dockerconfigjson").contains("l0gin"));
    let names: BTreeMap<&str, &str> = all.iter().filter_map(|o| Some((o["metadata"]["name"].as_str()?, ""))).collect();
    let job = all[3].to_string();
    assert!(names.keys().filter(|name| name.contains("-request")).all(|name| job.contains(*name)), "{names:?}");
}

#[test]
fn all_that_a_job_needs_is_printed_like_this() {
    let (_, document) = stagings().remove(0);
    let mut plan = plan(&document, Keeping::InVolume { name: "cache-claim", limit: None }, &[ca()]);
    plan.document = Secret::new("{}".to_owned());
    let login = RegistryLogin::Given(Secret::new("{}".to_owned()));
    let publishing = JobPublishing { reference: "registry.example.com/team/app:latest", login };
    let certificates = [("/etc/stager/ca.pem", Secret::new(b"PEM".to_vec()))].into();
    let options = JobOptions { namespace: Some("apps"), certificates, publishing: Some(publishing) };
    let yaml = stage_job(&plan, &options).yaml(Secrets::Whole).unwrap();
    assert_golden_file("backend/kubernetes/golden/restage-with-secrets.yaml", &yaml);
}

#[test]
fn the_builders_container_sees_no_login_and_the_publishers_no_request() {
    let (_, document) = stagings().remove(0);
    let job = &documents(&job(&document).yaml(Secrets::Named).unwrap())[0];
    let pod = &job["spec"]["template"]["spec"];
    let mounts = |container: &Value| -> Vec<(String, bool)> {
        let mounts = container["volumeMounts"].as_array().unwrap().iter();
        mounts.map(|mount| (mount["name"].as_str().unwrap().to_owned(), mount["readOnly"] == true)).collect()
    };
    let (stage, publish) = (&pod["initContainers"][0], &pod["containers"][0]);
    let named = |mounts: &[(String, bool)], name: &str| mounts.iter().any(|(found, _)| found == name);
    assert!(!named(&mounts(stage), "login") && named(&mounts(publish), "login"));
    assert!(named(&mounts(stage), "request") && !named(&mounts(publish), "request"));
    let writable: Vec<String> =
        mounts(publish).into_iter().filter(|(_, read_only)| !read_only).map(|(name, _)| name).collect();
    assert_eq!(writable, ["scratch"]);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(publish["securityContext"]["runAsNonRoot"], true);
    assert_eq!(publish["securityContext"]["capabilities"], serde_json::json!({"drop": ["ALL"]}));
    assert_eq!(stage["securityContext"]["capabilities"]["add"].as_array().unwrap().len(), 7);
}

#[test]
fn without_a_place_for_the_image_the_job_only_stages_and_a_claim_is_a_folder_of_its_own() {
    let (_, document) = stagings().remove(0);
    let plan = plan(&document, Keeping::InVolume { name: "cache-claim", limit: Some("2G") }, &[]);
    let options = JobOptions { namespace: None, certificates: BTreeMap::new(), publishing: None };
    let job = &documents(&stage_job(&plan, &options).yaml(Secrets::Named).unwrap())[0];
    let pod = &job["spec"]["template"]["spec"];
    assert!(pod["initContainers"].is_null() && job["metadata"]["namespace"].is_null());
    let stage = &pod["containers"][0];
    let arguments: Vec<&str> = stage["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(!arguments.contains(&"--handover") && arguments.ends_with(&["--cache-limit", "2G"]), "{arguments:?}");
    let cache = stage["volumeMounts"].as_array().unwrap().iter().find(|mount| mount["name"] == "cache").unwrap();
    assert_eq!((&cache["mountPath"], &cache["subPath"]), (&"/var/cache/stager".into(), &"stager-cache".into()));
    assert!(!pod.to_string().contains("scratch"));
}

#[test]
fn what_a_tenant_calls_an_app_is_replaced_by_no_cluster_and_breaks_no_text() {
    let (_, document) = stagings().remove(0);
    let mut plan = plan(&document, Keeping::WithContainer, &[]);
    let name = "$(HOME): 'x'\n---\nkind: Secret # \"y\" é";
    plan.container.labels.insert(labels::APP_NAME.to_owned(), name.to_owned());
    plan.image.as_mut().unwrap().plan.labels.insert(labels::APP_NAME.to_owned(), name.to_owned());
    let publishing = JobPublishing { reference: "r.io/a:latest", login: RegistryLogin::InCluster("push") };
    let options = JobOptions { namespace: None, certificates: BTreeMap::new(), publishing: Some(publishing) };
    let all = documents(&stage_job(&plan, &options).yaml(Secrets::Whole).unwrap());
    assert_eq!(all.len(), 2, "the request and the Job");
    let job = &all[1];
    assert_eq!(job["metadata"]["annotations"]["stager/app-name"], name);
    let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&format!("stager.app-name=$${}", &name[1..]).into()), "{arguments:?}");
}

#[test]
fn a_claim_is_filled_by_a_job_like_this_which_holds_nothing_secret() {
    let (names, files) = (NameResolution::default(), [ca()]);
    let keeping = Keeping::InVolume { name: "cache-claim", limit: Some("2G") };
    let agent_options = &["--retries=1".to_owned()];
    let fetching = Fetching { image: "stager:latest", network: "", names, files: &files, keeping, agent_options };
    let options = CacheOptions {
        namespace: "apps",
        claim: "cache-claim",
        documents: Secret::new("s3cret-request".to_owned()),
        certificates: [("/etc/stager/ca.pem", Secret::new(b"s3cret-ca".to_vec()))].into(),
        instance: "5eed5eed-0000-4000-8000-000000000000",
    };
    let manifest = cache_job(&fetching, &options);
    let yaml = manifest.yaml(Secrets::Named).unwrap();
    assert!(!yaml.contains("s3cret"), "{yaml}");
    assert_eq!(manifest.secrets.len(), 2);
    assert_golden_file("backend/kubernetes/golden/cache-up.yaml", &yaml);
}

const LAUNCHES: [(&str, &str); 3] = [
    ("2016", include_str!("../../../../examples/requests/2016/nsync_listener.stdout.log")),
    ("2017", include_str!("../../../../examples/requests/2017/nsync_listener.stdout.log")),
    ("2026", include_str!("../../../../examples/requests/2026/nsync_listener.stdout.log")),
];
const CFDOT_LRPS: &str = include_str!("../../../../examples/requests/cfdot/cfdot-desired-lrps.jsonl");

/// Every recorded launch request of an app with a droplet, by the name of its file here.
fn launches() -> Vec<(String, String)> {
    let of_year = |(year, log): (&str, &str)| {
        let documents = all_recorded(log, "desiredLRP").into_iter().enumerate();
        documents.map(|(at, document)| (format!("launch-{year}-{at}"), document)).collect::<Vec<_>>()
    };
    let cfdot = CFDOT_LRPS.lines().filter(|line| line.contains(r#""domain":"cf-apps""#));
    let cfdot = cfdot.filter(|line| !line.contains(r#""rootfs":"docker:"#)).enumerate();
    let cfdot = cfdot.map(|(at, line)| (format!("launch-cfdot-{at}"), line.to_owned()));
    LAUNCHES.into_iter().flat_map(of_year).chain(cfdot).collect()
}

fn launch_plan(document: &str, volumes: &[&str]) -> LaunchPlan {
    let volumes: Vec<_> = volumes.iter().map(|typed| typed.parse().unwrap()).collect();
    let (names, keeping) = (NameResolution::default(), Keeping::WithContainer);
    let options = LaunchOptions {
        process: None,
        ports: &[],
        volumes: &volumes,
        network: "",
        names,
        fetching: Fetching { image: "", network: "", names, files: &[], keeping, agent_options: &[] },
        lifecycle: LifecycleFrom::Image,
        pull: Pull::Missing,
        authorities: &[("ca.pem".to_owned(), "s3cret-ca".to_owned())],
        identity: None,
        instance: "5eed5eed-0000-4000-8000-000000000000",
        index: 0,
        local: None,
        size: Size::default(),
    };
    LaunchPlan::new(document, None, &options).unwrap()
}

fn workload_options() -> WorkloadOptions<'static> {
    WorkloadOptions {
        namespace: Some("apps"),
        image: "registry.example.com/team/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        pull_secret: None,
        instances: None,
        index: Index::Unknown,
        revision: None,
        ingress_class: Some("nginx"),
    }
}

/// The document of a cfdot request whose app is called so.
fn of_app(name: &str) -> String {
    CFDOT_LRPS.lines().find(|line| line.contains(&format!(r#"\"application_name\":\"{name}\""#))).unwrap().to_owned()
}

fn object<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn every_recorded_launch_request_gives_these_objects_in_which_nothing_is_secret() {
    for (name, document) in launches() {
        let manifest = workload(&launch_plan(&document, &[]), &workload_options()).unwrap();
        let mut yaml = manifest.yaml(Secrets::Named).unwrap();
        for secret in ["p@ss", "credentials", "s3cret", "not-a-secret", "VCAP_SERVICES"] {
            assert!(!yaml.contains(secret), "{name}: {secret}");
        }
        for note in manifest.notes.iter().cloned().chain(manifest.left_out()) {
            writeln!(yaml, "# {note}").unwrap();
        }
        assert_golden_file(&format!("backend/kubernetes/golden/{name}.yaml"), &yaml);
    }
}

#[test]
fn what_an_app_is_told_stands_in_secrets_and_what_only_the_pod_knows_is_a_field_of_it() {
    let plan = launch_plan(&of_app("ledger"), &["440514f3-0f2c-4747-ae0b-b6e302b45808=share"]);
    let manifest = workload(&plan, &workload_options()).unwrap();
    let all = documents(&manifest.yaml(Secrets::Whole).unwrap());
    let pod = &object(&all, "Deployment")["spec"]["template"]["spec"];
    let app = &pod["containers"][0];
    assert_eq!(app["args"][1], "$(STAGER_ARGUMENT_1)");
    assert_eq!(app["command"], serde_json::json!(["/tmp/lifecycle/launcher"]));
    let environment = app["envFrom"][0]["secretRef"]["name"].as_str().unwrap();
    let secret = all.iter().find(|one| one["kind"] == "Secret" && one["metadata"]["name"] == environment).unwrap();
    for key in ["VCAP_APPLICATION", "DATABASE_URL", "STAGER_ARGUMENT_0", "STAGER_ARGUMENT_2", "INSTANCE_INDEX"] {
        assert!(secret["data"].get(key).is_some(), "{key}");
    }
    let field = |name: &str| {
        let found = app["env"].as_array().unwrap().iter().find(|one| one["name"] == name);
        found.map(|one| one["valueFrom"]["fieldRef"]["fieldPath"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(field("CF_INSTANCE_INTERNAL_IP").as_deref(), Some("status.podIP"));
    assert_eq!(field("INSTANCE_GUID").as_deref(), Some("metadata.uid"));
    assert_eq!(pod["containers"][1]["name"], "sidecar-1");
    assert!(pod["volumes"].to_string().contains(r#""claimName":"share""#), "{}", pod["volumes"]);
    assert!(app["readinessProbe"].is_object() && app["livenessProbe"].is_object());
    assert_eq!(app["securityContext"]["runAsUser"], 2000);
}

#[test]
fn instances_that_count_themselves_are_a_stateful_set_and_several_have_a_budget_and_stay_apart() {
    let (_, document) = launches().remove(0);
    let counted = WorkloadOptions { instances: Some(3), index: Index::Known, ..workload_options() };
    let all = documents(&workload(&launch_plan(&document, &[]), &counted).unwrap().yaml(Secrets::Named).unwrap());
    let set = object(&all, "StatefulSet");
    let yaml = workload(&launch_plan(&document, &[]), &counted).unwrap().yaml(Secrets::Named).unwrap();
    assert_golden_file("backend/kubernetes/golden/launch-counted.yaml", &yaml);
    assert_eq!((&set["spec"]["replicas"], &set["spec"]["podManagementPolicy"]), (&3.into(), &"Parallel".into()));
    let command = &set["spec"]["template"]["spec"]["containers"][0]["command"];
    assert!(command[2].as_str().unwrap().contains("INSTANCE_INDEX=\"$${name##*-}\""), "{command}");
    assert_eq!(set["spec"]["template"]["spec"]["topologySpreadConstraints"].as_array().unwrap().len(), 2);
    assert_eq!(object(&all, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
    let one = WorkloadOptions { instances: Some(1), ingress_class: None, ..workload_options() };
    let all = documents(&workload(&launch_plan(&document, &[]), &one).unwrap().yaml(Secrets::Named).unwrap());
    assert!(!all.iter().any(|one| one["kind"] == "PodDisruptionBudget" || one["kind"] == "Ingress"));
    let rolling = &object(&all, "Deployment")["spec"]["strategy"]["rollingUpdate"];
    assert_eq!(rolling, &serde_json::json!({"maxSurge": 1, "maxUnavailable": 0}));
}

#[test]
fn an_app_without_rules_reaches_name_servers_alone_and_its_policy_is_there_before_it() {
    let (_, document) = launches().remove(0);
    let mut request: Value = serde_json::from_str(&document).unwrap();
    request.as_object_mut().unwrap().remove("egress_rules");
    let plan = launch_plan(&request.to_string(), &[]);
    let all = documents(&workload(&plan, &workload_options()).unwrap().yaml(Secrets::Named).unwrap());
    assert_eq!((&all[0]["kind"], &all[1]["kind"]), (&"NetworkPolicy".into(), &"Deployment".into()));
    assert_eq!(all[0]["spec"]["egress"].as_array().unwrap().len(), 1);
}

#[test]
fn a_tag_is_looked_up_at_each_start_and_a_digest_is_not() {
    let (_, document) = launches().remove(0);
    for (image, policy) in [("r.io/a:1", "Always"), (&*format!("r.io/a@sha256:{}", "0".repeat(64)), "IfNotPresent")] {
        let options = WorkloadOptions { image, ..workload_options() };
        let all = documents(&workload(&launch_plan(&document, &[]), &options).unwrap().yaml(Secrets::Named).unwrap());
        let containers = &object(&all, "Deployment")["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["imagePullPolicy"], policy);
    }
}

#[test]
fn the_secrets_of_one_start_are_not_those_of_another_and_all_else_is_called_the_same() {
    let plan = launch_plan(&of_app("ledger"), &["440514f3-0f2c-4747-ae0b-b6e302b45808=share"]);
    let start = |revision: &'static str| {
        let options = WorkloadOptions { revision: Some(revision), ..workload_options() };
        workload(&plan, &options).unwrap()
    };
    let (one, other) = (start("0a0a0a0a"), start("0b0b0b0b"));
    for (one, other) in one.secrets.iter().zip(&other.secrets) {
        assert_eq!(one.name.replace("0a0a0a0a", "0b0b0b0b"), other.name);
        assert_ne!(one.name, other.name);
    }
    let yaml = [one, other].map(|manifest| manifest.yaml(Secrets::Named).unwrap());
    assert_eq!(yaml[0].replace("0a0a0a0a", "0b0b0b0b"), yaml[1]);
    assert_eq!(yaml[0].matches("name: ledger-").count(), yaml[1].matches("name: ledger-").count());
}

#[test]
fn the_selector_outlives_a_launch_and_a_new_one_rolls() {
    let (_, document) = launches().remove(0);
    let all =
        documents(&workload(&launch_plan(&document, &[]), &workload_options()).unwrap().yaml(Secrets::Named).unwrap());
    let spec = &object(&all, "Deployment")["spec"];
    let selected: Vec<&String> = spec["selector"]["matchLabels"].as_object().unwrap().keys().collect();
    assert_eq!(
        selected,
        ["app.kubernetes.io/name", "stager/app-guid"],
        "whoever found a name with the same hash has another guid"
    );
    assert!(!spec["selector"].to_string().contains("5eed5eed"));
    assert_eq!(spec["template"]["metadata"]["labels"]["stager/instance"], "5eed5eed-0000-4000-8000-000000000000");
    assert_eq!(&object(&all, "Service")["spec"]["selector"], &spec["selector"]["matchLabels"]);
}
