use super::*;

fn check(json: &str) -> Option<HealthCheck> {
    let lrp: DesiredLrp = serde_json::from_str(json).unwrap();
    health_check(&lrp, Duration::from_secs(60))
}

fn command(json: &str) -> Option<Vec<String>> {
    check(json).map(|check| check.command)
}

/// A monitor as Cloud Controller makes it, around these arguments of the lifecycle's program.
fn monitor(timeout: &str, arguments: &str) -> String {
    format!(
        r#"{{"monitor":{{"timeout":{{{timeout}"action":{{"parallel":{{"actions":[
            {{"run":{{"path":"/tmp/lifecycle/healthcheck","args":{arguments},"user":"vcap"}}}}]}}}}}}}}}}"#
    )
}

#[test]
fn the_monitors_run_is_the_check() {
    let check = check(&monitor("", r#"["-port=8080"]"#)).unwrap();
    assert_eq!(check.command, ["/tmp/lifecycle/healthcheck", "-port=8080"]);
    assert_eq!((check.ports, check.retries, check.start_period), (vec![8080], 1, Duration::from_secs(60)));
}

#[test]
fn several_checks_must_all_pass_and_are_quoted() {
    let json =
        r#"{"monitor":{"parallel":{"actions":[{"run":{"path":"/a b"}},{"run":{"path":"/c","args":["it's"]}}]}}}"#;
    assert_eq!(command(json).unwrap(), ["/bin/sh", "-c", r"'/a b' && '/c' 'it'\''s'"]);
    assert_eq!(check(json).unwrap().ports, [0; 0]);
}

#[test]
fn of_several_checks_of_a_docker_app_the_engine_gets_the_first_and_no_shell() {
    let json = r#"{"rootfs":"docker:///acme/distroless","check_definition":{"checks":[
        {"http_check":{"port":8080}},{"tcp_check":{"port":8081}},{"tcp_check":{"port":8082}}]}}"#;
    let found = check(json).unwrap();
    assert_eq!(found.command, ["/tmp/lifecycle/healthcheck", "-port=8080", "-uri=/"]);
    let beside: Vec<&str> = found.beside.iter().map(|command| command[1].as_str()).collect();
    assert_eq!((beside, &*found.ports), (vec!["-port=8081", "-port=8082"], &[8080, 8081, 8082][..]));
    let of_droplet = check(&json.replace("docker:///acme/distroless", "preloaded:cflinuxfs4")).unwrap();
    assert_eq!((of_droplet.command[0].as_str(), of_droplet.beside.len()), ("/bin/sh", 0));
}

