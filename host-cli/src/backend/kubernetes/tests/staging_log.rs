//! What a staging in a cluster says, though its log breaks off or its node begins a new file: each line once, or a word that some are lost.

use super::staging::{cluster, done, hello, line, publishes, staged};
use super::staging_faults::pause;
use crate::backend::kubernetes::fake::Fault;

const LOST: &str = "(a part of the log was lost)";

#[test]
fn a_log_that_is_cut_off_is_shown_once_and_whole() {
    let api = cluster(|pod, world| {
        world.next(1, "get", "pods/log", Fault::Cut(1));
        world.next(1, "get", "pods/log", Fault::End(2));
        pod.scheduled().runs("stage").says("stage", &hello());
        for number in 0..5 {
            pod.says("stage", &line(&format!("line {number}")));
            pause(world, 1);
        }
        pause(world, 3);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    for number in 0..5 {
        assert_eq!(told.text.matches(&format!("line {number}")).count(), 1, "{}", told.text);
    }
}

#[test]
fn a_log_whose_node_has_begun_a_new_file_before_it_is_cut_off_shows_nothing_twice() {
    let api = cluster(|pod, world| {
        world.next(1, "get", "pods/log", Fault::Cut(4));
        pod.scheduled().runs("stage").says("stage", &hello());
        pod.says("stage", &line("line 1")).says("stage", &line("line 2"));
        pause(world, 4);
        pod.rotates("stage").says("stage", &line("line 3")).says("stage", &line("line 4"));
        pause(world, 4);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    for number in 1..5 {
        assert_eq!(told.text.matches(&format!("line {number}")).count(), 1, "{}", told.text);
    }
    assert!(!told.text.contains(LOST), "{}", told.text);
}

#[test]
fn a_log_whose_node_has_begun_a_new_file_while_it_was_not_heard_goes_on_and_says_what_may_be_lost() {
    let api = cluster(|pod, world| {
        world.next(1, "get", "pods/log", Fault::Cut(2));
        world.next(2, "get", "pods/log", Fault::Code(500));
        pod.scheduled().runs("stage").says("stage", &hello());
        pod.says("stage", &line("line 1")).says("stage", &line("line 2"));
        world.wait_until("it is asked for again", |world| world.count("get", "pods/log") > 2);
        pod.rotates("stage").says("stage", &line("line 3"));
        pause(world, 4);
        pod.says("stage", &done()).ends("stage", 0, "");
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    for text in ["line 1", "line 3", LOST] {
        assert_eq!(told.text.matches(text).count(), 1, "{text}: {}", told.text);
    }
}
