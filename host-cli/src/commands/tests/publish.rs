//! What goes with `--publish` and what does not, before anybody is asked.

use crate::arguments::Command;
use crate::arguments::invocation::Invocation;
use crate::commands::publish_options::{check_engines_image, check_image, check_restage};
use crate::failure::Failure;
use shared_model::exit_code::ExitCode;

/// The refusal, if it is one.
fn refused(words: &str) -> Option<Failure> {
    let words = ["host-cli"].into_iter().chain(words.split_whitespace()).map(Into::into);
    let checked = match Invocation::read(words).unwrap().command {
        Command::Restage(command) => check_restage(&command),
        Command::Image(command) if command.publish.is_some() => check_image(&command),
        Command::Image(command) => check_engines_image(&command),
        other => panic!("{other:?}"),
    };
    checked.err()
}

#[test]
fn what_is_for_an_image_on_the_engine_does_not_go_with_publish() {
    let image = "image --droplet d --lifecycle l --base oci:dir:1";
    for (words, text) in [
        (format!("{image} --publish r.io/a --push r.io/a"), "--push and --publish cannot go together"),
        (format!("{image} --publish r.io/a --name a"), "--name is for an image on the engine"),
        (format!("{image} --publish r.io/a --image-by oci"), "--image-by is for an image on the engine"),
        (format!("{image} --publish r.io/a --keep-images 3"), "--keep-images is for images on the engine"),
        (format!("{image} --name a"), "--base oci:DIR is for --publish"),
        (
            "image --droplet d --lifecycle l --base a --name a --ca c".to_owned(),
            "--ca is for the registry of --publish or --push",
        ),
        (
            "image --droplet d --lifecycle l --base a --name a --push r.io/a --push-by engine --ca c".to_owned(),
            "--ca is for the registry of --publish or --push",
        ),
        ("restage --push-by engine".to_owned(), "--push-by says who pushes"),
        ("restage --publish r.io/a --push r.io/a".to_owned(), "--push and --publish cannot go together"),
        ("restage --publish r.io/a --no-image".to_owned(), "--publish wants an image"),
        ("restage --publish r.io/a --image-by load".to_owned(), "--image-by is for an image on the engine"),
        ("restage --publish r.io/a --keep-images 3".to_owned(), "--keep-images is for images on the engine"),
        ("restage --base oci:dir".to_owned(), "--base oci:DIR is for --publish"),
    ] {
        let refused = refused(&words).unwrap();
        assert_eq!(refused.code, ExitCode::CommandLine, "{words}");
        assert!(refused.text.starts_with(text), "{words}: {}", refused.text);
    }
    for words in [
        &format!("{image} --publish r.io/a --ca c --username me --password-stdin --image-by auto"),
        "image --droplet d --lifecycle l --base a --name a",
        "image --droplet d --lifecycle l --base a --name a --push r.io/a --ca c",
        "restage --push r.io/a --push-by engine",
        "restage --publish r.io/a --base oci:dir --ca c",
        "restage --base r.io/a --image-by load --keep-images 3",
    ] {
        assert_eq!(refused(words), None, "{words}");
    }
}
