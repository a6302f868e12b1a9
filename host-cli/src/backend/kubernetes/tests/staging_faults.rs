//! What can go wrong with a staging in a cluster: each in its words, in bounded time, and with nothing left that nobody waits for.

use super::staging::{cluster, digest, done, hello, line, publishes, staged, stages};
use crate::backend::kubernetes::fake::{Apiserver, Fault, Kind, World};
use serde_json::{Value, json};
use shared_model::exit_code::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// Some time in which whoever follows the staging sees how it is; a machine under load may begin late.
pub(super) fn pause(world: &World, tenths: u64) {
    world.wait_until("it is watched", |world| world.count("watch", "pods") > 0);
    sleep(Duration::from_millis(100 * tenths));
}

/// Nobody waits for it any more: the Job went, and all that it owns.
#[track_caller]
fn nothing_is_left(api: &Apiserver) {
    assert_eq!(api.count("delete", "jobs"), 1, "{:#?}", api.asked());
    api.wait_until("nothing is left", |world| {
        [Kind::Job, Kind::Pod, Kind::Secret].iter().all(|kind| world.all(*kind).is_empty())
    });
}

#[test]
fn a_node_that_is_lost_while_its_log_hangs_is_said_and_not_waited_for_without_end() {
    let api = cluster(|pod, world| {
        world.next(1, "get", "pods/log", Fault::Silent(2));
        world.next(99, "get", "pods/log", Fault::Hang);
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it builds")).says("stage", "lost");
    });
    let told = staged(&api);
    assert_eq!(told.said("Node node1 does not answer; waiting for it"), 1, "{}", told.text);
    let (text, advice) = told.failure();
    assert!(text.starts_with("node node1 has not answered for "), "{text}");
    assert!(advice.contains("kubectl get nodes") && told.took < Duration::from_secs(20), "{advice}");
    nothing_is_left(&api);
}

