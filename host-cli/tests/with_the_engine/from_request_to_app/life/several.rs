//! Several who do something to one app at once.

use super::{Life, answer};
use crate::said::Said;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

#[test]
fn of_several_at_once_none_leaves_half_of_what_it_wanted() {
    let life = Life::of("several", "hello-procfile", &[]);
    // Together; and each when the one before it is under way.
    for between in [Duration::ZERO, Duration::from_millis(150)] {
        life.started("launch", &["--instances", "2"]);
        let orders: [(&str, &[&str]); 4] = [
            ("scale", &["-i", "3"]),
            ("launch", &["--instances", "1"]),
            ("delete", &["-f"]),
            ("launch", &["--instances", "3"]),
        ];
        let started = orders.map(|(verb, options)| {
            let child = begin(&life, verb, options);
            thread::sleep(between);
            (verb, child)
        });
        for (verb, child) in started {
            let said = Said::from(child.wait_with_output().unwrap());
            let is_gone = verb == "scale" && said.err.contains("several\" does not run");
            assert!(matches!(said.code, Some(0 | 8)) || is_gone, "{verb}: {:?} {}{}", said.code, said.out, said.err);
        }
        agree(&life);
    }
}

fn begin(life: &Life, verb: &str, options: &[&str]) -> Child {
    life.typing(verb, options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What is remembered is what runs; or the app is gone, with all of it.
#[track_caller]
fn agree(life: &Life) {
    if life.file().is_none() {
        assert_eq!(life.app.containers("app"), Vec::<String>::new(), "nothing is remembered of what is there");
        return;
    }
    let row = life.row();
    let web = &row["processes"][0];
    let wanted = web["wanted"].as_u64().unwrap();
    assert_eq!((web["running"].as_u64(), life.running(None).len() as u64), (Some(wanted), wanted), "{row}");
    let indices: Vec<u64> =
        web["instances"].as_array().unwrap().iter().filter_map(|one| one["index"].as_u64()).collect();
    assert_eq!(indices, (0..wanted).collect::<Vec<u64>>(), "{row}");
    for route in row["routes"].as_array().unwrap() {
        assert_eq!(answer(route.as_str().unwrap(), "/").as_deref(), Some("hello\n"), "{row}");
    }
}
