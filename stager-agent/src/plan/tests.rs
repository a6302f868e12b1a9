//! Plans of recorded requests of all three eras, and of what no recording has.

use super::*;
use shared_model::validate;

fn recorded(year: u32) -> Vec<TaskDefinition> {
    let log = match year {
        2016 => include_str!("../../../examples/requests/2016/stager.stdout.log"),
        2017 => include_str!("../../../examples/requests/2017/stager.stdout.log"),
        _ => include_str!("../../../examples/requests/2026/stager.stdout.log"),
    };
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let tasks = lines.filter_map(|line| line.pointer("/data/taskDefinition").map(ToString::to_string));
    tasks.map(|task| validate::task(&task).unwrap()).collect()
}

fn of_app(year: u32, app: &str) -> Vec<StagingPlan> {
    let tasks = recorded(year).into_iter().filter(|task| task.application().name == app);
    tasks.map(|task| plan(task).unwrap()).collect()
}

#[test]
fn a_request_of_2016_keeps_its_action_and_its_dependencies() {
    let task = recorded(2016).into_iter().find(|task| task.application().name == "node-env").unwrap();
    let plan = plan(task.clone()).unwrap();
    assert_eq!(Some(&plan.action), task.action.as_ref());
    assert_eq!(plan.dependencies, task.dependencies());
    assert_eq!((plan.dependencies.len(), plan.dependencies[0].to.as_str()), (10, "/tmp/lifecycle"));
    assert_eq!((plan.stack.as_str(), plan.log_source.as_str()), ("cflinuxfs2", "STG"));
    assert_eq!(plan.droplet, Some("/tmp/droplet".into()));
    assert_eq!(plan.result_file, Some("/tmp/result.json".into()));
    assert!(plan.skips_verification);
    assert!(plan.staging_guid.starts_with(&plan.application.guid) && plan.callback.is_some());
}

#[test]
fn every_recorded_request_has_a_plan() {
    for year in [2016, 2017, 2026] {
        for task in recorded(year) {
            let downloads = task.layers().len() + task.dependencies().len();
            let made = plan(task.clone()).unwrap();
            let planned = made.dependencies.len() + made.action.downloads().count();
            let in_action = task.action.unwrap().downloads().count();
            assert_eq!(planned, downloads + in_action, "{year} {}", made.application.name);
        }
    }
}

#[test]
fn layers_become_what_the_older_form_of_the_same_request_says() {
    let [old, new] = &of_app(2026, "node-env")[..] else { panic!("node-env is recorded twice") };
    let targets = |plan: &StagingPlan| {
        let downloads = plan.action.downloads().map(|download| download.to.clone());
        plan.dependencies.iter().map(|dependency| dependency.to.clone()).chain(downloads).collect::<Vec<_>>()
    };
    assert_eq!(targets(new), targets(old)[..3], "only the build artifacts cache is not recorded as a layer");
    assert!(new.action.downloads().all(|download| download.user == "vcap"));
}

#[test]
fn exclusive_layers_are_downloaded_side_by_side_in_front_of_the_action() {
    let task = TaskDefinition { legacy_download_user: Some("vcap".into()), ..layered("EXCLUSIVE") };
    let Action::Serial(list) = plan(task).unwrap().action else { panic!("not serial") };
    let Action::Parallel(downloads) = &list.actions[0] else { panic!("not parallel") };
    let Action::Download(download) = &downloads.actions[0] else { panic!("not a download") };
    assert_eq!((download.user.as_str(), download.cache_key.as_str()), ("vcap", "sha256:abc"));
    assert_eq!(list.actions[1].kind(), "run");
}

#[test]
fn an_exclusive_layer_without_an_owner_is_refused() {
    assert_eq!(plan(layered("EXCLUSIVE")), Err(PlanError::NoDownloadUser));
    assert!(plan(layered("SHARED")).is_ok());
}

#[test]
fn a_docker_app_has_an_image_and_a_password_that_nobody_sees_and_no_droplet() {
    for arguments in [
        r#"["-dockerRef=r.io/a:1","-dockerUser=me","-dockerPassword=s3cret"]"#,
        r#"["-dockerRef","r.io/a:1","-dockerUser","me","-dockerPassword","s3cret"]"#,
        r#"["-dockerRef=r.io/a:1","-dockerUser","-dockerPassword=s3cret"]"#,
    ] {
        let action = format!(r#"{{"run":{{"path":"/tmp/lifecycle/builder","args":{arguments},"user":"vcap"}}}}"#);
        let task = serde_json::from_str(&format!(r#"{{"rootfs":"preloaded:x","action":{action}}}"#)).unwrap();
        let plan = plan(task).unwrap();
        let docker_app = plan.docker_app.as_ref().unwrap();
        assert_eq!(
            (docker_app.image.as_str(), &docker_app.passwords.reveal()[..]),
            ("r.io/a:1", &["s3cret".into()][..])
        );
        assert!(plan.droplet.is_none() && !format!("{plan:?}").contains("s3cret"), "{plan:?}");
    }
    assert_eq!(plan(layered("SHARED")).unwrap().docker_app, None);
}

#[test]
fn debug_of_a_plan_shows_no_secret() {
    for task in [2016, 2017, 2026].into_iter().flat_map(recorded) {
        let shown = format!("{:?}", plan(task).unwrap());
        for secret in ["s3cret", "upload_user", "md5=", "expires", "application_name"] {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
    }
}

fn layered(layer_type: &str) -> TaskDefinition {
    serde_json::from_str(&format!(
        r#"{{"rootfs":"preloaded:x","action":{{"run":{{"path":"/b","user":"vcap"}}}},"image_layers":[
            {{"url":"https://h/p?md5=s","destination_path":"/tmp/app","layer_type":"{layer_type}","digest_algorithm":"SHA256","digest_value":"abc"}}]}}"#
    ))
    .unwrap()
}