#[test]
fn a_node_that_comes_back_is_heard_from_where_it_was_lost() {
    let api = cluster(|pod, world| {
        world.next(1, "get", "pods/log", Fault::Silent(2));
        world.next(2, "get", "pods/log", Fault::Code(500));
        pod.scheduled()
            .runs("stage")
            .says("stage", &hello())
            .says("stage", &line("before"))
            .says("stage", &line("while"));
        world.wait_until("it is asked for twice", |world| world.count("get", "pods/log") > 3);
        pod.says("stage", &line("after")).says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    for text in ["before", "while", "after"] {
        assert_eq!(told.text.matches(&format!("\"{text}\"")).count(), 1, "{}", told.text);
    }
    assert_eq!(told.said("Node node1 does not answer"), 1);
}

#[test]
fn a_builder_that_is_quiet_for_long_is_not_taken_for_lost() {
    let api = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it sleeps"));
        pause(world, 45);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    assert_eq!(told.said("does not answer"), 0, "{}", told.text);
}

#[test]
fn a_pod_for_which_no_node_has_room_waits_and_is_given_up_in_the_clusters_words() {
    let api = cluster(|pod, _| {
        pod.unschedulable("0/2 nodes are available: 2 Insufficient memory.");
    });
    let told = staged(&api);
    assert_eq!(
        told.said("Waiting for the cluster: 0/2 nodes are available: 2 Insufficient memory."),
        1,
        "{}",
        told.text
    );
    assert_eq!(told.failure().0, "the Job's pod does not start: 0/2 nodes are available: 2 Insufficient memory.");
    assert_eq!(told.code, ExitCode::Engine);
    nothing_is_left(&api);
}

#[test]
fn a_pod_that_gets_room_after_a_while_is_staged() {
    let api = cluster(|pod, world| {
        pod.unschedulable("0/2 nodes are available: 2 Insufficient memory.");
        pause(world, 12);
        pod.scheduled();
        stages(pod);
        publishes(pod, "0a");
    });
    staged(&api).succeeded();
}

#[test]
fn a_pod_of_which_nobody_says_why_it_does_not_start_is_given_up() {
    let api = cluster(|pod, _| {
        pod.scheduled();
    });
    let told = staged(&api);
    assert!(told.failure().0.starts_with("the Job's pod does not start, and nothing says why"), "{}", told.text);
    nothing_is_left(&api);
}

#[test]
fn a_pod_that_was_kept_for_long_and_then_goes_on_is_not_given_up_as_one_that_says_nothing() {
    let api = cluster(|pod, world| {
        pod.unschedulable("0/2 nodes are available: 2 Insufficient cpu.");
        pause(world, 15);
        pod.scheduled().waits("stage", "ErrImagePull", "pull access denied");
        pause(world, 10);
        pod.waits("stage", "CreateContainerConfigError", "secret \"x\" not found");
        pause(world, 10);
        pod.event("Pulled", "Container image already present").waits("stage", "PodInitializing", "");
        pause(world, 8);
        stages(pod);
        publishes(pod, "0a");
    });
    staged(&api).succeeded();
}

#[test]
fn a_job_that_may_have_no_pod_says_what_the_cluster_says() {
    for (message, advice) in [
        ("pods \"stage-x\" is forbidden: exceeded quota: small, requested: memory=1Gi", "kubectl describe quota"),
        ("pods \"stage-x\" is forbidden: violates PodSecurity \"restricted:latest\"", "`baseline`"),
    ] {
        let api = Apiserver::start();
        api.whenever_made(Kind::Job, move |world, job| {
            world.event(
                Kind::Job,
                job["metadata"]["name"].as_str().unwrap(),
                "FailedCreate",
                &format!("Error creating: {message}"),
            );
        });
        api.whenever_deleted(Kind::Job, |world, job| {
            world.remove(Kind::Job, job["metadata"]["name"].as_str().unwrap());
        });
        let told = staged(&api);
        let (text, tried) = told.failure();
        assert!(text.contains(message) && tried.contains(advice), "{text}: {tried}");
        nothing_is_left(&api);
    }
}

#[test]
fn an_image_that_no_node_gets_is_said_and_one_that_comes_later_is_waited_for() {
    let never = cluster(|pod, world| {
        pod.scheduled().waits("stage", "ErrImagePull", "pull access denied");
        pause(world, 5);
        pod.waits("stage", "ImagePullBackOff", "Back-off pulling image \"stager:1\"");
    });
    let told = staged(&never);
    assert_eq!(told.failure().0, "the Job's pod does not start: ImagePullBackOff: Back-off pulling image \"stager:1\"");
    assert!(
        told.failure().1.contains("imagePullSecrets") && told.said("Waiting for the cluster") == 1,
        "{}",
        told.text
    );
    nothing_is_left(&never);

    let later = cluster(|pod, world| {
        pod.scheduled().waits("stage", "ErrImagePull", "401 Unauthorized");
        pause(world, 7);
        stages(pod);
        publishes(pod, "0a");
    });
    staged(&later).succeeded();
}

#[test]
fn a_secret_that_is_missing_is_said() {
    let api = cluster(|pod, _| {
        pod.scheduled()
            .event("FailedMount", "MountVolume.SetUp failed for volume \"login\" : secret \"push\" not found");
    });
    let told = staged(&api);
    assert!(told.failure().0.ends_with("secret \"push\" not found"), "{}", told.text);
    nothing_is_left(&api);
}

#[test]
fn a_secret_that_was_missed_for_a_moment_is_no_reason_to_give_up_a_long_pull() {
    let api = cluster(|pod, world| {
        pod.scheduled()
            .event("FailedMount", "secret \"x-request\" not found")
            .event("Pulling", "Pulling image \"stager:1\"");
        pause(world, 25);
        stages(pod);
        publishes(pod, "0a");
    });
    staged(&api).succeeded();
}

#[test]
fn an_evicted_staging_says_so_in_the_clusters_words() {
    let api = cluster(|pod, _| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it builds"));
        pod.evicted("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.");
    });
    let told = staged(&api);
    let (text, advice) = told.failure();
    assert!(text.starts_with("the cluster evicted the staging: Pod ephemeral local storage usage"), "{text}");
    assert!(advice.contains("disk_mb"), "{advice}");
}

#[test]
fn a_staging_that_is_out_of_memory_says_how_much_it_had() {
    let api = cluster(|pod, _| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it builds")).out_of_memory("stage");
    });
    let told = staged(&api);
    assert!(told.failure().0.contains("out of memory (memory_mb="), "{}", told.text);
    assert_eq!(told.code, ExitCode::Builder);
}

