//! The server is asked as plain HTTP has it, without the client that it is for.

use super::{Apiserver, Fault, Kind};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const JOBS: &str = "/apis/batch/v1/namespaces/apps/jobs";
const PODS: &str = "/api/v1/namespaces/apps/pods";

fn job(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"stager/kind": "staging"}}, "spec": {"template": {
        "metadata": {"labels": {"stager/kind": "staging"}},
        "spec": {"initContainers": [{"name": "stage"}], "containers": [{"name": "publish"}]}}}})
}

/// Sends a request; what comes back is read line by line.
fn send(api: &Apiserver, method: &str, path: &str, body: &Value) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(api.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    BufReader::new(stream)
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// The code, the head and the start of the body up to its length.
fn ask(api: &Apiserver, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
    let mut reader = send(api, method, path, body);
    let code = line(&mut reader).split(' ').nth(1).unwrap().parse().unwrap();
    let head: Vec<String> = std::iter::from_fn(|| Some(line(&mut reader)).filter(|line| !line.is_empty())).collect();
    let length = head.iter().find_map(|header| header.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (code, head.join("\n"), serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8(body).unwrap().into()))
}

fn get(api: &Apiserver, path: &str) -> (u16, Value) {
    let (code, _, body) = ask(api, "GET", path, &Value::Null);
    (code, body)
}

/// The lines of a stream without its chunks' lengths, as they come.
fn lines(reader: BufReader<TcpStream>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let is_of_head = |line: &io::Result<String>| line.as_ref().is_ok_and(|line| !line.is_empty());
        for line in reader.lines().skip_while(is_of_head).map_while(Result::ok) {
            let is_length = line.len() < 5;
            if !is_length && sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn next(lines: &mpsc::Receiver<String>) -> String {
    lines.recv_timeout(Duration::from_secs(5)).unwrap()
}

#[test]
fn objects_are_made_read_listed_changed_and_deleted_and_the_same_name_twice_is_409() {
    let api = Apiserver::start();
    let (code, _, made) = ask(&api, "POST", JOBS, &job("a"));
    assert_eq!((code, &made["kind"], &made["metadata"]["namespace"]), (201, &json!("Job"), &json!("apps")));
    assert!(made["metadata"]["uid"].is_string() && made["metadata"]["resourceVersion"] == "1");
    let (code, _, said) = ask(&api, "POST", JOBS, &job("a"));
    assert_eq!((code, said["message"].as_str()), (409, Some("jobs.batch \"a\" already exists")));

    ask(&api, "POST", JOBS, &job("b"));
    let (_, list) = get(&api, &format!("{JOBS}?labelSelector=stager%2Fkind%3Dstaging&fieldSelector=metadata.name%3Db"));
    assert_eq!((list["items"].as_array().unwrap().len(), &list["kind"]), (1, &json!("JobList")));
    let (code, _, applied) = ask(&api, "PATCH", &format!("{JOBS}/a?fieldManager=x"), &json!({"spec": {"x": 1}}));
    assert_eq!((code, &applied["spec"]["x"]), (200, &json!(1)));
    assert!(applied["spec"]["template"].is_object());
    assert_eq!(ask(&api, "PATCH", &format!("{JOBS}/c?fieldManager=x"), &job("c")).0, 201);
    assert_eq!(ask(&api, "DELETE", &format!("{JOBS}/b"), &Value::Null).0, 200);
    assert_eq!(get(&api, &format!("{JOBS}/b")).0, 404);
    assert_eq!(get(&api, "/api/v1/namespaces/apps/unheard-of").0, 404);

    assert_eq!((api.count("create", "jobs"), api.count("patch", "jobs")), (3, 2), "{:#?}", api.asked());
    assert!(api.asked().iter().all(|asked| asked.received > 0 && asked.sent > 0));
    let first = &api.asked()[0];
    assert_eq!((first.path.as_str(), first.name.as_str(), &first.body["metadata"]["name"]), (JOBS, "", &json!("a")));
}

#[test]
fn what_an_object_owns_goes_with_it_and_a_deletion_in_the_foreground_waits_for_the_test() {
    let api = Apiserver::start();
    let made = api.add(Kind::Job, job("a"));
    let owner = json!([{"uid": made["metadata"]["uid"]}]);
    api.add(Kind::Secret, json!({"metadata": {"name": "s", "ownerReferences": owner}}));
    api.whenever_deleted(Kind::Job, |world, job| {
        assert_eq!(job["metadata"]["finalizers"][0], "foregroundDeletion");
        world.remove(Kind::Job, "a");
    });
    ask(&api, "DELETE", &format!("{JOBS}/a"), &json!({"propagationPolicy": "Foreground"}));
    api.wait_until("the Secret is gone", |world| world.get(Kind::Secret, "s").is_none());
}

#[test]
fn a_watch_tells_what_happened_since_and_what_happens_and_the_forgotten_is_410() {
    let api = Apiserver::start();
    api.add(Kind::Job, job("a"));
    let pod = api.start_pod("a");
    let watching = lines(send(
        &api,
        "GET",
        &format!("{PODS}?watch=true&resourceVersion=1&labelSelector=job-name%3Da"),
        &Value::Null,
    ));
    assert!(next(&watching).starts_with("{\"object\":") && api.following() == 1);
    pod.scheduled();
    assert!(next(&watching).contains("\"nodeName\":\"node1\""));
    pod.gone();
    assert!(std::iter::from_fn(|| Some(next(&watching))).any(|line| line.contains("\"type\":\"DELETED\"")));
    drop(watching);

    api.forget_history();
    let watching = lines(send(&api, "GET", &format!("{PODS}?watch=true&resourceVersion=1"), &Value::Null));
    let said: Value = serde_json::from_str(&next(&watching)).unwrap();
    assert_eq!((&said["type"], &said["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[test]
fn a_log_is_refused_before_its_container_runs_and_followed_to_its_end() {
    let api = Apiserver::start();
    api.whenever_made(Kind::Job, |world, _| {
        world.start_pod("a").scheduled().event("Scheduled", "to node1");
    });
    ask(&api, "POST", JOBS, &job("a"));
    api.wait_until("it is scheduled", |world| !world.all(Kind::Event).is_empty());
    let pod = api.pod("a-pod0");
    let path = format!("{PODS}/{}/log?container=stage", pod.name);
    let (code, said) = get(&api, &path);
    assert!(code == 400 && said["message"].as_str().unwrap().ends_with("is waiting to start: PodInitializing"));
    pod.runs("stage").says("stage", "first line");
    let following = lines(send(&api, "GET", &format!("{path}&follow=true&timestamps=true"), &Value::Null));
    assert_eq!(next(&following), "2026-11-30T12:00:00.000000000Z first line");
    pod.says("stage", "second line").ends("stage", 222, "");
    assert_eq!(next(&following), "2026-11-30T12:00:00.001000000Z second line");
    assert!(following.recv_timeout(Duration::from_secs(5)).is_err());
    assert_eq!(get(&api, &format!("{path}&tailLines=1")).1, "second line\n");
    assert_eq!(api.get(Kind::Pod, &pod.name).unwrap()["status"]["phase"], "Failed");
    api.wait_until("nobody follows", |world| world.following() == 0);
}

#[test]
fn what_a_test_wants_to_go_wrong_does_so_many_times() {
    let api = Apiserver::start();
    api.next(1, "list", "jobs", Fault::Code(403));
    api.next(1, "list", "jobs", Fault::Later(429, 3));
    let (code, said) = get(&api, JOBS);
    let words = "jobs.batch is forbidden: User \"stage-only\" cannot list resource \"jobs\" in API group \"batch\" in the namespace \"apps\"";
    assert_eq!((code, said["message"].as_str()), (403, Some(words)));
    let (code, head, _) = ask(&api, "GET", JOBS, &Value::Null);
    assert!(code == 429 && head.contains("retry-after: 3"), "{head}");
    assert_eq!(get(&api, JOBS).0, 200);

    api.next(1, "create", "jobs", Fault::Deaf);
    assert_eq!(line(&mut send(&api, "POST", JOBS, &job("deaf"))), "");
    assert!(api.get(Kind::Job, "deaf").is_some());
    api.next(1, "get", "jobs", Fault::Raw("SSH-2.0-x\r\n"));
    assert_eq!(line(&mut send(&api, "GET", &format!("{JOBS}/deaf"), &Value::Null)), "SSH-2.0-x");
    api.next(1, "get", "jobs", Fault::Slow(Duration::from_millis(1)));
    let began = Instant::now();
    assert_eq!(get(&api, &format!("{JOBS}/deaf")).0, 200);
    assert!(began.elapsed() > Duration::from_millis(200));
    api.next(1, "get", "jobs", Fault::Hang);
    let mut hanging = send(&api, "GET", &format!("{JOBS}/deaf"), &Value::Null);
    hanging.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(hanging.read(&mut [0]).is_err());
}

#[test]
fn streams_are_cut_off_fall_silent_and_end_too_early() {
    let api = Apiserver::start();
    api.add(Kind::Job, job("a"));
    let pod = api.start_pod("a");
    pod.scheduled().runs("stage").says("stage", "first line").says("stage", "second line");
    let path = format!("{PODS}/{}/log?container=stage&follow=true", pod.name);
    let read = |fault: Fault, patience: u64| {
        api.next(1, "get", "pods/log", fault);
        let mut reader = send(&api, "GET", &path, &Value::Null);
        reader.get_ref().set_read_timeout(Some(Duration::from_millis(patience))).unwrap();
        let mut bytes = Vec::new();
        let is_ended = reader.read_to_end(&mut bytes).is_ok();
        (is_ended, String::from_utf8(bytes).unwrap().split_once("\r\n\r\n").unwrap().1.to_owned())
    };
    assert_eq!(read(Fault::Cut(1), 5000), (true, "b\r\nfirst line\n\r\nc\r\nsecond".to_owned()));
    assert_eq!(read(Fault::Silent(1), 300), (false, "b\r\nfirst line\n\r\n".to_owned()));
    let (is_ended, said) = read(Fault::End(1), 300);
    assert!(is_ended || said.ends_with("0\r\n\r\n"), "{said}");

    api.next(1, "watch", "pods", Fault::Error(410));
    let watching = lines(send(&api, "GET", &format!("{PODS}?watch=true"), &Value::Null));
    assert!(next(&watching).contains("\"code\":410"));
}

#[test]
fn while_it_is_away_nobody_is_answered_and_who_follows_is_cut_off() {
    let api = Apiserver::start();
    api.add(Kind::Job, job("a"));
    let watching = lines(send(&api, "GET", &format!("{JOBS}?watch=true"), &Value::Null));
    next(&watching);
    api.away();
    assert!(watching.recv_timeout(Duration::from_secs(5)).is_err());
    let stream = TcpStream::connect(api.url().trim_start_matches("http://"));
    assert!(stream.is_err() || !stream.unwrap().read(&mut [0]).is_ok_and(|read| read > 0));
    api.back();
    assert_eq!(get(&api, &format!("{JOBS}/a")).0, 200);
}

#[test]
fn a_pod_goes_through_what_a_cluster_puts_it_through() {
    let api = Apiserver::start();
    api.add(Kind::Job, job("a"));
    let pod = api.start_pod("a");
    let seen = |pointer: &str| api.get(Kind::Pod, &pod.name).unwrap().pointer(pointer).cloned().unwrap_or_default();
    pod.unschedulable("0/2 nodes are available");
    assert_eq!(
        (seen("/status/phase"), seen("/status/conditions/0/reason")),
        (json!("Pending"), json!("Unschedulable"))
    );
    let event = &api.all(Kind::Event)[0];
    assert_eq!((&event["reason"], &event["involvedObject"]["uid"]), (&json!("FailedScheduling"), &json!(pod.uid())));

    pod.scheduled().waits("stage", "ErrImagePull", "not there").event("Failed", "not there");
    assert_eq!(seen("/status/conditions/0/status"), "True");
    assert_eq!(seen("/status/initContainerStatuses/0/state/waiting/reason"), "ErrImagePull");
    pod.runs("stage").ends("stage", 0, "").runs("publish");
    assert_eq!(seen("/status/phase"), "Running");
    pod.out_of_memory("publish");
    assert_eq!(
        seen("/status/containerStatuses/0/state/terminated"),
        json!({"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-30T12:00:09Z"})
    );

    let other = api.start_pod("a");
    other.scheduled().evicted("low on memory");
    assert!(other.uid() != pod.uid() && api.get(Kind::Pod, &other.name).unwrap()["status"]["reason"] == "Evicted");
    api.fail_job("a", "DeadlineExceeded", "too long");
    assert_eq!(api.get(Kind::Job, "a").unwrap()["status"]["conditions"][0]["type"], "Failed");
    let config: Value = serde_json::from_str(&api.kubeconfig()).unwrap();
    assert_eq!(config["clusters"][0]["cluster"]["server"], api.url());
}
