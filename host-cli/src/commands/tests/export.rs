//! `export` against the recording engine: what it says, and what a refusal ends with.

use crate::commands::export::export;
use crate::engine::fake::Fake;
use crate::image::export::Target;
use crate::labels;
use crate::recorded_run::{nobody, walked};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

#[test]
fn an_engine_that_refuses_or_gives_something_else_ends_it_with_nothing_written() {
    for (refused, code, words) in
        [(Some("no such layer"), ExitCode::Engine, "no such layer"), (None, ExitCode::Image, "does not hold")]
    {
        let fake = Arc::new(Fake::with_image("x"));
        let id = fake.add_image("cf-app/a-1:droplet-0", &[(labels::KIND, labels::KIND_APP)]);
        fake.state().images.last_mut().unwrap().tags.push("cf-app/a-1:latest".to_owned());
        if let Some(refused) = refused {
            fake.refuse("save", refused);
        }
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Droplet(folder.path().join("droplet.tgz"));
        let walked = walked(&fake, nobody, move |session| {
            let image = session.engine.image(&id.0)?.unwrap();
            export(session, &image, Some("cf-app/a-1"), &target)
        });
        assert_eq!((walked.code, walked.failure().contains(words)), (code, true), "{}", walked.text);
        let of_user = |event: &Event| matches!(event, Event::Exporting { image, .. } if image == "cf-app/a-1:latest");
        assert!(walked.events.iter().any(of_user), "{}", walked.text);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
