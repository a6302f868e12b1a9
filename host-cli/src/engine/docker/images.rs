//! Images that the engine has, and their names.

use super::Docker;
use super::api_client::ApiClient;
use super::models::{HistoryEntry, ImageDocument, ListedImage, image_id};
use super::paths::{image_path, label_filter};
use super::refusal::{self, one_line};
use crate::engine::{EngineError, Image, ImageId, Images};
use crate::labels;
use crate::state_folder;
use containers_api::conn::hyper::StatusCode;
use containers_api::url::encoded_pairs;
use docker_api::opts::TagOpts;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// The most images that one removal walks down through; a build of ours makes about ten.
const DEEPEST: usize = 50;

/// How often a list is asked for whose images come and go, and how long between two times.
const MOST_LISTINGS: usize = 20;
const BEFORE_NEXT_LISTING: Duration = Duration::from_millis(100);

/// Whose images without a name are nobody's any more.
const REMOVABLE: [&str; 2] = [labels::KIND_APP, labels::KIND_STAGER];

impl Images for Docker {
    fn records(&self) -> Option<PathBuf> {
        state_folder::of_engine(&self.about().ok()?.identity)
    }

    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        Ok(self.block_on(details(&self.api, reference))?.map(Image::from))
    }

    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError> {
        let Some(path) = image_path(&image.0) else { return Ok(None) };
        let path = format!("{path}/history");
        let asked = self.api.find_json::<Vec<HistoryEntry>>(&path, "asking how an image was made");
        let found = self.block_on(asked)?;
        Ok(found.map(|entries| entries.into_iter().rev().map(|entry| entry.created_by).collect()))
    }

    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError> {
        let listed = self.block_on(listed(&self.api, label_filter(label, value)))?;
        let mut images: Vec<Image> = listed.into_iter().map(Image::from).collect();
        // To Podman a label without a value means every value.
        images.retain(|one| one.labels.get(label).is_some_and(|found| found == value));
        images.sort_by_key(|image| std::cmp::Reverse(image.created));
        Ok(images)
    }

    fn dangling_images(&self) -> Result<Vec<Image>, EngineError> {
        let filters = serde_json::json!({ "dangling": ["true"], "label": [labels::KIND] }).to_string();
        let mut listed = self.block_on(listed(&self.api, filters))?;
        listed.retain(|one| !one.has_digests());
        let mut images: Vec<Image> = listed.into_iter().map(Image::from).collect();
        images.retain(|one| one.tags.is_empty() && one.labels.contains_key(labels::KIND));
        Ok(images)
    }

    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError> {
        let doing = format!("naming an image {}", one_line(name));
        let after_slash = name.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match name[after_slash..].rfind(':') {
            Some(colon) => (&name[..after_slash + colon], &name[after_slash + colon + 1..]),
            None => (name, "latest"),
        };
        let options = TagOpts::builder().repo(repository).tag(tag).build();
        let image = self.api.docker.images().get(image.0.as_str());
        self.block_on(image.tag(&options)).map_err(|error| self.api.error(&doing, error))
    }

    fn untag(&self, name: &str) -> Result<(), EngineError> {
        let Some(path) = image_path(name) else { return Ok(()) };
        match self.block_on(self.api.client.delete(self.api.endpoint(&format!("{path}?noprune=1")))) {
            Err(error) if !refusal::is_missing(&error) => {
                Err(self.api.error(&format!("taking the name {} from an image", one_line(name)), error))
            }
            _ => Ok(()),
        }
    }

    fn remove_dangling(&self, image: &ImageId) -> Result<(), EngineError> {
        self.block_on(remove_dangling(&self.api, image))
    }
}

async fn details(api: &ApiClient, reference: &str) -> Result<Option<ImageDocument>, EngineError> {
    let Some(path) = image_path(reference) else { return Ok(None) };
    let doing = format!("looking for the image {reference}");
    match api.client.get(api.endpoint(&format!("{path}/json"))).await {
        Ok(answer) => api.read_json(answer, &doing).await.map(Some),
        Err(error) if refusal::is_missing(&error) => Ok(None),
        Err(docker_api::Error::Fault { code, message }) if code == StatusCode::BAD_REQUEST || no_name(&message) => {
            Err(EngineError::InvalidReference { doing, reason: one_line(&message) })
        }
        Err(error) => Err(api.error(&doing, error)),
    }
}

/// Whether these are Podman's words, beside its 500, for a name that no image can have.
fn no_name(message: &str) -> bool {
    message.starts_with("normalizing image: ")
}

/// What the engine lists. With containerd's store it reads each image that it has, and where one goes meanwhile it refuses
/// the whole list, although that image need not be on it.
async fn listed(api: &ApiClient, filters: String) -> Result<Vec<ListedImage>, EngineError> {
    const DOING: &str = "listing images";
    let path = format!("/images/json?{}", encoded_pairs([("filters", filters)]));
    let mut tried = 1;
    loop {
        match api.client.get(api.endpoint(&path)).await {
            Ok(answer) => return api.read_json(answer, DOING).await,
            Err(error) if tried < MOST_LISTINGS && refusal::names_what_is_gone(&error) => {
                tried += 1;
                sleep(BEFORE_NEXT_LISTING).await;
            }
            Err(error) => return Err(api.error(DOING, error)),
        }
    }
}

/// Removes the image and what lies under it, as long as that is ours, has no name, and nothing uses it.
pub(super) async fn remove_dangling(api: &ApiClient, image: &ImageId) -> Result<(), EngineError> {
    let mut next = image.0.clone();
    for _ in 0..DEEPEST {
        let Some(found) = details(api, &next).await? else { return Ok(()) };
        let (parent, digests) = (image_id(found.parent.clone()).0, found.repo_digests.clone());
        let found = Image::from(found);
        let ours = found.labels.get(labels::KIND).is_some_and(|kind| REMOVABLE.contains(&kind.as_str()));
        if !ours || !found.tags.is_empty() {
            return Ok(());
        }
        if !remove_one(api, &found.id.0).await? && !remove_by_digests(api, &digests).await? {
            return Ok(());
        }
        next = parent;
    }
    Ok(())
}

/// An image that was pushed to several repositories has a digest in each, and goes with the last of them. False: it is in
/// use, or has none.
async fn remove_by_digests(api: &ApiClient, digests: &[String]) -> Result<bool, EngineError> {
    let mut gone = false;
    for digest in digests {
        gone = remove_one(api, digest).await?;
    }
    Ok(gone)
}

/// False: it is in use.
async fn remove_one(api: &ApiClient, image: &str) -> Result<bool, EngineError> {
    let Some(path) = image_path(image) else { return Ok(false) };
    // `noprune`: what lies under it is looked at by ourselves, since it may be somebody else's.
    match api.client.delete(api.endpoint(&format!("{path}?noprune=1"))).await {
        Ok(_) => Ok(true),
        Err(docker_api::Error::Fault { code: StatusCode::CONFLICT | StatusCode::NOT_FOUND, .. }) => Ok(false),
        Err(error) => Err(api.error("removing an image that has no name any more", error)),
    }
}
