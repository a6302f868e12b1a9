//! The objects of every recorded request, as files that ci/test also shows to the schemas of clusters.

use super::manifest::{Manifest, Secrets};
use super::stage_job::{JobOptions, JobPublishing, RegistryLogin, stage_job};
use crate::image::created::{self, Created};
use crate::image::{ImageBy, ImageOptions};
use crate::labels;
use crate::plan::fetching::{Fetching, Keeping, MountedFile};
use crate::plan::golden::{all_recorded, assert_golden_file};
use crate::plan::name_resolution::NameResolution;
use crate::plan::restage::{RestageOptions, RestagePlan};
use serde_json::Value;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

pub(super) const STAGINGS: [(&str, &str); 3] = [
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
