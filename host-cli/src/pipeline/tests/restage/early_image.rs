//! The image that is made while the agent still uploads: when it begins, when it is named, and when it goes again.

use super::*;

const BUILT: Event = Event::StepEnded { step: Step::Build, ms: 1 };

/// An agent that says that the builder has ended, and then does this.
fn built(fake: &Arc<Fake>, then: impl Fn(&Fake, Output<'_>) -> i64 + Send + 'static) {
    let of_script = Arc::clone(fake);
    fake.script(move |_, output| {
        hello(output);
        say(output, &BUILT);
        then(&of_script, output)
    });
}

/// Neither a container nor an image of ours.
fn nothing_is_left(fake: &Fake) {
    let state = fake.state();
    assert!(state.images.iter().all(|image| !image.labels.contains_key(labels::KIND)), "{:?}", state.images);
    assert!(state.containers.is_empty());
}

/// Waits until an image was loaded; the agent still runs then.
fn until_loaded(fake: &Fake) {
    let until = Instant::now() + Duration::from_secs(20);
    while fake.state().loaded.is_empty() {
        assert!(Instant::now() < until, "no image is made while the agent runs");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_image_is_made_while_the_agent_uploads_and_named_when_that_went_well() {
    let fake = engine();
    built(&fake, |of_script, output| {
        until_loaded(of_script);
        assert!(!of_script.verbs().contains(&"tag".to_owned()));
        say(output, &BUILT);
        0
    });
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let state = fake.state();
    assert_eq!((state.loaded.len(), state.images.last().unwrap().tags.len()), (1, 2));
}

#[test]
fn the_container_goes_while_the_engine_takes_the_image_in_unless_somebody_wants_to_look_into_it() {
    for (words, goes) in [("", true), ("--keep", false)] {
        let fake = engine();
        built(&fake, |_, _| 0);
        let of_load = Arc::clone(&fake);
        let was_gone = Arc::new(Mutex::new(None));
        let tells = Arc::clone(&was_gone);
        fake.state().while_loading = Some(Box::new(move || {
            let until = Instant::now() + Duration::from_secs(if goes { 20 } else { 1 });
            let is_there =
                || of_load.state().containers.values().any(|(_, spec)| spec.labels[labels::KIND] == "staging");
            while is_there() && Instant::now() < until {
                thread::sleep(Duration::from_millis(5));
            }
            *tells.lock().unwrap() = Some(!is_there());
        }));
        let walked = restaged(&fake, words);
        assert_eq!((walked.code, *was_gone.lock().unwrap()), (ExitCode::Success, Some(goes)), "{words}");
    }
}

#[test]
fn an_image_whose_droplet_could_not_be_uploaded_is_removed() {
    let fake = engine();
    built(&fake, |of_script, output| {
        until_loaded(of_script);
        say(output, &failed(6));
        6
    });
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Upload);
    nothing_is_left(&fake);
}

/// Restages, and gets a signal in the middle of what `begins` hears of; `made` containers are there until that has ended.
fn interrupted_while(begins: impl FnOnce(&Fake, Box<dyn FnOnce() + Send>), made: usize) {
    let fake = engine();
    let (sends, signals) = mpsc::channel::<Sender<Ended>>();
    built(&fake, |_, _| {
        thread::sleep(Duration::from_secs(3600));
        0
    });
    let signalled = Arc::clone(&fake);
    let happens = move || {
        let session: Sender<Ended> = signals.recv().unwrap();
        session.send(Ended::BySignal(signal_hook::consts::SIGINT)).unwrap();
        // Until the container is gone, or would be, if nobody waited.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(signalled.state().containers.len(), made, "the end waits for what is being made");
    };
    begins(&fake, Box::new(happens));
    let watch = move |session| sends.send(session).unwrap();
    let walked = restaged_by(&fake, "", watch, document(STAGER_2016, "taskDefinition", |_| {}));
    assert_eq!(walked.code, ExitCode::Interrupted);
    assert!(walked.said("waiting up to a minute for what is half made"), "{}", walked.text);
    nothing_is_left(&fake);
}

#[test]
fn a_signal_while_an_image_is_made_stops_that_and_leaves_none() {
    // With the image there is its guard.
    interrupted_while(|fake, happens| fake.state().while_loading = Some(happens), 2);
}

#[test]
fn a_signal_while_the_droplet_is_copied_out_waits_for_the_copy() {
    interrupted_while(|fake, happens| fake.state().while_copying = Some(happens), 1);
}

#[test]
fn a_request_that_builds_after_an_upload_gets_its_image_at_the_end() {
    let fake = engine();
    built(&fake, |of_script, _| {
        thread::sleep(Duration::from_millis(200));
        assert!(of_script.state().loaded.is_empty());
        0
    });
    let twice = document(STAGER_2016, "taskDefinition", |task| {
        let action = task["action"].clone();
        task["action"] = serde_json::json!({ "serial": { "actions": [action.clone(), action] } });
    });
    let walked = restaged_by(&fake, "", nobody, twice);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!(fake.state().loaded.len(), 1);
}
