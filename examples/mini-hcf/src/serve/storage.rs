//! What an upload URL of Cloud Controller means, and where the file goes.
//! Names from URLs get into paths here and nowhere else.

use crate::request::signature::blob_path;

/// What is uploaded, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Upload {
    /// A droplet, named by its app (2016).
    AppDroplet {
        /// The app's guid.
        app: String,
    },
    /// A droplet with a guid of its own (since v3).
    Droplet {
        /// The droplet's guid.
        guid: String,
    },
    /// The build artifacts cache of an app.
    BuildArtifacts {
        /// The app's guid.
        app: String,
        /// `None`: the app's stack.
        stack: Option<String>,
    },
}

impl Upload {
    /// As Cloud Controller's errors call it.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Upload::AppDroplet { .. } | Upload::Droplet { .. } => "droplet",
            Upload::BuildArtifacts { .. } => "buildpack cache",
        }
    }
}

/// How a client shows that it may upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadAuth {
    /// Name and password.
    Password,
    /// A client certificate, which we do not ask for.
    Certificate,
}

/// What an upload URL accepts, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadEndpoint {
    /// What comes in.
    pub(crate) upload: Upload,
    /// From whom.
    pub(crate) auth: UploadAuth,
}

/// The endpoint of a URL's path; `None` when there is none, or when a name could lead out of the blobstore.
pub(crate) fn endpoint(path: &str) -> Option<UploadEndpoint> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let (auth, rest) = match segments.as_slice() {
        ["staging", "v3", rest @ ..] => (UploadAuth::Password, rest),
        ["staging", "droplets", app, "upload"] => {
            return name(app)
                .map(|app| UploadEndpoint { upload: Upload::AppDroplet { app }, auth: UploadAuth::Password });
        }
        ["staging", "buildpack_cache", app, "upload"] => {
            let upload = Upload::BuildArtifacts { app: name(app)?, stack: None };
            return Some(UploadEndpoint { upload, auth: UploadAuth::Password });
        }
        ["internal", "v4", rest @ ..] => (UploadAuth::Certificate, rest),
        _ => return None,
    };
    let upload = match rest {
        ["droplets", guid, "upload"] => Upload::Droplet { guid: name(guid)? },
        ["buildpack_cache", stack, app, "upload"] => {
            Upload::BuildArtifacts { app: name(app)?, stack: Some(name(stack)?) }
        }
        _ => return None,
    };
    Some(UploadEndpoint { upload, auth })
}

/// The blobstore path of a droplet; `guid` is the app's or the droplet's.
pub(crate) fn droplet_path(guid: &str, sha1: &str) -> String {
    blob_path("cc-droplets", &format!("{guid}/{sha1}"))
}

/// The blobstore path of an app's build artifacts cache.
pub(crate) fn build_artifacts_path(app: &str, stack: &str) -> String {
    blob_path("cc-droplets/buildpack_cache", &format!("{app}-{stack}"))
}

fn name(text: &str) -> Option<String> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let named = text.len() >= 4 && !text.starts_with('.') && text.chars().all(fits);
    named.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_upload_url_has_its_endpoint() {
        let old = endpoint("/staging/droplets/18c50a86/upload").unwrap();
        assert_eq!(old.upload, Upload::AppDroplet { app: "18c50a86".into() });
        let cache = endpoint("/staging/buildpack_cache/18c50a86/upload").unwrap();
        assert_eq!(cache.upload, Upload::BuildArtifacts { app: "18c50a86".into(), stack: None });
        let today = endpoint("/internal/v4/droplets/5a4f0a7e/upload").unwrap();
        assert_eq!(
            today,
            UploadEndpoint { upload: Upload::Droplet { guid: "5a4f0a7e".into() }, auth: UploadAuth::Certificate }
        );
        let cache = endpoint("/staging/v3/buildpack_cache/cflinuxfs2/18c50a86/upload").unwrap();
        let stack = Some("cflinuxfs2".into());
        assert_eq!(cache.upload, Upload::BuildArtifacts { app: "18c50a86".into(), stack });
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_endpoint() {
        for guid in ["..", "../../x", "a/b", "", "....", "%2e%2e%2f", "abc"] {
            assert_eq!(endpoint(&format!("/internal/v4/droplets/{guid}/upload")), None, "{guid:?}");
            assert_eq!(endpoint(&format!("/staging/buildpack_cache/{guid}/upload")), None, "{guid:?}");
        }
    }

    #[test]
    fn blobs_lie_where_the_recorded_urls_name_them() {
        let cache = build_artifacts_path("e05638ad-cf2c-5b0e-a12c-402fd02be6cd", "cflinuxfs2");
        let recorded = "/read/cc-droplets/buildpack_cache/e0/56/e05638ad-cf2c-5b0e-a12c-402fd02be6cd-cflinuxfs2";
        assert_eq!(cache, recorded);
        assert_eq!(droplet_path("18c50a86", "d2f0"), "/read/cc-droplets/18/c5/18c50a86/d2f0");
    }
}