#[test]
fn a_job_whose_time_is_over_says_so() {
    let api = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it builds"));
        pause(world, 3);
        let job = &world.all(Kind::Job)[0];
        world.fail_job(
            job["metadata"]["name"].as_str().unwrap(),
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        );
        pod.gone();
    });
    let told = staged(&api);
    assert_eq!(
        (told.code, told.failure().0),
        (ExitCode::Timeout, "the Job took longer than it may, and the cluster ended it")
    );
}

#[test]
fn a_job_that_somebody_deletes_is_not_waited_for() {
    let api = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello());
        pause(world, 3);
        let job = &world.all(Kind::Job)[0];
        world.remove(Kind::Job, job["metadata"]["name"].as_str().unwrap());
    });
    let told = staged(&api);
    assert!(told.failure().0.ends_with("was deleted while it staged"), "{}", told.text);
}

#[test]
fn of_two_pods_of_a_job_the_firsts_result_counts_alone() {
    let api = cluster(|pod, world| {
        pod.scheduled();
        pod.runs("stage").says("stage", &hello()).says("stage", &line("of the first"));
        pause(world, 2);
        let job = &world.all(Kind::Job)[0];
        let second = world.start_pod(job["metadata"]["name"].as_str().unwrap());
        second.scheduled();
        second
            .runs("stage")
            .says("stage", &hello())
            .says("stage", &line("of the second"))
            .says("stage", &done())
            .ends("stage", 0, "");
        publishes(&second, "0b");
        pause(world, 2);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    assert!(told.text.contains(&digest("0a")) && !told.text.contains(&digest("0b")), "{}", told.text);
    assert!(!told.text.contains("of the second"), "{}", told.text);
}

#[test]
fn where_the_first_pod_is_gone_the_second_is_heard_and_its_result_counts() {
    let api = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("of the first"));
        pause(world, 3);
        let job = &world.all(Kind::Job)[0];
        let second = world.start_pod(job["metadata"]["name"].as_str().unwrap());
        pod.gone();
        second.scheduled();
        stages(&second);
        publishes(&second, "0b");
    });
    let told = staged(&api);
    told.succeeded();
    assert_eq!(told.said("the Job stages again"), 1, "{}", told.text);
    assert!(told.text.contains(&digest("0b")), "{}", told.text);
}

#[test]
fn a_lost_answer_to_the_jobs_creation_makes_no_second_and_anothers_job_is_not_taken() {
    let api = cluster(|pod, _| {
        pod.scheduled();
        stages(pod);
        publishes(pod, "0a");
    });
    api.next(1, "create", "jobs", Fault::Deaf);
    api.next(1, "create", "secrets", Fault::Deaf);
    staged(&api).succeeded();
    assert_eq!((api.count("create", "jobs"), api.all(Kind::Job).len()), (2, 1));

    let taken = Apiserver::start();
    let mut other = api.all(Kind::Job).remove(0);
    other["metadata"]["labels"]["stager/instance"] = "another".into();
    taken.add(Kind::Job, other);
    let told = staged(&taken);
    assert_eq!((taken.all(Kind::Job).len(), taken.count("delete", "jobs")), (1, 0), "it stays, and is another's");
    assert!(told.failure().0.contains("already exists"), "{}", told.text);
}

