//! On which root file system an app runs. Cloud Foundry runs a droplet on that of its launch request, whatever it was staged on,
//! and so does a launch, where the app's image stands on its staging's: another that a user chose for it stays. Pure.

use super::rebase::{RebaseError, suits};
use super::restage::quoted;
use crate::engine::Image;
use crate::image::app_image::{self, BASE_DIGEST, BASE_NAME, STACK};
use crate::image::rebase_plan::RebasePlan;
use crate::labels::{self, ROOTFS};
use shared_model::plain_line::escape_control;

/// What an image that stands on another root file system than its launch request wants becomes there.
#[derive(Debug)]
pub(crate) struct MovedImage {
    /// How.
    pub(crate) plan: RebasePlan,
    /// What it is called.
    pub(crate) name: String,
    /// What is said of it.
    pub(crate) note: String,
}

/// The root file system that a launch request wants, and that its app's image does not stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OtherRootfs<'a> {
    /// The stack that the request wants.
    wanted: &'a str,
    /// The stack that is below the image.
    its: &'a str,
}

impl<'a> OtherRootfs<'a> {
    /// Of a request that wants the stack `wanted` and an image that stands on `base`, if that is there. `None`: they are the same, or
    /// one of them is not known.
    pub(crate) fn new(wanted: &'a str, image: &'a Image, base: Option<&'a Image>) -> Option<Self> {
        let told = base.and_then(|base| base.labels.get(STACK)).map(String::as_str);
        let its = told.or_else(|| image.labels.get(BASE_NAME)?.strip_prefix(ROOTFS)).unwrap_or_default();
        (!wanted.is_empty() && !its.is_empty() && its != wanted).then_some(Self { wanted, its })
    }

    /// What that root file system is called.
    pub(crate) fn name(&self) -> String {
        format!("{ROOTFS}{}", self.wanted)
    }

    /// `image` on `base`, which bears that name. `None`: it is the one that the image stands on, under another name. Only an image that
    /// was made here (`is_remembered`) is moved unasked: what comes of it is remembered as one that was.
    ///
    /// # Errors
    /// What is said where the image stays on what it stands on.
    pub(crate) fn moved(
        &self,
        image: &Image,
        is_remembered: bool,
        base: Option<Image>,
    ) -> Result<Option<MovedImage>, String> {
        let Some(base) = base else { return Err(self.missing()) };
        if image.labels.get(BASE_DIGEST) == Some(&base.id.0) {
            return Ok(None);
        }
        let name = self.name();
        let label = |name: &str| image.labels.get(name).map_or("", String::as_str);
        if label(BASE_NAME) != format!("{ROOTFS}{}", label(STACK)) {
            return Err(self.chosen(label(BASE_NAME)));
        }
        if !is_remembered {
            return Err(self.of_others());
        }
        suits(image, &base, &name).map_err(|refused| format!("{}: {refused}", self.differ()))?;
        let layers = || RebaseError::Layers { image: image.id.0.clone() };
        let plan = RebasePlan::new(image, base, &name).ok_or_else(|| format!("{}: {}", self.differ(), layers()))?;
        let (app, guid, droplet) = (label(labels::APP_NAME), label(labels::APP_GUID), label(app_image::DROPLET));
        let called = app_image::name_on_stack(app, guid, droplet, self.wanted);
        let note = format!("{}; {called} is the same on {name}", self.differ());
        Ok(Some(MovedImage { plan, name: called, note }))
    }

    fn differ(&self) -> String {
        let Self { wanted, its } = self;
        let (wanted, its) = (escape_control(wanted), escape_control(its));
        format!("the launch request wants the root file system {wanted}, and the image stands on {its}")
    }

    fn missing(&self) -> String {
        let (wanted, name) = (quoted(&escape_control(self.wanted)), self.name());
        format!(
            "{}; there is no {} on this Docker Engine: `docker/build --rootfs --stack {wanted}` makes it, and the next \
             launch runs the app on it",
            self.differ(),
            escape_control(&name)
        )
    }

    fn of_others(&self) -> String {
        let name = quoted(&escape_control(&self.name()));
        format!("{}: it was not made here; `host-cli rebase APP --base {name}` puts it on the other", self.differ())
    }

