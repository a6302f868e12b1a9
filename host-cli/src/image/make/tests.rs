use super::super::samples::{Sample, as_file};
use super::*;
use crate::engine::fake::Fake;
use std::sync::Mutex;

#[derive(Default)]
struct Said(Mutex<Vec<Event>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn order(droplet: &[u8]) -> ImageOrder<'static> {
    ImageOrder {
        droplet: as_file(droplet),
        lifecycle: Lifecycle::Programs(vec![("launcher".into(), as_file(b"l"))]),
        base: "rootfs:x",
        names: Names::OfApp { name: "my app", guid: "18c50a86-f6e8-4f9e-9e0a-8a3c4f3b2f1d" },
        labels: [("stager.app-name".to_owned(), "my app".to_owned())].into(),
        result: String::new(),
    }
}

/// Name and content of the context's entries.
fn context_of(fake: &Fake) -> Vec<(String, Vec<u8>)> {
    let context = fake.state().built.last().unwrap().0.clone();
    let mut archive = tar::Archive::new(&*context);
    let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    archive.entries().unwrap().map(entry).collect()
}

#[test]
fn an_image_is_built_from_dockerfile_and_layers_under_the_apps_names() {
    let fake = Fake::with_image("rootfs:x");
    let made = make(&fake, order(&Sample::droplet().tgz()), &Said::default()).unwrap();
    assert!(made.name.starts_with("cf-app/my-app-18c50a86:droplet-"), "{}", made.name);
    let context = context_of(&fake);
    let names: Vec<&str> = context.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Dockerfile", "lifecycle.tar", "droplet.tar"]);
    let dockerfile = String::from_utf8(context[0].1.clone()).unwrap();
    let base = fake.image("rootfs:x").unwrap().unwrap().id.0;
    assert!(dockerfile.starts_with(&format!("FROM {base}\n")), "{dockerfile}");
    for label in ["stager.droplet=\"", "stager.lifecycle=\"", "stager.recipe=\"", "stager.app-name=\"my app\""] {
        assert!(dockerfile.contains(label), "{label}: {dockerfile}");
    }
    assert!(context[2].1.len().is_multiple_of(512));
    assert_eq!(fake.state().built[0].1.tags.len(), 2);
}

#[test]
fn an_image_of_the_same_recipe_is_only_named_again() {
    let fake = Fake::with_image("rootfs:x");
    let droplet = Sample::droplet().tgz();
    make(&fake, order(&droplet), &Said::default()).unwrap();
    let recipe = String::from_utf8(context_of(&fake)[0].1.clone()).unwrap();
    let recipe = recipe.split("stager.recipe=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for image in &mut fake.state().images {
        if image.tags.len() == 2 {
            image.labels.insert("stager.recipe".into(), recipe.clone());
        }
    }
    let said = Said::default();
    make(&fake, order(&droplet), &said).unwrap();
    assert_eq!(fake.state().built.len(), 1);
    assert!(fake.calls().iter().any(|call| call.starts_with("tag ") && call.ends_with(":latest")));
    assert!(matches!(&said.0.lock().unwrap()[..], [Event::Note { .. }]));
    let other = Sample::droplet().file("./app/more", b"", 0o644).tgz();
    make(&fake, order(&other), &Said::default()).unwrap();
    assert_eq!(fake.state().built.len(), 2);
}

#[test]
fn an_image_that_loses_its_last_name_goes() {
    let fake = Fake::with_image("rootfs:x");
    let old = fake.add_image("mine:latest", &[("stager.kind", "app")]);
    let names = ["mine".to_owned()];
    let order = ImageOrder { names: Names::Given(&names), ..order(&Sample::droplet().tgz()) };
    make(&fake, order, &Said::default()).unwrap();
    assert!(fake.state().images.iter().all(|image| image.id != old));
}

#[test]
fn what_is_missing_or_empty_or_wrong_is_said_before_anything_is_built() {
    let fake = Fake::with_image("rootfs:x");
    let good = Sample::droplet().tgz();
    let error = |order| make(&fake, order, &Said::default()).unwrap_err().to_string();
    assert_eq!(error(order(b"")), "the droplet is empty");
    assert!(error(order(b"nonsense")).starts_with("the droplet is corrupt"));
    assert_eq!(error(ImageOrder { base: "none:y", ..order(&good) }), "the root file system none:y is not here");
    let names = ["Not A Name".to_owned()];
    assert!(error(ImageOrder { names: Names::Given(&names), ..order(&good) }).contains("`Not A Name` is no name"));
    let lifecycle = Lifecycle::Programs(Vec::new());
    assert!(error(ImageOrder { lifecycle, ..order(&good) }).contains("launcher"));
    assert!(fake.state().built.is_empty());
}

#[test]
fn a_base_with_variables_of_its_own_is_warned_of_without_their_values() {
    let fake = Fake::with_image("rootfs:x");
    fake.state().images[0].variables = vec!["PATH".into(), "TOKEN".into()];
    let said = Said::default();
    let order = ImageOrder { result: "broken".into(), ..order(&Sample::droplet().tgz()) };
    make(&fake, order, &said).unwrap();
    let said = said.0.into_inner().unwrap();
    assert_eq!(said.len(), 2);
    assert!(matches!(&said[0], Event::Warning { text } if text.contains("sets TOKEN;")), "{said:?}");
}