#[test]
fn what_others_have_made_under_our_names_is_not_taken_for_ours() {
    let requests = Arc::<Mutex<Vec<Value>>>::default();
    let seen = Arc::clone(&requests);
    let api = cluster(move |pod, world| {
        // A pod with the Job's label, which says that it has published.
        let mut other = world.get(Kind::Pod, &pod.name).unwrap();
        other["metadata"] = json!({"name": "another", "labels": other["metadata"]["labels"]});
        world.add(Kind::Pod, other);
        publishes(&world.pod("another"), "0b");
        pod.scheduled();
        pause(world, 12);
        let request = world.all(Kind::Secret).into_iter().find(|secret| secret["data"]["request.json"].is_string());
        seen.lock().unwrap().push(request.unwrap()["data"]["request.json"].clone());
        stages(pod);
        publishes(pod, "0a");
    });
    let first = staged(&api);
    first.succeeded();
    assert!(first.text.contains(&digest("0a")) && !first.text.contains(&digest("0b")), "{}", first.text);

    // The name of the Job's Secret is known before, where the same is staged again.
    let job = api.all(Kind::Job).remove(0)["metadata"]["name"].as_str().unwrap().to_owned();
    api.remove(Kind::Job, &job);
    api.remove(Kind::Pod, "another");
    let other = json!({"metadata": {"name": format!("{job}-request")}, "data": {"request.json": "b3RoZXI="}});
    api.add(Kind::Secret, other);
    staged(&api).succeeded();
    let requests = requests.lock().unwrap();
    assert_eq!(requests[0], requests[1]);
}

#[test]
fn a_right_that_is_missing_is_named_and_the_job_goes() {
    for resource in ["jobs", "secrets"] {
        let api = cluster(|pod, _| {
            pod.scheduled();
        });
        api.next(1, "create", resource, Fault::Code(403));
        let told = staged(&api);
        let (text, advice) = told.failure();
        assert!(
            text.contains(&format!("cannot create resource \"{resource}\"")) && advice.contains("stage-role.yaml"),
            "{text}"
        );
        api.wait_until("nothing is left", |world| world.all(Kind::Job).is_empty());
    }
}

#[test]
fn a_right_to_see_pods_that_is_missing_is_named_soon() {
    for verb in ["list", "watch"] {
        let api = cluster(|pod, _| {
            pod.scheduled();
        });
        api.next(999, verb, "pods", Fault::Code(403));
        let told = staged(&api);
        assert!(told.failure().0.contains(&format!("cannot {verb} resource \"pods\"")), "{}", told.text);
        assert!(told.said("Waiting for the cluster") <= 1, "{}", told.text);
        nothing_is_left(&api);
    }
}

#[test]
fn a_cluster_that_forgets_throttles_and_fails_in_passing_changes_nothing() {
    let api = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it builds"));
        pause(world, 5);
        world.forget_history();
        pause(world, 5);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    api.next(1, "create", "jobs", Fault::Later(429, 1));
    api.next(1, "create", "secrets", Fault::Code(503));
    api.next(1, "list", "pods", Fault::Later(429, 1));
    api.next(1, "watch", "pods", Fault::Error(410));
    api.next(1, "watch", "pods", Fault::Code(500));
    api.next(1, "get", "pods/log", Fault::Code(500));
    api.next(1, "delete", "secrets", Fault::Code(500));
    let told = staged(&api);
    told.succeeded();
    assert!(api.all(Kind::Secret).is_empty());
}

#[test]
fn an_apiserver_that_is_away_for_a_while_is_outlived_and_one_that_stays_away_is_not() {
    let back = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("before"));
        pause(world, 5);
        world.away();
        pod.says("stage", &line("while")).says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
        pause(world, 6);
        world.back();
    });
    let told = staged(&back);
    told.succeeded();
    assert!(
        told.text.matches("\"while\"").count() == 1
            && told.said("Waiting for the cluster: the cluster does not answer (pods): ") == 1,
        "{}",
        told.text
    );

    let gone = cluster(|pod, world| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("before"));
        pause(world, 5);
        world.away();
    });
    let told = staged(&gone);
    assert!(told.failure().0.starts_with("the Job's pod has not been seen for "), "{}", told.text);
    assert_eq!(told.said("could not be deleted"), 1, "{}", told.text);
    assert!(told.took < Duration::from_secs(30));
}

#[test]
fn last_words_that_are_not_ours_name_no_image() {
    let api = cluster(|pod, _| {
        pod.scheduled();
        stages(pod);
        pod.runs("publish").says("publish", &hello()).says("publish", &done()).ends(
            "publish",
            0,
            "sha256:0a\u{1b}[31m",
        );
    });
    let told = staged(&api);
    assert!(told.failure().0.contains("does not say what it has published"), "{}", told.text);
}
