//! What engines answer, as far as we read it. Models of our own: docker-api's demand fields that newer engines no
//! longer send.

mod container;
mod fields;
mod image;
mod version;

pub(super) use container::{ContainerDetails, ExecDetails, ListedContainer};
pub(super) use fields::{CreatedId, NamedResource, VolumeList};
pub(super) use image::{HistoryEntry, ImageConfigAsIs, ImageDocument, ListedImage, image_id};
pub(super) use version::VersionInfo;
