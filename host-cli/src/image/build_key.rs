//! What an app image is known by before it is made. Pure.

use super::config::AppImageConfig;
use super::sha256::sha256_of_bytes;

/// How layers are written; a change here makes images anew that would otherwise be taken as they are.
const LAYERS: &str = "4";

/// The digest of all that the image is made of: the config names base, lifecycle and droplet by their digests.
pub(super) fn build_key(newest: Option<u64>, config: &AppImageConfig<'_>) -> String {
    let mut text = format!("{LAYERS}\n{newest:?}\n{}\n", config.base.id.0).into_bytes();
    text.extend(config.config(&[]));
    sha256_of_bytes(&text)
}