#[test]
fn no_more_checks_are_made_than_any_request_has_and_how_many_are_not_is_known() {
    let several = |count: usize, one: &str| vec![one; count].join(",");
    let definition =
        |count| format!(r#"{{"check_definition":{{"checks":[{}]}}}}"#, several(count, r#"{"tcp_check":{"port":1}}"#));
    let monitor = |count| {
        format!(
            r#"{{"monitor":{{"parallel":{{"actions":[{}]}}}}}}"#,
            several(count, r#"{"run":{"path":"/healthcheck"}}"#)
        )
    };
    for json in [&definition as &dyn Fn(usize) -> String, &monitor] {
        let out = |count| left_out(&serde_json::from_str(&json(count)).unwrap());
        assert_eq!((out(0), out(32), out(5000)), (None, None, Some((4968, 5000))));
        let found = check(&json(5000)).unwrap();
        assert_eq!((found.ports.len(), found.command[2].split(" && ").count()), (32, 32));
        assert!(found.timeout < Duration::from_secs(400), "{:?}", found.timeout);
    }
}

#[test]
fn a_check_definition_comes_before_a_monitor() {
    let json = r#"{"monitor":{"run":{"path":"/tmp/lifecycle/healthcheck","args":["-port=1"]}},
        "check_definition":{"checks":[{"http_check":{"port":8080,"path":"/healthz"}}]}}"#;
    assert_eq!(command(json).unwrap(), ["/tmp/lifecycle/healthcheck", "-port=8080", "-uri=/healthz"]);
    let empty = json.replace(r#"{"http_check":{"port":8080,"path":"/healthz"}}"#, "");
    assert_eq!(command(&empty).unwrap()[1], "-port=1", "one without checks says nothing");
    assert_eq!(command("{}"), None);
    assert_eq!(command(r#"{"check_definition":{"checks":[]}}"#), None);
}

#[test]
fn a_check_definition_has_times_of_its_own() {
    let json = r#"{"check_definition":{"checks":[
        {"http_check":{"port":8080,"request_timeout_ms":20000,"interval_ms":40000}},
        {"tcp_check":{"port":8081,"connect_timeout_ms":1500,"interval_ms":5000}}]}}"#;
    let check = check(json).unwrap();
    let (first, second) = check.command[2].split_once(" && ").unwrap();
    assert!(first.ends_with("'-port=8080' '-timeout=20000ms' '-uri=/'"), "{first}");
    assert!(second.ends_with("'-port=8081' '-timeout=1500ms'"), "{second}");
    assert_eq!((&*check.ports, check.timeout), (&[8080, 8081][..], Duration::from_millis(23_500)));
    let interval = Duration::from_secs(5);
    assert_eq!((check.interval, check.only_interval), (interval, interval));
}

#[test]
fn without_an_interval_it_is_diegos_but_on_an_engine_that_would_show_a_healthy_app_as_starting_for_so_long() {
    let check = check(r#"{"check_definition":{"checks":[{"tcp_check":{"port":1,"interval_ms":0}}]}}"#).unwrap();
    assert_eq!((check.interval, check.only_interval), (Duration::from_secs(30), Duration::from_secs(10)));
    assert_eq!((check.command.len(), check.timeout), (2, LEAST_TIMEOUT));
}

#[test]
fn times_that_make_no_sense_are_bounded() {
    let json = r#"{"check_definition":{"checks":[{"tcp_check":
        {"port":70000,"connect_timeout_ms":18446744073709551615,"interval_ms":1}}]}}"#;
    let bounded = check(json).unwrap();
    assert_eq!((bounded.interval, bounded.timeout, bounded.ports), (LEAST_INTERVAL, LONGEST, vec![]));
    assert_eq!(bounded.command[2], "-timeout=3600000ms");
    for odd in ["-timeout=x", "-timeout=-5s", "-timeout"] {
        assert_eq!(check(&monitor("", &format!("[{odd:?}]"))).unwrap().timeout, LEAST_TIMEOUT, "{odd}");
    }
    assert_eq!(check(&monitor("", r#"["-timeout=9999999h"]"#)).unwrap().timeout, LONGEST);
}

#[test]
fn a_monitors_own_timeout_is_respected_and_so_is_the_one_around_it() {
    for (around, arguments, seconds) in [
        ("", r#"["-port=8080"]"#, 10),
        ("", r#"["-port=8080","-timeout=5s"]"#, 10),
        ("", r#"["-timeout=20s"]"#, 22),
        ("", r#"["--timeout","1m30s"]"#, 92),
        (r#""timeout_ms":30000,"#, r#"["-timeout=45s"]"#, 30),
        (r#""timeout":30000000000,"#, r#"["-timeout=15s"]"#, 17),
    ] {
        let check = check(&monitor(around, arguments)).unwrap();
        assert_eq!(check.timeout, Duration::from_secs(seconds), "{around} {arguments}");
    }
    let other = r#"{"monitor":{"timeout":{"timeout_ms":600000,"action":{"run":{"path":"/bin/mine"}}}}}"#;
    assert_eq!(check(other).unwrap().timeout, Duration::from_secs(600), "nobody else bounds it");
}

#[test]
fn where_the_app_must_listen_is_read_as_the_program_reads_it() {
    for (arguments, ports) in [
        ("[]", vec![8080]),
        (r#"["-port","1"]"#, vec![1]),
        (r#"["-port=1","--port=2","-uri=/"]"#, vec![2]),
        (r#"["-port=x"]"#, vec![]),
        (r#"["-uri","-port=9"]"#, vec![8080]),
        (r#"["-network=unix","-port=1"]"#, vec![]),
    ] {
        assert_eq!(check(&monitor("", arguments)).unwrap().ports, ports, "{arguments}");
    }
}