    fn chosen(&self, base: &str) -> String {
        let name = self.name();
        format!(
            "{}: it was put on {}; `host-cli rebase APP --base {}` puts it on the other",
            self.differ(),
            escape_control(base),
            quoted(&escape_control(&name))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{ImageDetails, ImageId, Platform};

    fn digest(of: u8) -> String {
        format!("sha256:{}", format!("{of:02x}").repeat(32))
    }

    /// An app's image that was staged on `stack` and stands on what bears this name.
    fn image(stack: &str, base: &str) -> Image {
        let labels = [
            (STACK, stack.to_owned()),
            (BASE_NAME, base.to_owned()),
            (BASE_DIGEST, digest(1)),
            (app_image::LIFECYCLE, digest(3)[7..].to_owned()),
            (app_image::DROPLET, "0123456789abcdef".repeat(4)),
            (labels::APP_NAME, "my app".to_owned()),
            (labels::APP_GUID, "18c50a86-b045".to_owned()),
        ];
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let details = ImageDetails { layers: vec![digest(2), digest(3), digest(4)], ..ImageDetails::default() };
        Image { labels, details, ..Image::default() }
    }

    fn base(id: u8, labels: &[(&str, &str)]) -> Image {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let details = ImageDetails { layers: vec![digest(9)], ..ImageDetails::default() };
        Image { id: ImageId(digest(id)), labels, details, ..Image::default() }
    }

    #[test]
    fn an_image_that_stands_on_its_stagings_goes_to_its_launch_requests_under_a_name_of_its_own() {
        let image = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        let other = OtherRootfs::new("cflinuxfs5", &image, None).unwrap();
        assert_eq!(other.name(), "stager-rootfs:cflinuxfs5");
        let moved = other.moved(&image, true, Some(base(5, &[]))).unwrap().unwrap();
        assert_eq!(moved.name, "cf-app/my-app-18c50a86:droplet-0123456789ab-on-cflinuxfs5");
        assert!(app_image::is_on_stack(&moved.name) && !app_image::is_of_droplet(&moved.name));
        assert!(moved.note.contains("wants the root file system cflinuxfs5, and the image stands on cflinuxfs4"));
        assert_eq!(moved.plan.base.id.0, digest(5));
        assert!(other.moved(&image, true, Some(base(1, &[]))).unwrap().is_none(), "one root file system, two names");
    }

    #[test]
    fn a_stack_that_is_no_plain_word_is_quoted_in_what_is_to_be_typed() {
        let image = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        let told = OtherRootfs::new("x; rm -r ~", &image, None).unwrap().moved(&image, true, None).unwrap_err();
        assert!(told.contains("--stack 'x; rm -r ~'`"), "{told}");
    }

    #[test]
    fn what_is_below_an_image_is_what_its_root_file_system_says_or_what_that_was_called() {
        let image = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        let says = base(1, &[(STACK, "cflinuxfs3")]);
        let other = |wanted, base| OtherRootfs::new(wanted, &image, base).map(|other| other.its);
        assert_eq!(other("cflinuxfs4", None), None);
        assert_eq!(other("cflinuxfs4", Some(&says)), Some("cflinuxfs3"));
        assert_eq!(other("cflinuxfs3", Some(&says)), None);
        assert_eq!(other("", None), None);
        let nobodys = Image::default();
        assert_eq!(OtherRootfs::new("cflinuxfs4", &nobodys, None), None);
    }

    #[test]
    fn an_image_stays_where_a_user_put_it_and_where_the_other_root_file_system_is_missing_or_is_none() {
        let staged = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        let chosen = image("cflinuxfs4", "acme/cflinuxfs4:7");
        let says = base(1, &[(STACK, "cflinuxfs4")]);
        let app = base(5, &[(labels::KIND, labels::KIND_APP)]);
        let mut arm = base(5, &[]);
        arm.details.platform = Platform { architecture: "arm64".into(), ..Platform::default() };
        let mut intel = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        intel.details.platform = Platform { architecture: "amd64".into(), ..Platform::default() };
        let mut odd = image("cflinuxfs4", "stager-rootfs:cflinuxfs4");
        odd.details.layers.truncate(1);
        for (image, there, words) in [
            (&staged, None, "`docker/build --rootfs --stack cflinuxfs5` makes it"),
            (
                &chosen,
                Some(base(5, &[])),
                "put on acme/cflinuxfs4:7; `host-cli rebase APP --base stager-rootfs:cflinuxfs5`",
            ),
            (&staged, Some(app), "stager-rootfs:cflinuxfs5 is an app's image"),
            (&intel, Some(arm), "is for arm64, and the app for amd64"),
            (&odd, Some(base(5, &[])), "does not end with a lifecycle layer"),
        ] {
            let told =
                OtherRootfs::new("cflinuxfs5", image, Some(&says)).unwrap().moved(image, true, there).unwrap_err();
            assert!(told.contains(words) && told.starts_with("the launch request wants"), "{told}");
        }
    }
}
